/* out_watch.h: the wait of the thread that has the sending end of a client, or lingers with it: a
 * watch of the descriptor beside its home's, and a deadline.
 *
 * Where that thread is home there is one watch for both, since libuv allows one in each loop. A
 * second watch is allocated when it is opened: few clients ever need one, and it is larger than all
 * else that their sending end has.
 *
 * Thread-safety: the loop that waits: the writer's, or the one that a session leaves its client to.
 */
#ifndef STAGES_ENGINE_OUT_WATCH_H
#define STAGES_ENGINE_OUT_WATCH_H

#include "stages/engine/worker.h"

/* A second watch: allocated by out_watch_set(), freed when its loop has closed it. */
struct out_watch {
    struct watch watch;
    struct client *client;
};

/* Watches the client's descriptor in this worker's loop. The writer's `writable` is called when
 * it is ready. False, when the system has no room or no memory for another watch. */
bool out_watch_set(struct worker *worker, struct client *client, unsigned events);

/* No longer waits for the socket, nor lingers. Nothing happens if it does not. */
void out_watch_stop(struct worker *worker, struct client *client);

/* Closes a watch that is not home's. After the loop has closed it, the client goes to its home
 * to be closed. */
void out_watch_close(struct worker *worker, struct client *client);

#endif
