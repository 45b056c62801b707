/* Whole numbers as text. */
#include "core/base/decimal.h"

#include "tests/test.h"

#include <inttypes.h>

TEST(decimal, writes_the_digits_that_printf_writes)
{
    uint64_t value = 0;
    do {
        char text[DECIMAL_MAX + 1], want[DECIMAL_MAX + 1];
        for (uint64_t near = value > 0 ? value - 1 : 0; near <= value + 1; near++) {
            snprintf(want, sizeof want, "%" PRIu64, near);
            text[decimal_put(text, near)] = '\0';
            expect_text(text, want);
        }
        value = value == 0 ? 1 : value * 10;
    } while (value < 10000000000000000000u);
}

TEST(decimal, writes_the_largest_number_and_nothing_behind_it)
{
    char text[DECIMAL_MAX + 1];
    memset(text, '!', sizeof text);
    expect_int(decimal_put(text, UINT64_MAX), DECIMAL_MAX);
    expect(memcmp(text, "18446744073709551615!", sizeof text) == 0);
    expect_int(decimal_put(text, 7), 1);
    expect(memcmp(text, "78446744073709551615!", sizeof text) == 0);
}
