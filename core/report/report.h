/* report.h: the state of a running server as data, the difference of two such states, and the table
 * and the JSON made from them.
 *
 * stages/life/server_report.c fills it. SIGUSR1 prints the table, /server-status and /metrics show
 * the data, the trace file ends with the JSON, and quartet-trace makes the table from that. So a
 * queue or thread reads the same everywhere.
 */
#ifndef CORE_REPORT_REPORT_H
#define CORE_REPORT_REPORT_H

#include "core/base/bytes.h"
#include "core/points/tally.h"
#include "core/report/machine.h"
#include "core/report/queue_report.h"

#include <stdio.h>

enum {
    REPORT_TIME = 16,
    REPORT_LETTERS = 8,
    REPORT_KIND = 12,
};

struct thread_report {
    char name[REPORT_NAME];
    uint64_t wall_ns;                /* since the thread started */
    uint64_t awake_ns;               /* of these, from waking until it waits for work again */
    uint64_t cpu_ns;                 /* on a CPU (schedstat) */
    uint64_t runqueue_ns;            /* ready to run and waiting for a CPU (schedstat) */
    uint64_t busy_ns;                /* made of these: thread_report_busy */
    uint64_t voluntary, involuntary; /* context switches */
    uint64_t turns;                  /* rounds of its loop, or takes from its queue */
    unsigned group;
    bool idle; /* waits for work now */
};

/* A poll loop: its rounds (core/points/rounds.h). */
struct loop_report {
    char name[REPORT_NAME];
    unsigned group;
    struct histogram round_ns, events;
};

/* One thread group of the wiring, in the wiring's order. */
struct group_report {
    char letters[REPORT_LETTERS]; /* "RP", or "rpw" */
    char kind[REPORT_LETTERS];    /* "loop", "pool" (of processors) or "session" */
    unsigned threads;             /* at most */
    bool in_turn;                 /* a loop without threads: the next group's run it in turn */
};

/* A way between groups that connections can take: from a thread of one into the queue of the other.
 * Within a group it is a direct call. */
struct way_report {
    unsigned from, to; /* groups */
    char kind
        [REPORT_KIND]; /* what goes there: "new", "request", "kept" ... (stages/engine/ways.def) */
};

struct report {
    uint64_t wall_ns;
    uint64_t connections; /* open now */
    struct machine_report machine;
    struct tally tally; /* of all threads */
    unsigned group_count;
    struct group_report *groups;
    unsigned way_count;
    struct way_report *ways;
    unsigned queue_count;
    struct queue_report *queues;
    unsigned loop_count;
    struct loop_report *loops; /* none where nothing is measured */
    unsigned thread_count;
    struct thread_report *threads;
    unsigned threads_unused; /* not among them: a pool's threads that have had nothing to do */
};

/* Frees groups, ways, queues, loops, threads and the tally's histograms. */
void report_deinit(struct report *report);

/* cpu, run-queue wait and context switches of a thread from /proc/self/task/TID; zeros where the
 * kernel does not report them (also for a thread that has ended: read it before). Any thread. */
void thread_report_read(struct thread_report *thread, int tid);

/* Sets busy_ns, all time in which the thread did not wait for work: on a CPU, waiting for one, or
 * blocked in a handler. The thread does not see that it waits for a CPU after it was woken, so its
 * awake time lacks that; the kernel does not see why a thread blocks. So busy is the longer of the
 * two sides, awake and CPU with run-queue wait, and at most wall_ns. It is the only meaning of
 * "busy" in reports, tables, pages and verdicts. */
void thread_report_busy(struct thread_report *thread);

/* How long the calling thread has been ready to run without a CPU, in all, in ns (schedstat).
 * False: the kernel does not report it. Some 4 us a call. */
bool thread_runqueue_ns(uint64_t *ns);

/* Makes `now` what has happened since `before`, an earlier report of the same process
 * (report_since.c): counts that only grow become differences; depths, peaks, open connections and
 * idle marks stay. Queues and threads are found by their names; new ones began with nothing. */
void report_since(struct report *now, const struct report *before);
/* The same of threads alone. */
void thread_reports_since(struct thread_report *now, unsigned count,
                          const struct thread_report *before, unsigned before_count);

/* The table people read: totals, intervals (count, mean, p50, p90, p99, p99.9, max, share of
 * total), queues, threads, close reasons, counters. Times in a unit that fits ("12.3us"). */
void report_print(FILE *out, const struct report *report);

/* A time as tables have it: three significant digits and a unit, "12.3us". */
void report_time(double ns, char text[REPORT_TIME]);

/* One JSON object (report_json.c): the same figures as numbers, percentiles and whole histograms,
 * each as [highest value of the bucket, count] pairs. Keys of times end in _ns. */
void report_to_json(FILE *out, const struct report *report);

#endif
