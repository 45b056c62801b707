/* arrivals.h: when requests are due: the schedule of an open loop, fixed before any of them is
 * sent.
 *
 * Due times depend on the seed alone, never on what the server does: that is what makes the loop
 * open. Counted in requests, in floating point: a rounding at each step would make the rate wrong by
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
    struct seat seat;
    double mean_ns; /* between two requests of all threads */
    uint64_t start_ns;
    double position; /* of the last one: how many requests of all threads are due by then */
    uint64_t count;  /* given out */
};

/* `rate` is requests a second of all threads together, above 0. */
void arrivals_begin(struct arrivals *arrivals, enum arrivals_kind kind, double rate, uint64_t seed,
                    struct seat seat, uint64_t start_ns);

/* The next due time, never before the one before it. Constant arrivals begin at the start, Poisson
 * arrivals one gap after it.
 *
 * Of several threads each has its part, and knows nothing of the others: constant arrivals are dealt
 * out in turn, and Poisson streams that are independent add up to a Poisson stream. */
uint64_t arrivals_next(struct arrivals *arrivals);

#endif
