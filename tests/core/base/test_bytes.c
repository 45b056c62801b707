/* test_bytes.c: views of bytes and walking a list of tokens. */
#include "core/base/bytes.h"

#include "tests/test.h"

TEST(bytes, looks_at_memory_it_does_not_own)
{
    char text[] = "abc";
    struct bytes view = bytes_of(text);
    text[1] = 'X';
    expect_bytes(view, "aXc");
    expect_int(BYTES("four").len, 4);
    expect_int(BYTES("nul\0inside").len, 10);
}

TEST(bytes, equal_compares_length_then_content)
{
    expect(bytes_equal(BYTES("abc"), BYTES("abc")));
    expect(!bytes_equal(BYTES("abc"), BYTES("abd")));
    expect(!bytes_equal(BYTES("abc"), BYTES("abcd")));
    expect(!bytes_equal(BYTES("a\0b"), BYTES("a\0c")));
    expect(!bytes_equal(BYTES("abc"), BYTES("ABC")));
}

TEST(bytes, empty_views_are_equal_without_memory)
{
    struct bytes nothing = {NULL, 0};
    expect(bytes_equal(nothing, BYTES("")));
    expect(bytes_equal_nocase(nothing, BYTES("")));
    expect(bytes_start_with(nothing, nothing));
    expect_int(bytes_trim(nothing).len, 0);
}

TEST(bytes, nocase_ignores_the_case_of_letters_only)
{
    expect(bytes_equal_nocase(BYTES("Keep-Alive"), BYTES("kEEP-aLIVE")));
    expect(!bytes_equal_nocase(BYTES("close"), BYTES("closed")));
    expect(!bytes_equal_nocase(BYTES("chunk\0d"), BYTES("chunked")));
    expect(!bytes_equal_nocase(BYTES("@"), BYTES("`")));
    expect(!bytes_equal_nocase(BYTES("["), BYTES("{")));
}

TEST(bytes, start_with_needs_the_whole_start)
{
    expect(bytes_start_with(BYTES("/synthetic/spin"), BYTES("/synthetic")));
    expect(bytes_start_with(BYTES("/"), BYTES("/")));
    expect(bytes_start_with(BYTES("/"), BYTES("")));
    expect(!bytes_start_with(BYTES("/syn"), BYTES("/synthetic")));
    expect(!bytes_start_with(BYTES("/Synthetic"), BYTES("/synthetic")));
}

TEST(bytes, trim_takes_spaces_and_tabs_off_both_ends)
{
    expect_bytes(bytes_trim(BYTES(" \t a b \t ")), "a b");
    expect_bytes(bytes_trim(BYTES("a")), "a");
    expect_bytes(bytes_trim(BYTES(" \t ")), "");
    expect_bytes(bytes_trim(BYTES("\r\na\r\n")), "\r\na\r\n");
}

TEST(bytes, next_member_walks_a_list)
{
    struct bytes list = BYTES("close, Upgrade\t,keep-alive"), member;
    expect(bytes_next_member(&list, &member));
    expect_bytes(member, "close");
    expect(bytes_next_member(&list, &member));
    expect_bytes(member, "Upgrade");
    expect(bytes_next_member(&list, &member));
    expect_bytes(member, "keep-alive");
    expect(!bytes_next_member(&list, &member));
    expect(!bytes_next_member(&list, &member));
}

TEST(bytes, next_member_skips_empty_members)
{
    struct bytes list = BYTES(" ,, a ,\t, ,b,"), member;
    expect(bytes_next_member(&list, &member));
    expect_bytes(member, "a");
    expect(bytes_next_member(&list, &member));
    expect_bytes(member, "b");
    expect(!bytes_next_member(&list, &member));
}

TEST(bytes, next_member_of_nothing_is_false)
{
    const char *const empty[] = {"", " ", ",", " , ,\t"};
    for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
        struct bytes list = bytes_of(empty[i]), member;
        expect_msg(!bytes_next_member(&list, &member), "a member in \"%s\"", empty[i]);
        expect_int(list.len, 0);
    }
}
