/* writer.c: stage 5 of 5. In: clients with output. Out: clients whose answer is sent, to where they
 * wait for the next request; clients to close. Runs on its loop's thread, or in a session. Owns the
 * sending end of an exchange from the first hand-over, and the whole exchange once it has collected
 * the end.
 *
 * It tries the socket first and waits only when it would block: a loop watches it, a session blocks
 * for it, or leaves it to the loop where the wiring has W beside w. When the last byte is with the
 * kernel it takes the stage times, writes the access log, and frees what belonged to the request. A
 * connection that is to be closed lingers (linger.c).
 */
#include "stages/stage/writer.h"

#include "core/points/probes.h"
#include "stages/stage/linger.h"
#include "stages/engine/out_watch.h"
#include "stages/engine/records.h"
#include "stages/engine/route.h"
#include "stages/engine/engine.h"
#include "stages/stage/session.h"

#include <stdlib.h>

/* --- the end of an exchange --- */

static void count_exchange(struct worker *worker, const struct exchange *x)
{
    int64_t intervals[INTERVAL_COUNT];
    if (!exchange_is_counted(x)) {
        return;
    }
    tally_add(&worker->tally, COUNTER_BYTES_SENT, x->sent);
    tally_add(&worker->tally, COUNTER_BYTES_RECEIVED, x->received);
    tally_add(&worker->tally, COUNTER_REFUSED, x->refused_status != 0);
    tally_add(&worker->tally, COUNTER_ABORTED, exchange_is_cut(x));
    tally_add(&worker->tally, COUNTER_LENGTH_BROKEN, x->response.length_broken);
    tally_status(&worker->tally, x->response.status);
    if (worker->engine->measured) {
        stamps_intervals(&x->stamps, intervals);
        tally_intervals(&worker->tally, intervals);
    }
    tally_pass(&worker->tally, COUNTER_REQUESTS);
}

/* An answer that was cut never got its last byte out, whatever was sent of it. One whose end was
 * handed over after its last byte had gone out (an empty last piece) was done when the writer had
 * that end. */
static void settle_last_byte(struct exchange *x)
{
    struct stamps *s = &x->stamps;
    uint64_t end_ns = s->handed_ns > s->writer_ns ? s->handed_ns : s->writer_ns;
    if (exchange_is_cut(x)) {
        s->last_sent_ns = 0;
    } else if (s->last_sent_ns < end_ns) {
        s->last_sent_ns = end_ns;
    }
}

static void end_exchange(struct worker *worker, struct client *client)
{
    struct conn *conn = &client->conn;
    struct exchange *x = conn->exchange;
    CHECK(conn->state == CONN_WRITING);
    x->writer = (unsigned short)worker->number;
    conn->close = x->cut != CLOSE_NONE ? x->cut : x->close;
    settle_last_byte(x);
    PROBE(last_sent, conn->id, x->id, x->stamps.last_sent_ns, x->stamps.first_byte_ns,
          x->stamps.handed_ns, x->stamps.writer_ns, x->sent, x->response.status);
    count_exchange(worker, x);
    record_ended(worker, client);
    if (worker->log.log != NULL) {
        access_log_write(&worker->log, conn);
    }
    conn->requests++;
    client->answered_id = x->id;
    client->answered_ns = exchange_is_counted(x) ? x->stamps.last_sent_ns : 0;
    exchange_end(x);
}

static enum verdict finish_exchange(struct worker *worker, struct client *client)
{
    struct conn *conn = &client->conn;
    end_exchange(worker, client);
    if (conn->close == CLOSE_NONE) {
        conn->state = CONN_RETURNING;
        return VERDICT_KEPT;
    }
    if (conn->exchange->cut != CLOSE_NONE) {
        conn->state = CONN_RETURNING;
        return VERDICT_CLOSE;
    }
    return linger_begin(worker, client);
}

/* --- sending --- */

static bool has_end(const struct brigade *brigade)
{
    return brigade->tail != NULL && brigade->tail->kind == BUCKET_END;
}

/* The client has closed: the answer is dropped, with all that its handler still makes, up to its
 * end. */
