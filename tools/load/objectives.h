/* objectives.h: what --slo asks of the latencies of a run: "p99=5ms" or "max=1s". Read-only once
 * parsed. */
#ifndef TOOLS_LOAD_OBJECTIVES_H
#define TOOLS_LOAD_OBJECTIVES_H

#include "tools/load/fine.h"

#include <stdbool.h>

struct objective {
    const char *text; /* as on the command line */
    double share;     /* of the answers; 1: all */
    uint64_t limit_ns;
};

/* False: it is none. */
bool objective_parse(const char *text, struct objective *objective);

/* What it came to. */
uint64_t objective_value_ns(const struct objective *objective, const struct fine *latency);
/* Not by a run without a good answer. */
bool objective_is_met(const struct objective *objective, const struct fine *latency);

#endif
