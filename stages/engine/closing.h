/* closing.h: the end of a connection.
 *
 * Every connection ends in client_close(), whatever the reason: DESIGN.md lists the ways. By then
 * one thread has the whole client: its home's, or for a client without a home the one that has it.
 *
 * Thread-safety: that thread.
 */
#ifndef STAGES_ENGINE_CLOSING_H
#define STAGES_ENGINE_CLOSING_H

#include "stages/engine/worker.h"

/* Closes the descriptor: the only place that does. No other loop watches it any more. */
void client_close(struct worker *worker, struct client *client);

/* Ends the watch of the client's home for good: at once for the kernel; the loop needs the memory
 * until it calls back. Home's thread. */
void client_unwatch(struct client *client);

#endif
