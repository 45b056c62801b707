/* writer.c: stage 5 of 5. In: clients with output. Out: clients whose answer is sent, back to the
 * reader; clients to close, to their home. Runs on its loop's thread. Owns the sending end of an
 * exchange from the first hand-over, and the whole exchange once it has collected the end.
 *
 * It tries the socket first and watches it only when it would block. When the last byte is with the
 * kernel it takes the stage times, writes the access log, and frees what the request held. A
 * connection that is to be closed lingers: the sending side is shut down, what still comes is
 * discarded, until the client closes or a deadline.
 */
#include "stages/writer.h"

#include "stages/loop_group.h"
#include "stages/reader.h"
#include "stages/route.h"
#include "stages/server.h"

#include <stdlib.h>

/* A client that asked for close has mostly closed a moment later: it is looked at once after this
 * long before its descriptor is watched, which would cost more system calls than the look. */
static const uint64_t linger_grace_ns = 2 * NS_PER_MS; /* and up to a step of the wheel more */

/* --- waiting for the socket --- */

static bool is_home(const struct worker *worker, const struct client *client)
{
    return client->home == worker;
}

static void on_out_ready(struct watch *watch, unsigned ready)
{
    struct client *client =
        (struct client *)(void *)((char *)watch - offsetof(struct client, out_watch));
    (void)ready;
    if (client->out_waiting) {
        writer_writable(client->writer, client);
    }
}

/* Where the writer shares the home's loop there is one watch for both, since libuv allows one a
 * loop. */
static bool watch_out(struct worker *worker, struct client *client, unsigned events)
{
    if (is_home(worker, client)) {
        if (!reader_watch(worker, client)) {
            return false;
        }
        unsigned reading = client->home_watch.events & WATCH_READ;
        watch_set(&client->home_watch, events | reading);
        return true;
    }
    if (!client->out_watched) {
        client->writer = worker;
        client->out_watched =
            watch_open(worker->loop, &client->out_watch, client->conn.fd, on_out_ready);
    }
    if (client->out_watched) {
        watch_set(&client->out_watch, events);
    }
    return client->out_watched;
}

static void stop_waiting(struct worker *worker, struct client *client)
{
    if (!client->out_waiting) {
        return;
    }
    client->out_waiting = false;
    client->lingering = false;
    wheel_clear(&worker->wheel, &client->out_deadline);
    if (is_home(worker, client) && client->home_watched) {
        watch_set(&client->home_watch, client->home_watch.events & ~(unsigned)WATCH_WRITE);
    } else if (client->out_watched) {
        watch_set(&client->out_watch, 0);
    }
}

/* --- the end of an exchange --- */

static void record(struct worker *worker, const struct conn *conn, enum close_reason close)
{
    const struct exchange *x = conn->exchange;
    const struct stamps *s = &x->stamps;
    if (worker->ring == NULL) {
        return;
    }
    struct trace_record made = {
        .request_id = x->id,
        .connection_id = conn->id,
        .accepted_ns = s->accepted_ns,
        .adopted_ns = s->adopted_ns,
        .first_byte_ns = s->first_byte_ns,
        .whole_ns = s->whole_ns,
        .started_ns = s->started_ns,
        .handed_ns = s->handed_ns,
        .writer_ns = s->writer_ns,
        .first_sent_ns = s->first_sent_ns,
        .last_sent_ns = s->last_sent_ns,
        .bytes_sent = x->sent,
        .read_blocked_us = (uint32_t)(s->read_blocked_ns / NS_PER_US),
        .write_blocked_us = (uint32_t)(s->write_blocked_ns / NS_PER_US),
        .status = (uint16_t)x->response.status,
        .kind = TRACE_REQUEST,
        .method = (uint8_t)x->request.method,
        .close_reason = (uint8_t)close,
        .thread_read = (uint16_t)x->reader,
        .thread_process = (uint16_t)x->processor,
        .thread_write = (uint16_t)worker->number,
    };
    if (!trace_put(worker->ring, &made)) {
        tally_add(&worker->tally, COUNTER_TRACE_LOST, 1);
    }
}

static void count(struct worker *worker, const struct exchange *x)
{
    int64_t intervals[INTERVAL_COUNT];
    tally_add(&worker->tally, COUNTER_REQUESTS, 1);
    tally_add(&worker->tally, COUNTER_BYTES_SENT, x->sent);
    tally_add(&worker->tally, COUNTER_BYTES_RECEIVED, x->received);
    tally_add(&worker->tally, COUNTER_REFUSED, x->refused_status != 0);
    tally_add(&worker->tally, COUNTER_ABORTED, x->cut != CLOSE_NONE);
    tally_status(&worker->tally, x->response.status);
    if (worker->server->measured) {
        stamps_intervals(&x->stamps, intervals);
        tally_intervals(&worker->tally, intervals);
    }
}

