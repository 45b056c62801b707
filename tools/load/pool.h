/* pool.h: the connections of a drive: opened before the first request, a bounded number at a time,
 * and opened again when they have ended.
 *
 * Where each request has a connection of its own, none is opened here: the drive opens it for the
 * request, and one that is closed again is ready for the next.
 *
 * One that could not be made is tried again after 100 ms. The pool decides when a connection is
 * opened; its events go to the drive, which hands those to the pool that concern it. The loop's
 * thread.
 */
#ifndef TOOLS_LOAD_POOL_H
#define TOOLS_LOAD_POOL_H

#include "tools/load/ready.h"
#include "tools/load/results.h"

struct pool {
    struct connection_shared shared;
    struct results *results;
    struct connection *connections; /* malloc'd, as are the shots */
    struct shot *shots;
    struct ready *ready;
    unsigned count, most;            /* connections that are used, that may be */
    unsigned next, settled;          /* first attempts that were begun, that are over */
    unsigned growing;                /* those under way of what was added since */
    struct connection *broken;       /* to be opened again, at their retry_ns */
    char refused[ERROR_EXAMPLE_MAX]; /* why the last one could not be made */
};

/* `shared` is copied; connections are numbered from `first` on, and ready ones go to `ready`. Opens
 * nothing. */
void pool_init(struct pool *pool, const struct connection_shared *shared, struct results *results,
               struct ready *ready, unsigned first, unsigned count, unsigned most);
void pool_deinit(struct pool *pool);

/* More of the first attempts, as many as may be under way. */
void pool_open_more(struct pool *pool);
/* Is each of them over, well or badly? */
bool pool_is_settled(const struct pool *pool);

/* Adds connections, as long as fewer are being made than requests wait. */
void pool_grow(struct pool *pool, uint64_t waiting);

/* Events of a connection. */
void pool_on_opened(struct pool *pool, struct connection *connection, uint64_t took_ns);
void pool_on_refused(struct pool *pool, struct connection *connection, const char *words);
/* It is opened again at once after an orderly end, and after a while when it could not be made. */
void pool_on_closed(struct pool *pool, struct connection *connection);

/* Opens those again whose time has come. Not before the pool is settled. */
void pool_retry(struct pool *pool, uint64_t now_ns);
/* Every shot ends with `error`. */
void pool_shut(struct pool *pool, enum load_error error, const char *words);

#endif
