/* out_watch.c: watching a client's descriptor for the thread that sends to it. See out_watch.h. */
#include "stages/engine/out_watch.h"

#include "stages/engine/home.h"
#include "stages/engine/route.h"
#include "stages/engine/engine.h"

#include <stdlib.h>

static bool is_home(const struct worker *worker, const struct client *client)
{
    return client->home.at == worker;
}

static struct client *client_of_watch(struct watch *watch)
{
    return ((struct out_watch *)(void *)watch)->client; /* its first member */
}

static void on_out_ready(struct watch *watch, unsigned ready)
{
    struct client *client = client_of_watch(watch);
    (void)ready;
    if (client->out.waiting) {
        client->out.worker->engine->stages[STAGE_WRITER]->writable(client->out.worker, client);
    }
}

/* NULL: the system has no room or no memory for it. */
static struct out_watch *open_second_watch(struct worker *worker, struct client *client)
{
    struct out_watch *out = calloc(1, sizeof *out);
    if (out == NULL) {
        return NULL;
    }
    out->client = client;
    if (!watch_open(worker->loop.poll, &out->watch, client->conn.fd, on_out_ready)) {
        free(out);
        return NULL;
    }
    return out;
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
    if (client->out.watch == NULL) {
        client->out.watch = open_second_watch(worker, client);
    }
    if (client->out.watch == NULL) {
        return false;
    }
    watch_set(&client->out.watch->watch, events);
    return true;
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
    } else if (client->out.watch != NULL) {
        watch_set(&client->out.watch->watch, 0);
    }
}

static void on_out_closed(struct watch *watch)
{
    struct client *client = client_of_watch(watch);
    free(client->out.watch);
    client->out.watch = NULL;
    route(client->out.worker, client, VERDICT_CLOSE);
}

void out_watch_close(struct worker *worker, struct client *client)
{
    out_watch_stop(worker, client);
    watch_close(&client->out.watch->watch, on_out_closed);
}
