/* test_held.c: ending the waits of sessions from outside: which it strikes, and that it strikes
 * none that is busy or gone. A struck session sees it at its socket: the reading side is shut down.
 */
#include "stages/engine/held.h"

#include "core/base/clock.h"
#include "tests/test.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HELD_CLIENTS = 4, NOW = 1000, LATER = 2000 };

/* Clients in the order of their age, and the other ends of their sockets. */
struct house {
    struct held held;
    struct client *clients[HELD_CLIENTS];
    int peers[HELD_CLIENTS];
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
    held_init(&house->held);
    for (unsigned i = 0; i < HELD_CLIENTS; i++) {
        house->clients[i] = make_client(&house->peers[i]);
        atomic_store(&house->clients[i]->session.due_ns, LATER);
        held_add(&house->held, house->clients[i]);
    }
}

static void close_house(struct house *house)
{
    for (unsigned i = 0; i < HELD_CLIENTS; i++) {
        held_remove(&house->held, house->clients[i]);
        free_client(house->clients[i], house->peers[i]);
    }
    held_deinit(&house->held);
}

static void set_idle(struct house *house, unsigned number)
{
    atomic_store(&house->clients[number]->session.as, HELD_IDLE);
}

static void set_waiting(struct house *house, unsigned number)
{
    atomic_store(&house->clients[number]->session.as, HELD_WAITING);
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
    for (unsigned i = 0; i < HELD_CLIENTS; i++) {
        bool ended = (numbers >> i & 1) != 0;
        expect_int(was_ended(house, i), ended);
        expect_int(atomic_load(&house->clients[i]->session.as) == HELD_DOOMED, ended);
    }
}

TEST(held, one_ends_the_oldest_idle_wait_and_each_only_once)
{
    struct house house;
    open_house(&house);
    set_idle(&house, 3);
    set_idle(&house, 1);
    expect(held_end_one(&house.held, NOW));
    expect_ended(&house, 1 << 1);
    expect(held_end_one(&house.held, NOW));
    expect_ended(&house, 1 << 1 | 1 << 3);
    expect(!held_end_one(&house.held, NOW));
    close_house(&house);
}

TEST(held, age_is_not_the_order_of_the_list)
{
    struct house house;
    open_house(&house);
    held_remove(&house.held, house.clients[0]); /* first blocked for after all others */
    held_add(&house.held, house.clients[0]);
    for (unsigned i = 0; i < HELD_CLIENTS; i++) {
        set_idle(&house, i);
    }
    expect(held_end_one(&house.held, NOW));
    expect_ended(&house, 1 << 0);
    close_house(&house);
}

TEST(held, one_whose_time_is_over_goes_before_an_older_one)
{
    struct house house;
    open_house(&house);
    for (unsigned i = 0; i < HELD_CLIENTS; i++) {
        set_idle(&house, i);
    }
    atomic_store(&house.clients[2]->session.due_ns, NOW);
    atomic_store(&house.clients[3]->session.due_ns, NOW - 1);
    expect(held_end_one(&house.held, NOW));
    expect_ended(&house, 1 << 2); /* the older of those two */
    expect(held_end_one(&house.held, NOW));
    expect_ended(&house, 1 << 2 | 1 << 3);
    expect(held_end_one(&house.held, NOW));
    expect_ended(&house, 1 << 0 | 1 << 2 | 1 << 3);
    close_house(&house);
}

TEST(held, who_is_busy_is_left_alone)
{
    struct house house;
    open_house(&house);
    atomic_store(&house.clients[0]->session.due_ns, NOW - 1);
    expect(!held_end_one(&house.held, NOW));
    held_end_idle(&house.held);
    held_end_all(&house.held); /* it is at work, and may have an answer */
    expect_ended(&house, 0);
    close_house(&house);
}

TEST(held, draining_ends_all_idle_waits)
{
    struct house house;
    open_house(&house);
    set_idle(&house, 0);
    set_waiting(&house, 1);
    set_idle(&house, 2);
    held_end_idle(&house.held);
    expect_ended(&house, 1 << 0 | 1 << 2);
    expect(send(house.clients[0]->conn.fd, "answer", 6, MSG_NOSIGNAL) == 6); /* may still say so */
    close_house(&house);
}

TEST(held, cutting_ends_every_wait_also_for_writing)
{
    struct house house;
    open_house(&house);
    set_idle(&house, 1);
    set_waiting(&house, 0);
    set_waiting(&house, 2);
    set_waiting(&house, 3);
    held_end_all(&house.held);
    for (unsigned i = 0; i < HELD_CLIENTS; i++) {
        expect(was_ended(&house, i));
        expect(send(house.clients[i]->conn.fd, "", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE);
    }
    close_house(&house);
}

TEST(held, who_has_left_the_list_is_not_found)
{
    struct house house;
    open_house(&house);
    set_idle(&house, 1);
    held_remove(&house.held, house.clients[1]);
    held_remove(&house.held, house.clients[1]); /* nothing more happens */
    expect(!held_end_one(&house.held, NOW));
    held_end_idle(&house.held);
    held_end_all(&house.held);
    expect(!was_ended(&house, 1));
    held_add(&house.held, house.clients[1]);
    held_add(&house.held, house.clients[1]);
    expect(held_end_one(&house.held, NOW));
    held_remove(&house.held, house.clients[1]);
    expect(!held_end_one(&house.held, NOW));
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
    struct held held;
    _Atomic unsigned holding;       /* threads that still hold clients */
    _Atomic uint64_t doomed, ended; /* seen by the holders; claimed by the one who ends */
};

/* A session's thread: a client, idle for a moment; then it is busy, and closes. Whoever is doomed
 * finds its socket ended; who is not does not, though its number is used again and again. */
static void hold_one(struct traffic *traffic)
{
    int peer;
    struct client *client = make_client(&peer);
    held_add(&traffic->held, client);
    atomic_store(&client->session.due_ns, LATER);
    atomic_store(&client->session.as, HELD_IDLE);
    sched_yield();
    bool doomed = atomic_exchange(&client->session.as, HELD_BUSY) == HELD_DOOMED;
    held_remove(&traffic->held, client); /* whoever dooms has the lock until the socket is shut */
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

TEST(held, each_wait_that_is_ended_was_ended_by_somebody)
{
    struct traffic traffic = {.holding = HOLDERS};
    pthread_t threads[HOLDERS];
    held_init(&traffic.held);
    for (unsigned i = 0; i < HOLDERS; i++) {
        expect_int(pthread_create(&threads[i], NULL, hold_clients, &traffic), 0);
    }
    while (atomic_load(&traffic.holding) > 0) {
        atomic_fetch_add(&traffic.ended, held_end_one(&traffic.held, NOW));
    }
    for (unsigned i = 0; i < HOLDERS; i++) {
        expect_int(pthread_join(threads[i], NULL), 0);
    }
    expect_int(traffic.doomed, traffic.ended);
    expect(traffic.ended > 0);
    held_deinit(&traffic.held);
}
