/* route.c: from a verdict to the thread that goes on. See route.h. */
#include "stages/engine/route.h"

#include "stages/engine/closing.h"
#include "stages/engine/engine.h"
#include "stages/engine/inline.h"

static enum verdict enter_stage(struct worker *worker, struct client *client, enum stage stage,
                                enum verdict verdict, bool direct)
{
    return worker->engine->stages[stage]->enter(worker, client, verdict, direct);
}

static bool is_session(const struct worker *worker, enum stage stage)
{
    return worker->kind == GROUP_POOL && worker_runs(worker, stage);
}

static bool has_more_input(const struct client *client)
{
    const struct input *input = &client->conn.exchange->input;
    return input->used < input->len;
}

/* A session's own reader puts the exchange back before the client goes to the poller. */
static enum stage stage_for_kept(const struct worker *worker, bool more)
{
    return more || is_session(worker, STAGE_READER) ? STAGE_READER : worker->engine->idle_stage;
}

static enum stage stage_for(const struct worker *worker, enum verdict verdict, bool more)
{
    switch (verdict) {
    case VERDICT_ACCEPTED:
        return worker->engine->first_stage;
    case VERDICT_WANT_READ:
    case VERDICT_CLOSE:
        return worker->engine->idle_stage;
    case VERDICT_KEPT:
        return stage_for_kept(worker, more);
    case VERDICT_REQUEST_READY:
    case VERDICT_WANT_ROOM:
    case VERDICT_WANT_TIME:
        return STAGE_PROCESSOR;
    case VERDICT_OUTPUT_READY:
    case VERDICT_WANT_WRITE:
    case VERDICT_LINGER:
        return STAGE_WRITER;
    default:
        return STAGE_READER;
    }
}

static unsigned group_for(const struct worker *worker, enum stage stage, enum verdict verdict)
{
    const struct wiring *wiring = &worker->engine->wiring;
    if (verdict == VERDICT_LINGER) {
        return worker->engine->linger_group;
    }
    if (verdict == VERDICT_OUTPUT_READY &&
        (is_session(worker, STAGE_WRITER) || worker_stands_in(worker, STAGE_WRITER))) {
        return worker->group;
    }
    return (unsigned)wiring->group_of[stage];
}

struct route_goal route_goal(const struct worker *worker, enum verdict verdict, bool more)
{
    enum stage stage = stage_for(worker, verdict, more);
    return (struct route_goal){stage, group_for(worker, stage, verdict)};
}

static struct route_goal goal_of(const struct worker *worker, const struct client *client,
                                 enum verdict verdict)
{
    if (verdict == VERDICT_REQUEST_READY && inline_at_once(worker, client)) {
        return (struct route_goal){STAGE_PROCESSOR, worker->group};
    }
    return route_goal(worker, verdict, verdict == VERDICT_KEPT && has_more_input(client));
}

/* A thread of a processing loop is chosen for each request, the one with the shortest queue. Not
 * where its threads are homes, since a client has one home for life; nor while the writer that
 * shares its thread watches the descriptor, because that watch is in one loop. */
