/* home.h: where a connection waits for its client: the poll loop that has adopted it.
 *
 * Home is the reader's loop, or the poller's where the wiring has one (engine->idle_stage). It
 * watches the descriptor from the adoption on, and sets the deadlines that apply while the client
 * is at home. A client that has been handed on is AWAY (home_state.h): until it is back the thread
 * that has it, and not its home, reads its socket.
 *
 * Thread-safety: the home worker's thread.
 */
#ifndef STAGES_ENGINE_HOME_H
#define STAGES_ENGINE_HOME_H

#include "stages/engine/worker.h"

/* This worker is the client's home from now on, where it is FRESH or WAITING. It is not watched
 * yet. */
void home_adopt(struct worker *worker, struct client *client, enum home_state state);

/* Sees to it that its home watches the client's descriptor. False, when the system has no room for
 * another watch. Opened late: a connection whose only request is there when it is accepted is never
 * watched at all. */
bool home_watch(struct worker *worker, struct client *client);

/* Waits at home until the client sends, or its deadline. NONE, or CLOSE when that may not be. */
enum verdict home_wait(struct worker *worker, struct client *client);

/* Handed on; and back, or about to be read for the first time. */
void home_leave(struct worker *worker, struct client *client);
void home_return(struct worker *worker, struct client *client);

/* Room is needed downstream before anything is taken in: the client is not watched until
 * home_room. */
void home_hold_back(struct worker *worker, struct client *client);
/* Readable, but not passed on before the interval of the poller is over: not watched. */
void home_let_ripen(struct worker *worker, struct client *client);
/* Something came while it was away: not watched for reading until it is back. */
void home_came_early(struct worker *worker, struct client *client);

/* When the stage that waits for the next request had the client again; `direct`: by a call from the
 * stage that has sent. Whoever has the client. */
void home_stamp_requeue(struct worker *worker, struct client *client, bool direct);

/* Are clients of this home away? They may be given back quietly. */
static inline bool home_awaits(const struct worker *worker)
{
    return worker->home.counts.in[HOME_AWAY] + worker->home.counts.in[HOME_EARLY] > 0;
}

/* Closes a client that is at home. */
void home_dismiss(struct worker *worker, struct client *client, enum close_reason reason);

/* --- what the loop calls --- */

/* A client's deadline has passed. */
void home_expired(struct worker *worker, struct client *client);
/* Once a turn: the server's phase has changed. */
void home_phase(struct worker *worker);
/* Once a turn, when a refused queue has room again: checks the clients that were held back. */
void home_room(struct worker *worker);
/* Closes up to `most` of the oldest idle clients, to free descriptors. */
void home_shed(struct worker *worker, unsigned most);
/* Closes its oldest idle client, if it has one and no other home was faster, to free a place. */
void home_reap(struct worker *worker);

/* Calls `fn` for each client that is at home. `fn` may close it. */
void home_each(struct worker *worker, void fn(struct worker *, struct client *));

#endif
