/* test_json_read.c: what is JSON and what is none, the limits, and text for terminals. */
#include "core/base/json_read.h"

#include "tests/test.h"

static const char sample[] = " {\"a\": 1, \"list\" : [ 10, \"x\", {\"b\": null} ,[]], \"text\": "
                             "\"q\\\"\\u00e4\\n/\", \"t\":true}\n";

static void expect_bad(struct bytes text, const char *words)
{
    char error[JSON_READ_ERROR] = "";
    expect_msg(json_read(text, error) == NULL, "%.*s", (int)text.len, text.at);
    expect_msg(strstr(error, words) != NULL, "'%s' is not in '%s'", words, error);
    expect(json_read(text, NULL) == NULL);
}

static json_t *read_good(const char *text)
{
    char error[JSON_READ_ERROR];
    json_t *root = json_read(bytes_of(text), error);
    expect_msg(root != NULL, "%s: %s", text, error);
    return root;
}

TEST(json_read, tells_json_from_what_is_none)
{
    static const char *const good[] = {
        "{}",   "[]",         " [1, 2.5e-3] ", "\"\"",
        "null", "{\"a\":{}}", "-0.5E+3",       "\"\\b\\u00e4\xc3\xa4\""};
    static const char *const bad[] = {
        "",     "{",      "[1,]",     "{\"a\"}", "{a:1}",     "\"\\\"",   "tru",        "[1 2]",
        "{} x", "\"\n\"", "{\"a\":}", "[1}",     "{\"a\":1]", "--1",      "1e",         "01",
        ".5",   "1.",     "+1",       "\"\\x\"", "\"\\u12\"", "\"\xff\"", "\"\\u0000\""};
    for (unsigned i = 0; i < sizeof good / sizeof *good; i++) {
        json_decref(read_good(good[i]));
    }
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        expect_bad(bytes_of(bad[i]), "byte ");
    }
    expect_bad(BYTES("{\"a\": 1, \"a\": 2}"), "duplicate");
    expect_bad(BYTES("[1]\0"), "byte ");
}

TEST(json_read, refuses_what_a_terminal_may_obey)
{
    expect_bad(BYTES("\"\x7f\""), "byte 1: a control character");        /* DEL, */
    expect_bad(BYTES("\"ab\xc2\x9bm\""), "byte 3: a control character"); /* CSI as one character, */
    expect_bad(BYTES("\"\x9bm\""), "byte "); /* and in eight bits, which is no UTF-8 */
    expect_bad(BYTES("\"\x1b\""), "byte 1: a control character");
}

TEST(json_read, refuses_what_is_nested_too_deep_or_too_long)
{
    char text[200], error[JSON_READ_ERROR];
    memset(text, '[', 100);
    memset(text + 100, ']', 100);
    expect_bad((struct bytes){text, 200}, "nested deeper than 32");
    json_t *root = json_read((struct bytes){text + 70, 60}, error);
    expect(root != NULL);
    json_decref(root);
    char *deep = malloc(100000); /* beyond the parser's own limit */
    memset(deep, '[', 100000);
    expect_bad((struct bytes){deep, 100000}, "depth");
    free(deep);
    expect_bad((struct bytes){text, JSON_READ_SIZE_MAX + 1}, "at most 67108864 are read");
}

TEST(json_read, takes_the_whole_part_of_a_number)
{
    static const struct {
        const char *text;
        uint64_t number;
    } cases[] = {{"12", 12},  {"12.9", 12},         {"-5", 0},
                 {"-5.5", 0}, {"\"5\"", 0},         {"true", 0},
                 {"[7]", 0},  {"1e30", UINT64_MAX}, {"9223372036854775807", INT64_MAX}};
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *root = read_good(cases[i].text);
        expect_msg(json_read_number(root) == cases[i].number, "%s", cases[i].text);
        json_decref(root);
    }
    json_t *root = read_good("[18446744073709551615, 7, 99999999999999999999999]");
    expect(json_read_number(json_array_get(root, 0)) == UINT64_MAX);
    expect_int(json_read_number(json_array_get(root, 1)), 7);
    expect(json_read_number(json_array_get(root, 2)) == UINT64_MAX);
    json_decref(root);
    root = read_good(sample);
    expect_int(json_read_count(root, "a"), 1);
    expect_int(json_read_count(root, "text"), 0);
    expect_int(json_read_count(root, "no such"), 0);
    expect_int(json_read_count(NULL, "a"), 0);
    json_decref(root);
}

TEST(json_read, masks_and_cuts_text)
{
    char text[32], small[3];
    json_t *root = read_good(sample);
    expect_int(json_read_word(root, "text", text, sizeof text), 6);
    expect_text(text, "q\"\xc3\xa4?/");
    expect_int(json_read_word(root, "text", small, sizeof small), 2);
    expect_int(json_read_word(root, "t", text, sizeof text), 0); /* true */
    expect_text(text, "");
    expect_int(json_read_word(root, "no such", text, sizeof text), 0);
    expect_text(text, "");
    json_decref(root);
    root = read_good("[\"\\u001b[31m\\u009b\\u20ac\", \"a\xc3\xa4\"]");
    (void)json_read_text(json_array_get(root, 0), text, sizeof text);
    expect_text(text, "?[31m?\xe2\x82\xac");
    expect_int(json_read_text(json_array_get(root, 1), small, sizeof small),
               1); /* not half of it */
    json_decref(root);
}

TEST(json_read, refuses_a_text_that_is_cut_anywhere)
{
    for (size_t cut = 0; cut < sizeof sample - 3; cut++) {
        char *text = malloc(cut + 1); /* of this size, so that a read behind it is seen */
        memcpy(text, sample, cut);
        expect_bad((struct bytes){text, cut}, "byte ");
        free(text);
    }
}