static enum verdict cut_response(struct worker *worker, struct client *client)
{
    struct exchange *x = client->conn.exchange;
    if (x->interim) {
        brigade_clear(&x->sending);
        client->conn.close = x->cut;
        return VERDICT_CLOSE;
    }
    CHECK(!client->out.waiting);
    while (!has_end(&x->sending)) {
        brigade_clear(&x->sending);
        if (outlet_cut(&x->outlet)) {
            route(worker, client, VERDICT_WANT_ROOM);
        }
        if (outlet_collect(&x->outlet, &x->sending) == COLLECT_EMPTY) {
            return VERDICT_NONE;
        }
    }
    return finish_exchange(worker, client);
}

/* The part of this wait that belongs to `write`: what lies behind the hand-over of the end. */
static void stamp_unblocked(struct exchange *x)
{
    struct stamps *stamps = &x->stamps;
    if (x->blocked_ns != 0 && has_end(&x->sending)) {
        uint64_t from_ns = x->blocked_ns;
        from_ns = from_ns < stamps->handed_ns ? stamps->handed_ns : from_ns;
        uint64_t now_ns = stamp_now();
        stamps->write_blocked_ns += now_ns > from_ns ? now_ns - from_ns : 0;
    }
    x->blocked_ns = 0;
}

static enum verdict give_up_sending(struct worker *worker, struct client *client,
                                    enum close_reason reason)
{
    client->conn.exchange->cut = reason;
    out_watch_stop(worker, client);
    return cut_response(worker, client);
}

/* Its deadline has passed, and the send that followed found the socket as full as before. */
static bool is_out_of_time(const struct client *client, bool progress)
{
    return client->out.waiting && !progress && !deadline_is_set(&client->out.deadline);
}

static enum verdict wait_for_socket(struct worker *worker, struct client *client, bool progress)
{
    const struct settings *settings = worker->engine->settings;
    struct exchange *x = client->conn.exchange;
    if (engine_phase(worker->engine) == PHASE_CUTTING ||
        !out_watch_set(worker, client, WATCH_WRITE)) {
        return give_up_sending(worker, client, CLOSE_CUT);
    }
    if (is_out_of_time(client, progress)) {
        return give_up_sending(worker, client, CLOSE_IO_TIMEOUT);
    }
    if (x->would_block) {
        tally_add(&worker->tally, COUNTER_WOULD_BLOCK, 1);
        x->blocked_ns = stamp_now();
    }
    if (progress || !client->out.waiting) {
        deadlines_set(&worker->loop.deadlines, &client->out.deadline, settings->io_timeout_ns);
    }
    client->out.waiting = true;
    return VERDICT_NONE;
}

/* A session blocks, unless the wiring has a loop for this. OUTPUT_READY: go on sending. */
static enum verdict wait_in_session(struct worker *worker, struct client *client)
{
    struct exchange *x = client->conn.exchange;
    if (!x->would_block) {
        return VERDICT_OUTPUT_READY; /* only its share of a turn is over, and there are no others */
    }
    if (worker->engine->wiring.small_writer >= 0) {
        return VERDICT_WANT_WRITE;
    }
    tally_add(&worker->tally, COUNTER_WOULD_BLOCK, 1);
    x->blocked_ns = stamp_now();
    if (session_wait_write(worker, client)) {
        stamp_unblocked(x);
        return VERDICT_OUTPUT_READY;
    }
    bool cutting = engine_phase(worker->engine) == PHASE_CUTTING;
    x->cut = cutting ? CLOSE_CUT : CLOSE_IO_TIMEOUT;
    return cut_response(worker, client);
}

static enum verdict wait_to_send(struct worker *worker, struct client *client, bool progress)
{
    if (worker_stands_in(worker, STAGE_WRITER)) {
        return VERDICT_WANT_WRITE; /* the loop of W waits */
    }
    return worker->kind == GROUP_POOL ? wait_in_session(worker, client)
                                      : wait_for_socket(worker, client, progress);
}

/* Reports to the outlet what was sent. Once the end is here the handler makes no more, so it
 * does not wait for room. */
