/* processor.c: stage 4 of 5. In: clients holding one whole request. Out: clients with output for
 * the writer. Runs on a pool's thread, or on a loop's. Owns the making end of an exchange from the
 * request until its end is published.
 *
 * A handler is called in pieces (core/handler.h). After each piece what it made is published; the
 * first time, and whenever the writer has let go, the client is given to the writer, which sends
 * while the handler goes on. A processor never waits for a client: above --output-highwater it lets
 * the client go, and the writer gives it back when there is room.
 */
#include "stages/route.h"

#include "core/handler.h"
#include "core/response.h"
#include "stages/pause.h"
#include "stages/server.h"

/* Pieces made in one go on a poll loop, where others wait. */
enum { PIECES_MOST = 16 };

/* --- what stands before every handler --- */

static bool is_last_request(const struct server *server, const struct conn *conn)
{
    uint64_t most = server->settings->keepalive_requests;
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

static bool may_use(const struct exchange *x)
{
    unsigned who = x->settings->synthetic;
    return !x->handler->synthetic || who == WHO_ON || (who == WHO_LOOPBACK && x->conn->peer.local);
}

/* The answers that need no handler. True: the answer is made. */
static bool answer_at_once(struct exchange *x)
{
    if (x->refused_status != 0) {
        response_error(x, x->refused_status, BYTES(""));
    } else if (x->request.path.len == 1 && x->request.path.at[0] == '*') {
        answer_options(x, METHOD_GET | METHOD_HEAD | METHOD_POST | METHOD_PUT | METHOD_DELETE);
    } else if (!may_use(x)) {
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

static void start(struct worker *worker, struct exchange *x, bool direct)
{
    x->processor = (unsigned short)worker->number;
    x->stamps.started_ns = direct ? x->stamps.whole_ns : stamp_now();
    if (x->close == CLOSE_NONE && is_last_request(worker->server, x->conn)) {
        x->close = CLOSE_MAX_REQUESTS;
    }
}

/* Everything is made: publishes the end. From here on the writer may finish the exchange at any
 * moment. */
static enum verdict finish(struct conn *conn)
{
    struct exchange *x = conn->exchange;
    response_end(x);
    struct brigade *made = response_made(x);
    conn->state = CONN_WRITING;
    x->stamps.handed_ns = stamp_now();
    return outlet_publish(&x->outlet, made, true) ? VERDICT_OUTPUT_READY : VERDICT_HELD;
}

/* Publishes a piece. True: go on; false: the client is gone, the answer is given up. */
static bool publish_piece(struct worker *worker, struct client *client)
{
    struct exchange *x = client->conn.exchange;
    bool cutting = server_phase(worker->server) == PHASE_CUTTING;
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

/* Sleeps in parts, so that a client that goes meanwhile does not hold a thread for the rest of a
 * long pause. */
static void sleep_for_piece(struct exchange *x, uint64_t until_ns)
{
    while (clock_ns() < until_ns && !patience_ended() && !outlet_is_cut(&x->outlet)) {
        uint64_t part_ns = clock_ns() + PAUSE_PART_NS;
        patience_sleep(part_ns < until_ns ? part_ns : until_ns);
    }
}

/* A pool waits in the thread, a loop comes back. */
static enum verdict pause(struct worker *worker, struct client *client)
{
    uint64_t pause_ns = client->conn.exchange->pause_ns;
    if (worker->kind == GROUP_POOL) {
        sleep_for_piece(client->conn.exchange, clock_ns() + pause_ns);
        return VERDICT_WANT_TIME;
    }
    pause_client(worker, client, pause_ns);
    return VERDICT_HELD;
}

/* What to do after a piece: HELD, the client waits or has been let go; WANT_TIME, the next piece.
 */
static enum verdict after_piece(struct worker *worker, struct client *client,
                                enum handler_verdict said, unsigned piece)
{
    if (said == HANDLER_PAUSE) {
        return pause(worker, client);
    }
    if (outlet_wait_room(&client->conn.exchange->outlet,
                         worker->server->settings->output_highwater)) {
        tally_add(&worker->tally, COUNTER_ROOM_WAITS, 1);
        return VERDICT_HELD;
    }
    if (worker->kind == GROUP_LOOP && piece == PIECES_MOST) {
        pause_client(worker, client, 0);
        return VERDICT_HELD;
    }
    return VERDICT_WANT_TIME;
}

static enum verdict run(struct worker *worker, struct client *client)
{
    struct exchange *x = client->conn.exchange;
    for (unsigned piece = 1;; piece++) {
        enum handler_verdict said = x->handler->run(x);
        if (said == HANDLER_DONE || !publish_piece(worker, client)) {
            return finish(&client->conn);
        }
        enum verdict next = after_piece(worker, client, said, piece);
        if (next == VERDICT_HELD) {
            return VERDICT_HELD;
        }
    }
}

enum verdict processor_enter(struct worker *worker, struct client *client, enum verdict verdict,
                             bool direct)
{
    struct exchange *x = client->conn.exchange;
    if (verdict == VERDICT_REQUEST_READY) {
        CHECK(client->conn.state == CONN_PROCESSING);
        start(worker, x, direct);
        if (answer_at_once(x)) {
            return finish(&client->conn);
        }
    }
    if (worker->kind == GROUP_POOL && x->handler->takes_long) {
        worker_go_away(worker); /* others must not wait behind it */
    }
    return run(worker, client);
}
