/* drive.h: one run: opens the connections, decides which request is sent when and on what, and
 * writes down what became of it.
 *
 *   CONNECTING --> RUNNING (warm-up, then the window) --> DRAINING --> OVER
 *
 * Both loops feed one queue of due requests (pending.h), and whenever there is both a due request
 * and a connection with room, the oldest request meets the connection that is next (ready.h). What
 * differs is only the source of the requests (schedule.h): in an open loop the arrivals, in a closed
 * one an answer, after the think time. So a request that is due while all connections are busy waits
 * with its clock running, and a connection that breaks in a closed loop takes no user with it.
 *
 * At the end of the window nothing becomes due any more. What is due already is still sent, for
 * up to --timeout, and what was sent is answered or times out: a request that is left out would be
 * one of the slowest.
 *
 * One loop, one thread, which is one of several (crew.h). Times to the microsecond come from an alarm (alarm.h), and each answer
 * checks the schedule too, so that a long round of the loop delays no request.
 */
#ifndef TOOLS_LOAD_DRIVE_H
#define TOOLS_LOAD_DRIVE_H

#include "tools/load/alarm.h"
#include "tools/load/pending.h"
#include "tools/load/pool.h"
#include "tools/load/ready.h"
#include "tools/load/record.h"
#include "tools/load/request_log.h"
#include "tools/load/schedule.h"

enum drive_phase { DRIVE_CONNECTING, DRIVE_RUNNING, DRIVE_DRAINING, DRIVE_OVER };

/* What the drives of a run share: all begin at one time, when each has made its connections. */
struct starting_line {
    _Atomic unsigned missing;  /* drives whose connections are not settled */
    _Atomic uint64_t opened;   /* connections of the others */
    _Atomic uint64_t start_ns; /* 0: not known yet */
    _Atomic bool stop;         /* interrupted */
};
#define START_NEVER UINT64_MAX

/* What another thread may read of a drive that runs; up to 20 ms old. */
struct pulse {
    _Atomic uint64_t done, waiting, errors;
};

struct drive {
    const struct plan *plan;
    struct seat seat;
    struct starting_line *line;
    struct results *results;
    struct request_log *log; /* or NULL; the drive's own, which its run ends */
    int log_error;           /* then: 0, or why not all of it was written */

    struct loop *loop;
    struct loop_hooks hooks;
    struct wheel wheel; /* deadlines of connections */
    struct alarm_clock alarm;
    struct loop_timer *tick;

    enum drive_phase phase;
    bool arrived;  /* at the starting line */
    bool windowed; /* the window has begun */
    struct window window;
    uint64_t drained_ns; /* the end of draining */

    struct pool pool;
    struct ready ready;
    struct schedule schedule;
    struct pending pending;
    struct mix mix;
    uint64_t in_flight;

    struct pulse pulse;
    uint64_t cpu_at_window_ns, runqueue_at_window_ns;
};

/* `drive` is zeroes, but for plan, seat, line, results and log. Opens nothing yet. */
void drive_init(struct drive *drive);
void drive_deinit(struct drive *drive);

/* To the end of the run, in this thread. */
void drive_run(struct drive *drive);

#endif