static void tell_sent(struct worker *worker, struct client *client, uint64_t sent)
{
    struct exchange *x = client->conn.exchange;
    if (sent > 0 && !x->interim && !has_end(&x->sending) &&
        outlet_sent(&x->outlet, sent, worker->engine->settings->output_highwater)) {
        route(worker, client, VERDICT_WANT_ROOM);
    }
}

/* Collects what has been published. False: nothing was, and the client has been let go: from then
 * on another thread may have the sending end (a session's, where w stands beside W), so the wait
 * for the socket, which belongs to that end, is over before. */
static bool collect_output(struct worker *worker, struct client *client)
{
    struct exchange *x = client->conn.exchange;
    out_watch_stop(worker, client);
    return outlet_collect(&x->outlet, &x->sending) == COLLECT_SOME;
}

/* Sends what there is, collects more, until the end, an empty outlet or a full socket. */
static enum verdict pump_output(struct worker *worker, struct client *client)
{
    struct conn *conn = &client->conn;
    struct exchange *x = conn->exchange;
    for (;;) {
        if (x->sending.head == NULL && !collect_output(worker, client)) {
            return VERDICT_NONE;
        }
        if (worker->kind == GROUP_POOL) {
            session_prepare_send(client);
        }
        uint64_t before = x->sent;
        enum verdict verdict = conn_send(conn);
        uint64_t sent = x->sent - before;
        if (verdict == VERDICT_WANT_WRITE) {
            tell_sent(worker, client, sent);
            verdict = wait_to_send(worker, client, sent > 0);
            if (verdict != VERDICT_OUTPUT_READY) {
                return verdict;
            }
            continue;
        }
        if (verdict == VERDICT_NONE) {
            tell_sent(worker, client, sent);
            continue;
        }
        out_watch_stop(worker, client);
        if (verdict == VERDICT_CLOSE) {
            return cut_response(worker, client);
        }
        return verdict == VERDICT_KEPT ? finish_exchange(worker, client) : verdict;
    }
}

/* --- the stage --- */

static enum verdict begin_response(struct worker *worker, struct client *client, bool direct)
{
    struct exchange *x = client->conn.exchange;
    if (x->cut != CLOSE_NONE) {
        return cut_response(worker, client);
    }
    if (x->stamps.writer_ns == 0 && !x->interim) {
        /* handed_ns is set only if the end has been published, which a direct call cannot race
         * with. */
        x->stamps.writer_ns =
            direct && x->stamps.handed_ns != 0 ? x->stamps.handed_ns : stamp_now();
        PROBE(writer, client->conn.id, x->id, x->stamps.writer_ns);
    }
    return pump_output(worker, client);
}

static enum verdict writer_enter(struct worker *worker, struct client *client, enum verdict verdict,
                                 bool direct)
{
    switch (verdict) {
    case VERDICT_CLOSE:
        out_watch_close(worker, client);
        return VERDICT_NONE;
    case VERDICT_LINGER:
        return linger_wait(worker, client);
    case VERDICT_WANT_WRITE:
        return wait_for_socket(worker, client, true);
    default:
        CHECK(verdict == VERDICT_OUTPUT_READY);
        return begin_response(worker, client, direct);
    }
}

static void writer_writable(struct worker *worker, struct client *client)
{
    if (!client->out.waiting) {
        return;
    }
    if (client->out.lingering) {
        route(worker, client, linger_readable(worker, client));
    } else {
        stamp_unblocked(client->conn.exchange);
        route(worker, client, pump_output(worker, client));
    }
}

bool writer_readable(struct worker *worker, struct client *client)
{
    bool lingers = worker->group == worker->engine->linger_group && client->out.lingering;
    if (lingers) {
        writer_writable(worker, client);
    }
    return lingers;
}

/* The client may have made room in time, behind a busy spell of this thread: one more send decides
 * (is_out_of_time). */
void writer_expired(struct worker *worker, struct client *client)
{
    if (client->out.lingering) {
        route(worker, client, linger_expired(worker, client));
    } else {
        writer_writable(worker, client);
    }
}

const struct stage_entry writer_stage = {.enter = writer_enter, .writable = writer_writable};
