/* rate.h: how many requests a second an open loop asks for, over the time of a run.
 *
 *   1000              the same all the time
 *   1000:50000        in a straight line from the first to the second, over the window
 *   1000,2000,4000    steps of equal length, over the window
 *
 * The warm-up has the first of them. A curve answers in both directions: how many requests are due
 * until a time, and when a request is due. Read-only once made.
 */
#ifndef TOOLS_LOAD_RATE_H
#define TOOLS_LOAD_RATE_H

#include <stdbool.h>
#include <stdint.h>

enum { RATE_STEPS_MAX = 64, RATE_MAX = 10000000 };

struct rate {
    unsigned count; /* 0: no open loop */
    bool ramp;      /* from the first to the second */
    double at[RATE_STEPS_MAX];
};

/* False: it is none of the three, or a rate is not from 1 to RATE_MAX. */
bool rate_parse(const char *text, struct rate *rate);

/* Over the window; 0 where there is none. */
double rate_mean(const struct rate *rate);

/* A part of a curve in which the rate is constant or changes in a straight line. */
struct rate_piece {
    double start_s, length_s;
    double before;     /* requests due before it */
    double rate, rise; /* at its start; a second */
};

struct rate_curve {
    unsigned count;
    struct rate_piece pieces[RATE_STEPS_MAX + 2]; /* the last one does not end */
};

/* From the start of the run. */
void rate_curve_make(struct rate_curve *curve, const struct rate *rate, uint64_t warmup_ns,
                     uint64_t duration_ns);
/* Requests due until `at_ns`. */
double rate_curve_due(const struct rate_curve *curve, double at_ns);
/* When that many are due. */
double rate_curve_time_ns(const struct rate_curve *curve, double due);

#endif
