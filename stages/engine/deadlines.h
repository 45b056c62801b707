/* deadlines.h: the deadlines of the clients that one poll loop waits for.
 *
 * A timing wheel (core/loop/wheel.h), the timer that wakes the loop when the wheel has something to
 * do, and the clock that both go by. That clock is the kernel's coarse one: it stands still between
 * two ticks of the kernel, so a tick is added to each deadline. A deadline is late by a tick and a
 * step of the wheel at most, and never early.
 *
 * The loop fires deadlines behind its poll, so a client whose bytes are there when its time is over
 * is served before it is judged.
 *
 * Thread-safety: the loop's thread.
 */
#ifndef STAGES_ENGINE_DEADLINES_H
#define STAGES_ENGINE_DEADLINES_H

#include "core/loop/loop.h"
#include "core/loop/wheel.h"

struct deadlines {
    struct loop_timer *timer;
    uint64_t armed_ns; /* when the timer fires; 0: it does not */
    uint64_t tick_ns;  /* how far the coarse clock may be behind */
    struct wheel wheel;
};

/* `fn` is called with `arg` for each deadline that has passed. */
void deadlines_start(struct deadlines *deadlines, struct loop *loop, deadline_fn *fn, void *arg);
/* None is set any more. */
void deadlines_end(struct deadlines *deadlines);

/* Sets or moves a deadline to `after_ns` from now. */
void deadlines_set(struct deadlines *deadlines, struct deadline *deadline, uint64_t after_ns);
/* The same, to a time that deadlines_due_ns() has given. */
void deadlines_set_at(struct deadlines *deadlines, struct deadline *deadline, uint64_t due_ns);
/* When a deadline of `after_ns` that begins now will have passed. */
uint64_t deadlines_due_ns(const struct deadlines *deadlines, uint64_t after_ns);
/* Nothing happens if it is not set. */
void deadlines_clear(struct deadlines *deadlines, struct deadline *deadline);

/* Fires what has passed. The timer calls this. */
void deadlines_advance(struct deadlines *deadlines);
/* Fires all, whether they have passed or not. */
void deadlines_fire_all(struct deadlines *deadlines);

#endif
