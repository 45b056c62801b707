/* test_validity.c: which runs may be believed, from figures made by hand. */
#include "tools/load/validity.h"

#include "core/base/clock.h"
#include "tests/test.h"

static struct load_settings settings;
static struct plan plan;
static struct results results;
static struct validity validity;

enum { RATE = 1000, SECONDS = 10, COUNT = RATE * SECONDS };

/* What Little's law asks for. */
static void balance(void)
{
    results.occupancy.area_ns = (double)results.from_due.sum - (double)results.own_lag.sum;
}

/* A run of 10 s at 1,000 a second in which all went well. */
static void good_run(void)
{
    settings = (struct load_settings){.duration_ns = SECONDS * NS_PER_S};
    plan = (struct plan){.settings = &settings,
                         .target_count = 1,
                         .rate = {.count = 1, .at = {RATE}},
                         .arrivals = {ARRIVALS_POISSON, 1}};
    rate_curve_make(&plan.curve, &plan.rate, 0, settings.duration_ns);
    plan.targets[0].text = "http://h/";
    memset(&results, 0, sizeof results);
    results.window_ns = NS_PER_S;
    results.end_ns = (1 + SECONDS) * NS_PER_S;
    results.due = results.sent = results.sent_in_window = results.good = COUNT;
    results.cpu_ns = NS_PER_S;
    results.precedence = (struct precedence){"other", false, -5};
    for (unsigned i = 0; i < COUNT; i++) {
        fine_record(&results.own_lag, 30 * NS_PER_US);
        fine_record(&results.from_due, 200 * NS_PER_US);
    }
    balance();
}

static void judge(void)
{
    balance();
    validity_judge(&validity, &plan, &results);
}

/* There is exactly this one reason. */
static void expect_invalid(const char *words)
{
    judge();
    expect_int(validity.reason_count, 1);
    expect_msg(strstr(validity.reasons[0], words) != NULL, "%s", validity.reasons[0]);
}

TEST(validity, believes_a_good_run)
{
    good_run();
    judge();
    expect_msg(validity.reason_count == 0, "%s", validity.reasons[0]);
    expect_int(validity.note_count, 0);
}

TEST(validity, refuses_a_late_generator)
{
    good_run();
    for (unsigned i = 0; i < COUNT / 50; i++) {
        fine_record(&results.own_lag, 150 * NS_PER_US);
    }
    expect_invalid("the generator was late: by 150us at p99");
    expect(strstr(validity.reasons[0], "wait for a CPU") == NULL);
    results.runqueue_ns =
        NS_PER_S * SECONDS / 110; /* too little to meet one request of a hundred */
    expect_invalid("the generator was late: by 150us at p99");
    expect(strstr(validity.reasons[0], "wait for a CPU") == NULL);
    results.runqueue_ns = NS_PER_S;
    expect_invalid("it had to wait for a CPU");
    expect(strstr(validity.reasons[0], "nice -n -5") == NULL); /* it has that */
    results.precedence.nice = 0;
    expect_invalid("it had to wait for a CPU; nice -n -5 shortens the wait");
    /* A long tail of latencies does not excuse it: the same may have made both. */
    for (unsigned i = 0; i < COUNT / 50; i++) {
        fine_record(&results.from_due, 2 * NS_PER_MS);
    }
    expect_invalid("the generator was late: by 150us at p99, at most 100us");
    /* The same lateness is nothing beside a median of 2 ms. */
    for (unsigned i = 0; i < 2 * COUNT; i++) {
        fine_record(&results.from_due, 2 * NS_PER_MS);
    }
    judge();
    expect_int(validity.reason_count, 0);
}

TEST(validity, names_no_wait_that_was_shorter_than_the_lag)
{
    good_run();
    for (unsigned i = 0; i < COUNT / 50; i++) {
        fine_record(&results.own_lag, 720 * NS_PER_MS);
    }
    results.runqueue_ns = NS_PER_S * SECONDS / 50; /* 200 ms */
    expect_invalid("the generator was late: by 720ms at p99");
    expect(strstr(validity.reasons[0], "wait for a CPU") == NULL);
}

