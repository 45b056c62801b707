/* places.c: counting connections, and making place. See places.h. */
#include "stages/places.h"

/* A place is counted before it is used, so there are never more than the limit, not even for a
 * moment. */
bool places_keep(struct server *server, struct client *client)
{
    uint64_t most = server->settings->keepalive_connections;
    if (most == 0 || client->kept) {
        return true;
    }
    uint64_t kept = atomic_load(&server->kept);
    while (kept < most && !client->kept) {
        client->kept = atomic_compare_exchange_weak(&server->kept, &kept, kept + 1);
    }
    return client->kept;
}

void places_unkeep(struct server *server, struct client *client)
{
    if (client->kept) {
        client->kept = false;
        atomic_fetch_sub(&server->kept, 1);
    }
}

/* Connections that linger at a time after a 503 or a 429. */
enum { TURNED_AWAY_MOST = 64 };

static uint64_t most_of(const struct server *server, enum place place)
{
    return place == PLACE_SERVED ? server->max_connections : TURNED_AWAY_MOST;
}

bool places_has(const struct server *server, enum place place)
{
    return atomic_load(&server->places[place]) < most_of(server, place);
}

bool places_take(struct server *server, enum place place)
{
    uint64_t most = most_of(server, place);
    uint64_t taken = atomic_load_explicit(&server->places[place], memory_order_relaxed);
    while (taken < most) {
        if (atomic_compare_exchange_weak(&server->places[place], &taken, taken + 1)) {
            return true;
        }
    }
    return false;
}

/* Sequentially consistent with the wish and the listener's flag: whoever changes one and then looks
 * at the other sees the change that came first. */
void places_give(struct server *server, enum place place)
{
    if (place == PLACE_NONE) {
        return;
    }
    atomic_fetch_sub(&server->places[place], 1);
    if (place == PLACE_SERVED && places_wish(server) != PLACE_WISH_NONE) {
        atomic_store(&server->place_wish, PLACE_WISH_NONE); /* there is one now */
    }
    if (atomic_load(&server->accepting_paused) &&
        atomic_exchange(&server->accepting_paused, false)) {
        server_nudge_all(server);
    }
}

void places_turn_away(struct server *server, struct client *client)
{
    enum place had = client->place;
    if (had != PLACE_TURNED_AWAY) {
        client->place = places_take(server, PLACE_TURNED_AWAY) ? PLACE_TURNED_AWAY : PLACE_NONE;
        places_give(server, had);
    }
}

/* Sequentially consistent with the phase, in the same way. */
void places_closed_one(struct server *server, enum place place)
{
    uint64_t before = atomic_fetch_sub(&server->connections, 1);
    places_give(server, place);
    if (before == 1 && atomic_load(&server->phase) != PHASE_RUNNING) {
        server_signal_empty(server);
    }
}

bool places_enter(struct server *server, struct client *client)
{
    struct process_share *share = process_share(server->process);
    client->entered = crowd_enter(server->crowd, &client->conn.peer.address);
    if (client->entered) {
        atomic_fetch_add_explicit(&share->accepted, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&share->open, 1, memory_order_relaxed);
    }
    return client->entered;
}

void places_leave(struct server *server, struct client *client)
{
    if (client->entered) {
        client->entered = false;
        crowd_leave(server->crowd, &client->conn.peer.address);
        atomic_fetch_sub_explicit(&process_share(server->process)->open, 1, memory_order_relaxed);
    }
}

/* --- making place --- */

static struct group *idle_group(struct server *server)
{
    return &server->groups[server->wiring.group_of[server->idle_stage]];
}

static void shed_loops(struct server *server, unsigned count)
{
    const struct group *homes = idle_group(server);
    for (unsigned i = 0; i < homes->count; i++) {
        atomic_fetch_add(&homes->workers[i].shed, (count + homes->count - 1) / homes->count);
    }
    server_nudge_all(server);
}

void places_shed(struct server *server, unsigned count)
{
    if (idle_group(server)->kind == GROUP_LOOP) {
        shed_loops(server, count);
        return;
    }
    while (count > 0 && held_end_one(&server->held, clock_coarse_ns())) {
        count--;
    }
}

static bool move_wish(struct server *server, int from, enum place_wish to)
{
    return atomic_compare_exchange_strong(&server->place_wish, &from, to);
}

void places_unwant(struct server *server)
{
    (void)move_wish(server, PLACE_WISH_WANTED, PLACE_WISH_NONE);
}

/* Every home looks, since each knows only its own clients. */
static void reap_in_loops(struct server *server)
{
    const struct group *homes = idle_group(server);
    if (!move_wish(server, PLACE_WISH_NONE, PLACE_WISH_WANTED)) {
        return;
    }
    for (unsigned i = 0; i < homes->count; i++) {
        atomic_store(&homes->workers[i].reap, true);
    }
    server_nudge_all(server);
}

static void reap_in_sessions(struct server *server)
{
    if (!move_wish(server, PLACE_WISH_NONE, PLACE_WISH_COMING) ||
        held_end_one(&server->held, clock_coarse_ns()) ||
        !move_wish(server, PLACE_WISH_COMING, PLACE_WISH_WANTED)) {
        return;
    }
    if (held_end_one(&server->held, clock_coarse_ns())) {
        (void)places_wanted(server); /* it became idle before it could see the wish */
    }
}

void places_reap(struct server *server)
{
    if (idle_group(server)->kind == GROUP_LOOP) {
        reap_in_loops(server);
    } else {
        reap_in_sessions(server);
    }
}
