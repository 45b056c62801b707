/* inline.h: may a loop run a handler itself, instead of handing the request on?
 *
 * p in a group of capital letters names a stage that the loop may run as long as it need not wait
 * ('L | Rpw | P*n | W'). --inline says when:
 *
 *   idle     the loop has done all that it found, it holds this one request only, and a thread of
 *            the other group sleeps: nobody would gain by the hand-over. Decided at the end of a
 *            turn, where the request lies in the outbox already
 *   short    always, unless the handler takes long or would have to wait for a file
 *   always   always, for experiments
 *
 * A handler takes long if it is marked so (handler.h), or if it has turned out so: one of its runs,
 * in a loop or in P, took more than a millisecond. From then on P gets it, until 16 of its runs
 * were short. So one that blocks and is not marked stops a loop for one run, however many requests
 * wait for it. A run lasts until the handler ends, gives the exchange away, pauses, waits for room,
 * or has made as many pieces as a loop makes in one go. After a forward the run still counts for the
 * handler that forwarded: the loop chose the thread by that one.
 *
 * Source of `idle`: the low-latency mode of the Sun Java System Web Server, whose keep-alive threads
 * answer themselves at low load. Each request that is not handed over is counted by the queue that
 * it passes by. The worker's own thread.
 */
#ifndef STAGES_ENGINE_INLINE_H
#define STAGES_ENGINE_INLINE_H

#include "stages/engine/worker.h"

struct handler;

/* Is the handler marked as long, or has it turned out so? Any thread. */
bool inline_takes_long(const struct engine *engine, const struct handler *handler);

/* A whole request: does this thread run its handler now (short, always)? */
bool inline_at_once(const struct worker *worker, const struct client *client);

/* The single request that waits to be handed on, taken back from its outbox, if this thread is to
 * run it (idle); or NULL. */
struct client *inline_take_idle(struct worker *worker);

/* This thread is about to run `stage` for the client: counts it where that is another group's. */
void inline_count(struct worker *worker, const struct client *client, enum stage stage);

/* This thread runs the handler of a request from now on; its start is stamped. Does nothing where
 * no loop may run handlers in place of others. */
void inline_begin_run(struct worker *worker, const struct exchange *x);

/* That run is over, at a time that was stamped, or now (0): notes whether it was long. Does nothing
 * where none has begun, so that each end of a run may call it. The exchange may be gone. */
void inline_end_run(struct worker *worker, uint64_t stamped_ns);

#endif
