/* engine.h: what all threads of a server share: the wiring as groups of workers and queues, the
 * tables of the stages, limits, counts and the phase.
 *
 * The engine names no stage's function and no model: it holds what stages and the server's life
 * read and write. life fills it in at start-up (server.h).
 *
 * Thread-safety: the first members are fixed before there are threads; the others are atomic, or
 * have a lock of their own.
 */
#ifndef STAGES_ENGINE_ENGINE_H
#define STAGES_ENGINE_ENGINE_H

#include "core/exchange/crowd.h"
#include "core/handlers/handlers.h"
#include "core/options/settings.h"
#include "core/points/interval_sets.h"
#include "core/report/machine.h"
#include "stages/engine/session_list.h"
#include "stages/engine/recall.h"
#include "stages/engine/stage.h"

#include <sched.h>

struct access_log;
struct accept_turn;
struct process_share;
struct sockets;
struct trace;
struct worker;

enum phase {
    PHASE_RUNNING,
    PHASE_DRAINING, /* nothing new; what is in flight ends */
    PHASE_CUTTING,  /* what is still open is closed */
};

struct group {
    unsigned stages;
    enum group_kind kind;
    bool in_turn;           /* a loop without a thread: the next group's idle threads run it */
    unsigned count;         /* threads at most; of a loop in turn, 1 */
    unsigned least;         /* of a pool's, those that stay: count unless they come on demand */
    unsigned awake_most;    /* of a pool's threads, how many are worth having awake */
    struct worker *workers; /* count of them */
    struct recall *recall;  /* of a pool whose threads wait for idle clients; else NULL */

    struct condition changed; /* `starting`, or a worker's `life`; waited for with shared.lock */
    struct {
        struct lock lock;          /* also of writes to the workers' atomic `life` */
        unsigned starting GUARDED; /* threads that are being started on demand */
        bool ending GUARDED;       /* none is started any more */
    } shared;
    _Atomic uint64_t started; /* threads started on demand; any thread */
};

struct engine {
    /* fixed after server_start */
    const struct settings *settings;
    struct wiring wiring;
    unsigned group_count;
    struct group groups[WIRING_GROUPS_MAX];
    unsigned worker_count;
    struct worker *workers; /* all threads, group after group */
    unsigned mailbox_count;
    struct mailbox *mailboxes;
    unsigned *mailbox_groups;                      /* the group of each mailbox's takers */
    const struct stage_entry *stages[STAGE_COUNT]; /* their entry points */
    struct sockets *sockets;                       /* one set for each of its listener threads */
    struct accept_turn *turn;                      /* NULL: --accept-mutex off */
    struct process_share *share;                   /* what other processes see of this one */
    struct trace *trace;                           /* or NULL */
    struct access_log *access_log;                 /* or NULL */
    enum stage first_stage;                        /* which a new connection enters */
    enum stage idle_stage;    /* where one waits that has no request: the poller or the reader */
    unsigned linger_group;    /* the loop in which sessions' connections linger */
    bool blocking_sockets;    /* sessions wait in recv */
    cpu_set_t cpus;           /* where threads run that are not pinned */
    uint64_t max_connections; /* that are served */
    struct crowd *crowd;      /* or NULL: an address may have any number of connections */
    uint64_t started_ns;
    struct machine_report machine; /* as it was then */
    bool measured;                 /* histograms on */
    unsigned listening_count;      /* this process's listening sockets, for reports; a listener */
    int *listening_fds;            /* closes its own */
    uint64_t backlog_bound;        /* how many connections may wait in all of them */

    struct interval_sets interval_sets; /* what pools' threads measure */

    uint64_t samples; /* taken for the trace; the tracer's thread alone */

    /* any thread */
    _Atomic int phase; /* enum phase; only rises */
    /* Of each handler: how many short runs it still has to make before a loop trusts it again, since
     * it turned out long (inline.h). Beside the phase, which each request reads as well. */
    _Atomic unsigned char distrusted[HANDLER_COUNT];
    _Atomic int empty_signal;             /* sent to the process when nothing is open; 0: none */
    _Atomic unsigned ended_groups;        /* groups below this are to end their threads */
    _Atomic uint64_t connections;         /* open, also those that are turned away */
    _Atomic uint64_t places[PLACE_KINDS]; /* taken, of each kind */
    _Atomic uint64_t backlog_most;        /* the deepest accept queue that was seen */
    _Atomic uint64_t completed;           /* answers handed over by others than stages' threads */
    _Atomic uint64_t kept;         /* of them, those with a place of --keepalive-connections */
    _Atomic unsigned listening;    /* listener threads that still accept */
    _Atomic bool accepting_paused; /* a listener waits for connections to fall below the limit */
    _Atomic int place_wish;        /* enum place_wish (places.h): --overload reap */
    struct session_list session_list;
    struct {
        struct lock lock; /* of the wait alone: what is waited for are atomics, engine_is_empty */
        struct condition empty; /* it may have become true */
    } ending;
};

static inline enum phase engine_phase(const struct engine *engine)
{
    return (enum phase)atomic_load_explicit(&engine->phase, memory_order_relaxed);
}

/* Is no connection open, and none accepted any more? Any thread. */
bool engine_is_empty(const struct engine *engine);

/* A listener has closed its sockets. Listener threads. */
void engine_stopped_listening(struct engine *engine) EXCLUDES(engine->ending.lock);

/* Wakes the thread that waits in server_wait_empty, and sends the process its empty_signal when no
 * connection is open any more. Any thread. */
void engine_signal_empty(struct engine *engine) EXCLUDES(engine->ending.lock);

#endif
