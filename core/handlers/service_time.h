/* service_time.h: how long a request of chosen cost takes, drawn from a distribution.
 *
 * Why: what queueing theory predicts of a server depends on the distribution of its service times,
 * so an experiment must be able to choose one, and to repeat it. A draw depends on its seed alone:
 * the same seed gives the same time in each process and in each run.
 *
 * Each seed owns two consecutive numbers of the one sequence that splitmix64 makes from zero.
 * Source: G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators" (2014),
 * with the constants of S. Vigna's splitmix64.c. Not for secrets.
 *
 * Thread: any.
 */
#ifndef CORE_HANDLERS_SERVICE_TIME_H
#define CORE_HANDLERS_SERVICE_TIME_H

#include "core/base/bytes.h"

#include <stdint.h>

enum service_dist {
    SERVICE_CONSTANT,
    SERVICE_EXP,       /* squared coefficient of variation 1 */
    SERVICE_BIMODAL,   /* `share` of all take `ratio` times as long as the others */
    SERVICE_LOGNORMAL, /* sigma 1: squared coefficient of variation e - 1, 1.72 */
};

struct service_time {
    enum service_dist dist;
    uint64_t mean_ns;
    uint64_t most_ns; /* a longer draw is cut to this, which shortens the mean */
    uint64_t share;   /* of SERVICE_BIMODAL: percent of the requests, 0 to 100 */
    uint64_t ratio;   /* of SERVICE_BIMODAL: 1 or more */
};

/* constant, exp, bimodal, lognormal. False: no such name. */
bool service_dist_find(struct bytes name, enum service_dist *out);

/* The time, in ns, that belongs to this seed. Over all seeds the mean is mean_ns. Before the cut the
 * longest possible time of SERVICE_EXP is 37 times the mean, that of SERVICE_LOGNORMAL 3,200. */
uint64_t service_time_draw(const struct service_time *time, uint64_t seed);

#endif
