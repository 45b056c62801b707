/* processor.h: what others may ask of the processor: that an answer is complete. See
 * processor.c. */
#ifndef STAGES_PROCESSOR_H
#define STAGES_PROCESSOR_H

#include "core/exchange.h"

/* For exchange_pool_on_complete, with the struct server as `server`: publishes the end of an answer
 * that somebody else than the stage has completed, and posts its client to the writer. Any
 * thread. */
complete_fn processor_complete;

#endif
