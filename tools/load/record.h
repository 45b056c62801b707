/* record.h: what became of a request, written into the results. One thread. */
#ifndef TOOLS_LOAD_RECORD_H
#define TOOLS_LOAD_RECORD_H

#include "tools/load/connection.h"
#include "tools/load/results.h"

/* The part of a run that is measured, CLOCK_MONOTONIC. */
struct window {
    uint64_t start_ns, end_ns;
};

static inline bool window_has(const struct window *window, uint64_t ns)
{
    return ns >= window->start_ns && ns < window->end_ns;
}

/* Once for each shot that has ended, well or badly. */
void record_outcome(struct results *results, const struct window *window, const struct shot *shot,
                    const struct outcome *outcome);

#endif
