/* gaps.c: Kolmogorov's distance of a histogram of gaps from what was asked. See gaps.h. */
#include "tools/load/gaps.h"

#include "core/base/clock.h"

#include <math.h>

/* The thresholds that gaps.h explains. */
static const double step_ns = (double)NS_PER_MS;
static const double harmless = 0.05;
static const double chance = 1.63;
static const double constant_tolerance = 0.1;

static double expected_low(const struct gaps *gaps, double ns);
static double expected_high(const struct gaps *gaps, double ns);
static double gaps_erlang(unsigned steps, double x);

void gaps_begin(struct gaps *gaps, enum arrivals_kind kind, double rate, uint64_t start_ns)
{
    *gaps = (struct gaps){.kind = kind, .mean_ns = (double)NS_PER_S / rate, .last_ns = start_ns};
    gaps->step = (unsigned)ceil(step_ns / gaps->mean_ns);
    gaps->left = gaps->step;
}

double gaps_distance(const struct gaps *gaps)
{
    double total = (double)gaps->seen.count, below = 0, distance = 0;
    if (total == 0) {
        return 0;
    }
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
        double count = (double)gaps->seen.buckets[i];
        if (count == 0) {
            continue;
        }
        double before = below / total;
        below += count;
        double after = below / total;
        /* Too few had come before this bucket, or too many by its end. */
        double few = expected_low(gaps, (double)histogram_bucket_low(i)) - before;
        double many = after - expected_high(gaps, (double)histogram_bucket_high(i) + 1);
        distance = fmax(distance, fmax(few, many));
    }
    return distance;
}

double gaps_limit(const struct gaps *gaps)
{
    double total = (double)gaps->seen.count;
    return total > 0 ? harmless + chance / sqrt(total) : 1;
}

/* The share of gaps that must be, and may be, at most so long. */
static double expected_low(const struct gaps *gaps, double ns)
{
    if (gaps->kind == ARRIVALS_POISSON) {
        return gaps_erlang(gaps->step, ns / gaps->mean_ns);
    }
    return ns >= gaps->mean_ns * gaps->step * (1 + constant_tolerance) ? 1 : 0;
}

static double expected_high(const struct gaps *gaps, double ns)
{
    if (gaps->kind == ARRIVALS_POISSON) {
        return gaps_erlang(gaps->step, ns / gaps->mean_ns);
    }
    return ns >= gaps->mean_ns * gaps->step * (1 - constant_tolerance) ? 1 : 0;
}

/* The share of sums of `steps` exponential gaps of mean 1 that are at most x: one less the chance
 * of fewer than `steps` arrivals in x. In logarithms: e^-x alone would be 0 from 746 on. */
static double gaps_erlang(unsigned steps, double x)
{
    if (x <= 0) {
        return 0;
    }
    double fewer = 0;
    for (unsigned i = 0; i < steps; i++) {
        fewer += exp((double)i * log(x) - x - lgamma((double)i + 1));
    }
    return fmax(0, 1 - fewer);
}
