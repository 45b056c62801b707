/* Buckets, percentiles against sorting, merging, clamping, and reading while another thread
 * records. */
#include "core/base/histogram.h"

#include "tests/test.h"

#include <pthread.h>

static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static struct histogram *histogram_new(void)
{
    return calloc(1, sizeof(struct histogram));
}

static int compare(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

TEST(histogram, buckets_follow_each_other_without_gap)
{
    uint64_t next = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        expect_int(histogram_bucket_low(i), next);
        expect(histogram_bucket_high(i) >= next);
        next = histogram_bucket_high(i) + 1;
    }
    expect_int(next, 1ull << HISTOGRAM_TOP_BIT);
}

TEST(histogram, a_value_lies_within_its_bucket)
{
    uint64_t state = 1;
    for (unsigned i = 0; i < 200000; i++) {
        uint64_t value = random_next(&state) >> (24 + i % 40);
        unsigned bucket = histogram_bucket(value);
        expect(histogram_bucket_low(bucket) <= value && value <= histogram_bucket_high(bucket));
    }
}

TEST(histogram, small_values_have_a_bucket_each)
{
    for (uint64_t value = 0; value < 256; value++) {
        expect_int(histogram_bucket(value), value);
        expect_int(histogram_bucket_high((unsigned)value), value);
    }
}

TEST(histogram, a_bucket_is_narrower_than_a_128th_of_its_values)
{
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        uint64_t low = histogram_bucket_low(i);
        expect((histogram_bucket_high(i) - low) * 128 <= low);
    }
}

TEST(histogram, percentiles_are_those_of_sorting_within_a_128th)
{
    enum { N = 50000 };
    static const double shares[] = {0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1};
    uint64_t *values = calloc(N, sizeof *values);
    for (unsigned round = 0; round < 4; round++) {
        struct histogram *h = histogram_new();
        uint64_t state = 42 + round;
        for (unsigned i = 0; i < N; i++) {
            values[i] = random_next(&state) >> (25 + random_next(&state) % (10 * round + 1));
            histogram_record(h, values[i]);
        }
        qsort(values, N, sizeof *values, compare);
        for (unsigned i = 0; i < sizeof shares / sizeof *shares; i++) {
            double exact_rank = shares[i] * N;
            unsigned rank = (unsigned)exact_rank + ((unsigned)exact_rank < exact_rank);
            uint64_t exact = values[rank > 0 ? rank - 1 : 0];
            uint64_t told = histogram_percentile(h, shares[i]);
            expect(told >= exact && (told - exact) * 128 <= exact);
        }
        free(h);
    }
    free(values);
}

TEST(histogram, a_percentile_between_two_records_is_the_higher)
{
    struct histogram *h = histogram_new();
    histogram_record(h, 10);
    histogram_record(h, 20);
    histogram_record(h, 30);
    expect_int(histogram_percentile(h, 0.5), 20);
    expect_int(histogram_percentile(h, 0.7), 30);
    expect_int(histogram_percentile(h, 0), 10);
    free(h);
}

TEST(histogram, an_empty_one_says_zero)
{
    struct histogram *h = histogram_new();
    expect_int(histogram_percentile(h, 0.5), 0);
    expect(histogram_mean(h) == 0);
    free(h);
}

TEST(histogram, the_mean_is_exact)
{
    struct histogram *h = histogram_new();
    histogram_record(h, 1000001);
    histogram_record(h, 1000004);
    expect(histogram_mean(h) == 1000002.5);
    free(h);
}

