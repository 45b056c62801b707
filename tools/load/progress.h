/* progress.h: a line that says how the run is going, rewritten each second; on a terminal only. */
#ifndef TOOLS_LOAD_PROGRESS_H
#define TOOLS_LOAD_PROGRESS_H

#include "tools/load/plan.h"
#include "tools/load/results.h"

#include <stdio.h>

struct progress {
    const struct plan *plan;
    FILE *out; /* NULL: no progress is shown */
    uint64_t done_before;
    bool shown;
};

void progress_init(struct progress *progress, const struct plan *plan, FILE *out);
/* At the end of a second of the window, which is results->second. */
void progress_show(struct progress *progress, const struct results *results, uint64_t pending,
                   double at_s);
/* Wipes the line. */
void progress_end(struct progress *progress);

#endif
