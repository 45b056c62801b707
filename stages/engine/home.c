/* home.c: watching, waiting for and closing connections on the loop that is their home. See home.h.
 *
 * The watch of a reader's home stays armed while a client is away, so that a keep-alive request
 * costs no epoll_ctl. A poller's watch does not: another thread reads the input that it saw, and
 * the watch would report that input again until then.
 */
#include "stages/engine/home.h"

#include "core/points/probes.h"
#include "stages/engine/records.h"
#include "stages/engine/route.h"
#include "stages/engine/places.h"
#include "stages/engine/engine.h"
#include "stages/engine/whole.h"

/* --- watching --- */

static void on_readable(struct worker *home, struct client *client)
{
    home->engine->stages[home->engine->idle_stage]->readable(home, client);
}

static void on_home_ready(struct watch *watch, unsigned ready)
{
    struct client *client =
        (struct client *)(void *)((char *)watch - offsetof(struct client, home.watch));
    struct worker *home = client->home.at;
    if ((ready & WATCH_WRITE) != 0 && client->home.state != HOME_CLOSED) {
        home->engine->stages[STAGE_WRITER]->writable(home, client);
    }
    if ((ready & WATCH_READ) != 0 && client->home.state != HOME_CLOSED) {
        on_readable(home, client);
    }
}

static void move_client(struct worker *worker, struct client *client, enum home_state to)
{
    home_state_move(&worker->home.counts, &client->home.state, to);
}

void home_adopt(struct worker *worker, struct client *client, enum home_state state)
{
    CHECK(client->home.state == HOME_NONE);
    move_client(worker, client, state);
    client->home.at = worker;
    client->home.prev = worker->home.clients.home.prev;
    client->home.next = &worker->home.clients;
    client->home.prev->home.next = client;
    worker->home.clients.home.prev = client;
    atomic_fetch_add_explicit(&worker->home.client_count, 1, memory_order_relaxed);
}

bool home_watch(struct worker *worker, struct client *client)
{
    if (!client->home.watched) {
        client->home.watched =
            watch_open(worker->loop.poll, &client->home.watch, client->conn.fd, on_home_ready);
    }
    return client->home.watched;
}

static void watch_reading(struct client *client, bool reading)
{
    unsigned writing = client->home.watch.events & WATCH_WRITE;
    watch_set(&client->home.watch, writing | (reading ? WATCH_READ : 0u));
}

/* Nobody has watched a reader's client since it came early or was held back, where the next
 * request of a pipeline was there when it came home: its descriptor will not wake us, so its
 * return has to. */
void home_leave(struct worker *worker, struct client *client)
{
    bool reads = worker->engine->idle_stage == STAGE_READER;
    bool deaf = client->home.watched && (client->home.watch.events & WATCH_READ) == 0;
    move_client(worker, client, reads && deaf ? HOME_EARLY : HOME_AWAY);
    if (!reads && client->home.watched) {
        watch_reading(client, false);
    }
}

void home_return(struct worker *worker, struct client *client)
{
    move_client(worker, client, HOME_WAITING);
}

void home_came_early(struct worker *worker, struct client *client)
{
    move_client(worker, client, HOME_EARLY);
    watch_reading(client, false);
}

void home_hold_back(struct worker *worker, struct client *client)
{
    move_client(worker, client, HOME_HELD_BACK);
    watch_reading(client, false);
}

void home_let_ripen(struct worker *worker, struct client *client)
{
    move_client(worker, client, HOME_RIPE);
    watch_reading(client, false);
}

/* --- waiting --- */

static bool waits_for_head(const struct conn *conn)
{
    return conn_has_input(conn) && !parse_in_body(&conn->exchange->parse);
}

/* Begins once for each request, when home first waits for the rest of its head, however often the
 * client is handed on and back meanwhile. */
