/* places.h: the connections that may be open, and those that make place for others.
 *
 * A connection is counted from when it is accepted until after it is closed (engine->connections),
 * for its address (core/exchange/crowd.h), for its process, and, where that is limited, while it is
 * kept alive. One that is served has a place of --max-connections; one that is turned away has not,
 * so that those do not keep others out: few of them linger at a time. Whoever wants a place that is
 * not there waits for the next close, has one of the idle ones closed (--overload reap), or sheds
 * some to free descriptors.
 *
 * Thread-safety: any worker, as each function says.
 */
#ifndef STAGES_ENGINE_PLACES_H
#define STAGES_ENGINE_PLACES_H

#include "stages/engine/engine.h"

/* An accepted connection is counted, for its address and for its process. False: its address has as
 * many as it may, and nothing is counted. Listener threads. */
bool places_enter(struct engine *engine, struct client *client);
/* A client is closed; nothing happens if places_enter did not count it. */
void places_leave(struct engine *engine, struct client *client);
/* The descriptor of a connection is closed, and its place is free: wakes a paused listener, or
 * whoever waits for the end. */
void places_closed_one(struct engine *engine, enum place place);

/* Takes a place of this kind, if there is one; gives it back. Served connections take theirs before
 * they are accepted, so that there are never more than the limit. Any thread. */
bool places_take(struct engine *engine, enum place place);
void places_give(struct engine *engine, enum place place);
/* Is there one? */
bool places_has(const struct engine *engine, enum place place);
/* The client will not be served: it gives its place to others, and has one of those that linger, or
 * none. Listener threads. */
void places_turn_away(struct engine *engine, struct client *client);

/* May this client stay open after its first answer? Takes a place of --keepalive-connections for
 * it, once, where there is such a limit. Whoever has the client. */
bool places_keep(struct engine *engine, struct client *client);
/* The client is being closed: gives that place back, if it has one. */
void places_unkeep(struct engine *engine, struct client *client);

/* Descriptors are short: has about `count` idle connections closed. Listener threads. */
void places_shed(struct engine *engine, unsigned count);

/* --overload reap. There is one wish for the whole engine, so that for one wish one connection is
 * closed, however many homes look for it:
 *
 *     from             to       by
 *     NONE             WANTED   places_reap()
 *     WANTED           COMING   places_wanted(): the worker that then closes an idle connection
 *     WANTED, COMING   NONE     places_give(): a place is free, whatever connection had it
 */
enum place_wish { PLACE_WISH_NONE, PLACE_WISH_WANTED, PLACE_WISH_COMING };

/* Has an idle connection closed, or else the next that becomes idle; nothing when one is on its way
 * already. Listener threads. */
void places_reap(struct engine *engine);
/* The wish is withdrawn, unless somebody has claimed it. */
void places_unwant(struct engine *engine);

static inline enum place_wish places_wish(const struct engine *engine)
{
    return (enum place_wish)atomic_load(&engine->place_wish);
}
/* Must this connection, which is idle, be closed for another one's sake? Then it is. Any worker. */
static inline bool places_wanted(struct engine *engine)
{
    int wanted = PLACE_WISH_WANTED;
    return places_wish(engine) == PLACE_WISH_WANTED &&
           atomic_compare_exchange_strong(&engine->place_wish, &wanted, PLACE_WISH_COMING);
}

#endif
