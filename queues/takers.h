/* takers.h: the threads that take from one mailbox: which of them sleep, who is called for how much
 * work, and, where they come on demand, how many there are.
 *
 * To *call* a taker is to take it off the stack of sleepers, under the lock; the caller then rings it,
 * after unlocking (struct calls). Takers that are awake, or called, are trusted with a share of the
 * work, because they check the queue again before they sleep.
 *
 * Why the lock is here: "is the queue empty? then I sleep" and "I append; does it sleep?" must be
 * critical sections of the same lock. It is the mailbox's one lock, and guards all of the mailbox.
 *
 * Thread-safety: any thread, with the lock; the names say so. queues/README.md has the rule and its
 * proof.
 */
#ifndef QUEUES_TAKERS_H
#define QUEUES_TAKERS_H

#include "core/base/lock.h"
#include "queues/cpu_wait.h"
#include "queues/doorbell.h"
#include "queues/take.h"

/* One thread that takes from a mailbox: its bell, and whether it sleeps. Made before the thread
 * starts, freed after it has ended. */
struct taker {
    struct doorbell bell; /* any thread rings it; the taking thread alone waits for it */

    /* under the lock of its mailbox */
    struct doorbell *rung GUARDED; /* what wakes it: its bell, or a loop's in which it sleeps */
    struct slip *slot GUARDED;     /* direct: handed to it while it slept */
    struct taker *next GUARDED;    /* in the stack of sleepers */
    bool asleep GUARDED;           /* in that stack */
    bool here GUARDED;             /* has taken from the mailbox since it became a taker */
    uint64_t called_ns GUARDED;    /* when it was taken off the stack to be rung */

    /* As called_ns is not 0, for the taker that has the turn, which reads it without the lock. */
    _Atomic bool called;
    struct cpu_wait cpu_wait; /* the taking thread's own */
    struct take take GUARDED; /* of one that gives back */
};

void taker_init(struct taker *taker, int doorbell, bool polled);
void taker_deinit(struct taker *taker);

struct takers {
    /* fixed before there are threads */
    unsigned least;      /* threads that take, at the start and at least: 1 for a loop */
    unsigned most;       /* on demand: at most; else the same */
    unsigned awake_most; /* worth having awake at once; those that are away do not count */
    unsigned share;      /* items that one that is awake is trusted with before another is called */
    bool direct;         /* work goes straight to sleepers: what waits has found none */
    struct doorbell *turn_bell; /* idle takers take turns: wakes the one that has it; or NULL */

    struct lock lock;                  /* of the mailbox: all of it */
    struct taker *sleepers GUARDED;    /* last asleep, first called: its caches are the warmest */
    struct taker *last GUARDED;        /* took last: --wakeup always rings it when none sleeps */
    unsigned asleep GUARDED;           /* how many sleep */
    unsigned count GUARDED;            /* how many there are, asleep or not */
    unsigned coming GUARDED;           /* of them, those that have not taken yet */
    unsigned away GUARDED;             /* busy for long: they do not count as awake */
    bool turn_taken GUARDED;           /* some taker has the turn */
    struct taker *turn_called GUARDED; /* called to take it, not awake yet */
    bool closed GUARDED;               /* none sleeps any more, and none is started */
    uint64_t rung GUARDED;             /* calls in all */
};

/* `least` of them count as awake at first. The fixed members are set. */
void takers_init(struct takers *takers);
void takers_deinit(struct takers *takers);

/* Whom to ring once the lock is free, and how many to start. They are copied here because a taker
 * that is up changes its links. All zero to begin with. */
enum { CALLS_MOST = 16 };
struct calls {
    struct doorbell *at[CALLS_MOST];
    unsigned count, spawn;
};

/* Without the lock. */
void calls_ring(const struct calls *calls);

/* How many more takers the work that waits now, `depth` items, needs. */
unsigned takers_needed_locked(const struct takers *takers, unsigned depth) REQUIRES(takers->lock);

/* Calls the newest sleeper; there is one, and room in `calls`. It counts as awake from now on. A taker
 * lives longer than its thread sleeps, so ringing it late is safe: it is awake, and checks the queue
 * once more in vain. */
struct taker *takers_pop_locked(struct takers *takers, struct calls *calls, uint64_t now_ns)
    REQUIRES(takers->lock);

/* Sleepers that do not fit into `calls` are called by those that do, when they take. Returns how
 * many of `count` were not called. */
unsigned takers_call_sleepers_locked(struct takers *takers, struct calls *calls, unsigned count,
                                     uint64_t now_ns) REQUIRES(takers->lock);

/* Calls `count` takers: sleepers first, then, when all are up, new ones where they come on
 * demand. */
void takers_call_locked(struct takers *takers, struct calls *calls, unsigned count, uint64_t now_ns)
    REQUIRES(takers->lock);

/* Calls the one that took last, though it does not sleep, if there is one. */
void takers_call_last_locked(struct takers *takers, struct calls *calls) REQUIRES(takers->lock);

/* One of the new ones could not be started. */
void takers_lose_locked(struct takers *takers) REQUIRES(takers->lock);

/* The taker goes to sleep; and is up, by a call or by itself. True: by a call, *wakeup_ns ago. */
void takers_sleep_locked(struct takers *takers, struct taker *taker) REQUIRES(takers->lock);
bool takers_wake_locked(struct takers *takers, struct taker *taker, uint64_t now_ns,
                        uint64_t *wakeup_ns) REQUIRES(takers->lock);

/* An idle taker has slept for too long. True: there are more than `least`, and it still sleeps: it is a
 * taker no more. */
bool takers_retire_locked(struct takers *takers, struct taker *taker) REQUIRES(takers->lock);

/* --- turns --- */

/* An idle taker takes the turn, if it is free. */
bool takers_begin_turn_locked(struct takers *takers, struct taker *taker) REQUIRES(takers->lock);
void takers_end_turn_locked(struct takers *takers, struct taker *taker) REQUIRES(takers->lock);

/* A taker takes work: if no taker has the turn it calls a sleeper to it, unless one is called
 * already. So always one of these is true: a taker has the turn, one is coming for it, or all
 * work. */
void takers_call_for_turn_locked(struct takers *takers, struct calls *calls, uint64_t now_ns)
    REQUIRES(takers->lock);

#endif
