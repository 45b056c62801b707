/* histogram.h: a log-linear histogram of nanoseconds (or any count), HdrHistogram's bucket layout.
 *
 * 7 bits of sub-buckets: below 256 each value has its own bucket, above that the error is less than
 * 1/128 (0.78 %). Source of the layout: G. Tene, HdrHistogram. One thread records; any thread may
 * read at the same time and sees each count whole (the counts are relaxed atomics: a reader may
 * miss the last few records, never sees a torn one). Counts have 64 bits because a bucket that
 * every request falls into (nothing blocked: 0 ns) would wrap 32 bits within hours.
 *
 * The arithmetic works for any number of sub-bucket bits: struct histogram_parts stands for a
 * histogram of another precision, whose memory is its owner's.
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

/* A histogram of any precision, as what works on all of them takes it. */
struct histogram_parts {
    unsigned sub_bits;
    _Atomic uint64_t *sum, *max, *count, *buckets;
};

static inline unsigned histogram_buckets_of(unsigned sub_bits)
{
    return (HISTOGRAM_TOP_BIT - sub_bits + 1) << sub_bits;
}

/* The bucket a value falls into. Of 7 bits, a value of top bit b keeps its 8 highest bits: b - 7
 * says which run of 128 buckets, the bits below the highest say which of these. */
static inline unsigned histogram_bucket_of(uint64_t value, unsigned sub_bits)
{
    if (value >> HISTOGRAM_TOP_BIT != 0) {
        return histogram_buckets_of(sub_bits) - 1;
    }
    /* The bit set here keeps values below 128 in the first run, one bucket each. */
    unsigned top = 63u - (unsigned)__builtin_clzll(value | 1u << sub_bits);
    unsigned shift = top - sub_bits;
    return (shift << sub_bits) + (unsigned)(value >> shift);
}

static inline unsigned histogram_bucket(uint64_t value)
{
    return histogram_bucket_of(value, HISTOGRAM_SUB_BITS);
}

/* The lowest and the highest value of a bucket; the highest stands for it. */
uint64_t histogram_bucket_low(unsigned bucket);
uint64_t histogram_bucket_high(unsigned bucket);
uint64_t histogram_low_of(unsigned bucket, unsigned sub_bits);
uint64_t histogram_high_of(unsigned bucket, unsigned sub_bits);

static inline void histogram_bump(_Atomic uint64_t *cell, uint64_t n)
{
    uint64_t old = atomic_load_explicit(cell, memory_order_relaxed);
    atomic_store_explicit(cell, old + n, memory_order_relaxed);
}

/* The same value several times. The recording thread only. Plain loads and stores, no locked
 * instruction: here because every request records a dozen values. Up to half of these are 0,
 * because the request did not wait there. */
static inline void histogram_parts_record(struct histogram_parts parts, uint64_t value,
                                          uint64_t times)
{
    histogram_bump(parts.count, times);
    if (value == 0) {
        histogram_bump(&parts.buckets[0], times);
        return;
    }
    histogram_bump(&parts.buckets[histogram_bucket_of(value, parts.sub_bits)], times);
    histogram_bump(parts.sum, value * times);
    if (value > atomic_load_explicit(parts.max, memory_order_relaxed)) {
        atomic_store_explicit(parts.max, value, memory_order_relaxed);
    }
}

/* What only reads may be given the parts of what is const. */
static inline struct histogram_parts histogram_parts(const struct histogram *histogram)
{
    struct histogram *at = (struct histogram *)histogram;
    return (struct histogram_parts){HISTOGRAM_SUB_BITS, &at->sum, &at->max, &at->count,
                                    at->buckets};
}

static inline void histogram_record_times(struct histogram *histogram, uint64_t value,
                                          uint64_t times)
{
    histogram_parts_record(histogram_parts(histogram), value, times);
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

/* The same of any precision; two of them have the same one. */
void histogram_parts_merge(struct histogram_parts to, struct histogram_parts from);
void histogram_parts_subtract(struct histogram_parts of, struct histogram_parts from);
uint64_t histogram_parts_percentile(struct histogram_parts parts, double share);
double histogram_parts_mean(struct histogram_parts parts);

#endif
