/* cell.h: numbers as people read them in a table: in a unit that fits, with three digits. Any
 * thread.
 */
#ifndef CORE_BASE_CELL_H
#define CORE_BASE_CELL_H

#include <stdint.h>

enum { CELL = 16 };

/* By value, so that several can stand in one call of printf. */
struct cell {
    char text[CELL];
};

/* "999ns", "12.3us", "1.50ms", "60.0s" */
struct cell cell_time(double ns);
/* "999B", "1.50KiB", "12.3MiB" */
struct cell cell_size(uint64_t bytes);
/* "12.5%", or "-" where there is no whole. */
struct cell cell_percent(double part, double whole);

#endif
