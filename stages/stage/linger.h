/* linger.h: the lingering close (RFC 9112 9.6): the sending side is shut down, what still comes is
 * discarded, until the client closes or a deadline.
 *
 * Why: closing a socket with unread input makes the kernel reset the connection, and the client may
 * lose the answer that is still on its way. A session does not block for this: it leaves it to a
 * loop, the writer's, else the poller's, else the listener's (engine->linger_group).
 *
 * Thread-safety: the thread that has the client.
 */
#ifndef STAGES_STAGE_LINGER_H
#define STAGES_STAGE_LINGER_H

#include "stages/engine/worker.h"

/* Begins it; the answer is with the kernel. NONE (this loop waits), LINGER (in a session: the loop
 * that is to go on), CLOSE (the client has closed, or there is nothing to wait for). */
enum verdict linger_begin(struct worker *worker, struct client *client);

/* Instead, where too many linger already: what has come is discarded, and nothing waited for; that
 * is counted. CLOSE. */
enum verdict linger_skip(struct worker *worker, struct client *client);

/* In the loop that takes it over. NONE or CLOSE. */
enum verdict linger_wait(struct worker *worker, struct client *client);

/* The watch says readable. NONE or CLOSE. */
enum verdict linger_readable(struct worker *worker, struct client *client);

/* Its deadline has passed. NONE or CLOSE. */
enum verdict linger_expired(struct worker *worker, struct client *client);

#endif
