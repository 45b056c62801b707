/* Views into JSON, whole and broken. */
#include "core/base/json_view.h"

#include "tests/test.h"

static const char sample[] = " {\"a\": 1, \"list\" : [ 10, \"x\", {\"b\": null} ,[]], \"text\": "
                             "\"q\\\"\\u00e4\\n/\", \"t\":true}\n";

TEST(json_view, tells_json_from_what_is_none)
{
    static const char *const good[] = {
        "{}",   "[]",         " [1, 2.5e-3] ", "\"\"",
        "null", "{\"a\":{}}", "-0.5E+3",       "\"\\b\\u00e4\xc3\xa4\""};
    static const char *const bad[] = {"",
                                      "{",
                                      "[1,]",
                                      "{\"a\"}",
                                      "{a:1}",
                                      "\"\\\"",
                                      "tru",
                                      "[1 2]",
                                      "{} x",
                                      "\"\n\"",
                                      "{\"a\":}",
                                      "[1}",
                                      "{\"a\":1]",
                                      "--1",
                                      "1e",
                                      "01",
                                      ".5",
                                      "1.",
                                      "+1",
                                      "\"\\x\"",
                                      "\"\\u12\"",
                                      "\"\x7f\"",      /* DEL, */
                                      "\"\xc2\x9bm\"", /* CSI as one character, */
                                      "\"\x9bm\"",     /* the same in eight bits, */
                                      "\"\xff\""};     /* and what is no UTF-8 */
    expect(json_view_valid(bytes_of(sample)));
    for (unsigned i = 0; i < sizeof good / sizeof *good; i++) {
        expect_msg(json_view_valid(bytes_of(good[i])), "%s", good[i]);
    }
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        expect_msg(!json_view_valid(bytes_of(bad[i])), "%s", bad[i]);
    }
}

TEST(json_view, refuses_what_is_nested_too_deep)
{
    char text[200];
    memset(text, '[', 100);
    memset(text + 100, ']', 100);
    expect(!json_view_valid((struct bytes){text, 200}));
    expect(json_view_valid((struct bytes){text + 70, 60}));
}

TEST(json_view, finds_members_and_walks_lists)
{
    struct bytes value, list, key;
    expect(json_view_member(bytes_of(sample), "a", &value));
    expect_int(json_view_number(value), 1);
    expect(!json_view_member(bytes_of(sample), "b", &value));
    expect_int(value.len, 0);
    expect(json_view_member(bytes_of(sample), "list", &list));
    expect(json_view_next(&list, &key, &value));
    expect_int(json_view_number(value), 10);
    expect_int(key.len, 0);
    expect(json_view_next(&list, &key, &value) && json_view_is(value, '"'));
    expect(json_view_next(&list, &key, &value) && json_view_is(value, '{'));
    expect(json_view_next(&list, &key, &value) && json_view_is(value, '['));
    expect(!json_view_next(&list, &key, &value));
}

TEST(json_view, unescapes_and_masks_text)
{
    struct bytes value;
    char text[32], small[3];
    expect(json_view_member(bytes_of(sample), "text", &value));
    expect_int(json_view_text(value, text, sizeof text), 6);
    expect_text(text, "q\"\xc3\xa4?/");
    expect_int(json_view_text(value, small, sizeof small), 2);
    expect(json_view_member(bytes_of(sample), "t", &value));
    (void)json_view_text(value, text, sizeof text);
    expect_text(text, "true");
    (void)json_view_text(BYTES("\"\\u001b[31m\\ud800\\u20ac\""), text, sizeof text);
    expect_text(text, "?[31m?\xe2\x82\xac");
    (void)json_view_text(BYTES("\xc2\x9b"
                               "31m\x9b"
                               "31m\xff\xc3\xa4"),
                         text, sizeof text);
    expect_text(text, "?31m?31m?\xc3\xa4");
    expect_int(json_view_text(BYTES("a\xc3\xa4"), small, sizeof small), 1); /* not half of it */
}

TEST(json_view, a_member_that_is_no_text_is_an_empty_one)
{
    char text[32];
    json_view_member_text(bytes_of(sample), "text", text, sizeof text);
    expect_text(text, "q\"\xc3\xa4?/");
    json_view_member_text(bytes_of(sample), "t", text, sizeof text); /* true */
    expect_text(text, "");
    strcpy(text, "before");
    json_view_member_text(bytes_of(sample), "no such", text, sizeof text);
    expect_text(text, "");
}

TEST(json_view, numbers_saturate)
{
    expect_int(json_view_number(BYTES(" 12.9")), 12);
    expect_int(json_view_number(BYTES("-5")), 0);
    expect_int(json_view_number(BYTES("\"5\"")), 0);
    expect(json_view_number(BYTES("18446744073709551615")) == UINT64_MAX);
    expect(json_view_number(BYTES("18446744073709551616")) == UINT64_MAX);
    expect(json_view_number(BYTES("99999999999999999999999")) == UINT64_MAX);
}

TEST(json_view, stays_inside_a_text_that_is_cut_anywhere)
{
    for (size_t cut = 0; cut < sizeof sample - 3; cut++) {
        char *text = malloc(cut + 1), out[16];
        memcpy(text, sample, cut);
        struct bytes rest = {text, cut}, key, value;
        expect(!json_view_valid(rest));
        while (json_view_next(&rest, &key, &value)) {
            (void)json_view_text(value, out, sizeof out);
        }
        (void)json_view_text((struct bytes){text, cut}, out, sizeof out);
        free(text);
    }
}
