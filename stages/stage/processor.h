/* processor.h: stage 4 of 5: the processor; see processor.c. */
#ifndef STAGES_STAGE_PROCESSOR_H
#define STAGES_STAGE_PROCESSOR_H

#include "stages/engine/stage.h"

extern const struct stage_entry processor_stage;

#endif
