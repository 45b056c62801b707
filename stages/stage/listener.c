/* listener.c: stage 1 of 5. In: the kernel's accept queue. Out: clients for the reader. See
 * listener.h.
 *
 * Accepting pauses, by not watching the sockets, in three cases:
 *   - --max-connections is reached;
 *   - the queue behind the listener is full;
 *   - accept failed because descriptors or memory are short: then idle connections are closed, and
 *     accepting is tried again after 10, 30, 70, 150 and then every 250 ms.
 *
 * With --overload reap an idle connection is closed at --max-connections. With --overload reject
 * the client gets a 503 and accepting rests for a moment; it pauses only when too many of these
 * linger.
 *
 * With the accept mutex (--accept-mutex on) several listener threads and processes share the
 * sockets, and only the one that has the turn watches them (stages/stage/accept_turn.h). A listener
 * tries to take the turn before each poll of its loop. It gives the turn back before the round's
 * first callback, after it has accepted the connections that came. So it does nothing else while it
 * has the turn, and a listener that does not get it still watches its connections. That one tries
 * again in its next round, at the latest after 20 ms. Between rounds the watches stay armed: no
 * thread polls them then.
 */
#include "stages/stage/listener.h"

#include "core/base/chaos.h"
#include "core/base/log.h"
#include "core/points/probes.h"
#include "stages/engine/engine.h"
#include "stages/engine/places.h"
#include "stages/engine/route.h"
#include "stages/stage/accept_turn.h"
#include "stages/stage/sockets.h"
#include "stages/stage/turn_away.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SHED_AT_ONCE = 16 };
enum { REST_MS = 100 };
static const unsigned backoff_ms[] = {10, 30, 70, 150, 250};

struct listening {
    struct watch watch;
    struct listener *listener;
    int fd;
    bool watched;
};

struct listener {
    struct worker *worker;
    struct loop_timer *timer; /* of the back-off */
    unsigned failures;        /* in a row */
    bool backing_off;
    bool full;    /* paused at --max-connections */
    bool refused; /* paused at a full queue */
    bool reaps;   /* --overload reap: an idle connection makes place */
    bool rejects; /* --overload reject: instead of pausing in those two cases */
    bool closed;  /* draining: no more accepting */
    bool serves;  /* the thread that accepts serves what it has accepted before it accepts again */
    struct {
        struct accept_turn *turn; /* NULL: the sockets are this thread's alone */
        struct loop_hooks hooks;
        struct loop_timer *retry;
        bool retrying; /* the timer runs */
        bool ours;     /* from `before` to `after` */
        bool watching; /* it was, the last time that was tried */
    } mutex;
    unsigned count;
    struct listening at[];
};

static bool is_paused(const struct listener *listener)
{
    return listener->backing_off || listener->full || listener->refused || listener->closed;
}

static bool is_watching(const struct listener *listener)
{
    return !is_paused(listener) && (listener->mutex.turn == NULL || listener->mutex.watching);
}

static void watch_all(struct listener *listener)
{
    for (unsigned i = 0; i < listener->count; i++) {
        if (listener->at[i].watched) {
            watch_set(&listener->at[i].watch, is_watching(listener) ? WATCH_READ : 0);
        }
    }
}

/* --- pauses --- */

static bool has_place(const struct listener *listener)
{
    const struct engine *engine = listener->worker->engine;
    return places_has(engine, PLACE_SERVED) ||
           (listener->rejects && places_has(engine, PLACE_TURNED_AWAY));
}

/* The flag is set before the count is checked again. So a thread that closes a connection meanwhile
 * sees the flag, or its close is seen here. */
static bool listener_is_full(struct listener *listener)
{
    if (has_place(listener)) {
        return false;
    }
    atomic_store(&listener->worker->engine->accepting_paused, true);
    chaos_point();
    return !has_place(listener);
}

static enum place try_place(struct listener *listener)
{
    struct engine *engine = listener->worker->engine;
    if (places_take(engine, PLACE_SERVED)) {
        return PLACE_SERVED;
    }
    return listener->rejects && places_take(engine, PLACE_TURNED_AWAY) ? PLACE_TURNED_AWAY
                                                                       : PLACE_NONE;
}

/* A place is taken before a connection is accepted: were it taken afterwards, each of several
 * listener threads could take the last one. NONE: full, and the thread that closes one wakes
 * this loop. */
static enum place take_client_place(struct listener *listener)
{
    enum place place = try_place(listener);
    return place != PLACE_NONE || listener_is_full(listener) ? place : try_place(listener);
}

