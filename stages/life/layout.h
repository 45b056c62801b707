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
/* Frees what that has made. No thread uses it any more. */
void layout_free(struct engine *engine);

/* The queues, and which worker takes from which. */
void layout_mailboxes(struct engine *engine);

/* Does the queue of this group refuse a new connection that no thread is free for? */
bool layout_is_strict(const struct engine *engine, unsigned index);
/* How many CPUs this process may use: all that is sized "from the CPUs" counts these, not those of
 * the machine, so that a server whose CPUs are limited does not start threads for the others. */
unsigned layout_usable_cpus(void);

/* Is the --pin text well-formed, for this machine? NULL is. */
bool layout_check_pin(const char *pin, char error[SERVER_ERROR_MAX]);

#endif
