/* test_session_list.c: ending the waits of sessions from outside: which it strikes, and that it strikes
 * none that is busy or gone. A struck session sees it at its socket: the reading side is shut down.
 */
#include "stages/engine/session_list.h"

#include "core/base/clock.h"
#include "tests/test.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LISTED_CLIENTS = 4, NOW = 1000, LATER = 2000 };

/* Clients in the order of their age, and the other ends of their sockets. */
struct house {
    struct session_list list;
    struct client *clients[LISTED_CLIENTS];
    int peers[LISTED_CLIENTS];
};

static struct client *make_client(int *peer)
{
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    *peer = ends[1];
    return client_new(ends[0], &(struct peer){0}, 1);
}

static void free_client(struct client *client, int peer)
{
    close(client->conn.fd);
    close(peer);
    client_free(client);
}

/* All are in the list, busy, with time left. */
static void open_house(struct house *house)
{
    session_list_init(&house->list);
    for (unsigned i = 0; i < LISTED_CLIENTS; i++) {
        house->clients[i] = make_client(&house->peers[i]);
        atomic_store(&house->clients[i]->session.due_ns, LATER);
        session_list_add(&house->list, house->clients[i]);
    }
}

static void close_house(struct house *house)
{
    for (unsigned i = 0; i < LISTED_CLIENTS; i++) {
        session_list_remove(&house->list, house->clients[i]);
        free_client(house->clients[i], house->peers[i]);
    }
    session_list_deinit(&house->list);
}

static void set_idle(struct house *house, unsigned number)
{
    atomic_store(&house->clients[number]->session.as, SESSION_IDLE);
}

static void set_waiting(struct house *house, unsigned number)
{
    atomic_store(&house->clients[number]->session.as, SESSION_WAITING);
}

/* Would a session that waits for this client wake up? */
static bool was_ended(const struct house *house, unsigned number)
{
    struct pollfd ready = {.fd = house->clients[number]->conn.fd, .events = POLLIN};
    expect(poll(&ready, 1, 0) >= 0);
    return (ready.revents & POLLIN) != 0;
}

/* Those numbers whose bit is set, and no others, were ended. */
static void expect_ended(const struct house *house, unsigned numbers)
{
    for (unsigned i = 0; i < LISTED_CLIENTS; i++) {
        bool ended = (numbers >> i & 1) != 0;
        expect_int(was_ended(house, i), ended);
        expect_int(atomic_load(&house->clients[i]->session.as) == SESSION_DOOMED, ended);
    }
}

TEST(session_list, one_ends_the_oldest_idle_wait_and_each_only_once)
{
    struct house house;
    open_house(&house);
    set_idle(&house, 3);
    set_idle(&house, 1);
    expect(session_list_end_one(&house.list, NOW));
    expect_ended(&house, 1 << 1);
    expect(session_list_end_one(&house.list, NOW));
    expect_ended(&house, 1 << 1 | 1 << 3);
    expect(!session_list_end_one(&house.list, NOW));
    close_house(&house);
}

TEST(session_list, age_is_not_the_order_of_the_list)
{
    struct house house;
    open_house(&house);
    session_list_remove(&house.list, house.clients[0]); /* first blocked for after all others */
    session_list_add(&house.list, house.clients[0]);
    for (unsigned i = 0; i < LISTED_CLIENTS; i++) {
        set_idle(&house, i);
    }
    expect(session_list_end_one(&house.list, NOW));
    expect_ended(&house, 1 << 0);
    close_house(&house);
}

TEST(session_list, one_whose_time_is_over_goes_before_an_older_one)
{
    struct house house;
    open_house(&house);
    for (unsigned i = 0; i < LISTED_CLIENTS; i++) {
        set_idle(&house, i);
    }
    atomic_store(&house.clients[2]->session.due_ns, NOW);
    atomic_store(&house.clients[3]->session.due_ns, NOW - 1);
    expect(session_list_end_one(&house.list, NOW));
    expect_ended(&house, 1 << 2); /* the older of those two */
    expect(session_list_end_one(&house.list, NOW));
    expect_ended(&house, 1 << 2 | 1 << 3);
    expect(session_list_end_one(&house.list, NOW));
    expect_ended(&house, 1 << 0 | 1 << 2 | 1 << 3);
    close_house(&house);
}

