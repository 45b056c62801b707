/* tally.h: what one thread counts and measures, and the report made of all threads' tallies.
 *
 * Each stage thread owns one tally and is the only one to write it; reports read all of them at any
 * time (relaxed atomics, but for tally_pass: a sum may lag by the last few events, and is exact
 * once the threads have ended).
 */
#ifndef CORE_POINTS_TALLY_H
#define CORE_POINTS_TALLY_H

#include "core/base/histogram.h"
#include "core/points/close_reason.h"
#include "core/points/interval_sets.h"
#include "core/points/stamps.h"

#include <stdbool.h>

enum counter {
#define COUNTER(id, text) COUNTER_##id,
#include "core/points/counters.def"
#undef COUNTER
    COUNTER_COUNT
};

struct tally {
    _Atomic uint64_t counters[COUNTER_COUNT];
    _Atomic uint64_t closed[CLOSE_REASON_COUNT];
    _Atomic uint64_t statuses[6];          /* answers by first digit; none of 1 … 5 counts in 0 */
    bool measures;                         /* wants histograms */
    _Atomic(struct histogram *) intervals; /* INTERVAL_COUNT of them, or NULL; lazily: so
                                              that a thread without records costs nothing */
    struct interval_sets *sets;            /* where intervals are recorded instead, or NULL */
    unsigned last_set;                     /* of them; the owner's */
};

/* With `measures` false, intervals are not recorded (--trace-level off). */
void tally_init(struct tally *tally, bool measures);
/* The same, but histograms are made with the first record. */
void tally_init_lazily(struct tally *tally, bool measures);
/* From now on intervals are recorded into these, which others use too and which outlive the tally.
 * Before the first record. */
void tally_share(struct tally *tally, struct interval_sets *sets);
void tally_deinit(struct tally *tally);

/* Owner only; a plain load and store, no locked instruction. */
static inline void tally_add(struct tally *tally, enum counter counter, uint64_t n)
{
    histogram_bump(&tally->counters[counter], n);
}

/* Owner only: the last that is counted of a request. A reader that counts it (tally_passed) before
 * it merges the tally finds there whatever was counted before. */
static inline void tally_pass(struct tally *tally, enum counter counter)
{
    uint64_t old = atomic_load_explicit(&tally->counters[counter], memory_order_relaxed);
    atomic_store_explicit(&tally->counters[counter], old + 1, memory_order_release);
}

/* Any thread. */
static inline uint64_t tally_passed(const struct tally *tally, enum counter counter)
{
    return atomic_load_explicit(&tally->counters[counter], memory_order_acquire);
}

/* Owner only: one answered request's intervals (negative ones are left out). */
void tally_intervals(struct tally *tally, const int64_t intervals[INTERVAL_COUNT]);
/* Owner only: a single interval that is known later than the others. */
void tally_interval(struct tally *tally, enum interval interval, int64_t ns);
/* Owner only. */
void tally_status(struct tally *tally, int status);
void tally_close(struct tally *tally, enum close_reason reason);

/* Its histograms, made now if there are none. Owner only. */
struct histogram *tally_histograms(struct tally *tally);

/* Adds `from` into `to`, which belongs to the caller; without what was recorded into shared sets.
 */
void tally_merge(struct tally *to, const struct tally *from);
/* Adds all of what was recorded into these. */
void tally_merge_sets(struct tally *to, const struct interval_sets *sets);

/* What people read, and the word in the .def list, which programs read. */
const char *counter_text(enum counter counter);
const char *counter_name(enum counter counter);

#endif
