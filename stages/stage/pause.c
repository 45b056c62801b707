/* pause.c: coming back to a handler. See pause.h. A pause has a timer of its own, because it may be
 * short and exact; only answers made in pieces have any. */
#include "stages/stage/pause.h"

#include "stages/engine/route.h"
#include "stages/engine/engine.h"

#include <stdlib.h>

struct pause {
    struct worker *worker;
    struct client *client;
    struct loop_timer *timer;
    uint64_t until_ns;
};

static void sleep_on(struct pause *pause, uint64_t now_ns)
{
    uint64_t left_ns = pause->until_ns > now_ns ? pause->until_ns - now_ns : 0;
    loop_timer_start(pause->timer, left_ns < PAUSE_PART_NS ? left_ns : PAUSE_PART_NS);
}

static void on_time(void *arg)
{
    struct pause *pause = arg;
    uint64_t now_ns = clock_ns();
    bool over = engine_phase(pause->worker->engine) == PHASE_CUTTING ||
                outlet_is_cut(&pause->client->conn.exchange->outlet);
    if (now_ns < pause->until_ns && !over) {
        sleep_on(pause, now_ns);
        return;
    }
    struct worker *worker = pause->worker;
    struct client *client = pause->client;
    loop_timer_free(pause->timer);
    free(pause);
    route(worker, client, VERDICT_WANT_TIME);
}

void pause_client(struct worker *worker, struct client *client, uint64_t after_ns)
{
    struct pause *pause = must_alloc(sizeof *pause);
    uint64_t now_ns = clock_ns();
    *pause = (struct pause){.worker = worker, .client = client, .until_ns = now_ns + after_ns};
    pause->timer = loop_timer_new(worker->loop.poll, on_time, pause);
    sleep_on(pause, now_ns);
}
