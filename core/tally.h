/* tally.h: what one thread counts and measures, and the report made of all threads' tallies.
 *
 * Each stage thread owns one tally and is the only one to write it; reports read all of them at any time (relaxed
 * atomics: a sum may lag by the last few events, and is exact once the threads have ended).
 */
#ifndef CORE_TALLY_H
#define CORE_TALLY_H

#include "core/exchange.h"
#include "core/histogram.h"
#include "core/stamps.h"

#include <stdio.h>

enum counter {
#define COUNTER(id, text) COUNTER_##id,
#include "core/counters.def"
#undef COUNTER
    COUNTER_COUNT
};

struct tally {
    _Atomic uint64_t counters[COUNTER_COUNT];
    _Atomic uint64_t closed[CLOSE_REASON_COUNT];
    _Atomic uint64_t statuses[6]; /* answers by first digit */
    struct histogram *intervals;  /* INTERVAL_COUNT of them, or NULL at --trace-level off */
};

void tally_init(struct tally *tally, bool histograms);
void tally_deinit(struct tally *tally);

/* Owner only; a plain load and store, no locked instruction. */
static inline void tally_add(struct tally *tally, enum counter counter, uint64_t n)
{
    uint64_t old = atomic_load_explicit(&tally->counters[counter], memory_order_relaxed);
    atomic_store_explicit(&tally->counters[counter], old + n, memory_order_relaxed);
}

/* Owner only: one answered request's intervals (negative ones are left out). */
void tally_intervals(struct tally *tally, const int64_t intervals[INTERVAL_COUNT]);
/* Owner only: a single interval that is known later than the others. */
void tally_interval(struct tally *tally, enum interval interval, int64_t ns);
/* Owner only. */
void tally_status(struct tally *tally, int status);
void tally_close(struct tally *tally, enum close_reason reason);

/* Adds `from` into `to`, which belongs to the caller. */
void tally_merge(struct tally *to, const struct tally *from);

const char *counter_text(enum counter counter);
const char *close_reason_text(enum close_reason reason);

#endif
