/* inline.c: the policies. See inline.h. */
#include "stages/engine/inline.h"

#include "core/handlers/handler.h"
#include "stages/engine/engine.h"

/* Longer than some hundred hand-overs: such a run a loop should not make itself. */
static const uint64_t long_ns = NS_PER_MS;
/* How many short runs it takes until a loop trusts a handler again that has turned out long. More
 * of them keep one in P of which every other run is long; fewer would be enough for one that was
 * long by chance, because its thread lost the CPU. */
enum { SHORT_RUNS = 16 };

bool inline_takes_long(const struct engine *engine, const struct handler *handler)
{
    const _Atomic unsigned char *left = &engine->distrusted[handler->number];
    return handler->takes_long || atomic_load_explicit(left, memory_order_relaxed) > 0;
}

/* Does the handler take long, or would it wait for a file? A refused request has no handler, and
 * its answer is short. */
static bool takes_long(const struct worker *worker, const struct client *client)
{
    const struct exchange *x = client->conn.exchange;
    if (x->refused_status != 0) {
        return false;
    }
    return inline_takes_long(worker->engine, x->handler) ||
           (x->handler->would_wait != NULL && x->handler->would_wait(x));
}

bool inline_at_once(const struct worker *worker, const struct client *client)
{
    if (!worker_stands_in(worker, STAGE_PROCESSOR)) {
        return false;
    }
    switch (worker->engine->wiring.policies.inlining) {
    case INLINE_ALWAYS:
        return true;
    case INLINE_SHORT:
        return !takes_long(worker, client);
    default:
        return false; /* at the end of the turn */
    }
}

static unsigned mailbox_of(const struct worker *worker, const struct client *client,
                           enum stage stage)
{
    const struct engine *engine = worker->engine;
    unsigned index = (unsigned)engine->wiring.group_of[stage];
    const struct group *group = &engine->groups[index];
    unsigned seat = group->kind == GROUP_POOL ? 0 : client->seat[index];
    return group->workers[seat].mailbox_number;
}

/* The only outbox with something in it, which is one ticket; or NULL. */
static struct outbox *only_outbox(struct worker *worker)
{
    if (worker->dirty_count != 1 || worker->refused_count > 0) {
        return NULL;
    }
    struct outbox *outbox = &worker->outboxes[worker->dirty[0]];
    return outbox->chain.count == 1 ? outbox : NULL;
}

struct client *inline_take_idle(struct worker *worker)
{
    if (!worker_stands_in(worker, STAGE_PROCESSOR) ||
        worker->engine->wiring.policies.inlining != INLINE_IDLE) {
        return NULL;
    }
    struct outbox *outbox = only_outbox(worker);
    if (outbox == NULL) {
        return NULL;
    }
    struct ticket *ticket = ticket_of(outbox->chain.head);
    struct client *client = client_of_ticket(ticket);
    if (ticket->verdict != VERDICT_REQUEST_READY || takes_long(worker, client) ||
        !mailbox_has_sleeper(outbox->mailbox)) {
        return NULL;
    }
    (void)chain_next(&outbox->chain); /* worker_flush forgets the empty outbox */
    return client;
}

void inline_count(struct worker *worker, const struct client *client, enum stage stage)
{
    if (worker_stands_in(worker, stage)) {
        struct outbox *outbox = &worker->outboxes[mailbox_of(worker, client, stage)];
        worker_count(&outbox->inlined, 1);
    }
}

/* --- how long handlers run --- */

void inline_begin_run(struct worker *worker, const struct exchange *x)
{
    if (worker->engine->wiring.policies.inlining != INLINE_NONE) {
        uint64_t started_ns = x->stamps.started_ns;
        worker->run.handler = x->handler;
        worker->run.since_ns = started_ns != 0 ? started_ns : clock_ns();
    }
}

/* P gets what would wait for a file, so a long run there says nothing about other files. */
static bool tells_of_others(const struct handler *handler, bool stood_in)
{
    return stood_in || handler->would_wait == NULL;
}

/* Any thread, and several at a time: of short runs that end at the same moment not all may count, a
 * long one always does. */
static void note_length(_Atomic unsigned char *distrusted, bool was_long)
{
    unsigned char left = atomic_load_explicit(distrusted, memory_order_relaxed);
    if (was_long && left < SHORT_RUNS) {
        atomic_store_explicit(distrusted, SHORT_RUNS, memory_order_relaxed);
    } else if (!was_long && left > 0) {
        (void)atomic_compare_exchange_strong(distrusted, &left, (unsigned char)(left - 1));
    }
}

void inline_end_run(struct worker *worker, uint64_t stamped_ns)
{
    const struct handler *handler = worker->run.handler;
    if (handler == NULL) {
        return;
    }
    worker->run.handler = NULL;
    uint64_t now_ns = stamped_ns != 0 ? stamped_ns : clock_ns();
    bool was_long = now_ns - worker->run.since_ns > long_ns;
    bool stood_in = worker_stands_in(worker, STAGE_PROCESSOR);
    if (was_long && stood_in) {
        tally_add(&worker->tally, COUNTER_INLINE_LONG, 1);
    }
    if (!was_long || tells_of_others(handler, stood_in)) {
        note_length(&worker->engine->distrusted[handler->number], was_long);
    }
}
