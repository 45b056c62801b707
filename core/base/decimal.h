/* decimal.h: whole numbers as text, where snprintf() would be too slow. Any thread. */
#ifndef CORE_BASE_DECIMAL_H
#define CORE_BASE_DECIMAL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { DECIMAL_MAX = 20 }; /* the digits of 2^64 - 1 */

/* Writes the digits of `value`, without a NUL behind them, and returns how many. */
static inline size_t decimal_put(char out[DECIMAL_MAX], uint64_t value)
{
    char digits[DECIMAL_MAX];
    size_t first = sizeof digits;
    do {
        digits[--first] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    memcpy(out, digits + first, sizeof digits - first);
    return sizeof digits - first;
}

#endif
