/* session.c: blocking for one client. See session.h.
 *
 * The wait for an idle client is in recv itself, with the socket's receive timeout: one system call
 * a request, the strength of this kind of server. All other waits are a poll(2) before a step,
 * since they have a deadline that does not start again with each byte.
 */
#include "stages/stage/session.h"

#include "core/base/chaos.h"
#include "core/points/probes.h"
#include "stages/engine/session_list.h"
#include "stages/engine/home.h"
#include "stages/engine/route.h"
#include "stages/engine/places.h"
#include "stages/engine/engine.h"
#include "stages/engine/whole.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

/* --- beginning and ending a wait --- */

/* The state is set before the phase is read, and the thread that changes the phase reads the states
 * afterwards: one of the two sees the other. */
static enum close_reason begin_wait(struct worker *worker, struct client *client,
                                    enum session_as as, uint64_t due_ns)
{
    struct engine *engine = worker->engine;
    worker_go_away(worker);
    if (as == SESSION_WAITING) {
        recall_pass_on(engine->groups[worker->group].recall, worker->mailbox);
    }
    session_list_add(&engine->session_list, client);
    chaos_point();
    atomic_store(&client->session.due_ns, due_ns);
    atomic_store(&client->session.as, as);
    chaos_point();
    enum phase phase = (enum phase)atomic_load(&engine->phase);
    enum close_reason reason = CLOSE_NONE;
    if (phase == PHASE_CUTTING) {
        reason = CLOSE_CUT;
    } else if (as == SESSION_IDLE && phase == PHASE_DRAINING) {
        reason = CLOSE_DRAINED;
    } else if (as == SESSION_IDLE && places_wanted(engine)) {
        reason = CLOSE_REAPED;
    }
    worker_begin_idle(worker);
    return reason;
}

/* True: another thread has ended the wait. */
static bool end_wait(struct worker *worker, struct client *client)
{
    worker->woke_ns = clock_ns();
    worker_end_idle(worker);
    chaos_point();
    return atomic_exchange(&client->session.as, SESSION_BUSY) == SESSION_DOOMED;
}

static enum close_reason reason_of_end(const struct engine *engine)
{
    enum phase phase = engine_phase(engine);
    return phase == PHASE_RUNNING    ? CLOSE_REAPED
           : phase == PHASE_DRAINING ? CLOSE_DRAINED
                                     : CLOSE_CUT;
}

/* Polls until one of them is ready, or until `due_ns`. False: none is. The sockets are asked
 * after the time has passed, too: this thread may have had no CPU meanwhile. */
static bool poll_fds_until(struct pollfd *fds, unsigned count, uint64_t due_ns)
{
    for (;;) {
        uint64_t now_ns = clock_ns();
        uint64_t left_ns = now_ns < due_ns ? due_ns - now_ns : 0;
        int ready = poll(fds, count, (int)((left_ns + NS_PER_MS - 1) / NS_PER_MS));
        CHECK(ready >= 0 || errno == EINTR);
        if (ready > 0 || (ready == 0 && left_ns == 0)) {
            return ready > 0;
        }
    }
}

static bool wait_for(int fd, short events, uint64_t due_ns)
{
    struct pollfd poll_fd = {.fd = fd, .events = events};
    return poll_fds_until(&poll_fd, 1, due_ns);
}

/* Until the client sends something (true), its time is over, or the session is recalled. */
static bool wait_or_hear(int fd, struct recall *recall, uint64_t due_ns, bool *recalled)
{
    struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = recall->bell, .events = POLLIN}};
    while (poll_fds_until(fds, 2, due_ns)) {
        if (fds[0].revents != 0) {
            return true;
        }
        if (recall_answer(recall)) {
            *recalled = true;
            return false;
        }
    }
    return false;
}

/* --- reading --- */

