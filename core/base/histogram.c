/* histogram.c: the arithmetic of buckets, merging and percentiles. See histogram.h. */
#include "core/base/histogram.h"

static uint64_t cell_value(const _Atomic uint64_t *at)
{
    return atomic_load_explicit(at, memory_order_relaxed);
}

/* By how many bits the values of this bucket are shifted; the first two runs are not. */
static unsigned bucket_shift(unsigned bucket, unsigned sub_bits)
{
    return bucket < 2u << sub_bits ? 0 : (bucket >> sub_bits) - 1;
}

uint64_t histogram_low_of(unsigned bucket, unsigned sub_bits)
{
    unsigned shift = bucket_shift(bucket, sub_bits);
    return (uint64_t)(bucket - (shift << sub_bits)) << shift;
}

uint64_t histogram_high_of(unsigned bucket, unsigned sub_bits)
{
    return histogram_low_of(bucket, sub_bits) + (1ull << bucket_shift(bucket, sub_bits)) - 1;
}

uint64_t histogram_bucket_low(unsigned bucket)
{
    return histogram_low_of(bucket, HISTOGRAM_SUB_BITS);
}

uint64_t histogram_bucket_high(unsigned bucket)
{
    return histogram_high_of(bucket, HISTOGRAM_SUB_BITS);
}

/* Behind these all are empty: most histograms use a third of their range. */
static unsigned used_buckets(struct histogram_parts parts)
{
    return histogram_bucket_of(cell_value(parts.max), parts.sub_bits) + 1;
}

void histogram_parts_merge(struct histogram_parts to, struct histogram_parts from)
{
    if (cell_value(from.count) == 0) {
        return; /* most histograms of a short run: saves a walk over the buckets */
    }
    unsigned used = used_buckets(from);
    for (unsigned i = 0; i < used; i++) {
        uint64_t n = cell_value(&from.buckets[i]);
        if (n != 0) {
            histogram_bump(&to.buckets[i], n);
        }
    }
    histogram_bump(to.count, cell_value(from.count));
    histogram_bump(to.sum, cell_value(from.sum));
    uint64_t max = cell_value(from.max);
    if (max > cell_value(to.max)) {
        atomic_store_explicit(to.max, max, memory_order_relaxed);
    }
}

/* Nothing falls below zero: `from` may be of another process than it is taken for. */
static void take_away(_Atomic uint64_t *cell, uint64_t n)
{
    uint64_t old = atomic_load_explicit(cell, memory_order_relaxed);
    atomic_store_explicit(cell, old > n ? old - n : 0, memory_order_relaxed);
}

void histogram_parts_subtract(struct histogram_parts of, struct histogram_parts from)
{
    uint64_t max = 0;
    unsigned used = used_buckets(of);
    if (cell_value(from.count) == 0) {
        return;
    }
    for (unsigned i = 0; i < used; i++) {
        take_away(&of.buckets[i], cell_value(&from.buckets[i]));
        max = cell_value(&of.buckets[i]) != 0 ? histogram_high_of(i, of.sub_bits) : max;
    }
    take_away(of.count, cell_value(from.count));
    take_away(of.sum, cell_value(from.sum));
    if (max < cell_value(of.max) || max == 0) {
        atomic_store_explicit(of.max, max, memory_order_relaxed);
    }
}

/* Counted from the buckets, not from `count`: while its owner records the two may differ. */
static uint64_t bucket_sum(struct histogram_parts parts)
{
    uint64_t sum = 0;
    unsigned used = used_buckets(parts);
    for (unsigned i = 0; i < used; i++) {
        sum += cell_value(&parts.buckets[i]);
    }
    return sum;
}

/* Which record, counted from 1 in rising order, is the percentile: the nearest rank. */
static uint64_t rank_of(uint64_t total, double share)
{
    double exact = share * (double)total;
    uint64_t rank = (uint64_t)exact;
    if ((double)rank < exact) {
        rank++;
    }
    if (rank > total) {
        rank = total;
    }
    return rank > 0 ? rank : 1;
}

uint64_t histogram_parts_percentile(struct histogram_parts parts, double share)
{
    uint64_t total = cell_value(parts.count) != 0 ? bucket_sum(parts) : 0;
    if (total == 0) {
        return 0;
    }
    uint64_t rank = rank_of(total, share);
    uint64_t max = cell_value(parts.max);
    uint64_t seen = 0;
    for (unsigned i = 0; i < histogram_buckets_of(parts.sub_bits) - 1; i++) {
        seen += cell_value(&parts.buckets[i]);
        if (seen >= rank) {
            uint64_t high = histogram_high_of(i, parts.sub_bits);
            return high < max ? high : max;
        }
    }
    return max;
}

double histogram_parts_mean(struct histogram_parts parts)
{
    uint64_t count = cell_value(parts.count);
    return count != 0 ? (double)cell_value(parts.sum) / (double)count : 0;
}

void histogram_merge(struct histogram *to, const struct histogram *from)
{
    histogram_parts_merge(histogram_parts(to), histogram_parts(from));
}

void histogram_subtract(struct histogram *of, const struct histogram *from)
{
    histogram_parts_subtract(histogram_parts(of), histogram_parts(from));
}

uint64_t histogram_percentile(const struct histogram *histogram, double share)
{
    return histogram_parts_percentile(histogram_parts(histogram), share);
}

double histogram_mean(const struct histogram *histogram)
{
    return histogram_parts_mean(histogram_parts(histogram));
}
