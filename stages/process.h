/* process.h: one server process from its start to its end, which signals decide.
 *
 * Use: by whoever made what the process is given: main, when it is the only one, else the child
 * that the supervisor has forked. Runs on that process's first thread, with the signals blocked in
 * all. SIGTERM, SIGINT: drain, and a second one cuts; SIGHUP: reopen the access log; SIGUSR1: the
 * stage table on stderr.
 */
#ifndef STAGES_PROCESS_H
#define STAGES_PROCESS_H

#include "core/settings.h"
#include "stages/accept_turn.h"
#include "stages/process_share.h"
#include "stages/sockets.h"
#include "stages/wiring.h"

/* What a process is given. It owns nothing of it but the descriptors of `sockets`. */
struct process {
    const struct settings *settings;
    const struct wiring *wiring;
    const char *config_json;      /* for the trace's head */
    const char *trace;            /* its trace file, or NULL */
    struct sockets *sockets;      /* one set for each of its listener threads */
    struct accept_turn *turn;     /* NULL: --accept-mutex off */
    struct process_share *shares; /* of all processes */
    unsigned count;               /* how many there are */
    unsigned number;              /* this one, from 1 */
};

static inline struct process_share *process_share(const struct process *process)
{
    return &process->shares[process->number - 1];
}

/* Blocks the signals that process_run waits for in this thread and all it will make. */
void process_block_signals(void);

/* Its signals are blocked. Serves until a signal ends it; `ready` is called when it does. Ends the
 * program when it cannot start. */
void process_run(const struct process *process, void (*ready)(const struct process *process));

#endif
