/* Drawn service times, over many fixed seeds: the distributions themselves, not the handlers. */
#include "core/handlers/service_time.h"

#include "core/base/clock.h"
#include "tests/test.h"

#include <math.h>

enum { DRAWS = 100000 };
static const uint64_t MEAN_NS = 50 * NS_PER_US;
/* sqrt(DRAWS) times the Kolmogorov distance is above this in one of 100,000 sets of draws. */
static const double KOLMOGOROV_LIMIT = 2.5;

static struct service_time of_dist(enum service_dist dist)
{
    return (struct service_time){dist, MEAN_NS, 3600 * NS_PER_S, 5, 10};
}

static double drawn[DRAWS];

/* Seeds from 1, as the server takes them; in units of the mean. */
static void draw_all(enum service_dist dist)
{
    struct service_time time = of_dist(dist);
    for (unsigned i = 0; i < DRAWS; i++) {
        drawn[i] = (double)service_time_draw(&time, i + 1) / (double)MEAN_NS;
    }
}

static double mean_of_drawn(void)
{
    double sum = 0;
    for (unsigned i = 0; i < DRAWS; i++) {
        sum += drawn[i];
    }
    return sum / DRAWS;
}

/* Of draws that are `lag` apart, about the given mean; 0: the variance. */
static double covariance_of_drawn(unsigned lag)
{
    double sum = 0, mean = mean_of_drawn();
    for (unsigned i = 0; i + lag < DRAWS; i++) {
        sum += (drawn[i] - mean) * (drawn[i + lag] - mean);
    }
    return sum / (DRAWS - lag);
}

static int by_size(const void *a, const void *b)
{
    const double *first = a, *second = b;
    return (*first > *second) - (*first < *second);
}

static double exp_cdf(double x)
{
    return -expm1(-x);
}

/* Mean 1 and sigma 1: the logarithm has the mean -1/2. */
static double lognormal_cdf(double x)
{
    return x <= 0 ? 0 : 0.5 * erfc(-(log(x) + 0.5) / M_SQRT2);
}

static double kolmogorov(double (*cdf)(double))
{
    double most = 0;
    qsort(drawn, DRAWS, sizeof *drawn, by_size);
    for (unsigned i = 0; i < DRAWS; i++) {
        double below = cdf(drawn[i]);
        most = fmax(most, fmax(below - (double)i / DRAWS, (double)(i + 1) / DRAWS - below));
    }
    return most * sqrt(DRAWS);
}

static void expect_near(double value, double wanted, double within)
{
    expect_msg(fabs(value - wanted) <= within, "%.6f is not within %.6f of %.6f", value, within,
               wanted);
}

/* Four standard errors of the mean; neighbours are as if independent. */
static void expect_mean_and_variance(double variance, double variance_within)
{
    expect_near(mean_of_drawn(), 1, 4 * sqrt(variance / DRAWS));
    expect_near(covariance_of_drawn(0), variance, variance_within);
    for (unsigned lag = 1; lag <= 3; lag++) {
        expect_near(covariance_of_drawn(lag) / variance, 0, 4 / sqrt(DRAWS));
    }
}

TEST(service_time, finds_distributions_by_name)
{
    static const char *const names[] = {"constant", "exp", "bimodal", "lognormal"};
    enum service_dist dist;
    for (unsigned i = 0; i < 4; i++) {
        expect(service_dist_find(bytes_of(names[i]), &dist));
        expect_int(dist, i);
    }
    expect(!service_dist_find(BYTES("expo"), &dist));
    expect(!service_dist_find(BYTES("EXP"), &dist));
    expect(!service_dist_find(BYTES(""), &dist));
}

TEST(service_time, constant_is_the_mean_whatever_the_seed)
{
    struct service_time time = of_dist(SERVICE_CONSTANT);
    expect_int(service_time_draw(&time, 1), MEAN_NS);
    expect_int(service_time_draw(&time, 2), MEAN_NS);
}

/* The variance of a variance is (fourth central moment - variance^2) / n: 8 / n here. */
TEST(service_time, exp_has_its_distribution)
{
    draw_all(SERVICE_EXP);
    expect_mean_and_variance(1, 4 * sqrt(8.0 / DRAWS));
    double distance = kolmogorov(exp_cdf);
    expect_msg(distance < KOLMOGOROV_LIMIT, "%.3f", distance);
}

/* Two values whose mean is 1: shorter = 1 / (1 + 0.05 * 9). */
TEST(service_time, bimodal_has_two_lengths_with_their_shares)
{
    draw_all(SERVICE_BIMODAL);
    double shorter = 1 / 1.45;
    double variance = (0.95 + 0.05 * 100) * shorter * shorter - 1;
    expect_mean_and_variance(variance, 0.05 * variance);
    unsigned longer = 0;
    for (unsigned i = 0; i < DRAWS; i++) {
        bool is_long = drawn[i] > 2;
        longer += is_long;
        expect_near(drawn[i], is_long ? 10 * shorter : shorter, 1e-4);
    }
    expect_near((double)longer / DRAWS, 0.05, 4 * sqrt(0.05 * 0.95 / DRAWS));
}

TEST(service_time, bimodal_takes_other_shares_and_ratios)
{
    struct service_time time = of_dist(SERVICE_BIMODAL);
    time.share = 0;
    expect_int(service_time_draw(&time, 9), MEAN_NS);
    time.share = 50;
    time.ratio = 0; /* half of the requests take no time, the others twice the mean */
    unsigned none = 0;
    for (unsigned seed = 0; seed < 1000; seed++) {
        uint64_t ns = service_time_draw(&time, seed);
        expect(ns == 0 || ns == 2 * MEAN_NS);
        none += ns == 0;
    }
    expect(none > 400 && none < 600);
}

/* Its fourth moment is so large that the variance of a sample says little: the distribution
 * function is the test. */
TEST(service_time, lognormal_has_its_distribution)
{
    draw_all(SERVICE_LOGNORMAL);
    double variance = exp(1) - 1;
    expect_mean_and_variance(variance, 0.3 * variance);
    double distance = kolmogorov(lognormal_cdf);
    expect_msg(distance < KOLMOGOROV_LIMIT, "%.3f", distance);
}

TEST(service_time, depends_on_the_seed_alone)
{
    for (enum service_dist dist = SERVICE_EXP; dist <= SERVICE_LOGNORMAL; dist++) {
        struct service_time time = of_dist(dist);
        uint64_t first = service_time_draw(&time, 12345);
        (void)service_time_draw(&time, 1);
        expect_int(service_time_draw(&time, 12345), first);
        time.mean_ns *= 2;
        expect_near((double)service_time_draw(&time, 12345), 2 * (double)first, 1);
    }
}

/* The third number of splitmix64 from zero is 0x06c45d188009454f. */
TEST(service_time, is_the_same_on_each_machine)
{
    struct service_time time = of_dist(SERVICE_EXP);
    expect_int(service_time_draw(&time, 1), 181656);
}

TEST(service_time, is_cut_at_the_most)
{
    struct service_time time = of_dist(SERVICE_EXP);
    time.most_ns = MEAN_NS;
    unsigned cut = 0;
    for (unsigned seed = 0; seed < 1000; seed++) {
        uint64_t ns = service_time_draw(&time, seed);
        expect(ns <= MEAN_NS);
        cut += ns == MEAN_NS;
    }
    expect(cut > 300 && cut < 440); /* 1 / e */
}