TEST(histogram, a_value_beyond_the_top_counts_in_the_last_bucket_and_keeps_its_max)
{
    struct histogram *h = histogram_new();
    uint64_t huge = (1ull << HISTOGRAM_TOP_BIT) + 12345;
    expect_int(histogram_bucket(huge), HISTOGRAM_BUCKETS - 1);
    expect_int(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
    histogram_record(h, 5);
    histogram_record(h, huge);
    expect_int(histogram_percentile(h, 0.5), 5);
    expect_int(histogram_percentile(h, 1), huge);
    expect_int(h->max, huge);
    free(h);
}

TEST(histogram, no_percentile_is_above_the_max)
{
    struct histogram *h = histogram_new();
    histogram_record(h, 1000000);
    expect(histogram_bucket_high(histogram_bucket(1000000)) > 1000000);
    expect_int(histogram_percentile(h, 0.99), 1000000);
    free(h);
}

TEST(histogram, recording_a_value_several_times_is_recording_it_as_often)
{
    static const uint64_t values[] = {0, 1, 1000, 1ull << 39, 0, 70000};
    struct histogram *at_once = histogram_new(), *each = histogram_new();
    for (unsigned i = 0; i < sizeof values / sizeof *values; i++) {
        histogram_record_times(at_once, values[i], i + 1);
        for (unsigned times = 0; times <= i; times++) {
            histogram_record(each, values[i]);
        }
    }
    expect_int(at_once->count, 1 + 2 + 3 + 4 + 5 + 6);
    expect(histogram_mean(at_once) == histogram_mean(each));
    expect_int(memcmp(at_once, each, sizeof *each), 0);
    free(at_once);
    free(each);
}

TEST(histogram, merging_is_recording_both)
{
    struct histogram *a = histogram_new(), *b = histogram_new(), *both = histogram_new();
    uint64_t state = 7;
    for (unsigned i = 0; i < 10000; i++) {
        uint64_t value = random_next(&state) >> 30;
        histogram_record(i % 3 == 0 ? a : b, value);
        histogram_record(both, value);
    }
    histogram_merge(a, b);
    expect(memcmp(a, both, sizeof *a) == 0);
    free(a);
    free(b);
    free(both);
}

enum { RECORDED = 300000 };

static void *record_all(void *arg)
{
    for (uint64_t i = 0; i < RECORDED; i++) {
        histogram_record(arg, i % 1000);
    }
    return NULL;
}

TEST(histogram, can_be_read_while_its_owner_records)
{
    struct histogram *h = histogram_new();
    pthread_t owner;
    uint64_t count = 0;
    expect_int(pthread_create(&owner, NULL, record_all, h), 0);
    while (count < RECORDED) {
        struct histogram *seen = histogram_new();
        histogram_merge(seen, h);
        expect(seen->count >= count);
        expect(histogram_percentile(seen, 0.99) <= 1000);
        count = seen->count;
        free(seen);
    }
    expect_int(pthread_join(owner, NULL), 0);
    expect_int(h->count, RECORDED);
    expect_int(h->sum, RECORDED / 1000 * (999 * 1000 / 2));
    free(h);
}

TEST(histogram, subtracts_an_earlier_state_of_itself)
{
    struct histogram *before = calloc(1, sizeof *before), *now = calloc(1, sizeof *now);
    static const uint64_t old[] = {1, 5, 5, 70000, 9000000}, new[] = {5, 300, 70001};
    for (size_t i = 0; i < sizeof old / sizeof *old; i++) {
        histogram_record(before, old[i]);
        histogram_record(now, old[i]);
    }
    for (size_t i = 0; i < sizeof new / sizeof *new; i++) {
        histogram_record(now, new[i]);
    }
    histogram_subtract(now, before);
    expect_int(now->count, 3);
    expect_int(now->sum, 70306);
    expect_int(histogram_percentile(now, 0.3), 5);
    expect_int(now->max, histogram_bucket_high(histogram_bucket(70001)));

    histogram_subtract(now, now);
    expect_int(now->count, 0);
    expect_int(now->max, 0);
    expect_int(histogram_percentile(now, 0.5), 0);
    free(before);
    free(now);
}

TEST(histogram, keeps_its_max_where_that_is_lower_than_the_end_of_its_bucket)
{
    struct histogram *before = calloc(1, sizeof *before), *now = calloc(1, sizeof *now);
    histogram_record(before, 3);
    histogram_record(now, 3);
    histogram_record(now, 70001);
    histogram_subtract(now, before);
    expect_int(now->max, 70001);
    free(before);
    free(now);
}

TEST(histogram, does_not_fall_below_nothing)
{
    struct histogram *other = calloc(1, sizeof *other), *now = calloc(1, sizeof *now);
    histogram_record(other, 3);
    histogram_record(other, 3);
    histogram_record(now, 3);
    histogram_subtract(now, other);
    expect_int(now->count, 0);
    expect_int(now->sum, 0);
    expect_int(now->buckets[3], 0);
    free(other);
    free(now);
}
