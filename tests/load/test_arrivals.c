/* test_arrivals.c: random numbers and due times. */
#include "tools/load/arrivals.h"

#include "core/base/clock.h"
#include "tests/test.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

enum { COUNT = 200000 };

static const struct seat alone = {0, 1};

/* Of a constant rate. */
static void begin(struct arrivals *arrivals, enum arrivals_kind kind, double rate, uint64_t seed,
                  struct seat seat, uint64_t start_ns)
{
    static struct rate_curve curves[16];
    static unsigned used;
    struct rate_curve *curve = &curves[used++ % 16];
    rate_curve_make(curve, &(struct rate){.count = 1, .at = {rate}}, NS_PER_S, NS_PER_S);
    arrivals_begin(arrivals, (struct arrivals_form){kind, 1}, curve, seed, seat, start_ns);
}

/* Kolmogorov's distance of these times between requests from an exponential distribution. The times
 * come out sorted. */
static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double distance_of(double *gaps, unsigned count, double mean_ns)
{
    double distance = 0;
    qsort(gaps, count, sizeof *gaps, by_size);
    for (unsigned i = 0; i < count; i++) {
        double share = 1 - exp(-gaps[i] / mean_ns);
        distance = fmax(distance, fmax(share - i / (double)count, (i + 1) / (double)count - share));
    }
    return distance;
}

/* What chance allows at the 1 % level. */
static double distance_allowed(unsigned count)
{
    return 1.63 / sqrt(count);
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
    random_seed(&a, 42, RANDOM_ARRIVALS, alone);
    random_seed(&b, 42, RANDOM_ARRIVALS, alone);
    random_seed(&c, 42, RANDOM_MIX, alone);
    uint64_t first = random_next(&a);
    expect(first == random_next(&b));
    expect(first != random_next(&c));
}

TEST(random_source, fills_the_unit_interval_without_zero)
{
    struct random_source source;
    random_seed(&source, 1, RANDOM_ARRIVALS, alone);
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
    begin(&a, ARRIVALS_POISSON, 1000, 5, alone, 100);
    begin(&b, ARRIVALS_POISSON, 1000, 5, alone, 100);
    begin(&c, ARRIVALS_POISSON, 1000, 6, alone, 100);
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
    begin(&arrivals, ARRIVALS_CONSTANT, 3, 1, alone, 1000);
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
    begin(&arrivals, ARRIVALS_POISSON, 20000, 3, alone, 0);
    uint64_t last_ns = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        uint64_t due_ns = arrivals_next(&arrivals);
        expect(due_ns >= last_ns);
        last_ns = due_ns;
    }
    /* The sum of n exponential gaps is within 4 / sqrt(n) of its mean. */
    expect(fabs((double)last_ns / (COUNT * 50e3) - 1) < 4 / sqrt(COUNT));
}

TEST(arrivals, have_exponential_gaps)
{
    static const double rates[] = {10, 1001, 20000};
    static double gaps[COUNT];
    for (unsigned r = 0; r < sizeof rates / sizeof rates[0]; r++) {
        struct arrivals arrivals;
        begin(&arrivals, ARRIVALS_POISSON, rates[r], 7, alone, 0);
        uint64_t before_ns = 0;
        for (unsigned i = 0; i < COUNT; i++) {
            uint64_t due_ns = arrivals_next(&arrivals);
            gaps[i] = (double)(due_ns - before_ns);
            before_ns = due_ns;
        }
        double distance = distance_of(gaps, COUNT, 1e9 / rates[r]);
        expect_msg(distance < distance_allowed(COUNT), "%f at %.0f/s", distance, rates[r]);
    }
}

/* The schedules of several threads, in the order of their times: what the server sees. */
static uint64_t next_of_all(struct arrivals *arrivals, uint64_t *next_ns, unsigned threads)
{
    unsigned first = 0;
    for (unsigned i = 1; i < threads; i++) {
        first = next_ns[i] < next_ns[first] ? i : first;
    }
    uint64_t due_ns = next_ns[first];
    next_ns[first] = arrivals_next(&arrivals[first]);
    return due_ns;
}

