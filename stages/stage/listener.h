/* listener.h: stage 1 of 5: the listener.
 *
 * In: connections that the kernel has completed. Out: clients, to the reader. Runs on its loop's
 * thread. Owns a client from accept until it routes it.
 */
#ifndef STAGES_STAGE_LISTENER_H
#define STAGES_STAGE_LISTENER_H

#include "core/loop/loop.h"
#include "core/options/settings.h"
#include "stages/engine/stage.h"

#include <stdbool.h>
#include <stdint.h>

struct worker;
struct listener;

/* In the worker's thread: watches its sockets. */
struct listener *listener_new(struct worker *worker);
/* Ends watching; the memory is needed until the loop has forgotten the watches, then
 * listener_free. */
void listener_close(struct listener *listener);
void listener_free(struct listener *listener);

/* Once a turn: a new phase, room after a pause. */
void listener_turn(struct listener *listener);

extern const struct stage_entry listener_stage;

#endif
