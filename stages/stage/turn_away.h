/* turn_away.h: answers a new client that is not to be served with 503, and closes it.
 *
 * Why an answer: a client whose connection ends without one cannot distinguish overload from a
 * fault. The answer is short, a new socket's buffer takes it whole, and the close lingers, so
 * that what the client has sent already does not reset the connection and take the answer with it.
 *
 * Thread-safety: the listener's thread, which has the client.
 */
#ifndef STAGES_STAGE_TURN_AWAY_H
#define STAGES_STAGE_TURN_AWAY_H

#include "stages/engine/worker.h"

/* --overload reject: 503. */
void turn_away_busy(struct worker *worker, struct client *client);

/* --max-connections-per-address: 429. */
void turn_away_address(struct worker *worker, struct client *client);

#endif
