/* held.h: connections that a session's thread blocks for, so that others can end the wait.
 *
 * Why: a thread that blocks in recv or poll for its client does not read its queue. A thread that
 * must end the wait shuts the socket down: the reading side when the server drains or needs the
 * place, both sides when the server cuts. The session wakes, reads the end, and closes. Only the
 * holder of a connection closes it.
 *
 * A connection enters the list when a session first blocks for it, and leaves it when it is closed.
 * It stays there while other threads hold it, at no cost. The lock keeps the descriptor's number
 * valid while it is shut down. `session.as` says whether the wait may be ended:
 *
 *     BUSY --begin_wait--> IDLE, WAITING --end_wait--> BUSY     by the holder
 *                          IDLE --held_end--> DOOMED            by others, once
 *
 * Thread-safety: all of it, any thread.
 */
#ifndef STAGES_ENGINE_HELD_H
#define STAGES_ENGINE_HELD_H

#include "stages/engine/client.h"

enum held_as {
    HELD_BUSY,    /* no thread blocks for it */
    HELD_IDLE,    /* blocked for between two requests */
    HELD_WAITING, /* blocked for inside a request */
    HELD_DOOMED,  /* its idle wait has been ended */
};

struct held {
    struct {
        struct lock lock;
        struct client first GUARDED; /* list head */
    } shared;
};

void held_init(struct held *held);
void held_deinit(struct held *held);

/* By the holder; adding what is in the list, and removing what is not, does nothing. */
void held_add(struct held *held, struct client *client) EXCLUDES(held->shared.lock);
void held_remove(struct held *held, struct client *client) EXCLUDES(held->shared.lock);

/* Ends the idle wait of one connection: the oldest of those whose time is over, else the oldest.
 * False: none is idle. */
bool held_end_one(struct held *held, uint64_t now_ns) EXCLUDES(held->shared.lock);
/* Ends all idle waits: the server drains. */
void held_end_idle(struct held *held) EXCLUDES(held->shared.lock);
/* Ends every wait, also inside a request, for reading and for writing: the server cuts. A busy
 * session is left alone: it checks the phase before it waits, and may have an answer for the
 * client. */
void held_end_all(struct held *held) EXCLUDES(held->shared.lock);

#endif
