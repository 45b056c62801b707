/* inline.c: the policies. See inline.h. */
#include "stages/engine/inline.h"

#include "core/handlers/handler.h"
#include "stages/engine/engine.h"

/* Is the handler marked as long, or would it wait for a file? A refused request has no handler, and
 * its answer is short. */
static bool takes_long(const struct client *client)
{
    const struct exchange *x = client->conn.exchange;
    if (x->refused_status != 0) {
        return false;
    }
    return x->handler->takes_long || (x->handler->would_wait != NULL && x->handler->would_wait(x));
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
        return !takes_long(client);
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
    if (ticket->verdict != VERDICT_REQUEST_READY || takes_long(client) ||
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
