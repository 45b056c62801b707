/* Range against a representation of some length. */
#include "core/http/ranges.h"

#include "tests/test.h"

#include <stdio.h>

/* "first+len first+len", or "whole" or "none". */
static const char *read(const char *value, uint64_t length)
{
    static char text[1024];
    struct ranges ranges;
    enum ranges_verdict verdict = ranges_read(bytes_of(value), length, &ranges);
    if (verdict != RANGES_SOME) {
        return verdict == RANGES_WHOLE ? "whole" : "none";
    }
    size_t len = 0;
    for (unsigned i = 0; i < ranges.count; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%llu+%llu", i > 0 ? " " : "",
                                (unsigned long long)ranges.at[i].first,
                                (unsigned long long)ranges.at[i].len);
    }
    return text;
}

TEST(ranges, follows_the_table)
{
    static const struct {
        const char *value;
        uint64_t length;
        const char *expected;
    } cases[] = {
        {"bytes=0-0", 10, "0+1"},
        {"bytes=0-9", 10, "0+10"},
        {"bytes=2-4", 10, "2+3"},
        {"BYTES=2-4", 10, "2+3"},
        {"bytes=5-", 10, "5+5"},
        {"bytes=5-99", 10, "5+5"},
        {"bytes=9-18446744073709551615", 10, "9+1"},
        {"bytes=9-99999999999999999999999999", 10, "9+1"},
        {"bytes=-3", 10, "7+3"},
        {"bytes=-10", 10, "0+10"},
        {"bytes=-11", 10, "0+10"},
        {"bytes=-99999999999999999999999999", 10, "0+10"},
        {"bytes=0-18446744073709551615", UINT64_MAX, "0+18446744073709551615"},
        /* several */
        {"bytes=0-0,-1", 10, "0+1 9+1"},
        {"bytes= 7-8 ,, 1-2\t, 4-4 ", 10, "7+2 1+2 4+1"},
        {"bytes=0-1,20-30", 10, "0+2"},
        {"bytes=0-1,2-3", 10, "0+2 2+2"},
        /* nothing of it is there */
        {"bytes=10-", 10, "none"},
        {"bytes=10-20", 10, "none"},
        {"bytes=-0", 10, "none"},
        {"bytes=99999999999999999999999999-", 10, "none"},
        {"bytes=10-20,-0", 10, "none"},
        /* an empty representation */
        {"bytes=0-", 0, "whole"},
        {"bytes=-1", 0, "whole"},
        /* malformed */
        {"", 10, "whole"},
        {"bytes", 10, "whole"},
        {"bytes=", 10, "whole"},
        {"bytes=,", 10, "whole"},
        {"bytes=-", 10, "whole"},
        {"bytes=a-b", 10, "whole"},
        {"bytes=1", 10, "whole"},
        {"bytes=4-2", 10, "whole"},
        {"bytes=1-2-3", 10, "whole"},
        {"bytes=--1", 10, "whole"},
        {"bytes=+1-2", 10, "whole"},
        {"bytes=1 -2", 10, "whole"},
        {"bytes=0-1,x", 10, "whole"},
        {"lines=0-1", 10, "whole"},
        {"bytes 0-1", 10, "whole"},
        /* overlapping */
        {"bytes=0-5,5-6", 10, "whole"},
        {"bytes=0-,0-,0-", 10, "whole"},
        {"bytes=3-4,0-9", 10, "whole"},
        {"bytes=5-,-1", 10, "whole"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *got = read(cases[i].value, cases[i].length);
        expect_msg(strcmp(got, cases[i].expected) == 0, "\"%s\" of %llu: %s, expected %s",
                   cases[i].value, (unsigned long long)cases[i].length, got, cases[i].expected);
    }
}

/* "bytes=0-0,2-2,4-4…" */
static const char *many(unsigned count)
{
    static char value[1024];
    size_t len = (size_t)snprintf(value, sizeof value, "bytes=");
    for (unsigned i = 0; i < count; i++) {
        len += (size_t)snprintf(value + len, sizeof value - len, "%u-%u,", 2 * i, 2 * i);
    }
    return value;
}

TEST(ranges, takes_sixteen_and_no_more)
{
    struct ranges ranges;
    expect_int(ranges_read(bytes_of(many(RANGES_MAX)), 1000, &ranges), RANGES_SOME);
    expect_int(ranges.count, RANGES_MAX);
    expect_text(read(many(RANGES_MAX + 1), 1000), "whole");
    expect_text(read(many(RANGES_MAX + 1), 1), "whole");
}
