/* mailbox.h: the queue between two thread groups: bounded, lock-protected, intrusive, with a
 * doorbell for each taker.
 *
 * What waits are chains of slips (chain.h); who takes, sleeps and is called is in takers.h; how long
 * what is taken has waited, in take.h. Why one lock: the critical sections are a few instructions
 * long and move whole batches.
 *
 * Use: many putters; takers are either one poll loop (mailbox_take, mailbox_sleep) or the threads
 * of one pool (mailbox_wait). Items are chains of slips.
 *
 * How work is handed out:
 *   fifo              from one queue, in order of arrival, to the takers that are awake
 *   `direct` (lifo)   each slip goes into the slot of the taker that fell asleep last; a slip that
 *                     finds no idle taker waits in the queue
 *   `strict`          as direct, but a slip that finds no idle taker is refused
 *
 * The threads of a pool may come and go. Where takers_most is above takers, a put that finds too
 * few takers asks for another one (spawn_fn), and a taker that was idle for idle_ns retires. Idle
 * takers may also take turns at another task (`turn_bell`): WAIT_TURN.
 *
 * When full: mailbox_put takes what fits and leaves the rest with the putter, which still owns it
 * and accepts no new work. Once the mailbox is half empty it notifies the putters that were refused
 * (room_fn). A put with PUT_ADMITTED is never refused: it is for work that an earlier bound has
 * admitted and that comes back.
 *
 * The wake rule: a put rings a doorbell only when a taker sleeps that is needed. A taker checks
 * that the queue is empty and goes to sleep in one critical section. So a put sees either a taker
 * that will check again or a taker that sleeps: there is no moment in between. The bell is rung
 * after unlocking. queues/README.md has the interleavings; change the rule, the proof and
 * tests/queues/test_mailbox.c together.
 */
#ifndef QUEUES_MAILBOX_H
#define QUEUES_MAILBOX_H

#include "core/base/lock.h"
#include "core/report/queue_report.h"
#include "queues/chain.h"
#include "queues/takers.h"

enum put_how {
    PUT_BOUNDED,  /* refused when full; rings when needed */
    PUT_ADMITTED, /* never refused; rings when needed */
    PUT_QUIET,    /* never refused; rings only a taker that sleeps with hear_all */
};

typedef void mailbox_room_fn(void *arg);

typedef bool mailbox_spawn_fn(void *arg);

struct mailbox_config {
    const char *name;
    uint64_t bound;
    unsigned takers;            /* threads that take, at the start and at least: 1 for a loop */
    unsigned takers_most;       /* on demand: at most; else the same, or 0 */
    uint64_t idle_ns;           /* on demand: how long one above `takers` may sleep */
    bool direct, strict;        /* see above */
    bool gives_back;            /* takers may give back what they took */
    struct doorbell *turn_bell; /* idle takers take turns: wakes the one that has it; or NULL */
    int wakeup;                 /* WAKEUP_… */
    uint64_t spin_ns;           /* how long a pool's thread polls before it sleeps */
    unsigned share;      /* items that one awake taker is trusted with before another is woken */
    unsigned awake_most; /* takers worth having awake at once: more than there are CPUs for only get
                            in each other's way. Takers that are away do not count */
    bool measured;       /* stamp puts, keep histograms */
};

struct mailbox {
    struct mailbox_config config;
    struct condition room;    /* for pool threads that were refused; waited for with takers.lock */
    mailbox_room_fn *room_fn; /* these four and config are fixed before there are threads */
    void *room_arg;
    mailbox_spawn_fn *spawn_fn;
    void *spawn_arg;
    _Atomic unsigned waiting_hint; /* the depth, for spinning takers: relaxed, only a hint */
    struct takers takers;          /* with the lock */
    struct {
        struct chain items GUARDED;
        bool hear_all GUARDED;             /* quiet puts ring the sleeper too */
        bool refused GUARDED;              /* some putter waits for room */
        struct queue_report stats GUARDED; /* its name and bound are fixed */
    } shared;                              /* under takers.lock */
};

