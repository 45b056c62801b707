/* tally.c: one thread's counts and histograms. See tally.h. */
#include "core/tally.h"

#include "core/check.h"

#include <stdlib.h>
#include <string.h>

void tally_init_lazily(struct tally *tally, bool measures)
{
    memset(tally, 0, sizeof *tally);
    tally->measures = measures;
}

void tally_init(struct tally *tally, bool measures)
{
    tally_init_lazily(tally, measures);
    if (measures) {
        (void)tally_histograms(tally);
    }
}

void tally_deinit(struct tally *tally)
{
    free(atomic_load(&tally->intervals));
    atomic_store(&tally->intervals, NULL);
}

struct histogram *tally_histograms(struct tally *tally)
{
    struct histogram *intervals = atomic_load_explicit(&tally->intervals, memory_order_relaxed);
    if (intervals == NULL) {
        intervals = must_calloc(INTERVAL_COUNT, sizeof *intervals);
        atomic_store_explicit(&tally->intervals, intervals, memory_order_release);
    }
    return intervals;
}

void tally_intervals(struct tally *tally, const int64_t intervals[INTERVAL_COUNT])
{
    if (!tally->measures) {
        return;
    }
    struct histogram *histograms = tally_histograms(tally);
    for (unsigned i = 0; i < INTERVAL_COUNT; i++) {
        if (intervals[i] >= 0) {
            histogram_record(&histograms[i], (uint64_t)intervals[i]);
        }
    }
}

void tally_interval(struct tally *tally, enum interval interval, int64_t ns)
{
    if (tally->measures && ns >= 0) {
        histogram_record(&tally_histograms(tally)[interval], (uint64_t)ns);
    }
}

void tally_status(struct tally *tally, int status)
{
    unsigned digit = (unsigned)status / 100;
    histogram_bump(&tally->statuses[digit < 6 ? digit : 0], 1);
}

void tally_close(struct tally *tally, enum close_reason reason)
{
    histogram_bump(&tally->closed[reason], 1);
}

/* Adds n cells; those of `from` may be counting on. */
static void merge_cells(_Atomic uint64_t *to, const _Atomic uint64_t *from, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        histogram_bump(&to[i], atomic_load_explicit(&from[i], memory_order_relaxed));
    }
}

void tally_merge(struct tally *to, const struct tally *from)
{
    merge_cells(to->counters, from->counters, COUNTER_COUNT);
    merge_cells(to->closed, from->closed, CLOSE_REASON_COUNT);
    merge_cells(to->statuses, from->statuses, 6);
    const struct histogram *histograms =
        atomic_load_explicit(&from->intervals, memory_order_acquire);
    for (unsigned i = 0; histograms != NULL && to->measures && i < INTERVAL_COUNT; i++) {
        histogram_merge(&tally_histograms(to)[i], &histograms[i]);
    }
}

static const char *const counter_texts[] = {
#define COUNTER(id, text) text,
#include "core/counters.def"
#undef COUNTER
};

const char *counter_text(enum counter counter)
{
    return counter_texts[counter];
}

static const char *const counter_names[] = {
#define COUNTER(id, text) #id,
#include "core/counters.def"
#undef COUNTER
};

const char *counter_name(enum counter counter)
{
    return counter_names[counter];
}
