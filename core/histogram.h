/* histogram.h: a log-linear histogram of nanoseconds (or any count), HdrHistogram's bucket layout.
 *
 * 7 bits of sub-buckets: below 256 each value has its own bucket, above that the error is at most
 * 1/128 (0.78 %). Source of the layout: G. Tene, HdrHistogram. One thread records; any thread may read
 * at the same time and sees each count whole (the counts are relaxed atomics: a reader may miss the
 * last few records, never sees a torn one).
 */
#ifndef CORE_HISTOGRAM_H
#define CORE_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

enum {
    HISTOGRAM_SUB_BITS = 7,
    HISTOGRAM_TOP_BIT = 40, /* values from 2^40 (18 minutes in ns) on are counted in the last bucket */
    HISTOGRAM_BUCKETS = (HISTOGRAM_TOP_BIT - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS,
};

struct histogram {
    _Atomic uint64_t count;
    _Atomic uint64_t sum;
    _Atomic uint64_t max;
    _Atomic uint32_t buckets[HISTOGRAM_BUCKETS];
};

/* All zero is an empty histogram. */

/* The bucket a value falls into, and the value that stands for a bucket (its highest). */
unsigned histogram_bucket(uint64_t value);
uint64_t histogram_bucket_low(unsigned bucket);
uint64_t histogram_bucket_high(unsigned bucket);

/* The recording thread only. */
void histogram_record(struct histogram *histogram, uint64_t value);

/* Adds what is in `from`; `to` belongs to the caller. */
void histogram_merge(struct histogram *to, const struct histogram *from);

/* The value at or below which `share` (0 … 1) of the records lie; 0 when empty. The highest value of the
 * bucket, never more than max. */
uint64_t histogram_percentile(const struct histogram *histogram, double share);
double histogram_mean(const struct histogram *histogram);

#endif