void mailbox_init(struct mailbox *box, const struct mailbox_config *config);
void mailbox_deinit(struct mailbox *box);

/* `room_fn` is called on the taker's thread when there is room after a refusal. Start-up only. */
void mailbox_on_room(struct mailbox *box, mailbox_room_fn *room_fn, void *arg);

/* On demand: starts one more taker, which then calls mailbox_wait; false when that fails. Called on
 * the putter's or a taker's thread, without a lock. Start-up only. */
void mailbox_on_spawn(struct mailbox *box, mailbox_spawn_fn *spawn_fn, void *arg);

/* Moves slips from `chain` into the mailbox. The slips that stay in `chain` were refused. True:
 * none was. */
bool mailbox_put(struct mailbox *box, struct chain *chain, enum put_how how)
    EXCLUDES(box->takers.lock);

/* A loop's thread: never waits; takes at most `most`, in order. The taker counts as awake then. */
unsigned mailbox_take(struct mailbox *box, struct taker *taker, struct chain *chain, unsigned most)
    EXCLUDES(box->takers.lock);

/* A loop's thread, before it blocks. True: nothing waits for it, and the mailbox counts it as
 * asleep now. False: something came, take it. With `hear_all`, quiet puts ring too. */
bool mailbox_sleep(struct mailbox *box, struct taker *taker, bool hear_all)
    EXCLUDES(box->takers.lock);

enum wait_end {
    WAIT_TOOK,    /* there is something in the chain */
    WAIT_TURN,    /* nothing; this taker has the turn now, until mailbox_end_turn */
    WAIT_RETIRED, /* idle for too long: not a taker any more */
    WAIT_OVER,    /* closed and empty */
};

/* A pool's thread: sleeps until one of these; takes its share, at most `most`. */
enum wait_end mailbox_wait(struct mailbox *box, struct taker *taker, struct chain *chain,
                           unsigned most) EXCLUDES(box->takers.lock);

/* The taker that has the turn gives it up, and then takes work. A taker that takes some calls
 * another one to the turn, if one sleeps. */
void mailbox_end_turn(struct mailbox *box, struct taker *taker) EXCLUDES(box->takers.lock);

/* For the taker that has the turn: should it give the turn up? A hint, without the lock. */
static inline bool mailbox_wants(const struct mailbox *box, const struct taker *taker)
{
    return atomic_load_explicit(&box->waiting_hint, memory_order_relaxed) > 0 ||
           atomic_load_explicit(&taker->called, memory_order_relaxed);
}

/* A pool's thread: the slips that it took last and has not begun, maybe none, go back to the front.
 * Their wait continues. */
void mailbox_give_back(struct mailbox *box, struct taker *taker, struct chain *chain)
    EXCLUDES(box->takers.lock);

/* A pool's thread will be busy for long: the mailbox does not count on it until mailbox_back. */
void mailbox_away(struct mailbox *box) EXCLUDES(box->takers.lock);
void mailbox_back(struct mailbox *box) EXCLUDES(box->takers.lock);

/* A pool's thread that was refused here: sleeps until there is room. */
void mailbox_wait_room(struct mailbox *box) EXCLUDES(box->takers.lock);

/* No more sleeping: all sleepers are called; takers find what is left, then 0. */
void mailbox_close(struct mailbox *box) EXCLUDES(box->takers.lock);

/* Does a taker sleep here whom the next put would call? Any thread. */
bool mailbox_has_sleeper(struct mailbox *box) EXCLUDES(box->takers.lock);

/* How many wait now, how many waited at most, and were put in all. Any thread. */
struct mailbox_depth {
    uint64_t put;
    uint64_t depth, depth_max;
};
struct mailbox_depth mailbox_depth(struct mailbox *box) EXCLUDES(box->takers.lock);

/* A copy of what has been counted. Any thread. */
void mailbox_report(struct mailbox *box, struct queue_report *report) EXCLUDES(box->takers.lock);

#endif
