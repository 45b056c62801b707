/* What one thread counts, added up over threads, and read while it counts on. */
#include "core/points/tally.h"

#include "tests/test.h"

#include <pthread.h>

TEST(tally, counts_statuses_by_their_first_digit)
{
    struct tally tally;
    tally_init(&tally, false);
    tally_status(&tally, 200);
    tally_status(&tally, 206);
    tally_status(&tally, 404);
    tally_status(&tally, 0);
    tally_status(&tally, 999);
    tally_status(&tally, -1);
    expect_int(tally.statuses[2], 2);
    expect_int(tally.statuses[4], 1);
    expect_int(tally.statuses[0], 3);
    tally_deinit(&tally);
}

TEST(tally, leaves_out_a_phase_that_was_not_reached)
{
    struct tally tally;
    int64_t intervals[INTERVAL_COUNT];
    for (unsigned i = 0; i < INTERVAL_COUNT; i++) {
        intervals[i] = -1;
    }
    intervals[INTERVAL_READ] = 0;
    intervals[INTERVAL_TOTAL] = 5000;
    tally_init(&tally, true);
    tally_intervals(&tally, intervals);
    tally_interval(&tally, INTERVAL_REQUEUE_WAIT, 70);
    tally_interval(&tally, INTERVAL_REQUEUE_WAIT, -1);
    for (unsigned i = 0; i < INTERVAL_COUNT; i++) {
        bool reached = i == INTERVAL_READ || i == INTERVAL_TOTAL || i == INTERVAL_REQUEUE_WAIT;
        expect_int(tally.intervals[i].count, reached ? 1 : 0);
    }
    expect_int(tally.intervals[INTERVAL_TOTAL].sum, 5000);
    tally_deinit(&tally);
}

TEST(tally, measures_nothing_without_histograms)
{
    struct tally tally;
    int64_t intervals[INTERVAL_COUNT] = {0};
    tally_init(&tally, false);
    tally_intervals(&tally, intervals);
    tally_interval(&tally, INTERVAL_TOTAL, 1);
    expect(tally.intervals == NULL);
    tally_deinit(&tally);
}

TEST(tally, shared_sets_hold_what_is_measured)
{
    enum { SETS = 2, TALLIES = 8 };
    struct interval_sets sets;
    struct tally tallies[TALLIES], all;
    interval_sets_init(&sets, SETS);
    for (unsigned i = 0; i < TALLIES; i++) {
        tally_init_lazily(&tallies[i], true);
        tally_share(&tallies[i], &sets);
        tally_interval(&tallies[i], INTERVAL_TOTAL, 100 + i);
        expect(tallies[i].intervals == NULL);
    }
    tally_init(&all, true);
    for (unsigned i = 0; i < TALLIES; i++) {
        tally_merge(&all, &tallies[i]);
        tally_deinit(&tallies[i]);
    }
    expect_int(all.intervals[INTERVAL_TOTAL].count, 0);
    tally_merge_sets(&all, &sets);
    expect_int(all.intervals[INTERVAL_TOTAL].count, TALLIES);
    expect_int(all.intervals[INTERVAL_TOTAL].sum, 8 * 100 + 28);
    tally_deinit(&all);
    interval_sets_deinit(&sets);
}

TEST(tally, a_set_that_is_taken_is_left_alone)
{
    struct interval_sets sets;
    unsigned first = 0, second = 0;
    interval_sets_init(&sets, 2);
    struct interval_set *one = interval_sets_take(&sets, &first);
    struct interval_set *other = interval_sets_take(&sets, &second);
    expect(one != other);
    expect_int(second, 1);
    interval_sets_put(one);
    expect(interval_sets_take(&sets, &first) == one);
    interval_sets_deinit(&sets);
}

TEST(tally, merging_adds_everything)
{
    struct tally a, b;
    tally_init(&a, true);
    tally_init(&b, true);
    tally_add(&a, COUNTER_BYTES_SENT, 100);
    tally_add(&b, COUNTER_BYTES_SENT, 23);
    tally_close(&b, CLOSE_RESET);
    tally_status(&b, 503);
    tally_interval(&a, INTERVAL_READ, 10);
    tally_interval(&b, INTERVAL_READ, 20);
    tally_merge(&a, &b);
    expect_int(a.counters[COUNTER_BYTES_SENT], 123);
    expect_int(a.closed[CLOSE_RESET], 1);
    expect_int(a.statuses[5], 1);
    expect_int(a.intervals[INTERVAL_READ].count, 2);
    expect_int(a.intervals[INTERVAL_READ].max, 20);
    tally_deinit(&a);
    tally_deinit(&b);
}

TEST(tally, merging_takes_a_side_without_histograms)
{
    struct tally with, without;
    tally_init(&with, true);
    tally_init(&without, false);
    tally_add(&without, COUNTER_REQUESTS, 1);
    tally_merge(&with, &without);
    tally_merge(&without, &with);
    expect_int(with.counters[COUNTER_REQUESTS], 1);
    expect_int(without.counters[COUNTER_REQUESTS], 2);
    tally_deinit(&with);
    tally_deinit(&without);
}

TEST(tally, every_counter_and_reason_has_text_and_name)
{
    for (unsigned i = 0; i < COUNTER_COUNT; i++) {
        expect(strlen(counter_text(i)) > 0 && strlen(counter_name(i)) > 0);
    }
    for (unsigned i = 0; i < CLOSE_REASON_COUNT; i++) {
        expect(strlen(close_reason_text(i)) > 0 && strlen(close_reason_name(i)) > 0);
    }
    expect_text(counter_name(COUNTER_ACCEPTED), "ACCEPTED");
    expect_text(close_reason_name(CLOSE_NONE), "NONE");
}

enum { COUNTED = 200000 };

static void *count_all(void *arg)
{
    for (unsigned i = 0; i < COUNTED; i++) {
        tally_add(arg, COUNTER_REQUESTS, 1);
        tally_interval(arg, INTERVAL_TOTAL, i);
    }
    return NULL;
}

TEST(tally, can_be_merged_while_its_owner_counts)
{
    struct tally tally;
    pthread_t owner;
    uint64_t seen = 0;
    tally_init(&tally, true);
    expect_int(pthread_create(&owner, NULL, count_all, &tally), 0);
    while (seen < COUNTED) {
        struct tally sum;
        tally_init(&sum, true);
        tally_merge(&sum, &tally);
        expect(sum.counters[COUNTER_REQUESTS] >= seen);
        seen = sum.counters[COUNTER_REQUESTS];
        tally_deinit(&sum);
    }
    expect_int(pthread_join(owner, NULL), 0);
    expect_int(tally.intervals[INTERVAL_TOTAL].count, COUNTED);
    tally_deinit(&tally);
}
