/* processor.c: stage 4 of 5. In: clients holding one whole request. Out: clients with output for
 * the writer. Runs on a pool's thread, or on a loop's. Owns the making end of an exchange from the
 * request until its end is published.
 *
 * A handler is called in pieces (core/handlers/handler.h). After each piece what it made is
 * published; the first time, and whenever the writer has let go, the client is given to the writer,
 * which sends while the handler goes on. A processor never waits for a client: above
 * --output-highwater it lets the client go, and the writer gives it back when there is room. A
 * handler that is away has given the making end on: the stage knows nothing of it until the answer
 * comes to processor_complete.
 */
#include "stages/stage/processor.h"

#include "core/handlers/handlers.h"
#include "core/base/log.h"
#include "core/handlers/patience.h"
#include "core/points/probes.h"
#include "core/exchange/response.h"
#include "stages/stage/pause.h"
#include "stages/engine/inline.h"
#include "stages/engine/route.h"
#include "stages/engine/places.h"
#include "stages/engine/engine.h"

/* Pieces made in one go on a poll loop, where others wait. */
enum { PIECES_MOST = 16 };
/* Handlers that forward to each other for ever are stopped here. */
enum { FORWARDS_MOST = 8 };

/* --- what stands before every handler --- */

static bool is_last_request(const struct engine *engine, const struct conn *conn)
{
    uint64_t most = engine->settings->keepalive_requests;
    return most > 0 && conn->requests + 1 >= most;
}

static void answer_options(struct exchange *x, unsigned methods)
{
    char allow[64];
    methods_list(methods | METHOD_OPTIONS, allow);
    response_start(x, 204);
    response_add(x, "Allow", "%s", allow);
    response_no_body(x);
    response_end(x);
}

static void answer_not_allowed(struct exchange *x)
{
    char allow[64], line[80];
    methods_list(x->handler->methods | METHOD_OPTIONS, allow);
    snprintf(line, sizeof line, "Allow: %s\r\n", allow);
    response_error(x, 405, bytes_of(line));
}

/* The answers that need no handler. True: the answer is made. */
static bool answer_at_once(struct exchange *x)
{
    if (x->refused_status != 0) {
        response_error(x, x->refused_status, BYTES(""));
    } else if (x->request.path.len == 1 && x->request.path.at[0] == '*') {
        answer_options(x, METHOD_GET | METHOD_HEAD | METHOD_POST | METHOD_PUT | METHOD_DELETE);
    } else if (!handler_may_be_used(x)) {
        response_error(x, 404, BYTES(""));
    } else if (x->request.method == METHOD_OPTIONS) {
        answer_options(x, x->handler->methods);
    } else if ((x->handler->methods & x->request.method) == 0) {
        answer_not_allowed(x);
    } else {
        return false;
    }
    return true;
}

/* --- running a handler --- */

/* Decided here because the answer's head must say it. */
static enum close_reason request_close_reason(struct engine *engine, struct client *client)
{
    const struct exchange *x = client->conn.exchange;
    if (x->close != CLOSE_NONE) {
        return x->close;
    }
    if (is_last_request(engine, &client->conn)) {
        return CLOSE_MAX_REQUESTS;
    }
    bool stays = x->request.keep_alive && engine_phase(engine) == PHASE_RUNNING;
    return stays && !places_keep(engine, client) ? CLOSE_KEEPALIVE_FULL : CLOSE_NONE;
}

static void start_request(struct worker *worker, struct client *client, bool direct)
{
    struct exchange *x = client->conn.exchange;
    x->processor = (unsigned short)worker->number;
    tally_add(&worker->tally, COUNTER_STARTED, exchange_is_counted(x));
    x->stamps.started_ns = direct ? x->stamps.whole_ns : stamp_now();
    PROBE(started, client->conn.id, x->id, x->stamps.started_ns, x->stamps.whole_ns);
    x->close = request_close_reason(worker->engine, client);
}

/* A handler that makes another length than it declared is our bug: it is logged, at most once a
 * second. */
