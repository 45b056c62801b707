/* listener.h: the listening sockets, and stage 1 of 5: the listener.
 *
 * In: connections that the kernel has completed. Out: clients, to the reader. Runs on its loop's thread. Owns a
 * client from accept until it routes it.
 *
 * Several listener threads each have sockets of their own on the same ports (SO_REUSEPORT), so that the kernel
 * spreads connections and no wakeup is for nothing; unix sockets are shared.
 */
#ifndef STAGES_LISTENER_H
#define STAGES_LISTENER_H

#include "core/loop.h"
#include "core/settings.h"

#include <stdbool.h>
#include <stdint.h>

struct server;

enum { SERVER_ERROR_MAX = 512 };
struct worker;

/* All listening descriptors: at[thread * addresses + address]. */
struct sockets {
    unsigned addresses, threads;
    int *at;
    char (*names)[128]; /* one for each address: "http://127.0.0.1:8080" */
};

/* False: `error` says in one line which address and why. Port 0 is resolved here. */
bool sockets_open(struct sockets *sockets, const struct settings *settings, unsigned threads, char error[SERVER_ERROR_MAX]);
void sockets_close(struct sockets *sockets);

struct listener;

/* In the worker's thread: watches its sockets. */
struct listener *listener_new(struct worker *worker);
/* Ends watching; the memory is needed until the loop has forgotten the watches, then listener_free. */
void listener_close(struct listener *listener);
void listener_free(struct listener *listener);

/* Once a turn: a new phase, room after a pause. */
void listener_turn(struct listener *listener);

#endif
