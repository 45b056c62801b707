/* route.h: the one rule of the engine.
 *
 * A verdict names the stage that is to go on with a connection. If the wiring has that stage in the
 * thread that is running, it is a direct call; otherwise the connection goes through the queue of
 * the group that has it. No other module decides where a connection goes: ways.h asks this one.
 *
 *   ACCEPTED                                   the poller or the reader, whichever stands first
 *   WANT_READ, KEPT without further input      the poller, where there is one apart from the reader
 *   READABLE, RESUME, KEPT with more input     the reader
 *   REQUEST_READY                              p in a loop that may run it now (inline.h), else P
 *   WANT_ROOM, WANT_TIME                       P
 *   OUTPUT_READY                               w in a session or a loop that has it, else W
 *   WANT_WRITE, out of a session or such a w   W
 *   LINGER, out of a session                   a poll loop: the writer's, else the poller's, else L's
 *   CLOSE                                      the loop that watches it besides, then its home; a
 *                                              client without a home is closed where it is
 */
#ifndef STAGES_ENGINE_ROUTE_H
#define STAGES_ENGINE_ROUTE_H

#include "stages/engine/worker.h"

/* Steps run for one client in one go before others get their turn: bounds a client that has
 * pipelined a thousand requests. A session has no others. */
enum { ROUTE_ROUNDS_MOST = 32 };

struct route_goal {
    enum stage stage;
    unsigned group;
};

/* The stage that goes on after a verdict of a stage in the worker's group, and its group: what the
 * wiring alone decides of a way. `more`: the client has sent further input, which matters to KEPT.
 * CLOSE leads to the home, which a client has where that group is a loop. Any thread. */
struct route_goal route_goal(const struct worker *worker, enum verdict verdict, bool more);

/* Runs stages for `client`, from `verdict` on, until the client waits or has been handed on. The
 * caller does not use the client afterwards. */
void route(struct worker *worker, struct client *client, enum verdict verdict);

/* Where a connection that is kept waits for its next request, or is read at once (`more`). It may
 * come there in two steps: a session's own reader puts the exchange back before the connection goes
 * on to the poller. Any thread. */
struct route_goal route_goal_kept(const struct worker *worker, bool more);

/* Will a connection that is kept stay with this thread, or go through a queue? For the thread that
 * has the exchange. */
bool route_keeps(const struct worker *worker, const struct client *client);

/* The same client: does the stage that waits for its next request get it with the exchange? A session
 * puts the exchange back before it hands the client on. */
bool route_brings_exchange(const struct worker *worker, const struct client *client);

/* Hands a client with output to the writer, always through its queue: from any thread, also one
 * that is no worker. The caller has the client, and does not use it afterwards. */
void route_output(struct engine *engine, struct client *client);

/* A session leaves an idle client for a request that is under way (recall.h): it goes to the end of
 * the session's own queue, as one that may have become readable. */
void route_leave(struct worker *worker, struct client *client);

/* A handler has given its request on, or waits for room: where the thread is a session whose pool
 * waits for idle clients, it will be recalled for that. It need not have the client. */
void route_lets_go(struct worker *worker);

/* A loop has done all that it found, and is about to hand on what it gathered. With --inline idle it
 * runs the handler of a single request itself (inline.h). */
void route_inline_idle(struct worker *worker);

/* Runs a ticket that was taken from a mailbox. */
void route_ticket(struct worker *worker, struct ticket *ticket);

/* Runs the stages of what has been taken, in order. */
void route_run(struct worker *worker, struct chain *chain);

/* Runs what waits in the worker's mailbox, at most one batch. False: nothing waited. */
bool route_drain(struct worker *worker);

/* Chooses the threads that a new client will be served by. */
void route_seats(struct worker *worker, struct client *client);

#endif
