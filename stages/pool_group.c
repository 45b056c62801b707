/* pool_group.c: a thread of a pool. See pool_group.h. */
#include "stages/pool_group.h"

#include "stages/server.h"

void *pool_group_main(void *arg)
{
    struct worker *worker = arg;
    unsigned batch = (unsigned)worker->server->settings->batch;
    worker_begin(worker);
    for (;;) {
        if (mailbox_take(worker->mailbox, &worker->taker, &worker->taken, batch) == 0) {
            (void)worker_flush(worker);
            worker_begin_idle(worker);
            unsigned taken = mailbox_wait(worker->mailbox, &worker->taker, &worker->taken, batch);
            worker->woke_ns = clock_ns();
            worker_end_idle(worker);
            if (taken == 0) {
                return NULL;
            }
        }
        worker_count(&worker->turns, 1);
        worker_run(worker, &worker->taken);
        if (!worker_gathers(worker)) {
            (void)worker_flush(worker);
        }
    }
}
