/* series.c: see series.h. */
#include "tools/load/series.h"

#include "core/base/check.h"
#include "tools/load/plan.h"

#include <stdlib.h>

enum { RAMP_ROWS = 20 };

void series_init(struct series *series, const struct plan *plan)
{
    *series = (struct series){.count = plan->rate.ramp        ? RAMP_ROWS
                                       : plan->rate.count > 1 ? plan->rate.count
                                                              : 0};
    series->rows = must_calloc(series->count + 1, sizeof *series->rows);
}

void series_deinit(struct series *series)
{
    free(series->rows);
}

struct series_row *series_at(const struct series *series, const struct window *window,
                             uint64_t at_ns)
{
    if (series->count == 0 || !window_has(window, at_ns)) {
        return NULL;
    }
    double share = (double)(at_ns - window->start_ns) / (double)window->length_ns;
    unsigned row = (unsigned)(share * series->count);
    return &series->rows[row < series->count ? row : series->count - 1];
}

void series_merge(struct series *to, const struct series *from)
{
    for (unsigned i = 0; i < from->count; i++) {
        to->rows[i].due += from->rows[i].due;
        to->rows[i].done += from->rows[i].done;
        fine_merge(&to->rows[i].latency, &from->rows[i].latency);
    }
}
