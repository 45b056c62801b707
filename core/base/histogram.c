/* histogram.c: the arithmetic of buckets, merging and percentiles. See histogram.h. */
#include "core/base/histogram.h"

#define SUB_COUNT (1u << HISTOGRAM_SUB_BITS)

static uint64_t cell_value(const _Atomic uint64_t *at)
{
    return atomic_load_explicit(at, memory_order_relaxed);
}

/* By how many bits the values of this bucket are shifted; the first two runs are not. */
static unsigned bucket_shift(unsigned bucket)
{
    return bucket < 2 * SUB_COUNT ? 0 : (bucket >> HISTOGRAM_SUB_BITS) - 1;
}

uint64_t histogram_bucket_low(unsigned bucket)
{
    unsigned shift = bucket_shift(bucket);
    return (uint64_t)(bucket - (shift << HISTOGRAM_SUB_BITS)) << shift;
}

uint64_t histogram_bucket_high(unsigned bucket)
{
    return histogram_bucket_low(bucket) + (1ull << bucket_shift(bucket)) - 1;
}

/* Behind these all are empty: most histograms use a third of their range. */
static unsigned used_buckets(const struct histogram *histogram)
{
    return histogram_bucket(cell_value(&histogram->max)) + 1;
}

void histogram_merge(struct histogram *to, const struct histogram *from)
{
    if (cell_value(&from->count) == 0) {
        return; /* most histograms of a short run: saves a walk over the buckets */
    }
    unsigned used = used_buckets(from);
    for (unsigned i = 0; i < used; i++) {
        uint64_t n = cell_value(&from->buckets[i]);
        if (n != 0) {
            histogram_bump(&to->buckets[i], n);
        }
    }
    histogram_bump(&to->count, cell_value(&from->count));
    histogram_bump(&to->sum, cell_value(&from->sum));
    uint64_t max = cell_value(&from->max);
    if (max > cell_value(&to->max)) {
        atomic_store_explicit(&to->max, max, memory_order_relaxed);
    }
}

/* Nothing falls below zero: `from` may be of another process than it is taken for. */
static void take_away(_Atomic uint64_t *cell, uint64_t n)
{
    uint64_t old = atomic_load_explicit(cell, memory_order_relaxed);
    atomic_store_explicit(cell, old > n ? old - n : 0, memory_order_relaxed);
}

void histogram_subtract(struct histogram *of, const struct histogram *from)
{
    uint64_t max = 0;
    unsigned used = used_buckets(of);
    if (cell_value(&from->count) == 0) {
        return;
    }
    for (unsigned i = 0; i < used; i++) {
        take_away(&of->buckets[i], cell_value(&from->buckets[i]));
        max = cell_value(&of->buckets[i]) != 0 ? histogram_bucket_high(i) : max;
    }
    take_away(&of->count, cell_value(&from->count));
    take_away(&of->sum, cell_value(&from->sum));
    if (max < cell_value(&of->max) || max == 0) {
        atomic_store_explicit(&of->max, max, memory_order_relaxed);
    }
}

/* Counted from the buckets, not from `count`: while its owner records the two may differ. */
static uint64_t bucket_sum(const struct histogram *histogram)
{
    uint64_t sum = 0;
    unsigned used = used_buckets(histogram);
    for (unsigned i = 0; i < used; i++) {
        sum += cell_value(&histogram->buckets[i]);
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

uint64_t histogram_percentile(const struct histogram *histogram, double share)
{
    uint64_t total = cell_value(&histogram->count) != 0 ? bucket_sum(histogram) : 0;
    if (total == 0) {
        return 0;
    }
    uint64_t rank = rank_of(total, share);
    uint64_t max = cell_value(&histogram->max);
    uint64_t seen = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
        seen += cell_value(&histogram->buckets[i]);
        if (seen >= rank) {
            uint64_t high = histogram_bucket_high(i);
            return high < max ? high : max;
        }
    }
    return max;
}

double histogram_mean(const struct histogram *histogram)
{
    uint64_t count = cell_value(&histogram->count);
    return count != 0 ? (double)cell_value(&histogram->sum) / (double)count : 0;
}
