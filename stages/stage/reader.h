/* reader.h: stage 3 of 5: the reader; see reader.c. What others call beside the stage's entry. */
#ifndef STAGES_STAGE_READER_H
#define STAGES_STAGE_READER_H

#include "stages/engine/stage.h"
#include "stages/engine/worker.h"

/* Once a turn, at its end: reads the clients that were adopted in it. */
void reader_first_reads(struct worker *worker);

extern const struct stage_entry reader_stage;

#endif
