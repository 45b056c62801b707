/* out_watch.c: watching a client's descriptor for the thread that sends to it. See out_watch.h. */
#include "stages/engine/out_watch.h"

#include "stages/engine/home.h"
#include "stages/engine/route.h"
#include "stages/engine/engine.h"

static bool is_home(const struct worker *worker, const struct client *client)
{
    return client->home.at == worker;
}

static void on_out_ready(struct watch *watch, unsigned ready)
{
    struct client *client =
        (struct client *)(void *)((char *)watch - offsetof(struct client, out.watch));
    (void)ready;
    if (client->out.waiting) {
        client->out.worker->engine->stages[STAGE_WRITER]->writable(client->out.worker, client);
    }
}

/* Where the writer shares the home's loop there is one watch for both, since libuv allows one a
 * loop. */
bool out_watch_set(struct worker *worker, struct client *client, unsigned events)
{
    client->out.worker = worker;
    if (is_home(worker, client)) {
        if (!home_watch(worker, client)) {
            return false;
        }
        unsigned reading = client->home.watch.events & WATCH_READ;
        watch_set(&client->home.watch, events | reading);
        return true;
    }
    if (!client->out.watched) {
        client->out.watched =
            watch_open(worker->loop.poll, &client->out.watch, client->conn.fd, on_out_ready);
    }
    if (client->out.watched) {
        watch_set(&client->out.watch, events);
    }
    return client->out.watched;
}

void out_watch_stop(struct worker *worker, struct client *client)
{
    if (!client->out.waiting) {
        return;
    }
    client->out.waiting = false;
    client->out.lingering = false;
    deadlines_clear(&worker->loop.deadlines, &client->out.deadline);
    if (is_home(worker, client) && client->home.watched) {
        watch_set(&client->home.watch, client->home.watch.events & ~(unsigned)WATCH_WRITE);
    } else if (client->out.watched) {
        watch_set(&client->out.watch, 0);
    }
}

static void on_out_closed(struct watch *watch)
{
    struct client *client =
        (struct client *)(void *)((char *)watch - offsetof(struct client, out.watch));
    client->out.watched = false;
    route(client->out.worker, client, VERDICT_CLOSE);
}

void out_watch_close(struct worker *worker, struct client *client)
{
    out_watch_stop(worker, client);
    watch_close(&client->out.watch, on_out_closed);
}
