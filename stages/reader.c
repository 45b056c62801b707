/* reader.c: stage 3 of 5. In: new clients, and clients given back between two requests. Out:
 * clients holding one whole request (or a 100 Continue to send). Runs on its loop's thread, which
 * is the home of its clients: it watches their descriptors all their life, closes them and frees
 * them.
 *
 * A client that has been handed on is `away`: its descriptor stays armed, so that a keep-alive
 * request costs no epoll_ctl. If something comes while it is away, the reader first looks whether
 * it has been given back quietly; if not, it stops watching (`early`) and says, before it sleeps,
 * that it wants to hear of everything.
 */
#include "stages/reader.h"

#include "core/handler.h"
#include "stages/loop_group.h"
#include "stages/route.h"
#include "stages/server.h"
#include "stages/writer.h"

#include <stdlib.h>
#include <unistd.h>

/* --- closing: the only place where a connection's descriptor is closed --- */

static void on_home_closed(struct watch *watch)
{
    struct client *client =
        (struct client *)(void *)((char *)watch - offsetof(struct client, home_watch));
    client->home_unwatching = false;
    if (client->closed) {
        client_free(client);
    }
}

/* At once for the kernel; the loop needs the memory until it calls back. */
static void unwatch(struct client *client)
{
    if (client->home_watched) {
        client->home_watched = false;
        client->home_unwatching = true;
        watch_close(&client->home_watch, on_home_closed);
    }
}

static void forget(struct worker *worker, struct client *client)
{
    client->prev->next = client->next;
    client->next->prev = client->prev;
    atomic_fetch_sub_explicit(&worker->client_count, 1, memory_order_relaxed);
    wheel_clear(&worker->wheel, &client->home_deadline);
    worker->early_count -= client->early;
    worker->away_count -= client->away;
    worker->held_back_count -= client->held_back;
    worker->fresh_count -= client->fresh;
    if (client->conn.exchange != NULL) {
        exchange_put(&worker->pool, client->conn.exchange);
        client->conn.exchange = NULL;
    }
}

static void close_client(struct worker *worker, struct client *client)
{
    CHECK(!client->closed && !client->out_watched && !client->out_waiting);
    int fd = client->conn.fd;
    forget(worker, client);
    tally_close(&worker->tally, client->conn.close);
    tally_add(&worker->tally, COUNTER_CLOSED, 1);
    client->conn.state = CONN_CLOSED;
    client->closed = true;
    unwatch(client);
    close(fd);
    if (!client->home_unwatching) {
        client_free(client);
    }
    server_closed_one(worker->server);
}

/* --- waiting for the client --- */

static void on_home_ready(struct watch *watch, unsigned ready);

/* Opened late: a connection whose only request is there when it is accepted is never watched at
 * all. */
bool reader_watch(struct worker *worker, struct client *client)
{
    if (!client->home_watched) {
        client->home_watched =
            watch_open(worker->loop, &client->home_watch, client->conn.fd, on_home_ready);
    }
    return client->home_watched;
}

static void set_away(struct worker *worker, struct client *client, bool away)
{
    worker->away_count += (unsigned)away - (unsigned)client->away;
    client->away = away;
}

static void set_early(struct worker *worker, struct client *client, bool early)
{
    worker->early_count += (unsigned)early - (unsigned)client->early;
    client->early = early;
}

/* The timeout that applies, as DESIGN.md's table of limits has it. A header's begins once, with its
 * first byte (or with the connection); the others begin anew. */
static void set_deadline(struct worker *worker, struct client *client, bool fresh)
{
    const struct settings *settings = worker->server->settings;
    const struct conn *conn = &client->conn;
    if (!conn_has_input(conn)) {
        loop_group_deadline(worker, &client->home_deadline,
                            conn->requests > 0 ? settings->keepalive_timeout_ns
                                               : settings->header_timeout_ns);
    } else if (parse_in_body(&conn->exchange->parse)) {
        loop_group_deadline(worker, &client->home_deadline, settings->body_timeout_ns);
    } else if (fresh) {
        loop_group_deadline(worker, &client->home_deadline, settings->header_timeout_ns);
    }
}

static enum verdict close_for(struct client *client, enum close_reason reason)
{
    client->conn.close = reason;
    return VERDICT_CLOSE;
}

/* reader_phase looks at the clients at home once, when the phase changes; whoever comes home later
 * is told here. */
