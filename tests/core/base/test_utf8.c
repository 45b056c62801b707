/* Characters of text that need not be trusted. */
#include "core/base/utf8.h"

#include "tests/test.h"

TEST(utf8, knows_well_formed_sequences)
{
    expect_int(utf8_sequence(BYTES("a")), 1);
    expect_int(utf8_sequence(BYTES("\xc3\xa4x")), 2);
    expect_int(utf8_sequence(BYTES("\xe2\x82\xacx")), 3);
    expect_int(utf8_sequence(BYTES("\xf0\x9f\x98\x80")), 4);
}

TEST(utf8, refuses_all_others)
{
    static const char *const bad[] = {
        "",                 /* nothing */
        "\x80",             /* a continuation byte */
        "\xc0\x80",         /* longer than need be */
        "\xe0\x9f\xbf",     /* the same */
        "\xed\xa0\x80",     /* half of a pair */
        "\xf4\x90\x80\x80", /* above U+10FFFF */
        "\xc3",             /* cut */
        "\xe2\x82",         /* the same */
        "\xe2\x82x",        /* another character inside */
        "\xff",
    };
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        expect_msg(utf8_sequence(bytes_of(bad[i])) == 0, "%u", i);
    }
}

TEST(utf8, knows_control_characters)
{
    expect(utf8_is_control(BYTES("\x1b[0m")) && utf8_is_control(BYTES("\x7f")));
    expect(utf8_is_control(BYTES("\xc2\x80")) && utf8_is_control(BYTES("\xc2\x9b")));
    expect(!utf8_is_control(BYTES("\xc2\xa0")) && !utf8_is_control(BYTES("\xc2")));
    expect(!utf8_is_control(BYTES(" ")) && !utf8_is_control(BYTES("")));
}
