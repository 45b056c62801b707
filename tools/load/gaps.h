/* gaps.h: did requests arrive as asked? A test of the times between them.
 *
 * The statistic is Kolmogorov's distance: the largest difference between the share of gaps that
 * were at most so long and the share that the asked distribution gives. Two thresholds add up,
 * because with enough requests any machine's imperfections become significant:
 *
 *   distance <= 0.05 (what we take for harmless) + 1.63 / sqrt(n) (chance, at the 1 % level)
 *
 * What is measured is the time in which `step` requests came, with as many of them as make 1 ms at
 * the asked rate (one at up to 1,000 a second). Below that it would judge how fast this machine
 * wakes a process, tens of microseconds, which the send lag judges already. The sum of `step`
 * exponential gaps has an Erlang distribution; constant gaps may be 10 % off.
 *
 * One thread. The distance is taken at the edges of histogram buckets, so it is too small by the
 * mass within one bucket, 0.3 % at most.
 */
#ifndef TOOLS_LOAD_GAPS_H
#define TOOLS_LOAD_GAPS_H

#include "core/base/histogram.h"
#include "tools/load/arrivals.h"

struct gaps {
    enum arrivals_kind kind;
    double mean_ns; /* of one gap, as asked */
    unsigned step;  /* requests that make one gap here */
    unsigned left;  /* of the step under way */
    uint64_t last_ns;
    struct histogram seen;
};

void gaps_begin(struct gaps *gaps, enum arrivals_kind kind, double rate, uint64_t start_ns);

/* A request came now. */
static inline void gaps_note(struct gaps *gaps, uint64_t now_ns)
{
    if (--gaps->left == 0) {
        histogram_record(&gaps->seen, now_ns - gaps->last_ns);
        gaps->last_ns = now_ns;
        gaps->left = gaps->step;
    }
}

/* 0 when nothing was seen. */
double gaps_distance(const struct gaps *gaps);
/* What the distance may be with as many gaps as were seen. */
double gaps_limit(const struct gaps *gaps);

#endif
