/* process.h: one server process from its start to its end, which signals decide.
 *
 * Use: called by main when there is one process, else by the child that the supervisor has forked.
 * Runs on that process's first thread, with the signals blocked in all threads. SIGTERM, SIGINT:
 * drain, and a second one cuts; SIGHUP: reopen the access log; SIGUSR1: the stage table on stderr.
 */
#ifndef STAGES_LIFE_PROCESS_H
#define STAGES_LIFE_PROCESS_H

#include "stages/life/server.h"

/* Blocks the signals that process_run waits for in this thread and all it will make. */
void process_block_signals(void);

/* Its signals are blocked. Serves until a signal ends it; `ready` is called when it does. Ends the
 * program when it cannot start. */
void process_run(const struct process *process, void (*ready)(const struct process *process));

#endif