static void choose_seat(struct worker *worker, struct client *client, unsigned group)
{
    const struct group *to = &worker->engine->groups[group];
    if (to->kind != GROUP_LOOP || to->count == 1 || client->out.watch != NULL ||
        (to->stages & (1u << STAGE_READER | 1u << STAGE_POLLER)) != 0) {
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

struct route_goal route_goal_kept(const struct worker *worker, bool more)
{
    return route_goal(worker, more ? VERDICT_KEPT : VERDICT_WANT_READ, more);
}

bool route_keeps(const struct worker *worker, const struct client *client)
{
    return is_here(worker, client, route_goal_kept(worker, has_more_input(client)).group);
}

bool route_brings_exchange(const struct worker *worker, const struct client *client)
{
    return !is_session(worker, STAGE_READER) || route_keeps(worker, client);
}

/* Can the taker, if it sleeps, go on sleeping? A kept connection whose descriptor its home watches
 * wakes its home by itself; a poller has stopped watching it. One that is to be closed has time,
 * while descriptors are not short. */
static bool is_quiet(const struct engine *engine, const struct client *client, enum verdict verdict)
{
    if (engine_phase(engine) != PHASE_RUNNING) {
        return false;
    }
    if (verdict == VERDICT_CLOSE) {
        return !atomic_load_explicit(&engine->accepting_paused, memory_order_relaxed);
    }
    return verdict == VERDICT_KEPT && client->home.watched && engine->idle_stage == STAGE_READER &&
           !has_more_input(client);
}

/* --- requests under way that come back to sessions --- */

static bool is_under_way(const struct client *client, enum verdict verdict)
{
    return verdict == VERDICT_OUTPUT_READY || verdict == VERDICT_WANT_ROOM ||
           verdict == VERDICT_RESUME || (verdict == VERDICT_KEPT && has_more_input(client));
}

void route_lets_go(struct worker *worker)
{
    struct recall *recall = worker->engine->groups[worker->group].recall;
    if (recall != NULL) {
        recall_expect(recall);
    }
}

/* Will the request that this session hands on come back to its pool before it is answered and
 * read to its end? Called while the thread still has the client. */
static bool comes_back(const struct worker *worker, const struct client *client,
                       enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_REQUEST_READY:
        return worker_runs(worker, STAGE_WRITER) || has_more_input(client);
    case VERDICT_OUTPUT_READY:
        return client->conn.exchange->interim || has_more_input(client);
    default:
        return verdict == VERDICT_WANT_WRITE;
    }
}

/* --- tickets --- */

static struct ticket *write_ticket(const struct engine *engine, struct client *client,
                                   enum stage stage, enum verdict verdict, unsigned group)
{
    struct ticket *ticket = client_ticket(client, stage);
    struct recall *recall = engine->groups[group].recall;
    ticket->pressing = recall != NULL && is_under_way(client, verdict);
    if (ticket->pressing) {
        recall_begin(recall);
    }
    ticket->stage = (unsigned char)stage;
    ticket->verdict = (unsigned char)verdict;
    ticket->quiet = stage == engine->idle_stage && is_quiet(engine, client, verdict);
    return ticket;
}

static void post_client(struct worker *worker, struct client *client, enum stage stage,
                        enum verdict verdict, unsigned mailbox_number)
{
    struct engine *engine = worker->engine;
    unsigned group = engine->mailbox_groups[mailbox_number];
    struct ticket *ticket = write_ticket(engine, client, stage, verdict, group);
    bool pressing = ticket->pressing;
    worker_post(worker, mailbox_number, ticket, !ticket->quiet);
    if (pressing) {
        (void)worker_flush(worker); /* sessions leave their clients for it: it has to be there */
        recall_ring(engine->groups[group].recall, &engine->mailboxes[mailbox_number]);
    }
}

void route_leave(struct worker *worker, struct client *client)
{
    post_client(worker, client, STAGE_READER, VERDICT_READABLE, worker->mailbox_number);
}

static const struct worker *taker_of(const struct engine *engine, const struct client *client,
                                     unsigned group)
{
    const struct group *to = &engine->groups[group];
    return &to->workers[to->kind == GROUP_POOL ? 0 : client->seat[group]];
}

/* Past the outboxes, which are a worker's own. What comes from outside belongs to a connection that
 * was admitted long ago, so it is never refused. */
void route_output(struct engine *engine, struct client *client)
{
    unsigned group = (unsigned)engine->wiring.group_of[STAGE_WRITER];
    const struct worker *taker = taker_of(engine, client, group);
    struct chain chain = {0};
    struct ticket *ticket = write_ticket(engine, client, STAGE_WRITER, VERDICT_OUTPUT_READY, group);
    bool pressing = ticket->pressing;
    chain_append(&chain, &ticket->slip);
    CHECK(mailbox_put(taker->mailbox, &chain, PUT_ADMITTED));
    if (pressing) {
        recall_ring(engine->groups[group].recall, taker->mailbox);
    }
}

/* Each loop closes its own watch of a descriptor, home last. */
static void close_it(struct worker *worker, struct client *client)
{
    struct worker *to = client->out.watch != NULL ? client->out.worker : client->home.at;
    if (to != NULL && to != worker) {
        enum stage home = stage_for(worker, VERDICT_CLOSE, false);
        post_client(worker, client, client->out.watch != NULL ? STAGE_WRITER : home, VERDICT_CLOSE,
                    to->mailbox_number);
    } else if (client->out.watch != NULL) {
        (void)enter_stage(worker, client, STAGE_WRITER, VERDICT_CLOSE, true);
    } else {
        client_close(worker, client);
    }
}

/* One step on; the next verdict, or NONE when the client is not here any more. */
static enum verdict route_step(struct worker *worker, struct client *client, enum verdict verdict,
                               bool stay)
{
    struct route_goal to = goal_of(worker, client, verdict);
    if (verdict == VERDICT_REQUEST_READY) {
        choose_seat(worker, client, to.group);
    }
    if (stay && is_here(worker, client, to.group)) {
        inline_count(worker, client, to.stage);
        return enter_stage(worker, client, to.stage, verdict, true);
    }
    if (worker->group != to.group && comes_back(worker, client, verdict)) {
        route_lets_go(worker);
    }
    const struct worker *taker = taker_of(worker->engine, client, to.group);
    post_client(worker, client, to.stage, verdict, taker->mailbox_number);
    return VERDICT_NONE;
}

void route(struct worker *worker, struct client *client, enum verdict verdict)
{
    for (unsigned round = 0; verdict != VERDICT_NONE; round++) {
        if (verdict == VERDICT_CLOSE) {
            close_it(worker, client);
            return;
        }
        bool stay = round < ROUTE_ROUNDS_MOST || is_session(worker, STAGE_READER);
        verdict = route_step(worker, client, verdict, stay);
    }
}

void route_ticket(struct worker *worker, struct ticket *ticket)
{
    struct client *client = client_of_ticket(ticket);
    enum verdict verdict = (enum verdict)ticket->verdict;
    if (ticket->pressing) {
        recall_end(worker->engine->groups[worker->group].recall);
    }
    if (verdict == VERDICT_CLOSE) {
        close_it(worker, client);
        return;
    }
    route(worker, client, enter_stage(worker, client, (enum stage)ticket->stage, verdict, false));
}

/* The thread that accepted it where that has more stages, else spread by number. */
void route_seats(struct worker *worker, struct client *client)
{
    const struct engine *engine = worker->engine;
    for (unsigned i = 0; i < engine->group_count; i++) {
        client->seat[i] =
            (unsigned short)(i == worker->group ? worker->seat
                                                : client->conn.id % engine->groups[i].count);
    }
}

void route_inline_idle(struct worker *worker)
{
    struct client *client = inline_take_idle(worker);
    if (client != NULL) {
        inline_count(worker, client, STAGE_PROCESSOR);
        route(worker, client,
              enter_stage(worker, client, STAGE_PROCESSOR, VERDICT_REQUEST_READY, false));
    }
}

/* --- what has been taken --- */

void route_run(struct worker *worker, struct chain *chain)
{
    struct slip *slip;
    while ((slip = chain_next(chain)) != NULL) {
        route_ticket(worker, ticket_of(slip));
    }
}

bool route_drain(struct worker *worker)
{
    struct chain chain = {0};
    unsigned taken = mailbox_take(worker->mailbox, &worker->taker, &chain,
                                  (unsigned)worker->engine->settings->batch);
    route_run(worker, &chain);
    return taken > 0;
}
