/* histogram.h: a log-linear histogram of nanoseconds (or any count), HdrHistogram's bucket layout.
 *
 * 7 bits of sub-buckets: below 256 each value has its own bucket, above that the error is less than
 * 1/128 (0.78 %). Source of the layout: G. Tene, HdrHistogram. One thread records; any thread may
 * read at the same time and sees each count whole (the counts are relaxed atomics: a reader may
 * miss the last few records, never sees a torn one). Counts have 64 bits because a bucket that
 * every request falls into (nothing blocked: 0 ns) would wrap 32 bits within hours.
 */
#ifndef CORE_BASE_HISTOGRAM_H
#define CORE_BASE_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

enum {
    HISTOGRAM_SUB_BITS = 7,
    HISTOGRAM_TOP_BIT = 40, /* from 2^40 (18 minutes in ns) on a value counts in the last bucket */
    HISTOGRAM_BUCKETS = (HISTOGRAM_TOP_BIT - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS,
};

struct histogram {
    _Atomic uint64_t sum;
    _Atomic uint64_t max;
    _Atomic uint64_t count; /* beside bucket 0: a record of 0 touches nothing else */
    _Atomic uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* All zero is an empty histogram. */

/* The bucket a value falls into. A value of top bit b keeps its 8 highest bits: b - 7 says which
 * run of 128 buckets, the bits below the highest say which of these. */
static inline unsigned histogram_bucket(uint64_t value)
{
    if (value >> HISTOGRAM_TOP_BIT != 0) {
        return HISTOGRAM_BUCKETS - 1;
    }
    /* The bit set here keeps values below 128 in the first run, one bucket each. */
    unsigned top = 63u - (unsigned)__builtin_clzll(value | 1u << HISTOGRAM_SUB_BITS);
    unsigned shift = top - HISTOGRAM_SUB_BITS;
    return (shift << HISTOGRAM_SUB_BITS) + (unsigned)(value >> shift);
}

/* The lowest and the highest value of a bucket; the highest stands for it. */
uint64_t histogram_bucket_low(unsigned bucket);
uint64_t histogram_bucket_high(unsigned bucket);

static inline void histogram_bump(_Atomic uint64_t *cell, uint64_t n)
{
    uint64_t old = atomic_load_explicit(cell, memory_order_relaxed);
    atomic_store_explicit(cell, old + n, memory_order_relaxed);
}

/* The same value several times. The recording thread only. Plain loads and stores, no locked
 * instruction: here because every request records a dozen values. Up to half of these are 0,
 * because the request did not wait there. */
static inline void histogram_record_times(struct histogram *histogram, uint64_t value,
                                          uint64_t times)
{
    histogram_bump(&histogram->count, times);
    if (value == 0) {
        histogram_bump(&histogram->buckets[0], times);
        return;
    }
    histogram_bump(&histogram->buckets[histogram_bucket(value)], times);
    histogram_bump(&histogram->sum, value * times);
    if (value > atomic_load_explicit(&histogram->max, memory_order_relaxed)) {
        atomic_store_explicit(&histogram->max, value, memory_order_relaxed);
    }
}

static inline void histogram_record(struct histogram *histogram, uint64_t value)
{
    histogram_record_times(histogram, value, 1);
}

/* Adds what is in `from`; `to` belongs to the caller. */
void histogram_merge(struct histogram *to, const struct histogram *from);

/* Takes away what is in `from`, an earlier state of the same histogram: what is left was recorded
 * since. The highest of that is not known: max becomes the end of its bucket, and never more than
 * it was. `of` belongs to the caller. */
void histogram_subtract(struct histogram *of, const struct histogram *from);

/* The value at or below which `share` (0 … 1) of the records lie; 0 when empty. The highest value
 * of its bucket, never more than max; max itself where that is the last bucket, which has no
 * bound. */
uint64_t histogram_percentile(const struct histogram *histogram, double share);
double histogram_mean(const struct histogram *histogram);

#endif
