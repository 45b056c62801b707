/* pool_group.h: a thread group that waits on its queue only: P alone. */
#ifndef STAGES_POOL_GROUP_H
#define STAGES_POOL_GROUP_H

#include "stages/worker.h"

/* The thread's function; `arg` is the worker. Returns when the queue is closed and empty. */
void *pool_group_main(void *arg);

#endif