/* An answer that was cut never got its last byte out, whatever was sent of it. One whose end was
 * handed over after its last byte had gone out (an empty last piece) was done when the writer had
 * that end. */
static void settle_last_byte(struct exchange *x)
{
    struct stamps *s = &x->stamps;
    uint64_t end_ns = s->handed_ns > s->writer_ns ? s->handed_ns : s->writer_ns;
    if (x->cut != CLOSE_NONE) {
        s->last_sent_ns = 0;
    } else if (s->last_sent_ns < end_ns) {
        s->last_sent_ns = end_ns;
    }
}

static void end_exchange(struct worker *worker, struct conn *conn)
{
    struct exchange *x = conn->exchange;
    CHECK(conn->state == CONN_WRITING);
    x->writer = (unsigned short)worker->number;
    conn->close = x->cut != CLOSE_NONE ? x->cut : x->close;
    settle_last_byte(x);
    count(worker, x);
    record(worker, conn, conn->close);
    if (worker->log.log != NULL) {
        access_log_write(&worker->log, conn);
    }
    conn->requests++;
    exchange_end(x);
}

/* --- lingering close --- */

static enum verdict linger_on(struct worker *worker, struct client *client, bool grace)
{
    if (server_phase(worker->server) == PHASE_CUTTING) {
        return VERDICT_CLOSE;
    }
    if (!grace && !watch_out(worker, client, WATCH_READ)) {
        return VERDICT_CLOSE;
    }
    client->grace = grace;
    client->lingering = client->out_waiting = true;
    loop_group_deadline(worker, &client->out_deadline,
                        grace ? linger_grace_ns : worker->server->settings->linger_timeout_ns);
    return VERDICT_HELD;
}

static enum verdict linger(struct worker *worker, struct client *client)
{
    bool watched = is_home(worker, client) ? client->home_watched : client->out_watched;
    bool patient = worker->server->settings->linger_timeout_ns > linger_grace_ns;
    client->conn.lingered = 0;
    enum verdict verdict = conn_linger_begin(&client->conn);
    return verdict == VERDICT_LINGER ? linger_on(worker, client, !watched && patient) : verdict;
}

static enum verdict finish(struct worker *worker, struct client *client)
{
    struct conn *conn = &client->conn;
    end_exchange(worker, conn);
    if (conn->close == CLOSE_NONE) {
        conn->state = CONN_RETURNING;
        return VERDICT_KEPT;
    }
    if (conn->exchange->cut != CLOSE_NONE) {
        conn->state = CONN_RETURNING;
        return VERDICT_CLOSE;
    }
    return linger(worker, client);
}

/* --- sending --- */

static bool has_end(const struct brigade *brigade)
{
    return brigade->tail != NULL && brigade->tail->kind == BUCKET_END;
}

/* The client is gone: what there is of the answer is dropped, and what still comes, up to its end.
 */
static enum verdict cut(struct worker *worker, struct client *client)
{
    struct exchange *x = client->conn.exchange;
    if (x->interim) {
        brigade_clear(&x->sending);
        client->conn.close = x->cut;
        return VERDICT_CLOSE;
    }
    while (!has_end(&x->sending)) {
        brigade_clear(&x->sending);
        if (outlet_cut(&x->outlet)) {
            route(worker, client, VERDICT_WANT_ROOM);
        }
        if (outlet_collect(&x->outlet, &x->sending) == COLLECT_EMPTY) {
            return VERDICT_HELD;
        }
    }
    return finish(worker, client);
}

/* The part of this wait that belongs to `write`: what lies behind the hand-over of the end. */
static void stamp_unblocked(struct conn *conn)
{
    struct stamps *stamps = &conn->exchange->stamps;
    if (conn->blocked_ns != 0 && has_end(&conn->exchange->sending)) {
        uint64_t from_ns = conn->blocked_ns;
        from_ns = from_ns < stamps->handed_ns ? stamps->handed_ns : from_ns;
        uint64_t now_ns = stamp_now();
        stamps->write_blocked_ns += now_ns > from_ns ? now_ns - from_ns : 0;
    }
    conn->blocked_ns = 0;
}

static enum verdict wait_for_socket(struct worker *worker, struct client *client, bool progress)
{
    const struct settings *settings = worker->server->settings;
    struct conn *conn = &client->conn;
    if (server_phase(worker->server) == PHASE_CUTTING || !watch_out(worker, client, WATCH_WRITE)) {
        conn->exchange->cut = CLOSE_CUT;
        stop_waiting(worker, client);
        return cut(worker, client);
    }
    if (conn->exchange->would_block) {
        tally_add(&worker->tally, COUNTER_WOULD_BLOCK, 1);
        conn->blocked_ns = stamp_now();
    }
    if (progress || !client->out_waiting) {
        loop_group_deadline(worker, &client->out_deadline, settings->io_timeout_ns);
    }
    client->out_waiting = true;
    return VERDICT_HELD;
}