static void begin_all(struct arrivals *arrivals, uint64_t *next_ns, unsigned threads,
                      enum arrivals_kind kind, double rate)
{
    for (unsigned i = 0; i < threads; i++) {
        begin(&arrivals[i], kind, rate, 7, (struct seat){i, threads}, 0);
        next_ns[i] = arrivals_next(&arrivals[i]);
    }
}

TEST(arrivals, of_several_threads_together_have_exponential_gaps)
{
    static double gaps[COUNT];
    struct arrivals arrivals[5];
    uint64_t next_ns[5], before_ns = 0;
    for (unsigned threads = 2; threads <= 5; threads += 3) {
        before_ns = 0;
        begin_all(arrivals, next_ns, threads, ARRIVALS_POISSON, 20000);
        for (unsigned i = 0; i < COUNT; i++) {
            uint64_t due_ns = next_of_all(arrivals, next_ns, threads);
            gaps[i] = (double)(due_ns - before_ns);
            before_ns = due_ns;
        }
        double distance = distance_of(gaps, COUNT, 50e3);
        expect_msg(distance < distance_allowed(COUNT), "%f of %u threads", distance, threads);
    }
}

TEST(arrivals, of_several_threads_that_are_constant_take_turns)
{
    struct arrivals arrivals[3];
    uint64_t next_ns[3];
    begin_all(arrivals, next_ns, 3, ARRIVALS_CONSTANT, 1000);
    for (unsigned i = 0; i < 1000; i++) {
        expect_int(next_of_all(arrivals, next_ns, 3), i * NS_PER_MS);
    }
}

TEST(arrivals, that_are_constant_are_found_not_to_be_exponential)
{
    static double gaps[1000];
    for (unsigned i = 0; i < 1000; i++) {
        gaps[i] = 1e6;
    }
    expect(distance_of(gaps, 1000, 1e6) > distance_allowed(1000));
}

TEST(arrivals, in_bursts_come_several_at_a_time_and_keep_the_rate)
{
    struct rate_curve curve;
    struct arrivals_form form;
    struct arrivals arrivals;
    static double gaps[COUNT];
    expect(arrivals_parse("burst:8", &form));
    rate_curve_make(&curve, &(struct rate){.count = 1, .at = {20000}}, 0, NS_PER_S);
    arrivals_begin(&arrivals, form, &curve, 7, alone, 0);
    uint64_t before_ns = 0, due_ns = 0;
    for (unsigned i = 0; i < COUNT / 8; i++) {
        due_ns = arrivals_next(&arrivals);
        for (unsigned k = 1; k < 8; k++) {
            expect(arrivals_next(&arrivals) == due_ns);
        }
        gaps[i] = (double)(due_ns - before_ns);
        before_ns = due_ns;
    }
    double distance = distance_of(gaps, COUNT / 8, 400e3);
    expect_msg(distance < distance_allowed(COUNT / 8), "%f", distance);
}

TEST(arrivals, are_one_of_three_kinds)
{
    struct arrivals_form form;
    expect(arrivals_parse("poisson", &form) && form.kind == ARRIVALS_POISSON && form.burst == 1);
    expect(arrivals_parse("constant", &form) && form.kind == ARRIVALS_CONSTANT);
    expect(arrivals_parse("burst:100000", &form) && form.burst == 100000);
    static const char *const wrong[] = {"",        "burst",         "burst:",   "burst:0",
                                        "burst:x", "burst:1000000", "burst:8x", "Poisson"};
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        expect_msg(!arrivals_parse(wrong[i], &form), "%s", wrong[i]);
    }
}

/* The times of a ramp, put through the curve, are those of a process of rate 1. */
TEST(arrivals, of_a_ramp_follow_its_rate)
{
    struct rate_curve curve;
    struct arrivals arrivals;
    static double gaps[COUNT];
    struct rate ramp = {.count = 2, .ramp = true, .at = {1000, 50000}};
    rate_curve_make(&curve, &ramp, NS_PER_S, 10 * NS_PER_S);
    arrivals_begin(&arrivals, (struct arrivals_form){ARRIVALS_POISSON, 1}, &curve, 5, alone, 0);
    double before = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        double position = rate_curve_due(&curve, (double)arrivals_next(&arrivals));
        gaps[i] = position - before;
        before = position;
    }
    expect(distance_of(gaps, COUNT, 1) < distance_allowed(COUNT));
}
