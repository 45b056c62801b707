/* supervisor.h: the parent of several server processes: starts them, replaces those that die,
 * passes signals on, waits for their end.
 *
 * It serves nothing and has no threads, so that it may fork at any time, and outlives what kills
 * its children. A process has a number, from 1, which its replacement takes over.
 *
 * Starting: one after the other, each when the one before is ready, so that an error that concerns
 * all of them is logged once. Until all have been ready, a process that ends before it is ready
 * ends the server, with status 1. Afterwards: a process that ends is replaced after 100 ms, doubled
 * each time up to 5 s, until one has lived for 10 s. The log has a line for each. Signals: SIGTERM
 * and SIGINT end everything, and a second one goes to the children too; SIGHUP and SIGUSR1 are for
 * the children. All are passed on in the order of the numbers. Children have process groups of
 * their own, or a terminal's Ctrl-C would reach them twice. They are killed when the parent dies.
 */
#ifndef STAGES_LIFE_SUPERVISOR_H
#define STAGES_LIFE_SUPERVISOR_H

#include "stages/engine/process_share.h"

enum { SUPERVISOR_PROCESSES_MAX = 64 };

struct supervisor_plan {
    unsigned processes;           /* 1 … SUPERVISOR_PROCESSES_MAX */
    struct process_share *shares; /* that many */
    /* In the child: all it does, with the signals blocked that are passed on. `nth` counts the
     * children ever started, from 1. It calls supervisor_ready when it serves; what it returns is
     * its exit status. */
    int (*run)(void *arg, unsigned number, unsigned nth);
    /* In the parent, once: all are ready. */
    void (*all_ready)(void *arg);
    /* In the parent, once: the end begins, and the children get their signal next. */
    void (*ending)(void *arg);
    void *arg;
};

/* Returns when the last child has ended: EXIT_SUCCESS when all ended as they were asked to. The
 * process has one thread and keeps the signals blocked. */
int supervise(const struct supervisor_plan *plan);

/* In a child. Any thread. */
void supervisor_ready(struct process_share *share);

/* How long to wait before the next start, after a process that lived for `lived_ns`; `last_ns`
 * is the result of the call before for the same number, or 0. */
uint64_t supervisor_backoff_ns(uint64_t last_ns, uint64_t lived_ns);

#endif
