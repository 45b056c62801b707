/* poller.c: stage 2 of 5. In: connections that have no request: new ones where the poller stands
 * before the reader, and those kept alive. Out: the same, as soon as there is something to read.
 * Runs on its loop's thread, which is the home of its clients from the moment that one has to wait.
 *
 * It never reads: that is the reader's work, in another thread. Where that reader is a poll loop it
 * gives half a request back, to wait here like any other: a connection is watched for reading in
 * one loop only.
 */
#include "stages/stage/poller.h"

#include "stages/engine/home.h"
#include "stages/engine/route.h"
#include "stages/engine/engine.h"
#include "stages/stage/writer.h"

/* The connection takes a free exchange along, if this pool has one. Answered connections bring their
 * exchanges here, so the reader's pool gets none back. */
static void to_reader(struct worker *worker, struct client *client)
{
    if (client->conn.exchange == NULL && worker->exchanges.kept > 0) {
        client->conn.exchange = exchange_take(&worker->exchanges, &client->conn);
    }
    route(worker, client, VERDICT_READABLE);
}

static void pass_on_client(struct worker *worker, struct client *client)
{
    home_leave(worker, client);
    to_reader(worker, client);
}

/* --- the stage --- */

/* A client's first bytes mostly follow its connection by some microseconds, and a watch costs five
 * system calls. So its socket is checked once, at the end of the turn, before it is adopted. */
static void welcome_fresh(struct worker *worker, struct client *client)
{
    client->home.next = NULL;
    *worker->poller.fresh_tail = client;
    worker->poller.fresh_tail = &client->home.next;
}

static void first_look(struct worker *worker, struct client *client)
{
    if (!worker_is_refused(worker) && conn_is_readable(&client->conn)) {
        to_reader(worker, client);
        return;
    }
    home_adopt(worker, client, HOME_WAITING);
    if (home_wait(worker, client) == VERDICT_CLOSE) {
        route(worker, client, VERDICT_CLOSE);
    }
}

void poller_first_looks(struct worker *worker)
{
    struct client *client = worker->poller.fresh, *next;
    worker->poller.fresh = NULL;
    worker->poller.fresh_tail = &worker->poller.fresh;
    for (; client != NULL; client = next) {
        next = client->home.next;
        first_look(worker, client);
    }
}

/* An idle connection has no exchange. */
static void give_up_exchange(struct worker *worker, struct conn *conn)
{
    if (conn->exchange != NULL && !conn_has_input(conn)) {
        exchange_put(&worker->exchanges, conn->exchange);
        conn->exchange = NULL;
        conn->state = CONN_IDLE;
    }
}

static enum verdict take_back(struct worker *worker, struct client *client, enum verdict verdict,
                              bool direct)
{
    struct conn *conn = &client->conn;
    home_stamp_requeue(worker, client, direct);
    if (client->home.at == NULL) {
        home_adopt(worker, client, HOME_WAITING);
    }
    home_return(worker, client);
    if (verdict == VERDICT_KEPT) {
        conn->exchange->input.len = conn->exchange->input.used = 0; /* route saw: none is left */
    }
    give_up_exchange(worker, conn);
    verdict = home_wait(worker, client);
    if (verdict == VERDICT_CLOSE && client->out.watch != NULL) {
        home_leave(worker, client); /* to the writer, whose watch is closed first */
    }
    return verdict;
}

static enum verdict poller_enter(struct worker *worker, struct client *client, enum verdict verdict,
                                 bool direct)
{
    if (verdict == VERDICT_ACCEPTED) {
        welcome_fresh(worker, client);
        return VERDICT_NONE;
    }
    CHECK(verdict == VERDICT_KEPT || verdict == VERDICT_WANT_READ);
    return take_back(worker, client, verdict, direct);
}

/* --- what the loop calls --- */

/* --poll-interval: not watched until it is over. */
static void ripen_client(struct worker *worker, struct client *client)
{
    home_let_ripen(worker, client);
    if (!worker->poller.ticking) {
        worker->poller.ticking = true;
        loop_timer_start(worker->poller.timer, worker->engine->settings->poll_interval_ns);
    }
}

static void poller_readable(struct worker *worker, struct client *client)
{
    if (home_state_is_away(client->home.state)) {
        if (!writer_readable(worker, client)) {
            home_came_early(worker, client);
        }
    } else if (worker_is_refused(worker)) {
        home_hold_back(worker, client);
    } else if (worker->engine->settings->poll_interval_ns > 0) {
        ripen_client(worker, client);
    } else if (client->home.state == HOME_WAITING) {
        pass_on_client(worker, client);
    }
}

static void pass_on_ripe(struct worker *worker, struct client *client)
{
    if (client->home.state == HOME_RIPE) {
        pass_on_client(worker, client);
    }
}

void poller_tick(struct worker *worker)
{
    worker->poller.ticking = false;
    home_each(worker, pass_on_ripe);
}

const struct stage_entry poller_stage = {.enter = poller_enter, .readable = poller_readable};
