/* later.c: calls put off until their time. See later.h.
 *
 * A binary heap by time under one lock; q-later sleeps until the first is due. A deadline here is
 * as exact as the condition's clock, where a wheel (wheel.h) would be a step of 16.8 ms late.
 */
#include "core/handlers/later.h"

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/lock.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct call {
    uint64_t due_ns;
    later_fn *fn;
    struct exchange *x;
};

static struct {
    pthread_t thread;        /* of the thread that starts and stops the server */
    struct condition sooner; /* the first call, `hurries` or `stops` has changed */
    struct {
        struct lock lock;
        struct call
            *heap GUARDED; /* each is due no later than its children, at 2i + 1 and 2i + 2; NULL
                              while there is no thread */
        unsigned count GUARDED;
        bool hurries GUARDED;
        bool stops GUARDED;
    } shared;
} later;

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Never undone: a handler may call later_call at any time. */
static void init_once(void)
{
    lock_init(&later.shared.lock, RANK_LATER);
    condition_init(&later.sooner);
}

/* --- the heap --- */

static void swap_calls(struct call *a, struct call *b)
{
    struct call held = *a;
    *a = *b;
    *b = held;
}

static void push_locked(struct call call) REQUIRES(later.shared.lock)
{
    struct call *heap = later.shared.heap;
    unsigned at = later.shared.count++;
    heap[at] = call;
    while (at > 0 && heap[at].due_ns < heap[(at - 1) / 2].due_ns) {
        swap_calls(&heap[at], &heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

static unsigned earliest_locked(unsigned a, unsigned b) REQUIRES(later.shared.lock)
{
    const struct call *heap = later.shared.heap;
    return b < later.shared.count && heap[b].due_ns < heap[a].due_ns ? b : a;
}

static struct call pop_call_locked(void) REQUIRES(later.shared.lock)
{
    struct call *heap = later.shared.heap, first = heap[0];
    heap[0] = heap[--later.shared.count];
    for (unsigned at = 0;;) {
        unsigned least = earliest_locked(earliest_locked(at, 2 * at + 1), 2 * at + 2);
        if (least == at) {
            return first;
        }
        swap_calls(&heap[at], &heap[least]);
        at = least;
    }
}

/* --- the thread --- */

static bool is_due_locked(uint64_t now_ns) REQUIRES(later.shared.lock)
{
    return later.shared.count > 0 &&
           (later.shared.hurries || later.shared.heap[0].due_ns <= now_ns);
}

/* Waits for the next call that is due. False: it is over. */
static bool next_call(struct call *call) EXCLUDES(later.shared.lock)
{
    lock_take(&later.shared.lock);
    while (!is_due_locked(clock_ns()) && !later.shared.stops) {
        uint64_t until_ns = later.shared.count > 0 ? later.shared.heap[0].due_ns : 0;
        (void)condition_wait(&later.sooner, &later.shared.lock, until_ns);
    }
    bool over = later.shared.stops;
    if (!over) {
        *call = pop_call_locked();
    }
    lock_release(&later.shared.lock);
    return !over;
}

static void *later_main(void *arg)
{
    struct call call;
    (void)arg;
    while (next_call(&call)) {
        call.fn(call.x);
    }
    return NULL;
}

/* All signals are blocked in it: they belong to the server's own threads. */
static void start_later_thread(void)
{
    sigset_t all, before;
    CHECK(sigfillset(&all) == 0);
    CHECK(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    int error = pthread_create(&later.thread, NULL, later_main, NULL);
    CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    if (error != 0) {
        die(EXIT_WORLD, "cannot start thread q-later: %s", strerror(error));
    }
    (void)pthread_setname_np(later.thread, "q-later"); /* a name is a convenience */
}

/* --- for others --- */

void later_start(void) EXCLUDES(later.shared.lock)
{
    CHECK(pthread_once(&once, init_once) == 0);
    struct call *heap = must_alloc(LATER_MOST * sizeof *heap);
    lock_take(&later.shared.lock);
    CHECK(later.shared.heap == NULL);
    later.shared.heap = heap;
    later.shared.count = 0;
    later.shared.hurries = later.shared.stops = false;
    lock_release(&later.shared.lock);
    start_later_thread();
}

void later_stop(void) EXCLUDES(later.shared.lock)
{
    lock_take(&later.shared.lock);
    CHECK(later.shared.count == 0);
    later.shared.stops = true;
    lock_release(&later.shared.lock);
    condition_signal(&later.sooner);
    CHECK(pthread_join(later.thread, NULL) == 0);
    lock_take(&later.shared.lock);
    struct call *heap = later.shared.heap;
    later.shared.heap = NULL;
    lock_release(&later.shared.lock);
    free(heap);
}

/* The thread is rung only for a call that is due before all others: else it wakes in time. */
bool later_call(uint64_t due_ns, later_fn *fn, struct exchange *x) EXCLUDES(later.shared.lock)
{
    CHECK(pthread_once(&once, init_once) == 0);
    lock_take(&later.shared.lock);
    bool taken = later.shared.heap != NULL && later.shared.count < LATER_MOST;
    bool first = taken && (later.shared.count == 0 || due_ns < later.shared.heap[0].due_ns);
    if (taken) {
        push_locked((struct call){due_ns, fn, x});
    }
    lock_release(&later.shared.lock);
    if (first) {
        condition_signal(&later.sooner);
    }
    return taken;
}

void later_hurry(void) EXCLUDES(later.shared.lock)
{
    CHECK(pthread_once(&once, init_once) == 0);
    lock_take(&later.shared.lock);
    later.shared.hurries = true;
    lock_release(&later.shared.lock);
    condition_signal(&later.sooner);
}