static void set_head_deadline(struct worker *worker, struct client *client)
{
    struct exchange *x = client->conn.exchange;
    if (x->head_due_ns == 0) {
        uint64_t timeout_ns = worker->engine->settings->header_timeout_ns;
        x->head_due_ns = deadlines_due_ns(&worker->loop.deadlines, timeout_ns);
    }
    deadlines_set_at(&worker->loop.deadlines, &client->home.deadline, x->head_due_ns);
}

/* The timeout that applies, as DESIGN.md's table of limits has it. All but a head's begin with each
 * wait. A new connection has as long to begin its first head as it then has for the rest of it. */
static void set_deadline(struct worker *worker, struct client *client)
{
    const struct settings *settings = worker->engine->settings;
    const struct conn *conn = &client->conn;
    if (waits_for_head(conn)) {
        set_head_deadline(worker, client);
        return;
    }
    uint64_t timeout_ns = conn_has_input(conn) ? settings->body_timeout_ns
                          : conn->requests > 0 ? conn->idle_limit_ns
                                               : settings->header_timeout_ns;
    deadlines_set(&worker->loop.deadlines, &client->home.deadline, timeout_ns);
}

/* It has nothing of a request, and nothing of one lies in its socket. */
static bool is_idle(const struct client *client)
{
    return !conn_has_input(&client->conn) && !conn_is_readable(&client->conn);
}

static bool is_idle_at_home(const struct client *client)
{
    return client->home.state == HOME_WAITING && is_idle(client);
}

/* Why a client that comes home may not stay, or NONE. home_phase() has treated those that were at
 * home when the phase changed. */
static enum close_reason reason_to_end(struct engine *engine, const struct client *client)
{
    enum phase phase = engine_phase(engine);
    if (phase == PHASE_CUTTING) {
        return conn_has_input(&client->conn) ? CLOSE_CUT : CLOSE_DRAINED;
    }
    if (phase == PHASE_DRAINING) {
        return is_idle(client) ? CLOSE_DRAINED : CLOSE_NONE;
    }
    bool wanted = places_wish(engine) == PLACE_WISH_WANTED && is_idle(client);
    return wanted && places_wanted(engine) ? CLOSE_REAPED : CLOSE_NONE;
}

enum verdict home_wait(struct worker *worker, struct client *client)
{
    enum close_reason reason = reason_to_end(worker->engine, client);
    if (reason != CLOSE_NONE) {
        return conn_close_for(&client->conn, reason);
    }
    if (!home_watch(worker, client)) {
        return conn_close_for(&client->conn, CLOSE_RESOURCES);
    }
    watch_reading(client, true);
    set_deadline(worker, client);
    return VERDICT_NONE;
}

/* A client given back quietly to a sleeping reader was in its poll set from that moment on: that is
 * when the stage that waits for the next request had it. */
void home_stamp_requeue(struct worker *worker, struct client *client, bool direct)
{
    uint64_t answered_ns = client->answered_ns;
    const struct ticket *ticket = client_ticket(client, worker->engine->idle_stage);
    uint64_t put_ns = ticket->slip.put_ns, requeued_ns;
    if (answered_ns == 0) {
        return;
    }
    if (direct) {
        requeued_ns = answered_ns;
    } else if (ticket->quiet && put_ns >= worker->slept_ns && put_ns <= worker->woke_ns) {
        requeued_ns = put_ns;
    } else {
        requeued_ns = stamp_now();
    }
    client->answered_ns = 0;
    PROBE(requeued, client->conn.id, client->answered_id, requeued_ns, answered_ns);
    tally_interval(&worker->tally, INTERVAL_REQUEUE_WAIT, (int64_t)(requeued_ns - answered_ns));
    record_requeued(worker, client, answered_ns, requeued_ns);
}

/* --- the end of a wait --- */

void home_dismiss(struct worker *worker, struct client *client, enum close_reason reason)
{
    client->conn.close = reason;
    if (client->out.watch != NULL) {
        move_client(worker, client, HOME_AWAY); /* to the writer, whose watch is closed first */
    }
    route(worker, client, VERDICT_CLOSE);
}

