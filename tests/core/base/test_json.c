/* test_json.c: what json.h writes, byte by byte. */
#include "core/base/json.h"

#include "tests/test.h"

#include <math.h>

static char text[4096];

static FILE *begin(struct json *json)
{
    memset(text, 0, sizeof(text));
    FILE *out = fmemopen(text, sizeof(text), "w");
    json_begin(json, out);
    return out;
}

/* What a single string becomes, without the brackets around it. */
static const char *written(const char *value)
{
    struct json json;
    FILE *out = begin(&json);
    json_text(&json, NULL, value);
    fclose(out);
    return text;
}

static const char *written_real(double value)
{
    struct json json;
    FILE *out = begin(&json);
    json_decimal(&json, NULL, value);
    fclose(out);
    return text;
}

TEST(json, puts_members_of_the_outer_levels_on_lines)
{
    struct json json;
    FILE *out = begin(&json);
    json_begin_object(&json, NULL);
    json_number(&json, "none", 0);
    json_number(&json, "ten", 10);
    json_number(&json, "max", UINT64_MAX);
    json_signed(&json, "min", INT64_MIN);
    json_begin_array(&json, "list");
    json_begin_object(&json, NULL);
    json_bool(&json, "a", true);
    json_text(&json, "b", NULL);
    json_end(&json);
    json_bool(&json, NULL, false);
    json_end(&json);
    json_begin_object(&json, "empty");
    json_end(&json);
    json_end(&json);
    fclose(out);
    expect_text(text, "{\n"
                      "  \"none\": 0,\n"
                      "  \"ten\": 10,\n"
                      "  \"max\": 18446744073709551615,\n"
                      "  \"min\": -9223372036854775808,\n"
                      "  \"list\": [\n"
                      "    {\"a\": true, \"b\": null},\n"
                      "    false\n"
                      "  ],\n"
                      "  \"empty\": {}\n"
                      "}\n");
}

TEST(json, escapes_quotes_backslashes_and_control_characters)
{
    expect_text(written("a\"b\\c\n\x01\x7f/\xc2\x9b"),
                "\"a\\\"b\\\\c\\u000a\\u0001\\u007f/\\u009b\"");
}

TEST(json, escapes_keys_too)
{
    struct json json;
    FILE *out = begin(&json);
    json_begin_object(&json, NULL);
    json_number(&json, "a\"", 1);
    json_end(&json);
    fclose(out);
    expect_text(text, "{\n  \"a\\\"\": 1\n}\n");
}

TEST(json, keeps_well_formed_utf8)
{
    const char *all = "\xc2\xa0 \xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xf0\x90\x80\x80 "
                      "\xf4\x8f\xbf\xbf";
    char quoted[64];
    snprintf(quoted, sizeof(quoted), "\"%s\"", all);
    expect_text(written(all), quoted);
}

#define BAD "\xef\xbf\xbd"

TEST(json, replaces_what_is_no_utf8)
{
    expect_text(written("\x80"), "\"" BAD "\"");
    expect_text(written("\xc1\xbf"), "\"" BAD BAD "\"");                   /* overlong */
    expect_text(written("\xe0\x9f\xbf"), "\"" BAD BAD BAD "\"");           /* overlong */
    expect_text(written("\xed\xa0\x80"), "\"" BAD BAD BAD "\"");           /* a surrogate */
    expect_text(written("\xf4\x90\x80\x80x"), "\"" BAD BAD BAD BAD "x\""); /* above 10FFFF */
    expect_text(written("\xff"
                        "a"),
                "\"" BAD "a\"");
}

TEST(json, stops_at_the_end_of_a_cut_sequence)
{
    expect_text(written("a\xf0\x90\x80"), "\"a" BAD BAD BAD "\"");
    expect_text(written("\xe2"), "\"" BAD "\"");
}

TEST(json, writes_reals_that_read_back)
{
    expect_text(written_real(0.1), "0.1");
    expect_text(written_real(-2.5e-9), "-2.5e-09");
    double third = 1.0 / 3.0;
    expect(fabs(strtod(written_real(third), NULL) - third) == 0.0);
}

TEST(json, has_null_for_what_is_no_number)
{
    expect_text(written_real(NAN), "null");
    expect_text(written_real(INFINITY), "null");
    expect_text(written_real(-INFINITY), "null");
}
