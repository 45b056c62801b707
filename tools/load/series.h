/* series.h: what came out as the rate changed: a row for each step of the rate, or for each
 * twentieth of a ramp. Filled by the drive; one thread.
 */
#ifndef TOOLS_LOAD_SERIES_H
#define TOOLS_LOAD_SERIES_H

#include "tools/load/fine.h"
#include "tools/load/window.h"

struct plan;

struct series_row {
    uint64_t due, done;  /* requests that were due, answers that came in this part of the window */
    struct fine latency; /* of what was due, from then on */
};

struct series {
    unsigned count;          /* 0: the rate is the same all the time */
    struct series_row *rows; /* malloc'd */
};

void series_init(struct series *series, const struct plan *plan);
void series_deinit(struct series *series);
/* The row of a moment of the window; NULL: there is none. */
struct series_row *series_at(const struct series *series, const struct window *window,
                             uint64_t at_ns);
/* Adds what another thread has found. */
void series_merge(struct series *to, const struct series *from);

#endif
