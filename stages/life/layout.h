/* layout.h: from a wiring to the structures of its thread groups: which workers there are, which
 * queues between them, and what follows for the server as a whole.
 *
 * Thread-safety: the starting thread, before there are others.
 */
#ifndef STAGES_LIFE_LAYOUT_H
#define STAGES_LIFE_LAYOUT_H

#include "stages/engine/engine.h"
#include "stages/stage/sockets.h"

/* Groups and workers from engine->wiring and ->settings, unstarted; where a connection goes first,
 * idles and lingers; how many there may be. */
void layout_groups(struct engine *engine);

/* The queues, and which worker takes from which. */
void layout_mailboxes(struct engine *engine);

/* Is the --pin text well-formed, for this machine? NULL is. */
bool layout_check_pin(const char *pin, char error[SERVER_ERROR_MAX]);

#endif