static void say_length_broken(const struct exchange *x)
{
    static struct log_rate rate;
    const struct response *r = &x->response;
    log_rated(&rate, NS_PER_S, LOG_WARN, "handler %s declared %llu bytes and produced %llu",
              x->handler != NULL ? x->handler->name : "none", (unsigned long long)r->length,
              (unsigned long long)r->produced);
}

/* Everything is made. */
static void end_making(struct conn *conn)
{
    struct exchange *x = conn->exchange;
    response_end(x);
    if (x->response.length_broken) {
        say_length_broken(x);
    }
    conn->state = CONN_WRITING;
    x->stamps.handed_ns = stamp_now();
    PROBE(handed, conn->id, x->id, x->stamps.handed_ns, x->stamps.started_ns);
}

/* From here on the writer may finish the exchange at any moment. */
static enum verdict publish_end(struct exchange *x)
{
    return outlet_publish(&x->outlet, response_made(x), true) ? VERDICT_OUTPUT_READY : VERDICT_NONE;
}

/* Counted ahead of it: behind it the writer may be first. */
static enum verdict finish_making(struct worker *worker, struct client *client)
{
    struct exchange *x = client->conn.exchange;
    tally_add(&worker->tally, COUNTER_HANDED, exchange_is_counted(x));
    end_making(&client->conn);
    inline_end_run(worker, x->stamps.handed_ns);
    return publish_end(x);
}

/* The thread that completes an answer may have no tally. */
static void processor_complete(void *arg, struct exchange *x)
{
    struct engine *engine = arg;
    struct client *client = client_of(x->conn);
    atomic_fetch_add_explicit(&engine->completed, exchange_is_counted(x), memory_order_relaxed);
    end_making(&client->conn);
    if (publish_end(x) == VERDICT_OUTPUT_READY) {
        route_output(engine, client);
    }
}

/* Publishes a piece. True: go on; false: the client has closed, the answer is given up. */
static bool publish_piece(struct worker *worker, struct client *client)
{
    struct exchange *x = client->conn.exchange;
    bool cutting = engine_phase(worker->engine) == PHASE_CUTTING;
    if (cutting || outlet_is_cut(&x->outlet)) {
        x->close = cutting ? CLOSE_CUT : x->close;
        response_abandon(x);
        return false;
    }
    if (outlet_publish(&x->outlet, response_made(x), false)) {
        route(worker, client, VERDICT_OUTPUT_READY);
        (void)worker_flush(worker); /* the next piece may take long */
    }
    return true;
}

/* Sleeps in parts, so that a client that goes meanwhile does not occupy a thread for the rest of a
 * long pause. */
static void sleep_for_piece(struct exchange *x, uint64_t until_ns)
{
    while (clock_ns() < until_ns && !patience_ended() && !outlet_is_cut(&x->outlet)) {
        uint64_t part_ns = clock_ns() + PAUSE_PART_NS;
        patience_sleep(part_ns < until_ns ? part_ns : until_ns);
    }
}

/* A pool waits in the thread, a loop comes back. */
static enum verdict pause_for_piece(struct worker *worker, struct client *client)
{
    uint64_t pause_ns = client->conn.exchange->pause_ns;
    inline_end_run(worker, 0);
    if (worker->kind == GROUP_POOL) {
        sleep_for_piece(client->conn.exchange, clock_ns() + pause_ns);
        return VERDICT_WANT_TIME;
    }
    pause_client(worker, client, pause_ns);
    return VERDICT_NONE;
}

/* Above the high-water mark: true, the client has been let go and comes back as WANT_ROOM. Every
 * piece is made behind this question, since whatever time has passed before it, a pause too, the
 * client may have read nothing. */
static bool waits_for_room(struct worker *worker, struct client *client)
{
    uint64_t highwater = worker->engine->settings->output_highwater;
    bool waits = outlet_wait_room(&client->conn.exchange->outlet, highwater);
    tally_add(&worker->tally, COUNTER_ROOM_WAITS, waits);
    if (waits) {
        route_lets_go(worker);
    }
    return waits;
}

