/* arrivals.c: constant and exponential gaps. See arrivals.h. */
#include "tools/load/arrivals.h"

#include "core/base/clock.h"

#include <math.h>

enum { ARRIVALS_STREAM = 1 };

void arrivals_begin(struct arrivals *arrivals, enum arrivals_kind kind, double rate, uint64_t seed,
                    uint64_t start_ns)
{
    *arrivals =
        (struct arrivals){.kind = kind, .mean_ns = (double)NS_PER_S / rate, .start_ns = start_ns};
    random_seed(&arrivals->random, seed, ARRIVALS_STREAM);
}

uint64_t arrivals_next(struct arrivals *arrivals)
{
    if (arrivals->kind == ARRIVALS_CONSTANT) {
        arrivals->offset_ns = (double)arrivals->count * arrivals->mean_ns;
    } else {
        arrivals->offset_ns -= log(random_unit(&arrivals->random)) * arrivals->mean_ns;
    }
    arrivals->count++;
    return arrivals->start_ns + (uint64_t)arrivals->offset_ns;
}
