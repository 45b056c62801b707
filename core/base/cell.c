/* cell.c: times, sizes and shares as texts of a few characters. See cell.h. */
#include "core/base/cell.h"

#include <stdio.h>

/* Three significant digits: 9.99, 99.9, 999. */
static struct cell cell_scaled(double value, const char *unit)
{
    struct cell cell;
    int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    (void)snprintf(cell.text, sizeof cell.text, "%.*f%s", decimals, value, unit);
    return cell;
}

struct cell cell_time(double ns)
{
    if (ns < 999.5) {
        struct cell cell;
        (void)snprintf(cell.text, sizeof cell.text, "%.0fns", ns);
        return cell;
    }
    if (ns < 999.5e3) {
        return cell_scaled(ns / 1e3, "us");
    }
    return ns < 999.5e6 ? cell_scaled(ns / 1e6, "ms") : cell_scaled(ns / 1e9, "s");
}

struct cell cell_size(uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    unsigned unit = 0;
    while (value >= 1023.5 && unit < sizeof units / sizeof *units - 1) {
        value /= 1024;
        unit++;
    }
    if (unit == 0) {
        struct cell cell;
        (void)snprintf(cell.text, sizeof cell.text, "%.0fB", value);
        return cell;
    }
    return cell_scaled(value, units[unit]);
}

struct cell cell_percent(double part, double whole)
{
    struct cell cell = {"-"};
    if (whole > 0) {
        (void)snprintf(cell.text, sizeof cell.text, "%.1f%%", 100 * part / whole);
    }
    return cell;
}
