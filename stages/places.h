/* places.h: the connections that may be open, and those that make place for others.
 *
 * A connection is counted from before it is accepted until after it is closed
 * (server->connections), for its address (core/crowd.h), for its process, and, where that is
 * limited, while it is kept alive. Who wants a place that is not there waits for the next close,
 * has one of the idle ones closed (--overload reap), or sheds some to free descriptors.
 *
 * Thread-safety: any worker, as each function says.
 */
#ifndef STAGES_PLACES_H
#define STAGES_PLACES_H

#include "stages/server.h"

/* An accepted connection is counted, for its address and for its process. False: its address has as
 * many as it may, and nothing is counted. Listener threads. */
bool places_enter(struct server *server, struct client *client);
/* A client is closed; nothing happens if places_enter did not count it. */
void places_leave(struct server *server, struct client *client);
/* The descriptor of a counted connection is closed: wakes a paused listener, or whoever waits for
 * the end. */
void places_closed_one(struct server *server);

/* May this client stay open after its first answer? Takes a place of --keepalive-connections for
 * it, once, where there is such a limit. Whoever holds the client. */
bool places_keep(struct server *server, struct client *client);
/* The client is being closed: gives that place back, if it has one. */
void places_unkeep(struct server *server, struct client *client);

/* Descriptors are short: has about `count` idle connections closed. Listener threads. */
void places_shed(struct server *server, unsigned count);
/* --overload reap: has an idle connection closed, or else the next that becomes idle. Listener
 * threads. */
void places_reap(struct server *server);

/* Nobody is idle: the next one to be shall make place. */
static inline void places_want(struct server *server)
{
    atomic_store(&server->wants_place, true);
}
/* Must this connection, which has become idle, be closed for another one's sake? Any worker. */
static inline bool places_wanted(struct server *server)
{
    return atomic_load(&server->wants_place) && atomic_exchange(&server->wants_place, false);
}

#endif