static enum verdict wait_for_client(struct worker *worker, struct client *client, bool fresh)
{
    enum phase phase = server_phase(worker->server);
    bool idle = !conn_has_input(&client->conn);
    if (phase == PHASE_CUTTING || (idle && phase != PHASE_RUNNING)) {
        return close_for(client, idle ? CLOSE_DRAINED : CLOSE_CUT);
    }
    if (!reader_watch(worker, client)) {
        return close_for(client, CLOSE_RESOURCES);
    }
    unsigned writing = client->home_watch.events & WATCH_WRITE;
    watch_set(&client->home_watch, WATCH_READ | writing);
    set_deadline(worker, client, fresh);
    return VERDICT_HELD;
}

/* --- the stage --- */

/* An input filter, if the path's handler has one, runs here and belongs to `read`. */
static void filter_input(struct exchange *x)
{
    if (x->refused_status == 0) {
        x->handler = handler_find(x->request.path);
        if (x->handler->input != NULL) {
            x->handler->input(x);
            x->stamps.whole_ns = stamp_now();
        }
    }
}

/* Nothing is read behind a client's last request: its watch is closed now, or the client's own
 * close would wake this thread for nothing. Where the writer shares the loop, it lingers with this
 * watch. */
static void stop_watching_last(struct worker *worker, struct client *client)
{
    if (!client->conn.exchange->request.keep_alive && !worker_holds(worker, STAGE_WRITER)) {
        unwatch(client);
    }
}

/* What a step said, carried out as far as it is the reader's. A client that the writer watches too
 * is handed on even to be closed: the writer closes its watch first. */
static enum verdict settle(struct worker *worker, struct client *client, enum verdict verdict,
                           bool fresh)
{
    if (verdict == VERDICT_WANT_READ) {
        verdict = wait_for_client(worker, client, fresh);
    }
    switch (verdict) {
    case VERDICT_REQUEST_READY:
        filter_input(client->conn.exchange);
        client->conn.exchange->reader = (unsigned short)worker->number;
        stop_watching_last(worker, client);
        set_away(worker, client, true);
        return verdict;
    case VERDICT_OUTPUT_READY:
        set_away(worker, client, true);
        return verdict;
    case VERDICT_CLOSE:
        set_away(worker, client, client->out_watched);
        return verdict;
    default:
        return verdict;
    }
}

/* Closes a client that is at home. */
static void dismiss(struct worker *worker, struct client *client, enum close_reason reason)
{
    route(worker, client, settle(worker, client, close_for(client, reason), false));
}

static void adopt(struct worker *worker, struct client *client)
{
    client->home = worker;
    client->prev = worker->clients.prev;
    client->next = &worker->clients;
    client->prev->next = client;
    worker->clients.prev = client;
    atomic_fetch_add_explicit(&worker->client_count, 1, memory_order_relaxed);
    client->conn.adopted_ns = stamp_now();
    client->fresh = true;
    worker->fresh_count++;
}

static void first_read(struct worker *worker, struct client *client)
{
    client->fresh = false;
    worker->fresh_count--;
    route(worker, client, settle(worker, client, conn_read(&client->conn, &worker->pool), true));
}

/* New clients stand at the end of the list, oldest first. A request mostly follows its connection
 * by some microseconds: read at the end of the turn it is there, read at once it is not, and a
 * watch costs five system calls. */
void reader_first_reads(struct worker *worker)
{
    struct client *client = &worker->clients;
    for (unsigned i = worker->fresh_count; i > 0; i--) {
        client = client->prev;
    }
    while (worker->fresh_count > 0) {
        struct client *next = client->next;
        first_read(worker, client);
        client = next;
    }
}

/* A client given back quietly to a sleeping reader was in its poll set from that moment on: that is
 * when the stage that waits for the next request had it. */
static void stamp_requeue(struct worker *worker, struct client *client, bool direct)
{
    struct stamps *stamps = &client->conn.exchange->stamps;
    uint64_t put_ns = client->tickets[STAGE_READER].slip.put_ns;
    if (stamps->last_sent_ns == 0) {
        return;
    }
    bool quiet = client->tickets[STAGE_READER].quiet;
    if (direct) {
        stamps->requeued_ns = stamps->last_sent_ns;
    } else if (quiet && put_ns >= worker->slept_ns && put_ns <= worker->woke_ns) {
        stamps->requeued_ns = put_ns;
    } else {
        stamps->requeued_ns = stamp_now();
    }
    worker_requeued(worker, client);
}

static enum verdict take_back(struct worker *worker, struct client *client, bool direct)
{
    CHECK(client->conn.state == CONN_RETURNING);
    stamp_requeue(worker, client, direct);
    set_away(worker, client, false);
    set_early(worker, client, false);
    return settle(worker, client, conn_next(&client->conn, &worker->pool), true);
}

