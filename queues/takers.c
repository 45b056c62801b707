/* takers.c: the stack of sleepers, and who is called. See takers.h. */
#include "queues/takers.h"

#include <string.h>

/* --- life --- */

/* Start-up only: no other thread knows the taker. */
void taker_init(struct taker *taker, int doorbell, bool polled) NO_ANALYSIS
{
    *taker = (struct taker){0};
    doorbell_init(&taker->bell, doorbell, polled);
    taker->rung = &taker->bell;
}

void taker_deinit(struct taker *taker)
{
    doorbell_deinit(&taker->bell);
}

/* Start-up only. */
void takers_init(struct takers *takers) NO_ANALYSIS
{
    lock_init(&takers->lock, RANK_MAILBOX);
    takers->count = takers->coming = takers->least;
}

void takers_deinit(struct takers *takers)
{
    lock_deinit(&takers->lock);
}

/* --- calling --- */

void calls_ring(const struct calls *calls)
{
    for (unsigned i = 0; i < calls->count; i++) {
        doorbell_ring(calls->at[i]);
    }
}

/* Where work is handed out directly, the items that wait found no idle taker: takers that are being
 * started get them. */
unsigned takers_needed_locked(const struct takers *takers, unsigned depth)
{
    if (takers->direct) {
        return depth > takers->coming ? depth - takers->coming : 0;
    }
    unsigned awake = takers->count - takers->asleep - takers->away;
    unsigned trusted = awake * takers->share;
    unsigned most = takers->awake_most > awake ? takers->awake_most - awake : 0;
    if (depth <= trusted) {
        return 0;
    }
    unsigned more = (depth - trusted + takers->share - 1) / takers->share;
    return more < most ? more : most;
}

struct taker *takers_pop_locked(struct takers *takers, struct calls *calls, uint64_t now_ns)
{
    struct taker *taker = takers->sleepers;
    takers->sleepers = taker->next;
    takers->asleep--;
    taker->asleep = false;
    taker->called_ns = now_ns;
    atomic_store(&taker->called, true);
    calls->at[calls->count++] = taker->rung;
    takers->rung++;
    return taker;
}

unsigned takers_call_sleepers_locked(struct takers *takers, struct calls *calls, unsigned count,
                                     uint64_t now_ns)
{
    while (count > 0 && calls->count < CALLS_MOST && takers->sleepers != NULL) {
        (void)takers_pop_locked(takers, calls, now_ns);
        count--;
    }
    return count;
}

void takers_call_locked(struct takers *takers, struct calls *calls, unsigned count, uint64_t now_ns)
{
    count = takers_call_sleepers_locked(takers, calls, count, now_ns);
    bool none = takers->closed || takers->sleepers != NULL;
    unsigned may = none ? 0 : takers->most - takers->count;
    unsigned more = count < may ? count : may;
    takers->count += more; /* they count as awake before they run */
    takers->coming += more;
    calls->spawn += more;
}

void takers_call_last_locked(struct takers *takers, struct calls *calls)
{
    if (takers->last != NULL) {
        calls->at[calls->count++] = takers->last->rung;
        takers->rung++;
    }
}

void takers_lose_locked(struct takers *takers)
{
    takers->count--;
    takers->coming--;
}

/* --- sleeping and waking --- */

static void leave_stack_locked(struct takers *takers, struct taker *taker) REQUIRES(takers->lock)
{
    struct taker **at = &takers->sleepers;
    while (*at != taker) {
        at = &(*at)->next;
    }
    *at = taker->next;
    takers->asleep--;
    taker->asleep = false;
}

void takers_sleep_locked(struct takers *takers, struct taker *taker)
{
    CHECK(!taker->asleep);
    atomic_store_explicit(&taker->called, false, memory_order_relaxed);
    taker->asleep = true;
    taker->called_ns = 0;
    taker->next = takers->sleepers;
    takers->sleepers = taker;
    takers->asleep++;
}

bool takers_wake_locked(struct takers *takers, struct taker *taker, uint64_t now_ns,
                        uint64_t *wakeup_ns)
{
    bool called = !taker->asleep && taker->called_ns != 0;
    *wakeup_ns = called && now_ns > taker->called_ns ? now_ns - taker->called_ns : 0;
    takers->last = taker;
    if (takers->turn_called == taker) {
        takers->turn_called = NULL;
    }
    takers->coming -= !taker->here;
    taker->here = true;
    if (taker->asleep) {
        leave_stack_locked(takers, taker);
    }
    taker->called_ns = 0;
    atomic_store_explicit(&taker->called, false, memory_order_relaxed);
    return called;
}

/* Those that are on their way are not counted on to stay, for they may fail to start. */
bool takers_retire_locked(struct takers *takers, struct taker *taker)
{
    unsigned here = takers->count - takers->coming;
    if (!taker->asleep || here <= takers->least || takers->closed) {
        return false;
    }
    leave_stack_locked(takers, taker);
    takers->count--;
    takers->last = takers->last == taker ? NULL : takers->last;
    taker->here = false;
    return true;
}

/* --- turns --- */

bool takers_begin_turn_locked(struct takers *takers, struct taker *taker)
{
    if (takers->turn_bell == NULL || takers->turn_taken) {
        return false;
    }
    takers->turn_taken = true;
    taker->rung = takers->turn_bell;
    return true;
}

void takers_end_turn_locked(struct takers *takers, struct taker *taker)
{
    CHECK(takers->turn_taken);
    takers->turn_taken = false;
    taker->rung = &taker->bell;
    if (taker->asleep) { /* it slept in the loop, and something else woke it */
        leave_stack_locked(takers, taker);
    }
}

void takers_call_for_turn_locked(struct takers *takers, struct calls *calls, uint64_t now_ns)
{
    bool free = takers->turn_bell != NULL && !takers->turn_taken;
    if (!free || takers->turn_called != NULL || takers->coming > 0 ||
        calls->count == CALLS_MOST) { /* then those that are called see to it */
        return;
    }
    takers->turn_called = takers->sleepers; /* NULL: one more is started, if there may be */
    takers_call_locked(takers, calls, 1, now_ns);
}
