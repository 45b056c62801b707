/* Numbers in a unit that fits. */
#include "core/base/cell.h"

#include "tests/test.h"

TEST(cell, times_have_three_digits_and_a_unit)
{
    static const struct {
        double ns;
        const char *text;
    } cases[] = {
        {0, "0ns"},           {999.4, "999ns"}, {1000, "1.00us"},  {9994, "9.99us"},
        {9996, "10.0us"},     {99960, "100us"}, {999499, "999us"}, {999600, "1.00ms"},
        {12345678, "12.3ms"}, {1.5e9, "1.50s"}, {3600e9, "3600s"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        expect_text(cell_time(cases[i].ns).text, cases[i].text);
    }
}

TEST(cell, sizes_count_in_1024)
{
    expect_text(cell_size(0).text, "0B");
    expect_text(cell_size(1023).text, "1023B");
    expect_text(cell_size(1536).text, "1.50KiB");
    expect_text(cell_size(12900000).text, "12.3MiB");
    expect_text(cell_size(UINT64_MAX).text, "16.0EiB");
}

TEST(cell, shares_need_a_whole)
{
    expect_text(cell_percent(1, 8).text, "12.5%");
    expect_text(cell_percent(8, 8).text, "100.0%");
    expect_text(cell_percent(1, 0).text, "-");
}
