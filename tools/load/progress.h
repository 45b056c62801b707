/* progress.h: a line that says how the run is going, rewritten each second; on a terminal only. */
#ifndef TOOLS_LOAD_PROGRESS_H
#define TOOLS_LOAD_PROGRESS_H

#include "tools/load/fine.h"
#include "tools/load/plan.h"

#include <stdio.h>

/* Answers in the window, requests that wait for a connection now, errors. */
struct progress_counts {
    uint64_t done, waiting, errors;
};

struct progress {
    const struct plan *plan;
    FILE *out; /* NULL: no progress is shown */
    uint64_t done_before;
    bool shown;
};

void progress_init(struct progress *progress, const struct plan *plan, FILE *out);
/* At the end of a second of the window: its latencies, and what there is so far. */
void progress_show(struct progress *progress, const struct fine *second,
                   struct progress_counts counts, double at_s);
/* Wipes the line. */
void progress_end(struct progress *progress);

#endif
