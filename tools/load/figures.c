/* figures.c: see figures.h. */
#include "tools/load/figures.h"

#include <stdio.h>
#include <string.h>

static void figures_scaled(double value, const char *const *units, char out[FIGURE_TEXT])
{
    unsigned i = 0;
    while (value >= 999.5 && units[i + 1] != NULL) {
        value /= 1000;
        i++;
    }
    int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    snprintf(out, FIGURE_TEXT, "%.*f%s", decimals, value, units[i]);
}

void figure_time(uint64_t ns, char out[FIGURE_TEXT])
{
    static const char *const units[] = {"us", "ms", "s", NULL};
    figures_scaled((double)ns / 1000, units, out);
}

void figure_count(uint64_t count, char out[FIGURE_TEXT])
{
    char digits[FIGURE_TEXT];
    int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count);
    char *to = out;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0) {
            *to++ = ',';
        }
        *to++ = digits[i];
    }
    *to = '\0';
}

void figure_bytes(double bytes, char out[FIGURE_TEXT])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", NULL};
    figures_scaled(bytes, units, out);
}
