/* server.h: the life of a server: from settings to running thread groups, and back.
 *
 * Use: server_start, then signals are the caller's business (server_drain, server_cut,
 * server_report.h), then server_wait_empty and server_stop. All calls from one thread, the one that
 * started it.
 *
 * Stop order: draining closes the listening sockets and idle connections, lets requests in flight
 * end with Connection: close; cutting closes what is left; when no connection is open, the groups
 * end in the order of the wiring, every thread is joined, every descriptor closed.
 */
#ifndef STAGES_SERVER_H
#define STAGES_SERVER_H

#include "core/crowd.h"
#include "stages/held.h"
#include "stages/listener.h"
#include "stages/process.h"
#include "stages/recall.h"
#include "stages/stage.h"
#include "stages/worker.h"

#include <sched.h>

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

    struct lock lock;         /* of the workers' `life` and of the next two */
    unsigned starting;        /* threads that are being started on demand */
    bool ending;              /* none is started any more */
    struct condition changed; /* one of these has */
    _Atomic uint64_t started; /* threads started on demand */
};

struct server {
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
    const struct process *process;                 /* what it was given */
    struct trace *trace;                           /* or NULL */
    struct access_log *access_log;                 /* or NULL */
    enum stage first_stage;                        /* where a new connection goes */
    enum stage idle_stage;    /* where one waits that holds no request: the poller or the reader */
    unsigned linger_group;    /* the loop in which sessions' connections linger */
    bool blocking_sockets;    /* sessions wait in recv */
    cpu_set_t cpus;           /* where threads run that are not pinned */
    uint64_t max_connections; /* that are served */
    struct crowd *crowd;      /* or NULL: an address may have any number of connections */
    uint64_t started_ns;
    bool measured;            /* histograms on */
    unsigned listening_count; /* this process's listening sockets, for looking at: a listener */
    int *listening_fds;       /* closes its own */
    uint64_t backlog_bound;   /* how many connections may wait in all of them */

    struct interval_sets interval_sets; /* what pools' threads measure */

    uint64_t samples; /* taken for the trace: the tracer's thread */

    /* any thread */
    _Atomic int phase;                    /* enum phase; only rises */
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
    struct held held;
    struct {
        struct lock lock;
        struct condition empty; /* connections fell to 0 */
    } ending;
};

/* Opens what the settings name (root, logs, trace; the listening sockets are open) and starts the
 * threads. False: `error` holds one line, and what had been opened is closed again. */
bool server_start(struct server *server, const struct process *process,
                  char error[SERVER_ERROR_MAX]);

static inline enum phase server_phase(const struct server *server)
{
    return (enum phase)atomic_load_explicit(&server->phase, memory_order_relaxed);
}

void server_drain(struct server *server);
void server_cut(struct server *server);

/* Waits until nothing is accepted any more and no connection is open, at most until `until_ns` (0:
 * for ever). True: none is. */
bool server_wait_empty(struct server *server, uint64_t until_ns);

/* Ends and joins all threads and frees everything. All connections are closed. */
void server_stop(struct server *server);

/* A listener has closed its sockets. Listener threads. */
void server_stopped_listening(struct server *server);

/* Whoever waits in server_wait_empty checks again, and the process gets its empty_signal when
 * nothing is open any more. Any thread. */
void server_signal_empty(struct server *server);

/* Wakes every poll loop, so that it looks at the phase. */
void server_nudge_all(struct server *server);

#endif