/* False: the kernel refuses, and a wait in recv would never end. */
static bool set_patience(struct client *client, uint64_t timeout_ns)
{
    if (client->session.patience_ns == timeout_ns) {
        return true;
    }
    struct timeval timeout = {.tv_sec = (time_t)(timeout_ns / NS_PER_S),
                              .tv_usec = (suseconds_t)(timeout_ns % NS_PER_S / NS_PER_US)};
    if (setsockopt(client->conn.fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0) {
        return false;
    }
    client->session.patience_ns = timeout_ns;
    return true;
}

static enum verdict poll_idle(struct worker *worker, struct client *client, uint64_t due_ns)
{
    struct recall *recall = worker->engine->groups[worker->group].recall;
    bool recalled = false;
    if (!wait_or_hear(client->conn.fd, recall, due_ns, &recalled)) {
        return recalled ? VERDICT_NONE : VERDICT_WANT_READ;
    }
    return conn_read(&client->conn, &worker->exchanges);
}

/* A wait in recv hears no ring. Until a session of the pool has let a request go for the first time
 * (recall.h), idle sessions wait there, for so long at a time: then they check. */
static const uint64_t deaf_ns = NS_PER_S;

/* Bounds a wait in recv by `left_ns`, or deaf_ns. The socket's timeout mostly is what it was. Less
 * than a microsecond would be no timeout at all. */
static bool bound_deaf_wait(struct client *client, uint64_t left_ns)
{
    uint64_t part_ns = left_ns < deaf_ns ? left_ns : deaf_ns;
    return set_patience(client, part_ns < NS_PER_MS ? NS_PER_MS : part_ns);
}

/* NONE: the session is recalled. WANT_READ without input: the time has passed. */
static enum verdict read_idle(struct worker *worker, struct client *client, uint64_t timeout_ns)
{
    struct recall *recall = worker->engine->groups[worker->group].recall;
    uint64_t now_ns = clock_ns(), due_ns = now_ns + timeout_ns;
    do {
        if (recall_is_pressing(recall)) {
            return VERDICT_NONE;
        }
        if (client->session.polls || recall_is_expected(recall) ||
            !bound_deaf_wait(client, due_ns - now_ns)) {
            return poll_idle(worker, client, due_ns);
        }
        enum verdict verdict = conn_read_waiting(&client->conn, &worker->exchanges);
        if (verdict != VERDICT_WANT_READ || conn_has_input(&client->conn)) {
            return verdict;
        }
        now_ns = clock_ns();
    } while (now_ns < due_ns);
    return VERDICT_WANT_READ;
}

/* A client that has been asked to go, and was faster with its next request, gets its answer. */
static enum verdict after_idle(struct worker *worker, struct client *client, enum verdict verdict,
                               bool ended)
{
    struct conn *conn = &client->conn;
    if (verdict == VERDICT_WANT_READ && !conn_has_input(conn)) {
        return conn_close_for(&client->conn,
                              conn->requests > 0 ? CLOSE_KEEPALIVE_TIMEOUT : CLOSE_HEADER_TIMEOUT);
    }
    if (ended && verdict == VERDICT_CLOSE) {
        conn->close = reason_of_end(worker->engine);
    } else if (ended) {
        conn->exchange->close = reason_of_end(worker->engine);
    }
    return verdict;
}

/* The connection is to end instead of idling; a request that is there already is answered,
 * unless the server cuts. */
static enum verdict end_unless_faster(struct worker *worker, struct client *client,
                                      enum close_reason reason)
{
    if (reason == CLOSE_CUT) {
        return conn_close_for(&client->conn, reason);
    }
    enum verdict verdict = conn_read(&client->conn, &worker->exchanges);
    if (!conn_has_input(&client->conn)) {
        return conn_close_for(&client->conn, reason);
    }
    client->conn.exchange->close = reason;
    return verdict;
}

/* One that was left goes on with the time it had. */
static uint64_t idle_time_left(const struct worker *worker, struct client *client)
{
    const struct conn *conn = &client->conn;
    uint64_t due_ns = client->session.left_due_ns, now_ns = clock_coarse_ns();
    client->session.left_due_ns = 0;
    if (due_ns != 0) {
        return due_ns > now_ns ? due_ns - now_ns : NS_PER_MS;
    }
    return conn->requests > 0 ? conn->idle_limit_ns : worker->engine->settings->header_timeout_ns;
}

/* Its session is recalled: others may go on with it. */
static enum verdict leave_session(struct worker *worker, struct client *client)
{
    client->session.left_due_ns = atomic_load(&client->session.due_ns);
    route_leave(worker, client);
    return VERDICT_NONE;
}

static enum verdict wait_idle(struct worker *worker, struct client *client)
{
    uint64_t timeout_ns = idle_time_left(worker, client);
    enum close_reason reason =
        begin_wait(worker, client, SESSION_IDLE, clock_coarse_ns() + timeout_ns);
    if (reason != CLOSE_NONE) {
        (void)end_wait(worker, client);
        return end_unless_faster(worker, client, reason);
    }
    enum verdict verdict = read_idle(worker, client, timeout_ns);
    bool ended = end_wait(worker, client);
    if (verdict != VERDICT_NONE) {
        return after_idle(worker, client, verdict, ended);
    }
    return ended ? end_unless_faster(worker, client, reason_of_end(worker->engine))
                 : leave_session(worker, client);
}

/* The deadline of a head, which is one for all of it. */
struct head_wait {
    uint64_t due_ns; /* 0: not begun */
    bool late;       /* it has passed, and was followed by a read */
};

/* When a wait inside a request is over: by the head's deadline, or by one for the next part of the
 * body. 0: no further wait, for the head's has passed before the last read. */
static uint64_t due_of(const struct settings *settings, bool in_body, struct head_wait *head)
{
    uint64_t now_ns = clock_ns();
    if (in_body) {
        return now_ns + settings->body_timeout_ns;
    }
    if (head->due_ns == 0) {
        head->due_ns = now_ns + settings->header_timeout_ns;
    }
    uint64_t due_ns = head->late ? 0 : head->due_ns;
    head->late = now_ns >= head->due_ns;
    return due_ns;
}

static enum verdict wait_more(struct worker *worker, struct client *client, struct head_wait *head)
{
    const struct settings *settings = worker->engine->settings;
    struct conn *conn = &client->conn;
    bool in_body = parse_in_body(&conn->exchange->parse);
    uint64_t due_ns = due_of(settings, in_body, head);
    enum close_reason reason = begin_wait(worker, client, SESSION_WAITING, due_ns);
    bool ready = reason == CLOSE_NONE && due_ns != 0 && wait_for(conn->fd, POLLIN, due_ns);
    (void)end_wait(worker, client);
    if (reason != CLOSE_NONE || engine_phase(worker->engine) == PHASE_CUTTING) {
        return conn_close_for(&client->conn, CLOSE_CUT);
    }
    if (!ready) {
        return conn_read_timeout(conn, in_body ? CLOSE_BODY_TIMEOUT : CLOSE_HEADER_TIMEOUT);
    }
    return conn_read(conn, &worker->exchanges);
}

static enum verdict first_step(struct worker *worker, struct client *client, enum verdict verdict,
                               bool direct)
{
    struct conn *conn = &client->conn;
    switch (verdict) {
    case VERDICT_KEPT:
        if (route_keeps(worker, client)) { /* else the poller takes this stamp */
            home_stamp_requeue(worker, client, direct);
        }
        return conn_next(conn, &worker->exchanges);
    case VERDICT_RESUME:
        return conn_resume(conn);
    default:
        CHECK(verdict == VERDICT_ACCEPTED || verdict == VERDICT_READABLE);
        if (conn->adopted_ns == 0) {
            conn->adopted_ns = stamp_now();
            PROBE(adopted, conn->id, 0, conn->adopted_ns, conn->accepted_ns);
        }
        return conn_read(conn, &worker->exchanges);
    }
}

enum verdict session_read(struct worker *worker, struct client *client, enum verdict verdict,
                          bool direct)
{
    struct head_wait head = {0};
    verdict = first_step(worker, client, verdict, direct);
    if (verdict != VERDICT_WANT_READ || conn_has_input(&client->conn)) {
        client->session.left_due_ns = 0; /* not idle any more */
    }
    while (verdict == VERDICT_WANT_READ) {
        if (conn_has_input(&client->conn)) {
            verdict = wait_more(worker, client, &head);
        } else if (worker->engine->idle_stage == STAGE_POLLER) {
            return VERDICT_WANT_READ;
        } else {
            verdict = wait_idle(worker, client);
        }
    }
    if (verdict == VERDICT_REQUEST_READY) {
        request_is_whole(worker, client);
    }
    return verdict;
}

/* --- writing --- */

static bool sends_file(const struct brigade *brigade)
{
    const struct bucket *bucket = brigade->head;
    while (bucket != NULL && bucket->kind != BUCKET_FILE) {
        bucket = bucket->next;
    }
    return bucket != NULL;
}

void session_prepare_send(struct client *client)
{
    if (!client->session.polls && sends_file(&client->conn.exchange->sending)) {
        int flags = fcntl(client->conn.fd, F_GETFL);
        CHECK(flags >= 0 && fcntl(client->conn.fd, F_SETFL, flags | O_NONBLOCK) == 0);
        client->session.polls = true;
    }
}

bool session_wait_write(struct worker *worker, struct client *client)
{
    uint64_t due_ns = clock_ns() + worker->engine->settings->io_timeout_ns;
    enum close_reason reason = begin_wait(worker, client, SESSION_WAITING, due_ns);
    bool ready = reason == CLOSE_NONE && wait_for(client->conn.fd, POLLOUT, due_ns);
    (void)end_wait(worker, client);
    return ready && engine_phase(worker->engine) != PHASE_CUTTING;
}
