/* closing.c: the end of a connection. See closing.h. */
#include "stages/engine/closing.h"

#include "stages/engine/places.h"
#include "stages/engine/engine.h"

#include <unistd.h>

static void on_client_watch_closed(struct watch *watch)
{
    struct client *client =
        (struct client *)(void *)((char *)watch - offsetof(struct client, home.watch));
    client->home.unwatching = false;
    if (client->home.state == HOME_CLOSED) {
        client_free(client);
    }
}

/* At once for the kernel; the loop needs the memory until it calls back. */
void client_unwatch(struct client *client)
{
    if (client->home.watched) {
        client->home.watched = false;
        client->home.unwatching = true;
        watch_close(&client->home.watch, on_client_watch_closed);
    }
}

static void forget_client(struct worker *worker, struct client *client)
{
    client->home.prev->home.next = client->home.next;
    client->home.next->home.prev = client->home.prev;
    atomic_fetch_sub_explicit(&worker->home.client_count, 1, memory_order_relaxed);
    deadlines_clear(&worker->loop.deadlines, &client->home.deadline);
}

void client_close(struct worker *worker, struct client *client)
{
    CHECK(client->out.watch == NULL && !client->out.waiting);
    CHECK(client->home.at == NULL || client->home.at == worker);
    struct conn *conn = &client->conn;
    enum place place = client->place;
    if (client->home.at != NULL) {
        forget_client(worker, client);
    }
    if (conn->state == CONN_READING && conn_has_input(conn)) {
        tally_add(&worker->tally, COUNTER_ABANDONED, 1);
    }
    if (conn->exchange != NULL) {
        exchange_put(&worker->exchanges, conn->exchange);
        conn->exchange = NULL;
    }
    tally_close(&worker->tally, conn->close);
    tally_add(&worker->tally, COUNTER_CLOSED, 1);
    session_list_remove(&worker->engine->session_list, client);
    places_unkeep(worker->engine, client);
    places_leave(worker->engine, client);
    conn->state = CONN_CLOSED;
    home_state_move(&worker->home.counts, &client->home.state, HOME_CLOSED);
    client_unwatch(client);
    close(conn->fd);
    if (!client->home.unwatching) {
        client_free(client);
    }
    places_closed_one(worker->engine, place);
}
