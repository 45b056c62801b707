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
#ifndef STAGES_LIFE_SERVER_H
#define STAGES_LIFE_SERVER_H

#include "stages/engine/engine.h"
#include "stages/engine/process_share.h"
#include "stages/stage/sockets.h"

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

/* Opens what the settings name (root, logs, trace; the listening sockets are open) and starts the
 * threads. False: `error` holds one line, and what had been opened is closed again. */
bool server_start(struct engine *engine, const struct process *process,
                  char error[SERVER_ERROR_MAX]);

void server_drain(struct engine *engine);
void server_cut(struct engine *engine);

/* Waits until nothing is accepted any more and no connection is open, at most until `until_ns` (0:
 * for ever). True: none is. */
bool server_wait_empty(struct engine *engine, uint64_t until_ns);

/* Ends and joins all threads and frees everything. All connections are closed. */
void server_stop(struct engine *engine);

#endif
