/* test_results.c: what several threads have found, as one. */
#include "tools/load/results.h"

#include "core/base/clock.h"
#include "tests/test.h"

static struct results one, other, both;

static void begin(void)
{
    memset(&one, 0, sizeof one);
    memset(&other, 0, sizeof other);
    memset(&both, 0, sizeof both);
    one.window_ns = other.window_ns = NS_PER_S;
    one.end_ns = other.end_ns = 2 * NS_PER_S;
}

static void merge(void)
{
    results_merge(&both, &one);
    results_merge(&both, &other);
}

TEST(results, are_added_up)
{
    begin();
    one.due = one.good = 3;
    other.due = 5;
    other.good = 4;
    other.waited = 2;
    one.statuses[200] = 3;
    other.statuses[200] = 4;
    other.statuses[503] = 1;
    fine_record(&one.from_due, 100);
    fine_record(&other.from_due, 300);
    merge();
    expect_int(both.due, 8);
    expect_int(both.good, 7);
    expect_int(both.waited, 2);
    expect_int(both.statuses[200], 7);
    expect_int(both.statuses[503], 1);
    expect_int(both.from_due.count, 2);
    expect_int(fine_percentile(&both.from_due, 0.5), 100);
    expect_int(both.from_due.max, 300);
    expect_int(both.window_ns, NS_PER_S);
}

TEST(results, name_the_thread_that_had_most_to_do)
{
    begin();
    one.cpu_ns = one.cpu_total_ns = 900 * NS_PER_MS; /* it spun */
    one.idle_ns = 700 * NS_PER_MS;
    one.runqueue_ns = 50 * NS_PER_MS;
    one.precedence = (struct precedence){"other", false, -5};
    other.cpu_ns = other.cpu_total_ns = 300 * NS_PER_MS;
    other.runqueue_ns = 10 * NS_PER_MS;
    other.precedence = (struct precedence){"batch", false, 0};
    merge();
    expect_int(results_cpu_share(&both) * 100 + 0.5, 30);
    expect_int(results_wait_share(&both) * 100 + 0.5, 5);
    expect_int(both.cpu_total_ns, 1200 * NS_PER_MS);
    expect_text(both.precedence.policy, "other");
}

TEST(results, keep_the_first_example_of_an_error)
{
    begin();
    errors_note(&other.errors, LOAD_RESET, "the first");
    errors_note(&other.errors, LOAD_RESET, "the second");
    errors_note(&one.errors, LOAD_CLOSED, "closed");
    merge();
    expect_int(both.errors.count[LOAD_RESET], 2);
    expect_text(both.errors.first[LOAD_RESET], "the first");
    expect_text(both.errors.first[LOAD_CLOSED], "closed");
}

/* An answer is as long as the first one of its URL, whichever thread had it. */
TEST(results, compare_lengths_across_threads)
{
    begin();
    one.targets[0] = (struct target_results){.answers = 3, .first_length = 10};
    other.targets[0] =
        (struct target_results){.answers = 4, .first_length = 10, .other_lengths = 1};
    one.targets[1] = (struct target_results){.answers = 3, .first_length = 10};
    other.targets[1] = (struct target_results){.answers = 4, .first_length = 11};
    other.targets[2] = (struct target_results){.answers = 2, .first_length = 7};
    merge();
    expect_int(both.targets[0].answers, 7);
    expect_int(both.targets[0].other_lengths, 1);
    expect_int(both.targets[1].first_length, 10);
    expect_int(both.targets[1].other_lengths, 4);
    expect_int(both.targets[2].first_length, 7);
    expect_int(both.targets[2].other_lengths, 0);
}