/* Bytes that came in time may lie in the socket still, behind a busy spell of this thread, so the
 * stage reads once more before the client is given up. A head gets that once, or a client that
 * drips would never be late. */
static bool is_read_once_more(struct worker *worker, struct client *client)
{
    struct exchange *x = client->conn.exchange;
    bool in_head = waits_for_head(&client->conn);
    if ((in_head && x->head_late) || !conn_is_readable(&client->conn)) {
        return false;
    }
    if (in_head) {
        x->head_late = true;
    }
    deadlines_set(&worker->loop.deadlines, &client->home.deadline,
                  NS_PER_S); /* if it is held back */
    on_readable(worker, client);
    return true;
}

void home_expired(struct worker *worker, struct client *client)
{
    struct conn *conn = &client->conn;
    if (client->home.state != HOME_WAITING) {
        deadlines_set(&worker->loop.deadlines, &client->home.deadline, NS_PER_S);
        return;
    }
    if (is_read_once_more(worker, client)) {
        return;
    }
    enum close_reason reason = CLOSE_HEADER_TIMEOUT;
    if (!conn_has_input(conn)) {
        reason = conn->requests > 0 ? CLOSE_KEEPALIVE_TIMEOUT : CLOSE_HEADER_TIMEOUT;
    } else if (parse_in_body(&conn->exchange->parse)) {
        reason = CLOSE_BODY_TIMEOUT;
    }
    if (conn_read_timeout(conn, reason) == VERDICT_CLOSE) {
        home_dismiss(worker, client, reason);
    } else {
        home_leave(worker, client);
        request_is_whole(worker, client);
        route(worker, client, VERDICT_REQUEST_READY);
    }
}

/* --- what the loop calls once in a while --- */

void home_each(struct worker *worker, void fn(struct worker *, struct client *))
{
    struct client *next;
    for (struct client *client = worker->home.clients.home.next; client != &worker->home.clients;
         client = next) {
        next = client->home.next;
        if (!home_state_is_away(client->home.state)) {
            fn(worker, client);
        }
    }
}

/* A fresh client is read in this turn. One that is held back has sent something: it is read when
 * there is room. One whose bytes lie in its socket is read when the loop polls next. */
static void drain_one(struct worker *worker, struct client *client)
{
    if (is_idle_at_home(client)) {
        home_dismiss(worker, client, CLOSE_DRAINED);
    }
}

static void cut_one(struct worker *worker, struct client *client)
{
    home_dismiss(worker, client, CLOSE_CUT);
}

void home_phase(struct worker *worker)
{
    bool draining = engine_phase(worker->engine) == PHASE_DRAINING;
    home_each(worker, draining ? drain_one : cut_one);
}

static void release_one(struct worker *worker, struct client *client)
{
    if (client->home.state == HOME_HELD_BACK) {
        move_client(worker, client, HOME_WAITING);
        watch_reading(client, true);
    }
}

void home_room(struct worker *worker)
{
    if (worker->home.counts.in[HOME_HELD_BACK] > 0) {
        home_each(worker, release_one);
    }
}

void home_shed(struct worker *worker, unsigned most)
{
    struct client *next;
    for (struct client *client = worker->home.clients.home.next;
         client != &worker->home.clients && most > 0; client = next) {
        next = client->home.next;
        if (is_idle_at_home(client)) {
            home_dismiss(worker, client, CLOSE_SHED);
            most--;
        }
    }
}

void home_reap(struct worker *worker)
{
    struct client *client = worker->home.clients.home.next;
    while (client != &worker->home.clients && !is_idle_at_home(client)) {
        client = client->home.next;
    }
    if (client != &worker->home.clients && places_wanted(worker->engine)) {
        home_dismiss(worker, client, CLOSE_REAPED);
    }
}
