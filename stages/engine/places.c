/* places.c: counting connections, and making place. See places.h. */
#include "stages/engine/places.h"

#include "core/base/chaos.h"
#include "stages/engine/process_share.h"
#include "stages/engine/worker.h"

/* A place is counted before it is used, so there are never more than the limit, not even for a
 * moment. */
bool places_keep(struct engine *engine, struct client *client)
{
    uint64_t most = engine->settings->keepalive_connections;
    if (most == 0 || client->kept) {
        return true;
    }
    uint64_t kept = atomic_load(&engine->kept);
    while (kept < most && !client->kept) {
        client->kept = atomic_compare_exchange_weak(&engine->kept, &kept, kept + 1);
    }
    return client->kept;
}

void places_unkeep(struct engine *engine, struct client *client)
{
    if (client->kept) {
        client->kept = false;
        atomic_fetch_sub(&engine->kept, 1);
    }
}

/* Connections that linger at a time after a 503 or a 429. */
enum { TURNED_AWAY_MOST = 64 };

static uint64_t most_of(const struct engine *engine, enum place place)
{
    return place == PLACE_SERVED ? engine->max_connections : TURNED_AWAY_MOST;
}

bool places_has(const struct engine *engine, enum place place)
{
    return atomic_load(&engine->places[place]) < most_of(engine, place);
}

bool places_take(struct engine *engine, enum place place)
{
    uint64_t most = most_of(engine, place);
    uint64_t taken = atomic_load_explicit(&engine->places[place], memory_order_relaxed);
    while (taken < most) {
        if (atomic_compare_exchange_weak(&engine->places[place], &taken, taken + 1)) {
            return true;
        }
    }
    return false;
}

/* Sequentially consistent with the wish and the listener's flag: a thread that changes one and then
 * reads the other sees the change that came first. */
void places_give(struct engine *engine, enum place place)
{
    if (place == PLACE_NONE) {
        return;
    }
    atomic_fetch_sub(&engine->places[place], 1);
    chaos_point();
    if (place == PLACE_SERVED && places_wish(engine) != PLACE_WISH_NONE) {
        atomic_store(&engine->place_wish, PLACE_WISH_NONE); /* there is one now */
    }
    chaos_point();
    if (atomic_load(&engine->accepting_paused) &&
        atomic_exchange(&engine->accepting_paused, false)) {
        workers_nudge(engine);
    }
}

void places_turn_away(struct engine *engine, struct client *client)
{
    enum place had = client->place;
    if (had != PLACE_TURNED_AWAY) {
        client->place = places_take(engine, PLACE_TURNED_AWAY) ? PLACE_TURNED_AWAY : PLACE_NONE;
        places_give(engine, had);
    }
}

/* Sequentially consistent with the phase, in the same way. */
void places_closed_one(struct engine *engine, enum place place)
{
    uint64_t before = atomic_fetch_sub(&engine->connections, 1);
    chaos_point();
    places_give(engine, place);
    if (before == 1 && atomic_load(&engine->phase) != PHASE_RUNNING) {
        engine_signal_empty(engine);
    }
}

bool places_enter(struct engine *engine, struct client *client)
{
    struct process_share *share = engine->share;
    client->entered = crowd_enter(engine->crowd, &client->conn.peer.address);
    if (client->entered) {
        atomic_fetch_add_explicit(&share->accepted, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&share->open, 1, memory_order_relaxed);
    }
    return client->entered;
}

void places_leave(struct engine *engine, struct client *client)
{
    if (client->entered) {
        client->entered = false;
        crowd_leave(engine->crowd, &client->conn.peer.address);
        atomic_fetch_sub_explicit(&engine->share->open, 1, memory_order_relaxed);
    }
}

/* --- making place --- */

static struct group *idle_group(struct engine *engine)
{
    return &engine->groups[engine->wiring.group_of[engine->idle_stage]];
}

static void shed_loops(struct engine *engine, unsigned count)
{
    const struct group *homes = idle_group(engine);
    for (unsigned i = 0; i < homes->count; i++) {
        atomic_fetch_add(&homes->workers[i].home.shed, (count + homes->count - 1) / homes->count);
    }
    workers_nudge(engine);
}

void places_shed(struct engine *engine, unsigned count)
{
    if (idle_group(engine)->kind == GROUP_LOOP) {
        shed_loops(engine, count);
        return;
    }
    while (count > 0 && session_list_end_one(&engine->session_list, clock_coarse_ns())) {
        count--;
    }
}

static bool move_wish(struct engine *engine, int from, enum place_wish to)
{
    chaos_point();
    return atomic_compare_exchange_strong(&engine->place_wish, &from, to);
}

void places_unwant(struct engine *engine)
{
    (void)move_wish(engine, PLACE_WISH_WANTED, PLACE_WISH_NONE);
}

/* Every home is asked, since each knows only its own clients. */
static void reap_in_loops(struct engine *engine)
{
    const struct group *homes = idle_group(engine);
    if (!move_wish(engine, PLACE_WISH_NONE, PLACE_WISH_WANTED)) {
        return;
    }
    for (unsigned i = 0; i < homes->count; i++) {
        atomic_store(&homes->workers[i].home.reap, true);
    }
    workers_nudge(engine);
}

static void reap_in_sessions(struct engine *engine)
{
    if (!move_wish(engine, PLACE_WISH_NONE, PLACE_WISH_COMING) ||
        session_list_end_one(&engine->session_list, clock_coarse_ns()) ||
        !move_wish(engine, PLACE_WISH_COMING, PLACE_WISH_WANTED)) {
        return;
    }
    if (session_list_end_one(&engine->session_list, clock_coarse_ns())) {
        (void)places_wanted(engine); /* it became idle before it could see the wish */
    }
}

void places_reap(struct engine *engine)
{
    if (idle_group(engine)->kind == GROUP_LOOP) {
        reap_in_loops(engine);
    } else {
        reap_in_sessions(engine);
    }
}