/* What to do after a piece: NONE, the client waits or has been let go; WANT_TIME, the next
 * piece. */
static enum verdict after_piece(struct worker *worker, struct client *client,
                                enum handler_verdict said, unsigned piece)
{
    if (said == HANDLER_PAUSE && pause_for_piece(worker, client) == VERDICT_NONE) {
        return VERDICT_NONE;
    }
    if (waits_for_room(worker, client)) {
        return VERDICT_NONE;
    }
    if (piece < PIECES_MOST) {
        return VERDICT_WANT_TIME;
    }
    inline_end_run(worker, 0);
    if (worker->kind == GROUP_LOOP) {
        pause_client(worker, client, 0);
        return VERDICT_NONE;
    }
    return VERDICT_WANT_TIME;
}

/* The handlers of this exchange have forwarded it in a circle, or nearly. True: the answer is
 * made. */
static bool is_forwarded_too_often(struct exchange *x)
{
    static struct log_rate rate;
    if (++x->forwards <= FORWARDS_MOST) {
        return false;
    }
    log_rated(&rate, NS_PER_S, LOG_WARN, "a request was forwarded more than %d times, last to %s",
              FORWARDS_MOST, x->handler->name);
    response_error(x, 500, BYTES(""));
    return true;
}

static enum verdict forward_request(struct worker *worker, struct client *client)
{
    struct exchange *x = client->conn.exchange;
    x->handler = handler_find(x->request.path);
    return is_forwarded_too_often(x) ? finish_making(worker, client) : VERDICT_REQUEST_READY;
}

/* REQUEST_READY: the handler has forwarded, another one is to be run. */
static enum verdict run_handler(struct worker *worker, struct client *client)
{
    struct exchange *x = client->conn.exchange;
    for (unsigned piece = 1;; piece++) {
        enum handler_verdict said = x->handler->run(x);
        if (said == HANDLER_AWAY) {
            route_lets_go(worker);
            return VERDICT_NONE; /* the client may be freed already */
        }
        if (said == HANDLER_FORWARD) {
            return forward_request(worker, client);
        }
        if (said == HANDLER_DONE || !publish_piece(worker, client)) {
            return finish_making(worker, client);
        }
        enum verdict next = after_piece(worker, client, said, piece);
        if (next == VERDICT_NONE) {
            return VERDICT_NONE;
        }
    }
}

/* The handler of the request, and those that it forwards to. */
static enum verdict run_handlers(struct worker *worker, struct client *client, enum verdict verdict)
{
    struct exchange *x = client->conn.exchange;
    do {
        if (verdict == VERDICT_REQUEST_READY && answer_at_once(x)) {
            return finish_making(worker, client);
        }
        if (verdict == VERDICT_REQUEST_READY && x->forwards == 0) {
            inline_begin_run(worker, x);
        }
        if (worker->kind == GROUP_POOL && inline_takes_long(worker->engine, x->handler)) {
            worker_go_away(worker); /* others must not wait behind it */
            recall_pass_on(worker->engine->groups[worker->group].recall, worker->mailbox);
        }
        verdict = run_handler(worker, client);
    } while (verdict == VERDICT_REQUEST_READY);
    return verdict;
}

static enum verdict processor_enter(struct worker *worker, struct client *client,
                                    enum verdict verdict, bool direct)
{
    if (verdict == VERDICT_REQUEST_READY) {
        CHECK(client->conn.state == CONN_PROCESSING);
        start_request(worker, client, direct);
    } else if (verdict == VERDICT_WANT_TIME && waits_for_room(worker, client)) {
        return VERDICT_NONE;
    }
    verdict = run_handlers(worker, client, verdict);
    inline_end_run(worker, 0); /* if the end of the answer was not its end */
    return verdict;
}

const struct stage_entry processor_stage = {.enter = processor_enter,
                                            .complete = processor_complete};
