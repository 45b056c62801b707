/* worker.h: one thread of a thread group: its queue, its loop, what it hands on.
 *
 * A worker runs the stages of its group. In: tickets from its mailbox (a loop's own, or the pool's
 * shared one) and, in a loop, watches and deadlines. Out: tickets, gathered in outboxes, one for
 * each mailbox, and put in batches at the end of a turn.
 *
 * Thread-safety: only the worker's thread uses the members; reports read those marked atomic.
 */
#ifndef STAGES_ENGINE_WORKER_H
#define STAGES_ENGINE_WORKER_H

#include "core/exchange/access_log.h"
#include "core/points/rounds.h"
#include "core/points/tally.h"
#include "core/trace/trace.h"
#include "stages/engine/client.h"
#include "stages/engine/deadlines.h"

#include <stdatomic.h>

struct engine;
struct handler;
struct worker;

/* Tickets on their way to one mailbox. */
struct outbox {
    struct mailbox *mailbox;
    struct chain chain;
    bool bounded;             /* the way there is forward in the wiring: may be refused */
    bool ring;                /* some ticket in it cannot wait until its taker wakes by itself */
    bool refused;             /* the mailbox was full: kept here until it has room */
    bool dirty;               /* listed in worker->dirty */
    _Atomic uint64_t inlined; /* requests that were not put there: this thread ran the stage */
};

struct worker {
    /* fixed before the thread starts */
    struct engine *engine;
    unsigned group;   /* index in the wiring */
    unsigned seat;    /* which thread of its group */
    unsigned number;  /* which thread of the server */
    unsigned stages;  /* set of 1 << enum stage */
    unsigned inlined; /* of another group, which it may run itself: set as above */
    enum group_kind kind;
    char name[16]; /* as the thread is named */
    int cpu;       /* pinned to, or -1 */
    pthread_t thread;
    struct mailbox *mailbox;
    unsigned mailbox_number;
    struct taker taker;
    struct trace_ring *ring;   /* NULL without --trace */
    struct listener *listener; /* NULL when the group runs no L */

    /* this thread's own; of a loop run in turn, the thread's that has the turn */
    struct outbox *outboxes; /* one for each mailbox of the engine, by number */
    unsigned *dirty;         /* outboxes with something in them */
    unsigned dirty_count;
    unsigned gathered;      /* turns in a row for which they have waited */
    unsigned refused_count; /* outboxes that were refused: then nothing new is taken in */
    struct exchange_pool exchanges;
    struct access_log_buffer log;
    uint64_t slept_ns, woke_ns; /* the last time it blocked */
    struct {
        const struct handler *handler; /* whose run it times, or NULL (inline.h) */
        uint64_t since_ns;
    } run;

    /* written by this thread, read by reports */
    struct tally tally;
    _Atomic int tid;
    _Atomic uint64_t started_ns, turns;
    _Atomic uint64_t wall_before_ns; /* of earlier threads in its place */
    _Atomic uint64_t idle_ns;        /* waited for work, in all */
    _Atomic uint64_t idle_since_ns;  /* waits for work since then, or 0 */

    /* Of a worker that is a home (home.h). */
    struct {
        struct client clients;     /* list head: clients whose home this is */
        struct home_counts counts; /* how many of them are in each state */
        _Atomic unsigned client_count;
        _Atomic unsigned shed; /* idle clients that it is asked to close; set by listeners */
        _Atomic bool reap;     /* a place is wanted: has it an idle client? Set by listeners */
    } home;

    /* Of a poller (poller.h). */
    struct {
        struct client *fresh; /* accepted in this turn, not peeked at yet */
        struct client **fresh_tail;
        struct loop_timer *timer; /* --poll-interval */
        bool ticking;             /* it is running */
    } poller;

    /* Of a pool's thread (pool_group.h). */
    struct {
        struct worker *loop; /* what its idle threads run in turn, or NULL; fixed */
        struct chain taken;  /* taken and not begun */
        bool is_away;        /* blocks, or works for long: not counted on by its mailbox */
        _Atomic int life;    /* enum thread_life; moved under the group's lock */
    } pool;

    /* Of a poll loop (loop_group.h). Last, because the deadlines are large. */
    struct {
        struct loop *poll;     /* NULL in a pool; fixed */
        struct worker *runner; /* whose thread runs it: itself, or the one that has the turn */
        struct watch bell_watch;
        /* wakes a sleeper that clients are quietly given back to */
        struct loop_timer *collect_timer;
        bool collecting; /* it is running */
        /* frees exchanges that are not needed any more */
        struct loop_timer *trim_timer;
        bool trimming; /* it is running */
        int phase_seen;
        struct rounds *rounds; /* NULL: not measured; fixed */
        struct deadlines deadlines;
    } loop;
};

/* A thread of a pool comes and goes: --spawn on-demand. */
enum thread_life { THREAD_NONE, THREAD_RUNS, THREAD_ENDED /* to be joined */ };

/* Gathers a ticket for a mailbox; puts at once when a batch is full. */
void worker_post(struct worker *worker, unsigned mailbox_number, struct ticket *ticket, bool ring);

/* May what the outboxes hold wait for more? True while something is in them, for some turns in a
 * row: bigger batches mean fewer wakeups, and nothing may wait for long. */
bool worker_gathers(struct worker *worker);

/* Puts what the outboxes hold. A pool's worker waits where it is refused, a loop's remembers. True:
 * something had been refused before, and now nothing is. */
bool worker_flush(struct worker *worker);

/* Has this worker been refused room downstream? Then its stages take nothing new in. */
static inline bool worker_is_refused(const struct worker *worker)
{
    return worker->refused_count > 0;
}

/* A pool's thread will block or work for long: it gives back the tickets that it has not begun, and
 * its mailbox does not count on it until worker_come_back. */
void worker_go_away(struct worker *worker);
void worker_come_back(struct worker *worker);

static inline bool worker_runs(const struct worker *worker, enum stage stage)
{
    return (worker->stages >> stage & 1) != 0;
}

/* Does it run this stage in place of another group, as long as it need not wait? */
static inline bool worker_stands_in(const struct worker *worker, enum stage stage)
{
    return (worker->inlined >> stage & 1) != 0;
}

/* May it run this stage: its own, or in place of another group? */
static inline bool worker_may_run(const struct worker *worker, enum stage stage)
{
    return worker_runs(worker, stage) || worker_stands_in(worker, stage);
}

/* The thread's first and last, and the ends of its waits, for loop_group.c and pool_group.c: name,
 * affinity, scheduling; what it waited is counted (worker->woke_ns is set before
 * worker_end_idle). */
void worker_begin(struct worker *worker);
void worker_end(struct worker *worker);
void worker_begin_idle(struct worker *worker);
void worker_end_idle(struct worker *worker);
/* Adds to one of the worker's own atomics: a plain load and store. */
void worker_count(_Atomic uint64_t *total, uint64_t n);

/* Sets up and takes down what the struct holds, in the starting thread. */
void worker_init(struct worker *worker);
void worker_deinit(struct worker *worker);

/* Wakes every poll loop, so that it checks the phase. */
void workers_nudge(struct engine *engine);

#endif
