/* whole.c: one whole request is there. See whole.h. */
#include "stages/engine/whole.h"

#include "core/handlers/handlers.h"
#include "core/points/probes.h"

/* One that does not count, which is not known before, is taken back from those begun. */
static void count_whole(struct worker *worker, const struct exchange *x)
{
    if (exchange_is_counted(x)) {
        tally_add(&worker->tally, COUNTER_WHOLE, 1);
    } else {
        tally_add(&worker->tally, COUNTER_BEGUN, (uint64_t)-1);
    }
}

void request_is_whole(struct worker *worker, struct client *client)
{
    struct exchange *x = client->conn.exchange;
    x->reader = (unsigned short)worker->number;
    if (x->refused_status == 0) {
        handler_choose(x);
        if (x->handler->input != NULL) {
            x->handler->input(x);
            x->stamps.whole_ns = stamp_now();
            PROBE(whole, client->conn.id, x->id, x->stamps.whole_ns, x->stamps.first_byte_ns);
        }
    }
    count_whole(worker, x);
}
