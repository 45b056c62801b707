/* test_arrivals.c: random numbers, due times, and the test of gaps that judges a run. */
#include "tools/load/arrivals.h"

#include "core/base/clock.h"
#include "tests/test.h"
#include "tools/load/gaps.h"

#include <stdbool.h>
#include <math.h>

enum { COUNT = 200000 };

static struct gaps *gaps;

/* Runs `count` due times of a schedule through the test of gaps, each late by what `late` says. */
static void judge(enum arrivals_kind made, enum arrivals_kind asked, double rate, unsigned count,
                  uint64_t (*late)(unsigned i))
{
    static struct gaps memory;
    struct arrivals arrivals;
    gaps = &memory;
    gaps_begin(gaps, asked, rate, NS_PER_S);
    arrivals_begin(&arrivals, made, rate, 7, NS_PER_S);
    uint64_t before_ns = NS_PER_S;
    for (unsigned i = 0; i < count; i++) {
        uint64_t at_ns = arrivals_next(&arrivals) + (late != NULL ? late(i) : 0);
        before_ns = at_ns > before_ns ? at_ns : before_ns;
        gaps_note(gaps, before_ns);
    }
}

static bool passes(void)
{
    return gaps_distance(gaps) <= gaps_limit(gaps);
}

TEST(random_source, gives_the_published_sequence)
{
    /* xoshiro256** from the state 1, 2, 3, 4: the first outputs follow from its definition. */
    struct random_source source = {{1, 2, 3, 4}};
    expect(random_next(&source) == 11520);
    expect(random_next(&source) == 0);
    expect(random_next(&source) == 1509978240);
    expect(random_next(&source) == 1215971899390074240);
}

TEST(random_source, is_repeatable_and_its_streams_differ)
{
    struct random_source a, b, c;
    random_seed(&a, 42, 1);
    random_seed(&b, 42, 1);
    random_seed(&c, 42, 2);
    uint64_t first = random_next(&a);
    expect(first == random_next(&b));
    expect(first != random_next(&c));
}

TEST(random_source, fills_the_unit_interval_without_zero)
{
    struct random_source source;
    random_seed(&source, 1, 1);
    double sum = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        double unit = random_unit(&source);
        expect(unit > 0 && unit <= 1);
        sum += unit;
    }
    expect(fabs(sum / COUNT - 0.5) < 0.005);
}

TEST(arrivals, of_one_seed_are_the_same)
{
    struct arrivals a, b, c;
    arrivals_begin(&a, ARRIVALS_POISSON, 1000, 5, 100);
    arrivals_begin(&b, ARRIVALS_POISSON, 1000, 5, 100);
    arrivals_begin(&c, ARRIVALS_POISSON, 1000, 6, 100);
    bool differ = false;
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t due_ns = arrivals_next(&a);
        expect(due_ns == arrivals_next(&b));
        differ = differ || due_ns != arrivals_next(&c);
    }
    expect(differ);
}

TEST(arrivals, that_are_constant_do_not_drift)
{
    struct arrivals arrivals;
    arrivals_begin(&arrivals, ARRIVALS_CONSTANT, 3, 1, 1000);
    expect_int(arrivals_next(&arrivals), 1000);
    expect_int(arrivals_next(&arrivals), 1000 + 333333333);
    uint64_t last_ns = 0;
    for (unsigned i = 2; i <= 3 * 3600; i++) {
        last_ns = arrivals_next(&arrivals);
    }
    expect_int(last_ns, 1000 + 3600 * NS_PER_S);
}

TEST(arrivals, keep_the_mean_rate)
{
    struct arrivals arrivals;
    arrivals_begin(&arrivals, ARRIVALS_POISSON, 20000, 3, 0);
    uint64_t last_ns = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        uint64_t due_ns = arrivals_next(&arrivals);
        expect(due_ns >= last_ns);
        last_ns = due_ns;
    }
    /* The sum of n exponential gaps is within 4 / sqrt(n) of its mean. */
    expect(fabs((double)last_ns / (COUNT * 50e3) - 1) < 4 / sqrt(COUNT));
}

/* Kolmogorov and Smirnov's test on the exact gaps, with nothing for harmless deviations. */
TEST(arrivals, have_exponential_gaps)
{
    judge(ARRIVALS_POISSON, ARRIVALS_POISSON, 1000, COUNT, NULL);
    expect_int(gaps->step, 1);
    expect_int(gaps->seen.count, COUNT);
    double histogram_error = 0.003;
    expect_msg(gaps_distance(gaps) < 1.63 / sqrt(COUNT) + histogram_error, "%f",
               gaps_distance(gaps));
}

TEST(gaps, accept_what_was_asked_at_any_rate)
{
    static const double rates[] = {10, 999, 1001, 20000, 500000};
    for (unsigned i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        judge(ARRIVALS_POISSON, ARRIVALS_POISSON, rates[i], COUNT, NULL);
        expect_msg(passes(), "poisson %.0f: %f", rates[i], gaps_distance(gaps));
        judge(ARRIVALS_CONSTANT, ARRIVALS_CONSTANT, rates[i], COUNT, NULL);
        expect_msg(passes(), "constant %.0f: %f", rates[i], gaps_distance(gaps));
    }
}

TEST(gaps, tell_the_two_kinds_apart)
{
    judge(ARRIVALS_CONSTANT, ARRIVALS_POISSON, 1000, 500, NULL);
    expect(!passes());
    judge(ARRIVALS_POISSON, ARRIVALS_CONSTANT, 1000, 500, NULL);
    expect(!passes());
    judge(ARRIVALS_CONSTANT, ARRIVALS_POISSON, 3000, 3000, NULL);
    expect(!passes());
}

/* A generator that checks its schedule every 10 ms releases ten at a time. */
static uint64_t until_tick(unsigned i)
{
    return (10 - i % 10) * NS_PER_MS;
}

TEST(gaps, refuse_requests_in_batches)
{
    judge(ARRIVALS_CONSTANT, ARRIVALS_CONSTANT, 1000, 5000, until_tick);
    expect(!passes());
    judge(ARRIVALS_POISSON, ARRIVALS_POISSON, 1000, 5000, until_tick);
    expect(!passes());
}

static uint64_t some_microseconds(unsigned i)
{
    return i * 7919 % 30000;
}

TEST(gaps, forgive_tens_of_microseconds)
{
    judge(ARRIVALS_POISSON, ARRIVALS_POISSON, 20000, COUNT, some_microseconds);
    expect_msg(passes(), "%f", gaps_distance(gaps));
    judge(ARRIVALS_CONSTANT, ARRIVALS_CONSTANT, 1000, 20000, some_microseconds);
    expect_msg(passes(), "%f", gaps_distance(gaps));
}

TEST(gaps, refuse_half_the_rate)
{
    struct arrivals arrivals;
    static struct gaps memory;
    gaps = &memory;
    gaps_begin(gaps, ARRIVALS_POISSON, 2000, 0);
    arrivals_begin(&arrivals, ARRIVALS_POISSON, 1000, 9, 0);
    for (unsigned i = 0; i < 2000; i++) {
        gaps_note(gaps, arrivals_next(&arrivals));
    }
    expect(!passes());
}

TEST(gaps, of_nothing_have_no_distance)
{
    static struct gaps memory;
    gaps_begin(&memory, ARRIVALS_POISSON, 10, 0);
    expect(gaps_distance(&memory) == 0);
}