enum verdict reader_enter(struct worker *worker, struct client *client, enum verdict verdict,
                          bool direct)
{
    switch (verdict) {
    case VERDICT_WANT_READ:
        adopt(worker, client);
        return VERDICT_HELD;
    case VERDICT_KEPT:
        return take_back(worker, client, direct);
    case VERDICT_RESUME:
        set_away(worker, client, false);
        set_early(worker, client, false);
        return settle(worker, client, conn_resume(&client->conn), false);
    case VERDICT_CLOSE:
        close_client(worker, client);
        return VERDICT_HELD;
    default:
        CHECK(false); /* not the reader's verdict */
    }
}

/* --- what the loop calls --- */

/* Room is needed downstream before anything is read: the client is looked at again by reader_room.
 */
static void hold_back(struct worker *worker, struct client *client)
{
    watch_set(&client->home_watch, client->home_watch.events & ~(unsigned)WATCH_READ);
    worker->held_back_count += !client->held_back;
    client->held_back = true;
}

/* Whatever the drain has done with the client meanwhile, one more read or look is harmless. */
static void on_readable(struct worker *worker, struct client *client)
{
    while (client->away && !client->closed && worker_drain(worker)) {
    }
    if (client->closed || client->held_back) {
        return;
    }
    if (client->away) {
        if (!writer_readable(worker, client)) {
            set_early(worker, client, true);
            watch_set(&client->home_watch, client->home_watch.events & ~(unsigned)WATCH_READ);
        }
        return;
    }
    if (worker_is_refused(worker)) {
        hold_back(worker, client);
        return;
    }
    bool fresh = !conn_has_input(&client->conn);
    route(worker, client, settle(worker, client, conn_read(&client->conn, &worker->pool), fresh));
}

static void on_home_ready(struct watch *watch, unsigned ready)
{
    struct client *client =
        (struct client *)(void *)((char *)watch - offsetof(struct client, home_watch));
    if ((ready & WATCH_WRITE) != 0 && !client->closed) {
        writer_writable(client->home, client);
    }
    if ((ready & WATCH_READ) != 0 && !client->closed) {
        on_readable(client->home, client);
    }
}

void reader_expired(struct worker *worker, struct client *client)
{
    if (client->away || client->held_back) {
        loop_group_deadline(worker, &client->home_deadline, NS_PER_S);
        return;
    }
    enum close_reason reason = CLOSE_HEADER_TIMEOUT;
    if (!conn_has_input(&client->conn)) {
        reason = client->conn.requests > 0 ? CLOSE_KEEPALIVE_TIMEOUT : CLOSE_HEADER_TIMEOUT;
    } else if (parse_in_body(&client->conn.exchange->parse)) {
        reason = CLOSE_BODY_TIMEOUT;
    }
    route(worker, client, settle(worker, client, conn_read_timeout(&client->conn, reason), false));
}

/* --- what the worker calls once in a while --- */

/* Calls `fn` for each client that is at home. `fn` may close it. */
static void for_each_at_home(struct worker *worker, void fn(struct worker *, struct client *))
{
    struct client *next;
    for (struct client *client = worker->clients.next; client != &worker->clients; client = next) {
        next = client->next;
        if (!client->away) {
            fn(worker, client);
        }
    }
}

static void drain_one(struct worker *worker, struct client *client)
{
    if (!conn_has_input(&client->conn)) {
        dismiss(worker, client, CLOSE_DRAINED);
    }
}

static void cut_one(struct worker *worker, struct client *client)
{
    dismiss(worker, client, CLOSE_CUT);
}

void reader_phase(struct worker *worker)
{
    for_each_at_home(worker, server_phase(worker->server) == PHASE_DRAINING ? drain_one : cut_one);
}

static void read_held_back(struct worker *worker, struct client *client)
{
    if (client->held_back) {
        client->held_back = false;
        worker->held_back_count--;
        watch_set(&client->home_watch, client->home_watch.events | WATCH_READ);
    }
}

void reader_room(struct worker *worker)
{
    if (worker->held_back_count > 0) {
        for_each_at_home(worker, read_held_back);
    }
}

void reader_shed(struct worker *worker, unsigned most)
{
    struct client *next;
    for (struct client *client = worker->clients.next; client != &worker->clients && most > 0;
         client = next) {
        next = client->next;
        if (!client->away && !client->fresh && !conn_has_input(&client->conn)) {
            dismiss(worker, client, CLOSE_SHED);
            most--;
        }
    }
}
