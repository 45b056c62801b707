/* inline.h: may a loop run a handler itself, instead of handing the request on?
 *
 * p in a group of capital letters names a stage that the loop may run as long as it need not wait
 * ('L | Rpw | P*n | W'). --inline says when:
 *
 *   idle     the loop has done all that it found, it holds this one request only, and a thread of
 *            the other group sleeps: nobody would gain by the hand-over. Decided at the end of a
 *            turn, where the request lies in the outbox already
 *   short    always, unless the handler is marked as long or would have to wait for a file
 *   always   always, for experiments
 *
 * Source of `idle`: the low-latency mode of the Sun Java System Web Server, whose keep-alive threads
 * answer themselves at low load. Each request that is not handed over is counted by the queue that
 * it passes by. The worker's own thread.
 */
#ifndef STAGES_ENGINE_INLINE_H
#define STAGES_ENGINE_INLINE_H

#include "stages/engine/worker.h"

/* A whole request: does this thread run its handler now (short, always)? */
bool inline_at_once(const struct worker *worker, const struct client *client);

/* The single request that waits to be handed on, taken back from its outbox, if this thread is to
 * run it (idle); or NULL. */
struct client *inline_take_idle(struct worker *worker);

/* This thread is about to run `stage` for the client: counts it where that is another group's. */
void inline_count(struct worker *worker, const struct client *client, enum stage stage);

#endif
