/* loop.c: poll loops over libuv. See loop.h; the only source that polls with libuv.
 *
 * What libuv does for a watch: uv_poll_init costs three system calls, arming one more at the next
 * round, an armed handle none. A late uv_close would unregister whatever descriptor has the number
 * by then, hence the rule that watch_close comes before close(2).
 */
#include "core/loop/loop.h"

#include "core/base/check.h"
#include "core/base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <uv.h>

_Static_assert(sizeof(uv_poll_t) <= WATCH_HANDLE_SIZE, "struct watch has room for libuv's handle");
_Static_assert(_Alignof(uv_poll_t) <= 8, "struct watch aligns libuv's handle");

struct loop {
    uv_loop_t uv;
    bool busy;             /* a callback was called in this round */
    unsigned events;       /* callbacks since loop_take_events */
    uint64_t *woke_ns;     /* to be set by the first callback, or NULL */
    loop_wake_fn *wake_fn; /* called then, or NULL */
    void *wake_arg;
    const struct loop_hooks *hooks; /* or NULL */
    bool polling;                   /* `before` was called, `after` was not yet */
    struct due_timers {
        struct loop_timer *first, *last;
    } due; /* timers whose time has passed in this round, in the order of their times */
};

struct loop_timer {
    uv_timer_t uv;
    loop_timer_fn *fn;
    void *arg;
    bool is_due; /* in the loop's list */
    struct loop_timer *next, *previous;
};

struct loop *loop_new(void)
{
    struct loop *loop = must_calloc(1, sizeof *loop);
    int error = uv_loop_init(&loop->uv);
    if (error != 0) {
        die(EXIT_WORLD, "cannot make a poll loop: %s", uv_strerror(error));
    }
    return loop;
}

/* Handles being closed need rounds of the loop to be forgotten. */
void loop_free(struct loop *loop)
{
    while (uv_loop_close(&loop->uv) == UV_EBUSY) {
        uv_run(&loop->uv, UV_RUN_NOWAIT);
    }
    free(loop);
}

void loop_around_poll(struct loop *loop, const struct loop_hooks *hooks)
{
    loop->hooks = hooks;
}

static void begin_poll(struct loop *loop)
{
    loop->busy = false;
    if (loop->hooks != NULL) {
        loop->polling = true;
        loop->hooks->before(loop->hooks->arg);
    }
}

static void end_poll(struct loop *loop)
{
    if (loop->polling) {
        loop->polling = false;
        loop->hooks->after(loop->hooks->arg, loop->busy);
    }
}

static void run_due_timers(struct loop *loop);

bool loop_turn(struct loop *loop)
{
    begin_poll(loop);
    uv_run(&loop->uv, UV_RUN_NOWAIT);
    end_poll(loop);
    run_due_timers(loop);
    return loop->busy;
}

unsigned loop_take_events(struct loop *loop)
{
    unsigned events = loop->events;
    loop->events = 0;
    return events;
}

void loop_on_wake(struct loop *loop, loop_wake_fn *fn, void *arg)
{
    loop->wake_fn = fn;
    loop->wake_arg = arg;
}

/* The first to see that the wait is over says so. */
static void note_waking(struct loop *loop)
{
    if (loop->woke_ns == NULL) {
        return;
    }
    *loop->woke_ns = clock_ns();
    loop->woke_ns = NULL;
    if (loop->wake_fn != NULL) {
        loop->wake_fn(loop->wake_arg);
    }
}

void loop_block(struct loop *loop, uint64_t *woke_ns)
{
    loop->woke_ns = woke_ns;
    begin_poll(loop);
    uv_run(&loop->uv, UV_RUN_ONCE);
    end_poll(loop);
    note_waking(loop);
    run_due_timers(loop);
}

/* Before every callback of a watch. */
static void note_event(uv_loop_t *uv)
{
    struct loop *loop = (struct loop *)uv; /* its first member */
    loop->busy = true;
    loop->events++;
    note_waking(loop);
    end_poll(loop);
}

/* --- watches --- */

static uv_poll_t *poll_of(struct watch *watch)
{
    return (uv_poll_t *)(void *)watch->handle;
}

/* libuv reports EPOLLERR as status UV_EBADF; the caller's next system call returns the real
 * error. */
