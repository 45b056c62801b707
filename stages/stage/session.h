/* session.h: a thread that blocks for the client that it serves: what the reader and the writer do in a
 * group of small letters.
 *
 * The steps are those of the loops (core/exchange/conn.h) and never wait. The session waits between
 * them, in recv or poll, with the timeout that applies. Before a thread blocks it gives back the
 * tickets that it has not begun, and its mailbox does not count on it (mailbox_away): so no client
 * waits behind it. Other threads can end the wait (session_list.h).
 *
 * Thread-safety: the session's own thread.
 */
#ifndef STAGES_STAGE_SESSION_H
#define STAGES_STAGE_SESSION_H

#include "stages/engine/worker.h"

/* Reads until there is one whole request. REQUEST_READY, OUTPUT_READY (100 Continue), CLOSE, or
 * WANT_READ for a connection that has nothing of a request and has a poller to go to. */
enum verdict session_read(struct worker *worker, struct client *client, enum verdict verdict,
                          bool direct);

/* Before what is collected is sent: sendfile has no flag for "do not wait", so a socket that sends
 * files is made non-blocking, for good. */
void session_prepare_send(struct client *client);

/* Waits until the socket takes more. False: it has not for --io-timeout, or the server cuts. */
bool session_wait_write(struct worker *worker, struct client *client);

#endif
