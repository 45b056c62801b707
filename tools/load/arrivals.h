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
#include "tools/load/rate.h"

#include <stdbool.h>
#include <stdint.h>

/* ARRIVALS_BURST: several at a time, the bursts as a Poisson process. */
enum arrivals_kind { ARRIVALS_POISSON, ARRIVALS_CONSTANT, ARRIVALS_BURST };

/* What --arrivals says. */
struct arrivals_form {
    enum arrivals_kind kind;
    unsigned burst; /* requests of a burst; 1 where there are none */
};
enum { ARRIVALS_BURST_MAX = 100000 };

/* "poisson", "constant", "burst:K"; false for anything else. */
bool arrivals_parse(const char *text, struct arrivals_form *form);

struct arrivals {
    struct arrivals_form form;
    const struct rate_curve *curve; /* of all threads together */
    struct random_source random;
    struct seat seat;
    uint64_t start_ns;
    double position; /* of the last one: how many requests of all threads are due by then */
    uint64_t count;  /* given out */
};

void arrivals_begin(struct arrivals *arrivals, struct arrivals_form form,
                    const struct rate_curve *curve, uint64_t seed, struct seat seat,
                    uint64_t start_ns);

/* The next due time, never before the one before it. Constant arrivals begin at the start, Poisson
 * arrivals one gap after it.
 *
 * Of several threads each has its part, and knows nothing of the others: constant arrivals are dealt
 * out in turn, and Poisson streams that are independent add up to a Poisson stream. A rate that
 * changes stretches and squeezes the times of a constant one (a Poisson process stays one). */
uint64_t arrivals_next(struct arrivals *arrivals);

#endif
