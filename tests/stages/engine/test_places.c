/* test_places.c: what connections count for, and how one makes place for another. */
#include "stages/engine/places.h"

#include "core/base/clock.h"
#include "tests/stages/fake.h"

#include <pthread.h>

enum { MOST = 3, TURNED_AWAY_MOST = 64 };

static void start(const char *wiring)
{
    fake_set_up(wiring);
    fake.settings.max_connections = MOST;
    fake_start();
}

static uint64_t taken(enum place place)
{
    return atomic_load(&fake.engine.places[place]);
}

TEST(places, of_served_connections_are_as_many_as_the_option_says)
{
    start("L | R | P*2 | W");
    for (unsigned i = 0; i < MOST; i++) {
        expect(places_has(&fake.engine, PLACE_SERVED));
        expect(places_take(&fake.engine, PLACE_SERVED));
    }
    expect(!places_has(&fake.engine, PLACE_SERVED));
    expect(!places_take(&fake.engine, PLACE_SERVED));
    expect_int(taken(PLACE_SERVED), MOST);
    places_give(&fake.engine, PLACE_SERVED);
    expect(places_take(&fake.engine, PLACE_SERVED));
    fake_stop();
}

TEST(places, of_those_turned_away_have_a_bound_of_their_own)
{
    start("L | R | P*2 | W");
    for (unsigned i = 0; i < TURNED_AWAY_MOST; i++) {
        expect(places_take(&fake.engine, PLACE_TURNED_AWAY));
    }
    expect(!places_take(&fake.engine, PLACE_TURNED_AWAY));
    expect(places_take(&fake.engine, PLACE_SERVED));
    fake_stop();
}

TEST(places, given_by_who_has_none_are_none)
{
    start("L | R | P*2 | W");
    places_give(&fake.engine, PLACE_NONE);
    expect_int(taken(PLACE_NONE), 0);
    expect_int(taken(PLACE_SERVED), 0);
    fake_stop();
}

enum { TAKERS = 3, TAKES = 20000 };
static _Atomic unsigned have, have_too_many;

static void *take_and_give(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < TAKES; i++) {
        if (places_take(&fake.engine, PLACE_SERVED)) {
            have_too_many += ++have > MOST;
            --have;
            places_give(&fake.engine, PLACE_SERVED);
        }
    }
    return NULL;
}

TEST(places, are_never_taken_beyond_the_limit_by_several_threads)
{
    pthread_t threads[TAKERS];
    start("L | R | P*2 | W");
    expect(places_take(&fake.engine, PLACE_SERVED)); /* two are left for three */
    have = 1;
    have_too_many = 0;
    for (unsigned i = 0; i < TAKERS; i++) {
        expect_int(pthread_create(&threads[i], NULL, take_and_give, NULL), 0);
    }
    for (unsigned i = 0; i < TAKERS; i++) {
        expect_int(pthread_join(threads[i], NULL), 0);
    }
    expect_int(have_too_many, 0);
    expect_int(taken(PLACE_SERVED), 1);
    fake_stop();
}

TEST(places, that_become_free_wake_a_paused_listener_once)
{
    start("L | R | P*2 | W");
    struct worker *listener = fake_worker(STAGE_LISTENER);
    expect(places_take(&fake.engine, PLACE_SERVED) && places_take(&fake.engine, PLACE_SERVED));
    places_give(&fake.engine, PLACE_SERVED);
    expect(!fake_is_rung(listener));
    atomic_store(&fake.engine.accepting_paused, true);
    places_give(&fake.engine, PLACE_SERVED);
    expect(fake_is_rung(listener));
    expect(!atomic_load(&fake.engine.accepting_paused));
    fake_stop();
}

TEST(places, of_one_that_is_turned_away_are_given_to_others)
{
    int far;
    start("L | R | P*2 | W");
    struct client *client = fake_client(fake_worker(STAGE_LISTENER), &far);
    places_turn_away(&fake.engine, client);
    expect_int(client->place, PLACE_TURNED_AWAY);
    expect_int(taken(PLACE_SERVED), 0);
    places_turn_away(&fake.engine, client);
    expect_int(taken(PLACE_TURNED_AWAY), 1);
    fake_close(fake_worker(STAGE_LISTENER), client);
    expect_int(taken(PLACE_TURNED_AWAY), 0);
    fake_stop();
}

TEST(places, of_those_turned_away_that_are_all_taken_leave_one_without)
{
    int far;
    start("L | R | P*2 | W");
    struct client *last = fake_client(fake_worker(STAGE_LISTENER), &far);
    struct client *client = fake_client(fake_worker(STAGE_LISTENER), &far);
    for (unsigned i = 0; i < TURNED_AWAY_MOST - 1; i++) {
        expect(places_take(&fake.engine, PLACE_TURNED_AWAY));
    }
    places_turn_away(&fake.engine, last);
    places_turn_away(&fake.engine, last);
    expect_int(last->place, PLACE_TURNED_AWAY);
    places_turn_away(&fake.engine, client);
    expect_int(client->place, PLACE_NONE);
    expect_int(taken(PLACE_SERVED), 0);
    fake_close(fake_worker(STAGE_LISTENER), client);
    expect_int(taken(PLACE_TURNED_AWAY), TURNED_AWAY_MOST);
    fake_close(fake_worker(STAGE_LISTENER), last);
    fake_stop();
}

