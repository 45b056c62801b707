/* out_watch.c: watching a client's descriptor for the thread that sends to it. See out_watch.h. */
#include "stages/out_watch.h"

#include "stages/home.h"
#include "stages/route.h"
#include "stages/engine.h"

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
        client->writer->engine->stages[STAGE_WRITER]->writable(client->writer, client);
    }
}

/* Where the writer shares the home's loop there is one watch for both, since libuv allows one a
 * loop. */
bool out_watch_set(struct worker *worker, struct client *client, unsigned events)
{
    client->writer = worker;
    if (is_home(worker, client)) {
        if (!home_watch(worker, client)) {
            return false;
        }
        unsigned reading = client->home_watch.events & WATCH_READ;
        watch_set(&client->home_watch, events | reading);
        return true;
    }
    if (!client->out_watched) {
        client->out_watched =
            watch_open(worker->loop, &client->out_watch, client->conn.fd, on_out_ready);
    }
    if (client->out_watched) {
        watch_set(&client->out_watch, events);
    }
    return client->out_watched;
}

void out_watch_stop(struct worker *worker, struct client *client)
{
    if (!client->out_waiting) {
        return;
    }
    client->out_waiting = false;
    client->lingering = false;
    deadlines_clear(&worker->deadlines, &client->out_deadline);
    if (is_home(worker, client) && client->home_watched) {
        watch_set(&client->home_watch, client->home_watch.events & ~(unsigned)WATCH_WRITE);
    } else if (client->out_watched) {
        watch_set(&client->out_watch, 0);
    }
}

static void on_out_closed(struct watch *watch)
{
    struct client *client =
        (struct client *)(void *)((char *)watch - offsetof(struct client, out_watch));
    client->out_watched = false;
    route(client->writer, client, VERDICT_CLOSE);
}

void out_watch_close(struct worker *worker, struct client *client)
{
    out_watch_stop(worker, client);
    watch_close(&client->out_watch, on_out_closed);
}
