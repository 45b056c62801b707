/* bottleneck_figures.h: what a verdict rests on: a report's figures by thread group, and the shares
 * made of them.
 *
 * Plain data, any thread. wall_ns must not be 0 where a share of the time is asked for. */
#ifndef CORE_REPORT_BOTTLENECK_FIGURES_H
#define CORE_REPORT_BOTTLENECK_FIGURES_H

#include "core/report/report.h"

enum { BOTTLENECK_GROUPS_MAX = 16 };

struct bottleneck_group {
    char letters[REPORT_LETTERS];
    bool loop, session, in_turn;
    unsigned threads; /* at most */
    /* made from the figures' threads: */
    unsigned used;                         /* of them, those that have had something to do */
    uint64_t busy_ns, cpu_ns, runqueue_ns; /* of all its threads */
    uint64_t busiest_ns;                   /* busy time of the busiest */
    uint64_t hardest_ns;            /* the longest that one was busy without waiting for a CPU */
    double depth_early, depth_late; /* mean depth of its queues in the first and last quarter of the
                                       time; both 0 when not known */
};

struct bottleneck_figures {
    uint64_t wall_ns; /* the time that these figures are of */
    uint64_t accepted, begun, requests;
    uint64_t connections;  /* open at the end */
    uint64_t room_waits;   /* times a handler let go because its client was too slow */
    uint64_t accept_depth; /* waiting in the kernel's accept queue now */
    uint64_t interval_ns[INTERVAL_COUNT];
    struct machine_report machine;
    unsigned group_count;
    struct bottleneck_group groups[BOTTLENECK_GROUPS_MAX];
};

/* Of the time, where a group counts as full: below 1, since neither arrivals nor our clocks are
 * even. Mean number of requests in front of a group, or of threads in want of a CPU, from which on
 * they count as waiting. */
static const double figures_full = 0.8, figures_waits = 1.0;

/* Of a report since the start, or of a window (report_since). */
void bottleneck_read(struct bottleneck_figures *figures, const struct report *report);

/* 0 where it would be less: a report is gathered while threads count. */
static inline uint64_t figures_minus(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* 0 ... 1; 0 where there is no whole. */
double figures_share(double part_ns, double whole_ns);

bool figures_has_stage(const struct bottleneck_group *group, char stage);
/* Time of all its threads. */
double figures_capacity_ns(const struct bottleneck_figures *figures,
                           const struct bottleneck_group *group);
double figures_busy_share(const struct bottleneck_figures *figures,
                          const struct bottleneck_group *group);
/* The interval that a request spends in front of it, or -1. */
int figures_wait_before(const struct bottleneck_group *group);
/* Requests in front of it, on average. */
double figures_waiting(const struct bottleneck_figures *figures,
                       const struct bottleneck_group *group);
/* The share that decides whether it is full: of all its threads, or of one that others do not
 * help. */
double figures_fullness(const struct bottleneck_figures *figures,
                        const struct bottleneck_group *group);
/* Is it full only because it waits for a CPU? With more CPUs it would not be. */
bool figures_is_starved(const struct bottleneck_figures *figures,
                        const struct bottleneck_group *group);
/* Busy time without the wait for a CPU, of a thread on average. */
double figures_work_each_ns(const struct bottleneck_group *group);

/* How many of the CPUs were in use, by all programs. */
double figures_cpus_in_use(const struct bottleneck_figures *figures);
bool figures_machine_is_full(const struct bottleneck_figures *figures);
/* Is most of what is used of the CPUs used by the server? Also where that is not known. */
bool figures_server_is_alone(const struct bottleneck_figures *figures);

/* Mean number of requests in the server. */
double figures_inside(const struct bottleneck_figures *figures);
/* How long a connection is without a request from an answer to the next request, on average. */
double figures_pause_ns(const struct bottleneck_figures *figures);

#endif
