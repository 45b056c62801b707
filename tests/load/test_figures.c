/* test_figures.c: numbers as people read them. */
#include "tools/load/figures.h"

#include "tests/test.h"

static char text[FIGURE_TEXT];

static const char *time_of(uint64_t ns)
{
    figure_time(ns, text);
    return text;
}

static const char *count_of(uint64_t count)
{
    figure_count(count, text);
    return text;
}

static const char *bytes_of_figure(double bytes)
{
    figure_bytes(bytes, text);
    return text;
}

TEST(figures, of_times_have_three_digits)
{
    expect_text(time_of(0), "0.00us");
    expect_text(time_of(999), "1.00us");
    expect_text(time_of(85340), "85.3us");
    expect_text(time_of(999400), "999us");
    expect_text(time_of(999500), "1.00ms");
    expect_text(time_of(123456789), "123ms");
    expect_text(time_of(3600000000000), "3600s");
}

TEST(figures, of_counts_are_in_groups)
{
    expect_text(count_of(0), "0");
    expect_text(count_of(999), "999");
    expect_text(count_of(1000), "1,000");
    expect_text(count_of(12345678), "12,345,678");
    expect_text(count_of(UINT64_MAX), "18,446,744,073,709,551,615");
}

TEST(figures, of_bytes_have_a_unit)
{
    expect_text(bytes_of_figure(13), "13.0B");
    expect_text(bytes_of_figure(1250000), "1.25MB");
}
