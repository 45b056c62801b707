/* whole.h: what the thread that read a request does once all of it is there: it chooses the
 * handler, runs the handler's input filter, and counts the request.
 *
 * Thread-safety: the thread that has the client: a reader's loop, its home, a session.
 */
#ifndef STAGES_ENGINE_WHOLE_H
#define STAGES_ENGINE_WHOLE_H

#include "stages/engine/worker.h"

/* The time of the input filter belongs to `read`. */
void request_is_whole(struct worker *worker, struct client *client);

#endif