/* Tells the outlet what has gone out. Once the end is here nobody makes more, so nobody waits for
 * room. */
static void tell_sent(struct worker *worker, struct client *client, uint64_t sent)
{
    struct exchange *x = client->conn.exchange;
    if (sent > 0 && !x->interim && !has_end(&x->sending) &&
        outlet_sent(&x->outlet, sent, worker->server->settings->output_highwater)) {
        route(worker, client, VERDICT_WANT_ROOM);
    }
}

/* Sends what there is, collects more, until the end, an empty outlet or a full socket. */
static enum verdict pump(struct worker *worker, struct client *client)
{
    struct conn *conn = &client->conn;
    struct exchange *x = conn->exchange;
    for (;;) {
        if (x->sending.head == NULL && outlet_collect(&x->outlet, &x->sending) == COLLECT_EMPTY) {
            stop_waiting(worker, client);
            return VERDICT_HELD;
        }
        uint64_t before = x->sent;
        enum verdict verdict = conn_send(conn);
        uint64_t sent = x->sent - before;
        if (verdict == VERDICT_WANT_WRITE) {
            tell_sent(worker, client, sent);
            return wait_for_socket(worker, client, sent > 0);
        }
        if (verdict == VERDICT_HELD) {
            tell_sent(worker, client, sent);
            continue;
        }
        stop_waiting(worker, client);
        if (verdict == VERDICT_CLOSE) {
            return cut(worker, client);
        }
        return verdict == VERDICT_KEPT ? finish(worker, client) : verdict;
    }
}

/* --- the stage --- */

static void on_out_closed(struct watch *watch)
{
    struct client *client =
        (struct client *)(void *)((char *)watch - offsetof(struct client, out_watch));
    client->out_watched = false;
    route(client->writer, client, VERDICT_CLOSE);
}

enum verdict writer_enter(struct worker *worker, struct client *client, enum verdict verdict,
                          bool direct)
{
    struct exchange *x = client->conn.exchange;
    if (verdict == VERDICT_CLOSE) {
        stop_waiting(worker, client);
        watch_close(&client->out_watch, on_out_closed);
        return VERDICT_HELD;
    }
    CHECK(verdict == VERDICT_OUTPUT_READY);
    if (x->cut != CLOSE_NONE) {
        return cut(worker, client);
    }
    if (x->stamps.writer_ns == 0 && !x->interim) {
        /* handed_ns is set only if the end has been published, which a direct call cannot race
         * with. */
        x->stamps.writer_ns =
            direct && x->stamps.handed_ns != 0 ? x->stamps.handed_ns : stamp_now();
    }
    return pump(worker, client);
}

static enum verdict go_on(struct worker *worker, struct client *client)
{
    if (!client->lingering) {
        stamp_unblocked(&client->conn);
        return pump(worker, client);
    }
    enum verdict verdict = conn_linger(&client->conn);
    if (verdict == VERDICT_CLOSE) {
        stop_waiting(worker, client);
    }
    return verdict == VERDICT_LINGER ? VERDICT_HELD : verdict;
}

void writer_writable(struct worker *worker, struct client *client)
{
    if (client->out_waiting) {
        route(worker, client, go_on(worker, client));
    }
}

bool writer_readable(struct worker *worker, struct client *client)
{
    bool lingers = worker_holds(worker, STAGE_WRITER) && client->lingering;
    if (lingers) {
        writer_writable(worker, client);
    }
    return lingers;
}

static void linger_expired(struct worker *worker, struct client *client)
{
    enum verdict verdict = conn_linger(&client->conn);
    if (verdict == VERDICT_LINGER && client->grace) {
        verdict = linger_on(worker, client, false);
    } else if (verdict == VERDICT_LINGER) {
        tally_add(&worker->tally, COUNTER_LINGER_EXPIRED, 1);
        verdict = VERDICT_CLOSE;
    }
    if (verdict == VERDICT_CLOSE) {
        stop_waiting(worker, client);
    }
    route(worker, client, verdict);
}

void writer_expired(struct worker *worker, struct client *client)
{
    if (client->lingering) {
        linger_expired(worker, client);
        return;
    }
    enum phase phase = server_phase(worker->server);
    stop_waiting(worker, client);
    client->conn.exchange->cut = phase == PHASE_CUTTING ? CLOSE_CUT : CLOSE_IO_TIMEOUT;
    route(worker, client, cut(worker, client));
}
