/* whole.h: what is done once for each request as soon as all of it is there, by whoever read it: it
 * gets its handler, the input filter of that handler runs, and it is counted.
 *
 * Thread-safety: the thread that holds the client: a reader's loop, its home, a session.
 */
#ifndef STAGES_ENGINE_WHOLE_H
#define STAGES_ENGINE_WHOLE_H

#include "stages/engine/worker.h"

/* The time of the input filter belongs to `read`. */
void request_is_whole(struct worker *worker, struct client *client);

#endif
