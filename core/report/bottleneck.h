/* bottleneck.h: which thread group limits a server, judged from what its report has counted.
 *
 * Use: bottleneck_read twice and bottleneck_since for what happened in between, or once for all of
 * a run; then bottleneck_judge; then bottleneck_deinit. Plain data, any thread.
 *
 * The rules, in this order; the figures they rest on are in the text:
 *   1. Nothing was asked: there is nothing to judge.
 *   2. A group whose threads were busy for 80 % of the time or more limits (utilisation law: at
 *      100 % it can do no more). One full thread is enough where the others cannot help it: in a
 *      group of loops, and where requests wait in front of a pool all the same. Of several such
 *      groups, the one with most work, which is busy time without the wait for a CPU.
 *   3. One thread or more waited for a CPU in the mean: the group that used most of the CPUs
 *      limits.
 *   4. A group of sessions that are hardly busy while clients wait in front of it: its sessions are
 *      held by clients that stall.
 *   5. Half of all requests' time and more was spent waiting for clients: they limit, in the stage
 *      in which they are waited for.
 *   6. Nobody limits.
 *
 * Busy is all time in which a thread did not wait for work: on a CPU, waiting for one, or blocked
 * in a handler. Time in which nothing was asked should not be in the figures: it waters them down.
 */
#ifndef CORE_REPORT_BOTTLENECK_H
#define CORE_REPORT_BOTTLENECK_H

#include "core/base/json.h"
#include "core/report/report.h"

enum { BOTTLENECK_GROUPS_MAX = 16, BOTTLENECK_TEXT = 512 };

struct bottleneck_group {
    char letters[REPORT_LETTERS];
    bool loop, session, in_turn;
    unsigned threads; /* at most */
    /* made from the figures' threads: */
    unsigned used;                         /* of them, those that have had something to do */
    uint64_t busy_ns, cpu_ns, runqueue_ns; /* of all its threads */
    uint64_t busiest_ns;                   /* busy time of the busiest */
    double depth_early, depth_late; /* mean depth of its queues in the first and last quarter of the
                                       time; both 0 when not known */
};

struct bottleneck_figures {
    uint64_t wall_ns; /* the time that these figures are of */
    uint64_t accepted, begun, requests;
    uint64_t room_waits;   /* times a handler let go because its client was too slow */
    uint64_t accept_depth; /* waiting in the kernel's accept queue now */
    uint64_t interval_ns[INTERVAL_COUNT];
    unsigned group_count;
    struct bottleneck_group groups[BOTTLENECK_GROUPS_MAX];
    /* One by one: the busiest thread between two moments is not the difference of two maxima. */
    unsigned thread_count;
    struct thread_report *threads;
};

enum bottleneck_cause {
    BOTTLENECK_IDLE,     /* nothing to judge */
    BOTTLENECK_NONE,     /* nothing limits */
    BOTTLENECK_BUSY,     /* a group is busy */
    BOTTLENECK_CPU,      /* there are too few CPUs for what a group does */
    BOTTLENECK_SESSIONS, /* a group's sessions are held */
    BOTTLENECK_CLIENTS,  /* clients are waited for */
};

struct bottleneck {
    enum bottleneck_cause cause;
    int group;                  /* which of the figures', or -1 */
    char limit[REPORT_LETTERS]; /* its letters; of clients, the stage that waits for them; or "" */
    char text[BOTTLENECK_TEXT]; /* a sentence or two, for people */
};

/* Wants bottleneck_deinit. */
void bottleneck_read(struct bottleneck_figures *figures, const struct report *report);
void bottleneck_deinit(struct bottleneck_figures *figures);
/* Makes `now` what happened since `before`, of the same server. */
void bottleneck_since(struct bottleneck_figures *now, const struct bottleneck_figures *before);
void bottleneck_judge(struct bottleneck *verdict, const struct bottleneck_figures *figures);

/* An object: cause, group (or -1), limit, text, and of how much time it is (since_ns). */
void bottleneck_to_json(struct json *json, const char *key, const struct bottleneck *verdict,
                        uint64_t since_ns);

/* "busy", "none" ... */
const char *bottleneck_cause_name(enum bottleneck_cause cause);

#endif
