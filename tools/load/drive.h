/* drive.h: one run: opens the connections, decides which request is sent when and on what, and
 * writes down what became of it.
 *
 *   CONNECTING --> RUNNING (warm-up, then the window) --> DRAINING --> OVER
 *
 * Both loops feed one queue of due requests (pending.h), and whenever there is both a due request
 * and a connection with room, the oldest meets the connection that has been free for longest. What
 * differs is only the source of the requests: in an open loop the schedule, in a closed one an
 * answer, after the think time. So a request that is due while all connections are busy waits with
 * its clock running, and a connection that breaks in a closed loop takes no user with it.
 *
 * At the end of the window nothing becomes due any more. What is due already is still sent, for
 * up to --timeout, and what was sent is answered or times out: a request that is left out would be
 * one of the slowest.
 *
 * One loop, one thread. Times to the microsecond come from an alarm (alarm.h), and each answer
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

struct drive {
    const struct plan *plan;
    struct results *results;
    struct request_log *log; /* NULL: none */

    struct loop *loop;
    struct loop_hooks hooks;
    struct wheel wheel; /* deadlines of connections */
    struct alarm_clock alarm;
    struct loop_timer *tick;

    enum drive_phase phase;
    bool windowed; /* the window has begun */
    struct window window;
    uint64_t drained_ns; /* the end of draining */

    struct pool pool;
    struct ready ready;
    struct schedule schedule;
    struct pending pending;
    struct mix mix;
    uint64_t in_flight;

    /* Called once a second of the window, and at its end, before `second` is merged: or NULL. */
    void (*second_fn)(void *arg, double start_s, double length_s);
    void *second_arg;
    uint64_t second_ns; /* the one under way began */

    uint64_t cpu_at_window_ns, runqueue_at_window_ns;
};

/* `drive` is zeroes, but for plan, results, log, second_fn and second_arg. Opens nothing yet. */
void drive_init(struct drive *drive);
void drive_deinit(struct drive *drive);

/* To the end of the run. False: no connection could be made, drive->pool.refused says why. */
bool drive_run(struct drive *drive);

/* From a callback of its loop: ends the run now, without waiting for answers. */
void drive_interrupt(struct drive *drive);

#endif
