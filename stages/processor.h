/* processor.h: stage 4 of 5: the processor; see processor.c. */
#ifndef STAGES_PROCESSOR_H
#define STAGES_PROCESSOR_H

#include "stages/stage.h"

extern const struct stage_entry processor_stage;

#endif
