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

/* Sequentially consistent with the listener's flag and the phase: whoever changes one and then
 * looks at the other sees the change that came first. */
void places_closed_one(struct server *server)
{
    uint64_t before = atomic_fetch_sub(&server->connections, 1);
    if (atomic_load_explicit(&server->wants_place, memory_order_relaxed)) {
        atomic_store(&server->wants_place, false); /* there is one now */
    }
    if (atomic_load(&server->accepting_paused) &&
        atomic_exchange(&server->accepting_paused, false)) {
        server_nudge_all(server);
    }
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

/* One connection is wanted: the loop that has most is asked, and only that. */
static void reap_in_loops(struct server *server)
{
    const struct group *homes = idle_group(server);
    struct worker *fullest = &homes->workers[0];
    for (unsigned i = 1; i < homes->count; i++) {
        struct worker *home = &homes->workers[i];
        fullest =
            atomic_load(&home->client_count) > atomic_load(&fullest->client_count) ? home : fullest;
    }
    atomic_fetch_add(&fullest->shed, 1);
    server_nudge_all(server);
}

void places_reap(struct server *server)
{
    if (idle_group(server)->kind == GROUP_LOOP) {
        reap_in_loops(server);
        return;
    }
    if (!held_end_one(&server->held, clock_coarse_ns())) {
        places_want(server);
        if (held_end_one(&server->held, clock_coarse_ns())) {
            (void)places_wanted(server); /* it became idle before it could see the wish */
        }
    }
}
