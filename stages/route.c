/* route.c: from a verdict to the thread that goes on. See route.h. */
#include "stages/route.h"

#include "stages/server.h"

/* Steps run for one client in one go before others get their turn: bounds a client that has
 * pipelined a thousand requests. */
enum { ROUNDS_MOST = 32 };

static stage_fn *const entries[STAGE_COUNT] = {
    [STAGE_READER] = reader_enter,
    [STAGE_PROCESSOR] = processor_enter,
    [STAGE_WRITER] = writer_enter,
};

/* Each loop closes its own watch of a descriptor, home last: so a client that the writer watches
 * goes there first. */
static enum stage stage_for(const struct client *client, enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_REQUEST_READY:
    case VERDICT_WANT_ROOM:
    case VERDICT_WANT_TIME:
        return STAGE_PROCESSOR;
    case VERDICT_OUTPUT_READY:
    case VERDICT_WANT_WRITE:
    case VERDICT_LINGER:
        return STAGE_WRITER;
    case VERDICT_CLOSE:
        return client->out_watched ? STAGE_WRITER : STAGE_READER;
    default:
        return STAGE_READER;
    }
}

/* A thread of a processing loop is chosen for each request, the one with the shortest queue; not
 * while the writer that shares its thread watches the descriptor, because that watch is in one
 * loop. */
static void choose_seat(struct worker *worker, struct client *client, unsigned group)
{
    const struct group *to = &worker->server->groups[group];
    if (to->kind != GROUP_LOOP || to->count == 1 || client->out_watched ||
        (to->stages & (1u << STAGE_READER)) != 0) {
        return;
    }
    unsigned best = client->seat[group], least = UINT32_MAX;
    for (unsigned i = 0; i < to->count; i++) {
        unsigned seat = (client->seat[group] + i) % to->count;
        unsigned waiting =
            atomic_load_explicit(&to->workers[seat].mailbox->waiting_hint, memory_order_relaxed);
        if (waiting < least) {
            least = waiting;
            best = seat;
        }
    }
    client->seat[group] = (unsigned short)best;
}

static bool is_here(const struct worker *worker, const struct client *client, unsigned group)
{
    return worker->group == group &&
           (worker->kind == GROUP_POOL || client->seat[group] == worker->seat);
}

/* Can the taker, if it sleeps, go on sleeping? A kept connection whose descriptor its home watches
 * wakes its home by itself; one that is to be closed has time, while descriptors are not short. */
static bool is_quiet(const struct server *server, const struct client *client, enum verdict verdict)
{
    if (server_phase(server) != PHASE_RUNNING) {
        return false;
    }
    if (verdict == VERDICT_CLOSE) {
        return !atomic_load_explicit(&server->accepting_paused, memory_order_relaxed);
    }
    return verdict == VERDICT_KEPT && client->home_watched &&
           client->conn.exchange->input.used == client->conn.exchange->input.len;
}

static void post(struct worker *worker, struct client *client, enum stage stage,
                 enum verdict verdict, unsigned group)
{
    struct ticket *ticket = &client->tickets[stage];
    ticket->stage = (unsigned char)stage;
    ticket->verdict = (unsigned char)verdict;
    const struct group *to = &worker->server->groups[group];
    const struct worker *taker = &to->workers[to->kind == GROUP_POOL ? 0 : client->seat[group]];
    ticket->quiet = stage == STAGE_READER && is_quiet(worker->server, client, verdict);
    worker_post(worker, taker->mailbox_number, ticket, !ticket->quiet);
}

void route(struct worker *worker, struct client *client, enum verdict verdict)
{
    for (unsigned round = 0; verdict != VERDICT_HELD; round++) {
        enum stage stage = stage_for(client, verdict);
        unsigned group = (unsigned)worker->server->wiring.group_of[stage];
        if (verdict == VERDICT_REQUEST_READY) {
            choose_seat(worker, client, group);
        }
        if (!is_here(worker, client, group) || round == ROUNDS_MOST) {
            post(worker, client, stage, verdict, group);
            return;
        }
        verdict = entries[stage](worker, client, verdict, true);
    }
}

void route_ticket(struct worker *worker, struct ticket *ticket)
{
    struct client *client = client_of_ticket(ticket);
    enum verdict verdict =
        entries[ticket->stage](worker, client, (enum verdict)ticket->verdict, false);
    route(worker, client, verdict);
}

void route_seats(struct worker *worker, struct client *client)
{
    const struct server *server = worker->server;
    for (unsigned i = 0; i < server->group_count; i++) {
        client->seat[i] =
            (unsigned short)(i == worker->group ? worker->seat
                                                : client->conn.id % server->groups[i].count);
    }
}
