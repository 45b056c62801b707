/* reader.c: stage 3 of 5. In: new clients, clients with something to read, and clients given back
 * between two requests. Out: clients holding one whole request (or a 100 Continue to send). Runs on
 * its loop's thread, which is the home of its clients unless the wiring has a poller elsewhere; in
 * sessions it blocks instead (session.c).
 *
 * A client that has been handed on is AWAY: its descriptor stays armed, so that a keep-alive
 * request costs no epoll_ctl. If input comes while it is away, the reader first checks whether the
 * client has been given back quietly. If not, it closes the watch (EARLY), and sleeps with
 * hear_all, so that quiet puts wake it too.
 */
#include "stages/stage/reader.h"

#include "core/points/probes.h"
#include "stages/engine/closing.h"
#include "stages/engine/home.h"
#include "stages/engine/route.h"
#include "stages/engine/engine.h"
#include "stages/stage/session.h"
#include "stages/engine/whole.h"
#include "stages/stage/writer.h"

/* Nothing is read behind a client's last request: its watch is closed now, or the client's own
 * close would wake this thread for nothing. Where the writer shares the loop, it lingers with this
 * watch. */
static void stop_watching_last(struct worker *worker, struct client *client)
{
    if (!client->conn.exchange->request.keep_alive && !worker_runs(worker, STAGE_WRITER)) {
        client_unwatch(client);
    }
}

/* Does the reader's part of a step's verdict. A client that is closed while another loop watches
 * it is handed on: that loop closes its watch first. */
static enum verdict settle_read(struct worker *worker, struct client *client, enum verdict verdict)
{
    if (verdict == VERDICT_WANT_READ) {
        verdict = home_wait(worker, client);
    }
    switch (verdict) {
    case VERDICT_REQUEST_READY:
        request_is_whole(worker, client);
        stop_watching_last(worker, client);
        home_leave(worker, client);
        return verdict;
    case VERDICT_OUTPUT_READY:
        home_leave(worker, client);
        return verdict;
    case VERDICT_CLOSE:
        if (client->out.watch != NULL) {
            home_leave(worker, client);
        }
        return verdict;
    default:
        return verdict;
    }
}

/* --- at home --- */

static void adopt_client(struct worker *worker, struct client *client)
{
    home_adopt(worker, client, HOME_FRESH);
    client->conn.adopted_ns = stamp_now();
    PROBE(adopted, client->conn.id, 0, client->conn.adopted_ns, client->conn.accepted_ns);
}

static void first_read(struct worker *worker, struct client *client)
{
    home_return(worker, client);
    route(worker, client,
          settle_read(worker, client, conn_read(&client->conn, &worker->exchanges)));
}

/* New clients stand at the end of the list, oldest first. A request mostly follows its connection
 * by some microseconds: read at the end of the turn it is there, read at once it is not, and a
 * watch costs five system calls. */
void reader_first_reads(struct worker *worker)
{
    struct client *client = &worker->home.clients;
    for (unsigned i = worker->home.counts.in[HOME_FRESH]; i > 0; i--) {
        client = client->home.prev;
    }
    while (worker->home.counts.in[HOME_FRESH] > 0) {
        struct client *next = client->home.next;
        first_read(worker, client);
        client = next;
    }
}

static enum verdict enter_home(struct worker *worker, struct client *client, enum verdict verdict,
                               bool direct)
{
    struct conn *conn = &client->conn;
    if (verdict == VERDICT_ACCEPTED) {
        adopt_client(worker, client);
        return VERDICT_NONE;
    }
    home_return(worker, client);
    if (verdict == VERDICT_RESUME) {
        return settle_read(worker, client, conn_resume(conn));
    }
    CHECK(verdict == VERDICT_KEPT && conn->state == CONN_RETURNING);
    home_stamp_requeue(worker, client, direct);
    return settle_read(worker, client, conn_next(conn, &worker->exchanges));
}

/* --- where a poller in another loop is home --- */

/* Half a request goes back there (WANT_READ). */
static enum verdict enter_visiting(struct worker *worker, struct client *client,
                                   enum verdict verdict, bool direct)
{
    struct conn *conn = &client->conn;
    if (conn->adopted_ns == 0) {
        conn->adopted_ns = stamp_now();
        PROBE(adopted, conn->id, 0, conn->adopted_ns, conn->accepted_ns);
    }
    if (verdict == VERDICT_RESUME) {
        verdict = conn_resume(conn);
    } else if (verdict == VERDICT_KEPT) {
        home_stamp_requeue(worker, client, direct);
        verdict = conn_next(conn, &worker->exchanges);
    } else {
        verdict = conn_read(conn, &worker->exchanges);
    }
    if (verdict == VERDICT_REQUEST_READY) {
        request_is_whole(worker, client);
    }
    return verdict;
}

/* --- the stage --- */

static enum verdict reader_enter(struct worker *worker, struct client *client, enum verdict verdict,
                                 bool direct)
{
    if (worker->kind == GROUP_POOL) {
        return session_read(worker, client, verdict, direct);
    }
    return worker->engine->idle_stage == STAGE_READER
               ? enter_home(worker, client, verdict, direct)
               : enter_visiting(worker, client, verdict, direct);
}

/* Whatever the drain has done with the client meanwhile, one more read or check is harmless. */
static void reader_readable(struct worker *worker, struct client *client)
{
    while (home_state_is_away(client->home.state) && route_drain(worker)) {
    }
    if (client->home.state == HOME_CLOSED || client->home.state == HOME_HELD_BACK) {
        return;
    }
    if (home_state_is_away(client->home.state)) {
        if (!writer_readable(worker, client)) {
            home_came_early(worker, client);
        }
        return;
    }
    if (worker_is_refused(worker)) {
        home_hold_back(worker, client);
        return;
    }
    route(worker, client,
          settle_read(worker, client, conn_read(&client->conn, &worker->exchanges)));
}

const struct stage_entry reader_stage = {.enter = reader_enter, .readable = reader_readable};
