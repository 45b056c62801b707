/* test_http_line.c: characters, line ends, field names and numbers. */
#include "core/http/line.h"
#include "tests/test.h"

#include <ctype.h>

static bool among(int c, const char *set)
{
    return c != 0 && strchr(set, c) != NULL;
}

TEST(line, classes_of_characters_are_those_of_the_grammar)
{
    for (int c = 0; c < 256; c++) {
        bool alnum = c < 128 && isalnum(c);
        unsigned class = http_chars[c];
        expect_int((class & CHAR_TOKEN) != 0, alnum || among(c, "!#$%&'*+-.^_`|~"));
        expect_int((class & CHAR_TARGET) != 0, alnum || among(c, "-._~:/?[]@!$&'()*+,;=%"));
        expect_int((class & CHAR_HOST) != 0, alnum || among(c, "-._~!$&'()*+,;="));
        expect_int((class & CHAR_HEX) != 0, c < 128 && isxdigit(c));
    }
}

static enum line_end scan(struct bytes text, size_t *scanned)
{
    *scanned = 0;
    return http_line_scan(text.at, scanned, text.len);
}

TEST(line, ends_at_cr_lf_only)
{
    size_t at;
    expect_int(scan(BYTES("abc\r\nmore\r\n"), &at), LINE_WHOLE);
    expect_int(at, 5);
    expect_int(scan(BYTES("\r\n"), &at), LINE_WHOLE);
    expect_int(at, 2);
    expect_int(scan(BYTES("abc\ndef\r\n"), &at), LINE_BARE_LF);
    expect_int(at, 3);
    expect_int(scan(BYTES("abc\rdef\r\n"), &at), LINE_BARE_CR);
    expect_int(at, 3);
    expect_int(scan(BYTES("abc\r\r\n"), &at), LINE_BARE_CR);
    expect_int(scan(BYTES("abc\0def\r\n"), &at), LINE_CONTROL);
    expect_int(scan(BYTES("abc\177def\r\n"), &at), LINE_CONTROL);
    expect_int(scan(BYTES("a\tb \x80\xff\r\n"), &at), LINE_WHOLE);
}

TEST(line, goes_on_where_it_stopped)
{
    struct bytes text = BYTES("name: value\tand more\r\n");
    size_t at = 0;
    for (size_t end = 0; end < text.len; end++) {
        expect_int(http_line_scan(text.at, &at, end), LINE_OPEN);
        expect(at <= end && at + 1 >= end);
    }
    expect_int(http_line_scan(text.at, &at, text.len), LINE_WHOLE);
    expect_int(at, text.len);
}

TEST(line, finds_a_control_character_at_every_place_of_a_word)
{
    for (int c = 0; c < 256; c++) {
        bool stops = (c < 0x20 && c != '\t') || c == 0x7f;
        for (size_t place = 0; place < 24; place++) {
            char text[24];
            size_t at = 0;
            memset(text, place % 2 == 0 ? 'a' : '\xff', sizeof(text));
            text[place] = (char)c;
            enum line_end found = http_line_scan(text, &at, sizeof(text));
            bool cr_at_end = c == '\r' && place == sizeof(text) - 1;
            expect_int(found != LINE_OPEN, stops && !cr_at_end);
            expect_int(at, stops ? place : sizeof(text));
        }
    }
}

TEST(line, wants_a_token_and_a_colon_of_a_field)
{
    expect(http_field_fault(BYTES("Host: a")) == NULL);
    expect(http_field_fault(BYTES("x:")) == NULL);
    expect(http_field_fault(BYTES("!#$%&'*+-.^_`|~: odd but a token")) == NULL);
    expect_text(http_field_fault(BYTES(" folded")), "folded field line (RFC 9112 5.2)");
    expect_text(http_field_fault(BYTES("Host : a")),
                "white space before the colon of a field (RFC 9112 5.1)");
    expect(http_field_fault(BYTES("Host\t: a")) != NULL);
    expect(http_field_fault(BYTES("Host")) != NULL);
    expect(http_field_fault(BYTES(": a")) != NULL);
    expect(http_field_fault(BYTES("")) != NULL);
    expect(http_field_fault(BYTES("a(b): c")) != NULL);
    expect(http_field_fault(BYTES("a\xc3\xa4: c")) != NULL);
}

TEST(line, reads_decimal_numbers_without_overflow)
{
    unsigned long long value = 7;
    expect(http_decimal(BYTES("0"), &value) && value == 0);
    expect(http_decimal(BYTES("00042"), &value) && value == 42);
    expect(http_decimal(BYTES("18446744073709551615"), &value) && value == 18446744073709551615ull);
    expect(!http_decimal(BYTES("18446744073709551616"), &value));
    expect(!http_decimal(BYTES("99999999999999999999999"), &value));
    expect(!http_decimal(BYTES(""), &value));
    expect(!http_decimal(BYTES("+1"), &value));
    expect(!http_decimal(BYTES("-1"), &value));
    expect(!http_decimal(BYTES("1 "), &value));
    expect(!http_decimal(BYTES("0x1"), &value));
}

TEST(line, reads_hexadecimal_digits)
{
    const char *digits = "0123456789abcdef", *upper = "0123456789ABCDEF";
    for (unsigned i = 0; i < 16; i++) {
        expect_int(http_hex_value(digits[i]), i);
        expect_int(http_hex_value(upper[i]), i);
    }
}
