/* pause.h: a handler on a poll loop that wants some time to pass: the loop comes back to it. */
#ifndef STAGES_STAGE_PAUSE_H
#define STAGES_STAGE_PAUSE_H

#include "stages/engine/worker.h"

/* Long pauses are cut into parts, between which it is seen whether the client has gone or the
 * server cuts. */
enum { PAUSE_PART_NS = 100000000 };

/* Goes on with the processor after `after_ns` (0: in the loop's next turn), on the same thread.
 * When the server cuts what is in flight, at once. The making end of the exchange stays with the
 * pause. */
void pause_client(struct worker *worker, struct client *client, uint64_t after_ns);

#endif
