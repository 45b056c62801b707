/* poller.h: stage 2 of 5: the keep-alive poller; see poller.c. What the loop calls beside the
 * stage's entry. */
#ifndef STAGES_STAGE_POLLER_H
#define STAGES_STAGE_POLLER_H

#include "stages/engine/stage.h"
#include "stages/engine/worker.h"

/* Once a turn, at its end: checks the clients that were accepted in it. */
void poller_first_looks(struct worker *worker);

/* --poll-interval has passed: passes on what has become readable in it. */
void poller_tick(struct worker *worker);

extern const struct stage_entry poller_stage;

#endif
