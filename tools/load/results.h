/* results.h: everything a run has found, as numbers: filled by the drive while it runs, read by the
 * reports and by the judgement of its validity. Each thread of the load has its own, which are
 * merged. One thread; another one may read from_due meanwhile.
 *
 * "Measured" is what was due inside the window: after the warm-up, before the end. Its latency is
 * recorded when a good answer came, whenever that was; every other outcome is an error, so that
 *
 *   due = good + errors + dropped
 */
#ifndef TOOLS_LOAD_RESULTS_H
#define TOOLS_LOAD_RESULTS_H

#include "tools/load/fine.h"
#include "tools/load/errors.h"
#include "tools/load/mix.h"
#include "tools/load/occupancy.h"
#include "tools/load/series.h"
#include "tools/load/usage.h"

#include <stdbool.h>

enum { RESULTS_STATUSES = 600 };

/* Of one URL, over the whole run. */
struct target_results {
    uint64_t answers;
    struct fine latency;    /* of measured good answers, as of the whole run */
    uint64_t first_length;  /* of its first good answer's body */
    uint64_t other_lengths; /* good answers of another length: legal, and suspicious */
};

struct results {
    struct fine from_due;   /* due to last byte of the answer */
    struct fine from_send;  /* first byte sent to the same */
    struct fine first_byte; /* first byte sent to first byte of the answer */
    struct fine send_lag;   /* due to first byte sent: the generator, and waiting for room */
    struct fine own_lag;    /* due to the generator's coming to it: its own part of that */
    struct fine connect;    /* the whole run's */

    /* Measured requests. */
    uint64_t due, sent, good, dropped;
    uint64_t sent_in_window; /* before the end */
    struct errors errors;    /* of measured requests, and every connection not made */

    /* The whole run, warm-up included: what the server's log must agree with. */
    uint64_t sent_ever, answered_ever, bad_ever;
    uint64_t statuses[RESULTS_STATUSES];
    struct target_results targets[MIX_MAX];
    uint64_t bytes_sent, bytes_received;
    uint64_t opened, unasked;

    uint64_t waited; /* measured: no connection was free when they were released */
    struct occupancy occupancy;
    struct series series; /* with rows of the run's own */

    /* What happened inside the window, whenever it was due. */
    uint64_t done_in_window, body_bytes_in_window;
    uint64_t pending_most;

    uint64_t start_ns, window_ns, end_ns; /* CLOCK_MONOTONIC: first request, window, its end */
    double start_unix_s;                  /* the window's beginning */
    uint64_t cpu_total_ns;                /* of all threads, in the window */
    /* Of a thread, in the window; idle: of its CPU time, what --spin burnt in vain. */
    uint64_t cpu_ns, idle_ns, runqueue_ns;
    struct precedence precedence; /* as it began */
    bool interrupted;
};

/* Adds what another thread has found. Of CPU and precedence: those of the busiest thread, of that
 * which waited longest, and of the first. `to` is zeroes before the first one. */
void results_merge(struct results *to, const struct results *from);

/* Seconds of the window. */
double results_window_s(const struct results *results);
/* Good and bad answers a second inside the window. */
double results_rate(const struct results *results);
/* The share of one CPU that the generator needed. */
double results_cpu_share(const struct results *results);
/* The share of its time in which the generator was ready to run and had no CPU. */
double results_wait_share(const struct results *results);
/* Little's law: requests that were between release and end on average, by counting them, and as the
 * rate times the time in between; how far the two may be apart. False: it does not hold, or there
 * are requests without a latency, of which it says nothing (then all are 0). */
struct little {
    double counted, multiplied, tolerance;
};
bool results_little(const struct results *results, struct little *little);

/* Of what was due, the share that was sent before the end. */
double results_sent_share(const struct results *results);

#endif