static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct watch *watch = handle->data;
    note_event(handle->loop);
    unsigned ready = watch->events;
    if (status == 0) {
        ready = ((events & (UV_READABLE | UV_DISCONNECT)) ? WATCH_READ : 0u) |
                ((events & UV_WRITABLE) ? WATCH_WRITE : 0u);
    } else {
        /* libuv has stopped the handle: the next watch_set must start it again. */
        watch->events = 0;
    }
    watch->ready_fn(watch, ready);
}

bool watch_open(struct loop *loop, struct watch *watch, int fd, watch_fn *ready_fn)
{
    watch->ready_fn = ready_fn;
    watch->events = 0;
    int error = uv_poll_init(&loop->uv, poll_of(watch), fd);
    if (error != 0) {
        errno = -error;
        return false;
    }
    poll_of(watch)->data = watch;
    return true;
}

void watch_set(struct watch *watch, unsigned events)
{
    if (watch->events == events) {
        return;
    }
    watch->events = events;
    if (events == 0) {
        CHECK(uv_poll_stop(poll_of(watch)) == 0);
        return;
    }
    int uv_events =
        ((events & WATCH_READ) ? UV_READABLE : 0) | ((events & WATCH_WRITE) ? UV_WRITABLE : 0);
    CHECK(uv_poll_start(poll_of(watch), uv_events, on_poll) == 0);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct watch *watch = handle->data;
    watch->closed_fn(watch);
}

void watch_close(struct watch *watch, watch_closed_fn *closed_fn)
{
    watch->closed_fn = closed_fn;
    watch->events = 0;
    uv_close((uv_handle_t *)poll_of(watch), on_handle_closed);
}

/* --- timers --- */

struct loop_timer *loop_timer_new(struct loop *loop, loop_timer_fn *fn, void *arg)
{
    struct loop_timer *timer = must_calloc(1, sizeof *timer);
    CHECK(uv_timer_init(&loop->uv, &timer->uv) == 0);
    timer->fn = fn;
    timer->arg = arg;
    timer->uv.data = timer;
    return timer;
}

/* libuv calls this inside its own pass over the timers, which ends only when none is due: a
 * timer that its function starts again at once would keep the loop from polling for ever. So the
 * pass only lists what is due, and the round runs the list behind the poll. libuv 1.44 makes
 * that pass ahead of the poll and would then wait for something else; uv_stop() makes it poll
 * without waiting. */
static void on_timer(uv_timer_t *handle)
{
    struct loop_timer *timer = handle->data;
    struct due_timers *due = &((struct loop *)handle->loop)->due;
    uv_stop(handle->loop);
    timer->is_due = true;
    timer->next = NULL;
    timer->previous = due->last;
    *(due->last != NULL ? &due->last->next : &due->first) = timer;
    due->last = timer;
}

static void forget_due(struct loop_timer *timer)
{
    struct due_timers *due = &((struct loop *)timer->uv.loop)->due;
    if (timer->is_due) {
        timer->is_due = false;
        *(timer->previous != NULL ? &timer->previous->next : &due->first) = timer->next;
        *(timer->next != NULL ? &timer->next->previous : &due->last) = timer->previous;
    }
}

/* A timer's function may start, stop and free any timer. What it starts is due in a later round at
 * the earliest, since only libuv's pass adds to the list. */
static void run_due_timers(struct loop *loop)
{
    while (loop->due.first != NULL) {
        struct loop_timer *timer = loop->due.first;
        forget_due(timer);
        loop->busy = true;
        loop->events++;
        timer->fn(timer->arg);
    }
}

/* The loop's idea of now is as old as its last round: refreshed, or a timer would fire early. */
void loop_timer_start(struct loop_timer *timer, uint64_t after_ns)
{
    forget_due(timer);
    uv_update_time(timer->uv.loop);
    CHECK(uv_timer_start(&timer->uv, on_timer, (after_ns + NS_PER_MS - 1) / NS_PER_MS, 0) == 0);
}

void loop_timer_stop(struct loop_timer *timer)
{
    forget_due(timer);
    CHECK(uv_timer_stop(&timer->uv) == 0);
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void loop_timer_free(struct loop_timer *timer)
{
    forget_due(timer);
    uv_close((uv_handle_t *)&timer->uv, on_timer_closed);
}
