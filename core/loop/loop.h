/* loop.h: a poll loop: the only file that knows libuv is its source.
 *
 * Why so little: a stage needs three things: a call when a descriptor is ready, a call when a time
 * has passed, and its own decision when to sleep. One round is loop_turn or loop_block. The caller
 * chooses, because only the caller knows whether its queue is empty.
 *
 * Rules that follow from libuv 1.44 (see DESIGN.md, Decisions): a watch is left armed between
 * requests; watch_close comes before close(2), always; one descriptor may have two watches only in
 * two different loops.
 *
 * Thread-safety: everything here runs on the loop's own thread. Another thread wakes a loop
 * through a doorbell (queues/doorbell.h), whose descriptor the loop watches.
 */
#ifndef CORE_LOOP_LOOP_H
#define CORE_LOOP_LOOP_H

#include <stdbool.h>
#include <stdint.h>

enum { WATCH_READ = 1, WATCH_WRITE = 2 };

struct loop;
struct watch;

/* `ready` is a set of WATCH_READ, WATCH_WRITE. An error of the descriptor is reported as readiness
 * for everything watched: the next system call on it returns the error. */
typedef void watch_fn(struct watch *watch, unsigned ready);
typedef void watch_closed_fn(struct watch *watch);
typedef void loop_timer_fn(void *arg);

/* Room for libuv's handle, checked in loop.c. */
enum { WATCH_HANDLE_SIZE = 160 };

struct watch {
    _Alignas(8) unsigned char handle[WATCH_HANDLE_SIZE];
    watch_fn *ready_fn;
    watch_closed_fn *closed_fn;
    unsigned events; /* armed for these */
};

struct loop *loop_new(void);
/* Every watch must be closed. */
void loop_free(struct loop *loop);

/* Functions that are called around each poll of loop_turn and loop_block: `before` it, and
 * `after` it, that is before the first watch's callback (`busy`) or at the end of a poll without
 * any. Callbacks of a round never run between the two. One for each loop; `hooks` is the
 * caller's memory. */
struct loop_hooks {
    void (*before)(void *arg);
    void (*after)(void *arg, bool busy);
    void *arg;
};
void loop_around_poll(struct loop *loop, const struct loop_hooks *hooks);

/* One round without waiting. True: something had happened, callbacks were called. */
bool loop_turn(struct loop *loop);

/* One round that waits until something happens. *woke_ns is set to the time of waking before the
 * first callback. */
void loop_block(struct loop *loop, uint64_t *woke_ns);

/* How many callbacks of watches and timers there were since the last time it was asked. */
unsigned loop_take_events(struct loop *loop);

/* `fn` is called when loop_block has woken: once each time, when *woke_ns is set. To be set
 * before the first round. */
typedef void loop_wake_fn(void *arg);
void loop_on_wake(struct loop *loop, loop_wake_fn *fn, void *arg);

/* False, with errno, when the descriptor cannot be watched. */
bool watch_open(struct loop *loop, struct watch *watch, int fd, watch_fn *ready_fn);
/* Watch for these from now on; 0 stops. Setting what is set costs nothing. */
void watch_set(struct watch *watch, unsigned events);
/* Stops at once; the descriptor may be closed when this returns. The memory is the caller's again
 * when closed_fn is called, in a later part of the same or the next round. */
void watch_close(struct watch *watch, watch_closed_fn *closed_fn);

/* One-shot timer of this loop. Made once, started often. */
struct loop_timer;
struct loop_timer *loop_timer_new(struct loop *loop, loop_timer_fn *fn, void *arg);
/* Calls fn on the loop's thread once, `after_ns` from now (rounded up to a millisecond), behind
 * the poll of the round in which that time has passed: so every round polls, whatever its timers
 * do, and a descriptor that is ready is served before a deadline is. It may come less than a
 * millisecond early, since libuv counts from the whole millisecond before now. Restarts. */
void loop_timer_start(struct loop_timer *timer, uint64_t after_ns);
void loop_timer_stop(struct loop_timer *timer);
void loop_timer_free(struct loop_timer *timer);

#endif
