/* writer.h: stage 5 of 5: the writer; see writer.c. What the loop calls beside the stage's
 * entry. */
#ifndef STAGES_STAGE_WRITER_H
#define STAGES_STAGE_WRITER_H

#include "stages/engine/stage.h"
#include "stages/engine/worker.h"

/* The home watch says readable while the client is away. True: this thread's writer lingers with it
 * and has dealt with it. */
bool writer_readable(struct worker *worker, struct client *client);

/* A client's writing deadline has passed. */
void writer_expired(struct worker *worker, struct client *client);

extern const struct stage_entry writer_stage;

#endif