static void on_backoff_over(void *arg)
{
    struct listener *listener = arg;
    listener->backing_off = false;
    watch_all(listener);
}

/* Does not accept for so long. */
static void rest_listener(struct listener *listener, unsigned ms)
{
    listener->backing_off = true;
    loop_timer_start(listener->timer, ms * NS_PER_MS);
    watch_all(listener);
}

static void back_off(struct listener *listener, int error)
{
    static struct log_rate rate;
    size_t last = sizeof backoff_ms / sizeof *backoff_ms - 1;
    unsigned ms = backoff_ms[listener->failures < last ? listener->failures : last];
    struct engine *engine = listener->worker->engine;
    log_rated(&rate, NS_PER_S, LOG_WARN,
              "cannot accept: %s; pausing %u ms and closing idle connections (%llu open)",
              strerror(error), ms, (unsigned long long)atomic_load(&engine->connections));
    listener->failures++;
    tally_add(&listener->worker->tally, COUNTER_ACCEPT_FAILED, 1);
    if (listener->reaps) {
        places_reap(engine);
    } else {
        places_shed(engine, SHED_AT_ONCE);
    }
    rest_listener(listener, ms);
}

static void read_peer(struct peer *peer, const struct sockaddr_storage *from)
{
    *peer = (struct peer){0};
    if (from->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;
        peer->address.s6_addr[10] = peer->address.s6_addr[11] = 0xff;
        memcpy(&peer->address.s6_addr[12], &v4->sin_addr, 4);
        peer->port = v4->sin_port;
        peer->local = (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
    } else if (from->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;
        peer->address = v6->sin6_addr;
        peer->port = v6->sin6_port;
        peer->local = IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
    } else {
        peer->local = true;
    }
}

/* --- turning away --- */

/* --overload reject: a new client that finds no room is answered with 503 and closed, lingering;
 * accepting rests for a moment, so that another process on the same port gets its chance. */
static void reject_client(struct listener *listener, struct client *client)
{
    rest_listener(listener, REST_MS);
    turn_away_busy(listener->worker, client);
}

/* Above the limit, or behind a full queue: only where clients are turned away can one come so
 * far. */
static bool has_no_room(const struct listener *listener, enum place place)
{
    return place == PLACE_TURNED_AWAY || (listener->rejects && worker_is_refused(listener->worker));
}

/* --- accepting --- */

static void welcome_client(struct listener *listener, int fd, const struct sockaddr_storage *from,
                           enum place place)
{
    struct worker *worker = listener->worker;
    struct peer peer;
    read_peer(&peer, from);
    struct client *client = client_new(fd, &peer, clock_ns());
    client->place = place;
    /* Not earlier: the thread that waits for the last connection waits for this listener too. */
    atomic_fetch_add(&worker->engine->connections, 1);
    client->session.polls = !worker->engine->blocking_sockets;
    tally_add(&worker->tally, COUNTER_ACCEPTED, 1);
    PROBE(accepted, client->conn.id, 0, client->conn.accepted_ns, fd);
    route_seats(worker, client);
    if (!places_enter(worker->engine, client)) {
        turn_away_address(worker, client);
    } else if (has_no_room(listener, place)) {
        reject_client(listener, client);
    } else {
        route(worker, client, VERDICT_ACCEPTED);
    }
}

/* Errors of one connection that died in the queue; accept(2) asks to try the next. */
static bool is_passing(int error)
{
    return error == ECONNABORTED || error == EINTR || error == EPROTO || error == ENETDOWN ||
           error == EHOSTDOWN || error == EHOSTUNREACH || error == ENETUNREACH || error == EPERM;
}

/* For a connection whose place is taken; without one the place is given back. False: nothing more
 * to accept here now. */
static bool accept_one(struct listener *listener, int listen_fd, enum place place)
{
    struct sockaddr_storage from = {0};
    socklen_t len = sizeof from;
    int flags = listener->worker->engine->blocking_sockets ? 0 : SOCK_NONBLOCK;
    int fd = accept4(listen_fd, (struct sockaddr *)&from, &len, flags | SOCK_CLOEXEC);
    if (fd >= 0) {
        listener->failures = 0;
        welcome_client(listener, fd, &from, place);
        return true;
    }
    int error = errno;
    places_give(listener->worker->engine, place);
    if (is_passing(error)) {
        return true;
    }
    if (error != EAGAIN && error != EWOULDBLOCK) {
        back_off(listener, error);
    }
    return false;
}

static void pause_for(struct listener *listener, bool *why, enum counter counter)
{
    if (!*why) {
        *why = true;
        tally_add(&listener->worker->tally, counter, 1);
        watch_all(listener);
    }
}

/* Does a client wait here? With the accept mutex every socket is tried, whatever woke the loop, and
 * a socket that threads share may have woken several for one client. */
static bool somebody_waits(const struct listening *listening)
{
    struct pollfd poll_fd = {.fd = listening->fd, .events = POLLIN};
    return poll(&poll_fd, 1, 0) > 0;
}

/* A place was free again before the wish was made: then no connection is closed for it. */
static void reap_place(struct listener *listener)
{
    struct engine *engine = listener->worker->engine;
    places_reap(engine);
    if (places_has(engine, PLACE_SERVED)) {
        places_unwant(engine);
    }
}

/* The place for one more connection that may be accepted now. NONE: accepting pauses; where the
 * thread serves the connection that it has accepted first, until a listener has the turn again.
 * A connection is reaped only when a client is known to wait (`first`: the loop has reported
 * it); otherwise the socket will report it. */
static enum place find_place(struct listening *listening, bool first)
{
    struct listener *listener = listening->listener;
    if (listener->serves && listener->worker->dirty_count > 0) {
        return PLACE_NONE;
    }
    if (worker_is_refused(listener->worker) && !listener->rejects) {
        pause_for(listener, &listener->refused, COUNTER_ACCEPT_PAUSED_QUEUE);
        return PLACE_NONE;
    }
    enum place place = take_client_place(listener);
    if (place != PLACE_NONE || (listener->reaps && !(first && somebody_waits(listening)))) {
        return place;
    }
    pause_for(listener, &listener->full, COUNTER_ACCEPT_PAUSED_FULL);
    if (listener->reaps) {
        reap_place(listener);
    }
    workers_nudge(listener->worker->engine); /* closed ones may lie in a sleeper's mailbox */
    return PLACE_NONE;
}

static void accept_some(struct listening *listening)
{
    struct listener *listener = listening->listener;
    uint64_t most = listener->worker->engine->settings->accept_limit;
    for (uint64_t i = 0; i < most && !is_paused(listener); i++) {
        enum place place = find_place(listening, i == 0);
        if (place == PLACE_NONE || !accept_one(listener, listening->fd, place)) {
            return;
        }
    }
}

/* With the accept mutex after_poll has done it already, or this process has no right to. */
static void on_acceptable(struct watch *watch, unsigned ready)
{
    (void)ready;
    struct listening *listening = (struct listening *)watch;
    if (listening->listener->mutex.turn == NULL) {
        accept_some(listening);
    }
}

/* --- taking turns --- */

static const uint64_t retry_ns = 20 * NS_PER_MS;

static void on_retry(void *arg)
{
    struct listener *listener = arg;
    listener->mutex.retrying = false; /* having woken the loop is all it is for */
}

static void retry_later(struct listener *listener)
{
    if (!listener->mutex.retrying) {
        listener->mutex.retrying = true;
        loop_timer_start(listener->mutex.retry, retry_ns);
    }
}

static void before_poll(void *arg)
{
    struct listener *listener = arg;
    if (is_paused(listener)) {
        return; /* nothing is watched */
    }
    enum accept_try got = accept_turn_try(listener->mutex.turn);
    listener->mutex.ours = listener->mutex.watching = got != ACCEPT_TRY_BUSY;
    watch_all(listener);
    if (got == ACCEPT_TRY_BUSY) {
        retry_later(listener);
    } else if (got == ACCEPT_TRY_INHERITED) {
        tally_add(&listener->worker->tally, COUNTER_ACCEPT_INHERITED, 1);
    }
}

/* libuv does not say which descriptor it will call for next, so every socket is asked: one accept
 * that finds nothing is the price of a wakeup for something else. */
static void after_poll(void *arg, bool busy)
{
    struct listener *listener = arg;
    if (!listener->mutex.ours) {
        return;
    }
    for (unsigned i = 0; i < listener->count && busy && !is_paused(listener); i++) {
        accept_some(&listener->at[i]);
    }
    listener->mutex.ours = false;
    accept_turn_release(listener->mutex.turn);
}

static void take_turns(struct listener *listener, struct accept_turn *turn)
{
    listener->mutex.turn = turn;
    listener->mutex.hooks =
        (struct loop_hooks){.before = before_poll, .after = after_poll, .arg = listener};
    listener->mutex.retry = loop_timer_new(listener->worker->loop.poll, on_retry, listener);
    loop_around_poll(listener->worker->loop.poll, &listener->mutex.hooks);
}

/* --- life --- */

/* A session's thread that accepts in turn has no queue before it but the kernel's. */
static bool serves_itself(const struct worker *worker)
{
    const struct engine *engine = worker->engine;
    return engine->groups[worker->group].in_turn &&
           engine->groups[engine->wiring.group_of[STAGE_READER]].kind == GROUP_POOL;
}

struct listener *listener_new(struct worker *worker)
{
    const struct sockets *sockets = worker->engine->sockets;
    struct listener *listener =
        must_calloc(1, sizeof *listener + sockets->addresses * sizeof *listener->at);
    listener->worker = worker;
    listener->count = sockets->addresses;
    listener->serves = serves_itself(worker);
    listener->reaps = worker->engine->wiring.policies.overload == OVERLOAD_REAP;
    listener->rejects = worker->engine->wiring.policies.overload == OVERLOAD_REJECT;
    listener->timer = loop_timer_new(worker->loop.poll, on_backoff_over, listener);
    for (unsigned i = 0; i < listener->count; i++) {
        struct listening *at = &listener->at[i];
        at->listener = listener;
        at->fd = sockets->at[worker->seat * sockets->addresses + i];
        at->watched = watch_open(worker->loop.poll, &at->watch, at->fd, on_acceptable);
        CHECK(at->watched);
    }
    if (worker->engine->turn != NULL) {
        take_turns(listener, worker->engine->turn);
    }
    watch_all(listener);
    return listener;
}

static void on_listen_watch_closed(struct watch *watch)
{
    ((struct listening *)watch)->watched = false;
}

/* What the kernel has completed already is served, and that is no more than its queue holds, one
 * above --backlog: clients that come meanwhile, again and again, do not keep the server from
 * stopping. Behind a full queue they wait in this thread's outbox. */
static void accept_completed(struct listener *listener, int listen_fd)
{
    uint64_t most = listener->worker->engine->settings->backlog + 1;
    for (uint64_t i = 0; i < most && !listener->full; i++) {
        enum place place = take_client_place(listener);
        if (place == PLACE_NONE || !accept_one(listener, listen_fd, place)) {
            return;
        }
    }
}

/* Then the sockets close, so that new clients are refused at once. */
static void stop_accepting(struct listener *listener)
{
    struct sockets *sockets = listener->worker->engine->sockets;
    for (unsigned i = 0; i < listener->count; i++) {
        struct listening *at = &listener->at[i];
        accept_completed(listener, at->fd);
        watch_close(&at->watch, on_listen_watch_closed);
        at->watched = false;
        int *fd = &sockets->at[listener->worker->seat * sockets->addresses + i];
        close(*fd);
        *fd = -1;
    }
    listener->closed = true;
    loop_timer_stop(listener->timer);
    if (listener->mutex.turn != NULL) {
        loop_around_poll(listener->worker->loop.poll, NULL);
        loop_timer_stop(listener->mutex.retry);
    }
    engine_stopped_listening(listener->worker->engine);
}

void listener_turn(struct listener *listener)
{
    if (listener->closed) {
        return;
    }
    if (engine_phase(listener->worker->engine) != PHASE_RUNNING) {
        stop_accepting(listener);
        return;
    }
    if (!listener->full && !listener->refused) {
        return;
    }
    /* When the wish is fulfilled and another listener has taken the place, the socket reports
     * whether a client still waits here. */
    bool wish_over = listener->reaps && places_wish(listener->worker->engine) == PLACE_WISH_NONE;
    bool full = listener->full && listener_is_full(listener) && !wish_over;
    bool refused = listener->refused && worker_is_refused(listener->worker);
    if (full != listener->full || refused != listener->refused) {
        listener->full = full;
        listener->refused = refused;
        watch_all(listener);
    }
}

void listener_close(struct listener *listener)
{
    if (!listener->closed) {
        stop_accepting(listener);
    }
    loop_timer_free(listener->timer);
    if (listener->mutex.turn != NULL) {
        loop_timer_free(listener->mutex.retry);
    }
}

void listener_free(struct listener *listener)
{
    free(listener);
}

static void on_client_refused(struct worker *worker, struct client *client)
{
    reject_client(worker->listener, client);
}

const struct stage_entry listener_stage = {.refused = on_client_refused};