TEST(validity, refuses_a_busy_generator)
{
    good_run();
    results.cpu_ns = SECONDS * NS_PER_S * 95 / 100;
    expect_invalid("busy for 95% of the time, at most 90% is accepted");
    /* What --spin burns while there is nothing to do is no work. */
    results.idle_ns = SECONDS * NS_PER_S / 2;
    judge();
    expect_int(validity.reason_count, 0);
}

TEST(validity, refuses_a_rate_that_was_not_reached)
{
    good_run();
    results.due = results.sent = results.sent_in_window = results.good = COUNT * 9 / 10;
    expect_invalid("10000 requests should have come due, the generator reached 9000");
}

TEST(validity, refuses_dropped_requests)
{
    good_run();
    results.dropped = 1;
    results.good--;
    expect_invalid("1 requests were due and never sent");
}

TEST(validity, refuses_a_run_without_a_good_answer)
{
    good_run();
    results.good = 0;
    expect_invalid("no good answer");
    good_run();
    results.end_ns = 0;
    results.due = 0;
    judge();
    expect(validity.reason_count > 0);
    expect(strstr(validity.reasons[0], "before the warm-up was over") != NULL);
}

TEST(validity, notes_a_saturated_server_and_believes_the_run)
{
    good_run();
    results.sent_in_window = COUNT / 2;
    judge();
    expect_int(validity.reason_count, 0);
    expect_int(validity.note_count, 1);
    expect(strstr(validity.notes[0], "saturated: 50.0%") != NULL);
}

TEST(validity, notes_a_precedence_that_holds_the_server_up)
{
    good_run();
    results.precedence = (struct precedence){"fifo", true, 0};
    judge();
    expect_int(validity.reason_count, 0);
    expect_int(validity.note_count, 1);
    expect(strstr(validity.notes[0], "real-time precedence (fifo)") != NULL);
}

TEST(validity, names_itself_as_the_limit_where_it_had_no_more_time)
{
    good_run();
    results.sent_in_window = COUNT / 2;
    results.cpu_ns = SECONDS * NS_PER_S / 2;
    results.runqueue_ns = SECONDS * NS_PER_S * 45 / 100;
    judge();
    expect_int(validity.note_count, 1);
    expect(strstr(validity.notes[0],
                  "busy for 50% of the time, and one waited for a CPU for 45%") != NULL);
    expect(strstr(validity.notes[0], "saturated") == NULL);
}

TEST(validity, says_of_a_closed_loop_that_it_was_kept_from_a_cpu)
{
    good_run();
    plan.rate.count = 0;
    results.runqueue_ns = SECONDS * NS_PER_S * 9 / 100;
    judge();
    expect_int(validity.note_count, 0);
    results.runqueue_ns = SECONDS * NS_PER_S / 2;
    judge();
    expect_int(validity.reason_count, 0);
    expect_int(validity.note_count, 1);
    expect(strstr(validity.notes[0], "waited for a CPU for 50% of the time") != NULL);
}

TEST(validity, refuses_counts_that_do_not_add_up)
{
    good_run();
    for (int sign = -1; sign <= 1; sign += 2) {
        balance();
        results.occupancy.area_ns *= 1 + 0.02 * sign;
        validity_judge(&validity, &plan, &results);
        expect_int(validity.reason_count, 1);
        expect_msg(strstr(validity.reasons[0], "Little's law") != NULL, "%s", validity.reasons[0]);
    }
}

TEST(validity, notes_requests_that_waited_for_a_connection)
{
    good_run();
    results.waited = COUNT / 100;
    judge();
    expect_int(validity.note_count, 0);
    results.waited = COUNT / 50;
    judge();
    expect_int(validity.note_count, 1);
    expect(strstr(validity.notes[0], "2.0% of the requests waited for a free connection") != NULL);
}

TEST(validity, notes_answers_of_other_lengths)
{
    good_run();
    results.targets[0] =
        (struct target_results){.answers = 10, .first_length = 13, .other_lengths = 2};
    judge();
    expect_int(validity.note_count, 1);
    expect_text(validity.notes[0],
                "2 answers of http://h/ were not as long as its first, of 13 bytes");
}

TEST(validity, of_a_closed_loop_asks_for_no_arrivals)
{
    good_run();
    plan.rate.count = 0;
    results.due = 1;
    judge();
    expect_int(validity.reason_count, 0);
}
