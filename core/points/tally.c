/* tally.c: one thread's counts and histograms. See tally.h. */
#include "core/points/tally.h"

#include "core/base/check.h"

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

void tally_share(struct tally *tally, struct interval_sets *sets)
{
    tally->sets = sets;
}

/* The histograms to record into now; `set` is to be put back. */
static struct histogram *begin_record(struct tally *tally, struct interval_set **set)
{
    *set = tally->sets != NULL ? interval_sets_take(tally->sets, &tally->last_set) : NULL;
    return *set != NULL ? (*set)->histograms : tally_histograms(tally);
}

static void end_record(struct interval_set *set)
{
    if (set != NULL) {
        interval_sets_put(set);
    }
}

void tally_intervals(struct tally *tally, const int64_t intervals[INTERVAL_COUNT])
{
    struct interval_set *set;
    if (!tally->measures) {
        return;
    }
    struct histogram *histograms = begin_record(tally, &set);
    for (unsigned i = 0; i < INTERVAL_COUNT; i++) {
        if (intervals[i] >= 0) {
            histogram_record(&histograms[i], (uint64_t)intervals[i]);
        }
    }
    end_record(set);
}

void tally_interval(struct tally *tally, enum interval interval, int64_t ns)
{
    struct interval_set *set;
    if (tally->measures && ns >= 0) {
        histogram_record(&begin_record(tally, &set)[interval], (uint64_t)ns);
        end_record(set);
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

static void merge_histograms(struct tally *to, const struct histogram from[INTERVAL_COUNT])
{
    for (unsigned i = 0; to->measures && i < INTERVAL_COUNT; i++) {
        histogram_merge(&tally_histograms(to)[i], &from[i]);
    }
}

void tally_merge(struct tally *to, const struct tally *from)
{
    merge_cells(to->counters, from->counters, COUNTER_COUNT);
    merge_cells(to->closed, from->closed, CLOSE_REASON_COUNT);
    merge_cells(to->statuses, from->statuses, 6);
    const struct histogram *histograms =
        atomic_load_explicit(&from->intervals, memory_order_acquire);
    if (histograms != NULL) {
        merge_histograms(to, histograms);
    }
}

void tally_merge_sets(struct tally *to, const struct interval_sets *sets)
{
    for (unsigned i = 0; i < sets->count; i++) {
        merge_histograms(to, sets->sets[i].histograms);
    }
}

static const char *const counter_texts[] = {
#define COUNTER(id, text) text,
#include "core/points/counters.def"
#undef COUNTER
};

const char *counter_text(enum counter counter)
{
    return counter_texts[counter];
}

static const char *const counter_names[] = {
#define COUNTER(id, text) #id,
#include "core/points/counters.def"
#undef COUNTER
};

const char *counter_name(enum counter counter)
{
    return counter_names[counter];
}