TEST(places, count_a_connection_for_its_process_until_it_leaves)
{
    int far;
    start("L | R | P*2 | W");
    struct client *client = fake_client(fake_worker(STAGE_LISTENER), &far);
    expect_int(atomic_load(&fake.share.accepted), 1);
    expect_int(atomic_load(&fake.share.open), 1);
    places_leave(&fake.engine, client);
    places_leave(&fake.engine, client);
    expect_int(atomic_load(&fake.share.open), 0);
    fake_close(fake_worker(STAGE_LISTENER), client);
    expect_int(atomic_load(&fake.share.open), 0);
    expect_int(atomic_load(&fake.share.accepted), 1);
    fake_stop();
}

static struct client *client_from(unsigned char last_byte)
{
    struct peer peer = {.local = true};
    peer.address.s6_addr[15] = last_byte;
    return client_new(-1, &peer, 1);
}

TEST(places, of_an_address_that_are_taken_count_nothing_for_the_next)
{
    start("L | R | P*2 | W");
    fake.engine.crowd = crowd_new(1);
    struct client *first = client_from(1), *second = client_from(1), *other = client_from(2);
    expect(places_enter(&fake.engine, first) && !places_enter(&fake.engine, second));
    expect(places_enter(&fake.engine, other));
    expect_int(atomic_load(&fake.share.accepted), 2);
    places_leave(&fake.engine, second); /* it was not counted: nobody leaves */
    expect_int(atomic_load(&fake.share.open), 2);
    expect(!places_enter(&fake.engine, second));
    places_leave(&fake.engine, first);
    expect(places_enter(&fake.engine, second));
    places_leave(&fake.engine, second);
    places_leave(&fake.engine, other);
    client_free(first);
    client_free(second);
    client_free(other);
    crowd_free(fake.engine.crowd);
    fake_stop();
}

TEST(places, of_kept_connections_are_limited_and_taken_once_by_each)
{
    struct client *clients[3];
    fake_set_up("L | R | P*2 | W");
    fake.settings.keepalive_connections = 2;
    fake_start();
    for (unsigned i = 0; i < 3; i++) {
        clients[i] = client_from(1);
        expect_int(places_keep(&fake.engine, clients[i]), i < 2);
        expect_int(places_keep(&fake.engine, clients[i]), i < 2);
    }
    expect_int(atomic_load(&fake.engine.kept), 2);
    places_unkeep(&fake.engine, clients[2]); /* it has none */
    expect(!places_keep(&fake.engine, clients[2]));
    places_unkeep(&fake.engine, clients[0]);
    expect(places_keep(&fake.engine, clients[2]));
    expect_int(atomic_load(&fake.engine.kept), 2);
    for (unsigned i = 0; i < 3; i++) {
        client_free(clients[i]);
    }
    fake_stop();
}

TEST(places, of_kept_connections_are_not_counted_without_a_limit)
{
    start("L | R | P*2 | W");
    fake.settings.keepalive_connections = 0;
    struct client *client = client_from(1);
    expect(places_keep(&fake.engine, client) && !client->kept);
    expect_int(atomic_load(&fake.engine.kept), 0);
    client_free(client);
    fake_stop();
}

static bool is_told_of_the_end(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR2);
    return sigtimedwait(&signals, NULL, &(struct timespec){0}) == SIGUSR2;
}

/* With `open` connections, one is closed. */
static bool close_tells(enum phase phase, uint64_t open)
{
    sigset_t signals;
    start("L | R | P*2 | W");
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR2);
    CHECK(pthread_sigmask(SIG_BLOCK, &signals, NULL) == 0);
    atomic_store(&fake.engine.phase, phase);
    atomic_store(&fake.engine.empty_signal, SIGUSR2);
    atomic_store(&fake.engine.connections, open);
    expect(places_take(&fake.engine, PLACE_SERVED));
    places_closed_one(&fake.engine, PLACE_SERVED);
    expect_int(atomic_load(&fake.engine.connections), open - 1);
    expect_int(taken(PLACE_SERVED), 0);
    atomic_store(&fake.engine.connections, 0);
    fake_stop();
    return is_told_of_the_end();
}

TEST(places, of_the_last_connection_tell_who_waits_for_the_end)
{
    expect(close_tells(PHASE_DRAINING, 1));
    expect(close_tells(PHASE_CUTTING, 1));
    expect(!close_tells(PHASE_DRAINING, 2));
    expect(!close_tells(PHASE_RUNNING, 1));
}

/* --- making place --- */

