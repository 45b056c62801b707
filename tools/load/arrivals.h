/* arrivals.h: when requests are due: the schedule of an open loop, fixed before any of them is
 * sent.
 *
 * Due times depend on the seed alone, never on what the server does: that is what makes the loop
 * open. Kept as an offset in floating point: a rounding at each step would make the rate wrong by
 * up to half a nanosecond a request, 0.05 % at a million a second.
 */
#ifndef TOOLS_LOAD_ARRIVALS_H
#define TOOLS_LOAD_ARRIVALS_H

#include "tools/load/random_source.h"

#include <stdint.h>

/* In the order of the words of --arrivals. */
enum arrivals_kind { ARRIVALS_POISSON, ARRIVALS_CONSTANT };

struct arrivals {
    enum arrivals_kind kind;
    struct random_source random;
    double mean_ns; /* between two requests */
    uint64_t start_ns;
    double offset_ns; /* of the last one given out */
    uint64_t count;   /* given out */
};

/* `rate` is requests a second, above 0. */
void arrivals_begin(struct arrivals *arrivals, enum arrivals_kind kind, double rate, uint64_t seed,
                    uint64_t start_ns);

/* The next due time, never before the one before it. Constant arrivals begin at the start, Poisson
 * arrivals one gap after it. */
uint64_t arrivals_next(struct arrivals *arrivals);

#endif