TEST(session_list, who_is_busy_is_left_alone)
{
    struct house house;
    open_house(&house);
    atomic_store(&house.clients[0]->session.due_ns, NOW - 1);
    expect(!session_list_end_one(&house.list, NOW));
    session_list_end_idle(&house.list);
    session_list_end_all(&house.list); /* it is at work, and may have an answer */
    expect_ended(&house, 0);
    close_house(&house);
}

TEST(session_list, draining_ends_all_idle_waits)
{
    struct house house;
    open_house(&house);
    set_idle(&house, 0);
    set_waiting(&house, 1);
    set_idle(&house, 2);
    session_list_end_idle(&house.list);
    expect_ended(&house, 1 << 0 | 1 << 2);
    expect(send(house.clients[0]->conn.fd, "answer", 6, MSG_NOSIGNAL) == 6); /* may still say so */
    close_house(&house);
}

TEST(session_list, cutting_ends_every_wait_also_for_writing)
{
    struct house house;
    open_house(&house);
    set_idle(&house, 1);
    set_waiting(&house, 0);
    set_waiting(&house, 2);
    set_waiting(&house, 3);
    session_list_end_all(&house.list);
    for (unsigned i = 0; i < LISTED_CLIENTS; i++) {
        expect(was_ended(&house, i));
        expect(send(house.clients[i]->conn.fd, "", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE);
    }
    close_house(&house);
}

TEST(session_list, who_has_left_the_list_is_not_found)
{
    struct house house;
    open_house(&house);
    set_idle(&house, 1);
    session_list_remove(&house.list, house.clients[1]);
    session_list_remove(&house.list, house.clients[1]); /* nothing more happens */
    expect(!session_list_end_one(&house.list, NOW));
    session_list_end_idle(&house.list);
    session_list_end_all(&house.list);
    expect(!was_ended(&house, 1));
    session_list_add(&house.list, house.clients[1]);
    session_list_add(&house.list, house.clients[1]);
    expect(session_list_end_one(&house.list, NOW));
    session_list_remove(&house.list, house.clients[1]);
    expect(!session_list_end_one(&house.list, NOW));
    close_house(&house);
}

/* --- under threads --- */

#if defined(__SANITIZE_THREAD__)
enum { LIVES = 200 };
#else
enum { LIVES = 2000 };
#endif
enum { HOLDERS = 3 };

struct traffic {
    struct session_list list;
    _Atomic unsigned holding;       /* threads that still hold clients */
    _Atomic uint64_t doomed, ended; /* seen by the holders; claimed by the one who ends */
};

/* A session's thread: a client, idle for a moment; then it is busy, and closes. Whoever is doomed
 * finds its socket ended; who is not does not, though its number is used again and again. */
static void hold_one(struct traffic *traffic)
{
    int peer;
    struct client *client = make_client(&peer);
    session_list_add(&traffic->list, client);
    atomic_store(&client->session.due_ns, LATER);
    atomic_store(&client->session.as, SESSION_IDLE);
    sched_yield();
    bool doomed = atomic_exchange(&client->session.as, SESSION_BUSY) == SESSION_DOOMED;
    session_list_remove(&traffic->list,
                        client); /* whoever dooms has the lock until the socket is shut */
    char byte;
    ssize_t got = recv(client->conn.fd, &byte, 1, MSG_DONTWAIT);
    CHECK(doomed ? got == 0 : got < 0 && errno == EAGAIN);
    atomic_fetch_add(&traffic->doomed, doomed);
    free_client(client, peer);
}

static void *hold_clients(void *arg)
{
    struct traffic *traffic = arg;
    for (unsigned i = 0; i < LIVES; i++) {
        hold_one(traffic);
    }
    atomic_fetch_sub(&traffic->holding, 1);
    return NULL;
}

TEST(session_list, each_wait_that_is_ended_was_ended_by_somebody)
{
    struct traffic traffic = {.holding = HOLDERS};
    pthread_t threads[HOLDERS];
    session_list_init(&traffic.list);
    for (unsigned i = 0; i < HOLDERS; i++) {
        expect_int(pthread_create(&threads[i], NULL, hold_clients, &traffic), 0);
    }
    while (atomic_load(&traffic.holding) > 0) {
        atomic_fetch_add(&traffic.ended, session_list_end_one(&traffic.list, NOW));
    }
    for (unsigned i = 0; i < HOLDERS; i++) {
        expect_int(pthread_join(threads[i], NULL), 0);
    }
    expect_int(traffic.doomed, traffic.ended);
    expect(traffic.ended > 0);
    session_list_deinit(&traffic.list);
}
