/* bottleneck.h: which thread group limits a server, judged from what its report has counted.
 *
 * Use: bottleneck_read a report, since the start or of a window (report_since), then
 * bottleneck_judge. Plain data, any thread. Every verdict is made here, and of the same report that
 * is shown beside it: of a trace, of a running server, at SIGUSR1.
 *
 * The rules, in this order; the figures they rest on are in the text:
 *   1. Nothing was asked: there is nothing to judge.
 *   2. A group whose threads were busy for 80 % of the time or more limits (utilisation law: at
 *      100 % it can do no more). One full thread is enough where the others cannot help it: in a
 *      group of loops, and where requests wait in front of a pool all the same. Of several such
 *      groups, the one with most work, which is busy time without the wait for a CPU.
 *   3. The CPUs limit where such a group is full only with its wait for a CPU, or where one thread
 *      or more waited for a CPU on average. The group that used most of them is named where the
 *      server used most of what was used; otherwise other programs have the CPUs.
 *   4. A group of sessions that are hardly busy while clients wait in front of it: its sessions are
 *      occupied by clients that stall.
 *   5. Half of all requests' time and more was spent waiting for clients: they limit, in the stage
 *      in which they are waited for.
 *   6. Requests come as soon as earlier ones are answered: the load limits, or the CPUs where all of
 *      them are in use.
 *   7. Nobody limits.
 *
 * Where all CPUs are in use, every verdict says so, and by whom. Busy is defined at
 * thread_report_busy (core/report/report.h). Time in which nothing was asked should not be in the
 * figures: it waters them down.
 */
#ifndef CORE_REPORT_BOTTLENECK_H
#define CORE_REPORT_BOTTLENECK_H

#include "core/base/json.h"
#include "core/report/bottleneck_figures.h"

enum {
    BOTTLENECK_TEXT = 768,
    BOTTLENECK_TITLE = 14,  /* columns of "verdict" */
    BOTTLENECK_WIDTH = 100, /* where its lines are broken */
};

enum bottleneck_cause {
    BOTTLENECK_IDLE,     /* nothing to judge */
    BOTTLENECK_NONE,     /* nothing limits */
    BOTTLENECK_BUSY,     /* a group is busy */
    BOTTLENECK_CPU,      /* there are too few CPUs for what a group does */
    BOTTLENECK_SESSIONS, /* a group's sessions are occupied */
    BOTTLENECK_CLIENTS,  /* clients are waited for */
    BOTTLENECK_LOAD,     /* clients send at once, and the server has time left */
};

struct bottleneck {
    enum bottleneck_cause cause;
    int group;                  /* which of the figures', or -1 */
    char limit[REPORT_LETTERS]; /* its letters; of clients, the stage that waits for them; or "" */
    char text[BOTTLENECK_TEXT]; /* a sentence or two, for people */
};

void bottleneck_judge(struct bottleneck *verdict, const struct bottleneck_figures *figures);

/* "verdict", then the text, in lines. */
void bottleneck_print(FILE *out, const struct bottleneck *verdict);

/* An object: cause, group (or -1), limit, text, and of how much time it is (since_ns). */
void bottleneck_to_json(struct json *json, const char *key, const struct bottleneck *verdict,
                        uint64_t since_ns);

/* "busy", "none" ... */
const char *bottleneck_cause_name(enum bottleneck_cause cause);

#endif
