/* pause.h: a handler on a poll loop asks for a pause: the loop calls it again after that time. */
#ifndef STAGES_STAGE_PAUSE_H
#define STAGES_STAGE_PAUSE_H

#include "stages/engine/worker.h"

/* Long pauses are cut into parts; between them the loop checks whether the client has closed or the
 * server cuts. */
enum { PAUSE_PART_NS = 100000000 };

/* Goes on with the processor after `after_ns` (0: in the loop's next turn), on the same thread.
 * When the server cuts what is in flight, at once. The making end of the exchange stays with the
 * pause. */
void pause_client(struct worker *worker, struct client *client, uint64_t after_ns);

#endif