TEST(places, to_be_shed_are_divided_among_the_homes_which_are_woken)
{
    start("LRPW*3");
    places_shed(&fake.engine, 7);
    for (unsigned i = 0; i < 3; i++) {
        struct worker *home = &fake.engine.workers[i];
        expect_int(atomic_exchange(&home->home.shed, 0), 3);
        expect(fake_is_rung(home));
    }
    fake_stop();
}

/* A client that a session blocks for between two requests. */
static struct client *idle_client(int *far)
{
    struct client *client = fake_client(fake_worker(STAGE_LISTENER), far);
    atomic_store(&client->session.as, SESSION_IDLE);
    atomic_store(&client->session.due_ns, clock_coarse_ns() + 1000 * NS_PER_S);
    session_list_add(&fake.engine.session_list, client);
    return client;
}

static bool is_doomed(const struct client *client)
{
    return atomic_load(&client->session.as) == SESSION_DOOMED;
}

TEST(places, to_be_shed_by_sessions_end_the_oldest_idle_waits)
{
    struct client *clients[3];
    int far;
    fake_set_up("L | rpw*4");
    fake_start();
    for (unsigned i = 0; i < 3; i++) {
        clients[i] = idle_client(&far);
    }
    places_shed(&fake.engine, 2);
    expect(is_doomed(clients[0]) && is_doomed(clients[1]) && !is_doomed(clients[2]));
    places_shed(&fake.engine, 5);
    expect(is_doomed(clients[2]));
    for (unsigned i = 0; i < 3; i++) {
        fake_close(fake_worker(STAGE_READER), clients[i]);
    }
    fake_stop();
}

static bool is_asked(unsigned worker)
{
    return atomic_exchange(&fake.engine.workers[worker].home.reap, false);
}

TEST(places, that_are_wanted_are_asked_of_every_home_once)
{
    start("LRPW*2");
    places_reap(&fake.engine);
    expect_int(places_wish(&fake.engine), PLACE_WISH_WANTED);
    expect(fake_is_rung(&fake.engine.workers[0]) && fake_is_rung(&fake.engine.workers[1]));
    expect(is_asked(0) && is_asked(1));
    places_reap(&fake.engine);
    expect(!is_asked(0) && !is_asked(1));
    expect(!fake_is_rung(&fake.engine.workers[0]));
    fake_stop();
}

TEST(places, that_are_wanted_are_made_by_one_of_those_who_are_asked)
{
    start("LRPW*2");
    expect(!places_wanted(&fake.engine));
    places_reap(&fake.engine);
    expect(places_wanted(&fake.engine));
    expect_int(places_wish(&fake.engine), PLACE_WISH_COMING);
    expect(!places_wanted(&fake.engine));
    places_reap(&fake.engine); /* one is on its way */
    expect_int(places_wish(&fake.engine), PLACE_WISH_COMING);
    fake_stop();
}

TEST(places, are_no_longer_wanted_when_the_wish_is_withdrawn_before_it_is_claimed)
{
    start("LRPW*2");
    places_reap(&fake.engine);
    places_unwant(&fake.engine);
    expect(!places_wanted(&fake.engine));
    places_reap(&fake.engine);
    expect(places_wanted(&fake.engine));
    places_unwant(&fake.engine);
    expect_int(places_wish(&fake.engine), PLACE_WISH_COMING);
    fake_stop();
}

TEST(places, that_become_free_end_the_wish_where_they_are_of_served_ones)
{
    start("LRPW*2");
    expect(places_take(&fake.engine, PLACE_SERVED) && places_take(&fake.engine, PLACE_TURNED_AWAY));
    places_reap(&fake.engine);
    places_give(&fake.engine, PLACE_TURNED_AWAY);
    expect_int(places_wish(&fake.engine), PLACE_WISH_WANTED);
    expect(places_wanted(&fake.engine));
    places_give(&fake.engine, PLACE_SERVED);
    expect_int(places_wish(&fake.engine), PLACE_WISH_NONE);
    fake_stop();
}

TEST(places, that_are_wanted_of_sessions_end_one_idle_wait)
{
    int far;
    fake_set_up("L | rpw*4");
    fake_start();
    struct client *first = idle_client(&far), *second = idle_client(&far);
    places_reap(&fake.engine);
    expect_int(places_wish(&fake.engine), PLACE_WISH_COMING);
    places_reap(&fake.engine);
    expect(is_doomed(first) && !is_doomed(second));
    fake_close(fake_worker(STAGE_READER), first);
    expect_int(places_wish(&fake.engine), PLACE_WISH_NONE);
    fake_close(fake_worker(STAGE_READER), second);
    fake_stop();
}

TEST(places, that_no_idle_session_can_make_are_made_by_the_next_that_becomes_idle)
{
    fake_set_up("L | rpw*4");
    fake_start();
    places_reap(&fake.engine);
    expect_int(places_wish(&fake.engine), PLACE_WISH_WANTED);
    expect(places_wanted(&fake.engine) && !places_wanted(&fake.engine));
    fake_stop();
}
