/* test_poller.c: the keep-alive poller: it waits until a client has something to read, and never reads.
 * The stages around it are fakes; the bytes that a client has sent are counted in its socket.
 */
#include "stages/stage/poller.h"

#include "stages/engine/home.h"
#include "stages/stage/linger.h"
#include "tests/stages/fake.h"

#include <sys/ioctl.h>

static const char whole[] = "GET /some/path HTTP/1.1\r\nHost: a\r\n\r\n";

static struct {
    struct worker *home, *reader;
    struct client *client;
    int far;
} world;

static void on_interval(void *arg)
{
    poller_tick(arg);
}

static void start(void)
{
    fake.stages[STAGE_POLLER] = &poller_stage;
    fake_start();
    world.home = fake_worker(STAGE_POLLER);
    world.reader = fake_worker(STAGE_READER);
    world.home->poller.timer = loop_timer_new(world.home->loop.poll, on_interval, world.home);
    world.client = fake_client(fake_worker(STAGE_LISTENER), &world.far);
}

static void set_up(const char *wiring)
{
    fake_set_up(wiring);
    start();
}

static void close_client(struct client *client)
{
    client_close(client->home.at != NULL ? client->home.at : world.reader, client);
}

static void tear_down(void)
{
    loop_timer_free(world.home->poller.timer);
    fake_stop();
}

static void send_far(const char *text)
{
    CHECK(send(world.far, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

static void accept_it(struct client *client)
{
    struct worker *listener = fake_worker(STAGE_LISTENER);
    route(listener, client, VERDICT_ACCEPTED);
    (void)worker_flush(listener);
    (void)route_drain(world.home);
}

static void poll_home(void)
{
    (void)loop_turn(world.home->loop.poll);
    (void)worker_flush(world.home);
}

/* The reader gets it, with all that it has sent still in its socket. */
static void expect_passed_on(struct client *client, int bytes)
{
    int len = -1;
    const struct ticket *ticket = fake_take(world.reader);
    expect(ticket != NULL && ticket == client_ticket(client, STAGE_READER));
    expect_int(ticket->verdict, VERDICT_READABLE);
    CHECK(ioctl(client->conn.fd, FIONREAD, &len) == 0);
    expect_int(len, bytes);
}

static bool reads_at_home(void)
{
    return world.client->home.watched && (world.client->home.watch.events & WATCH_READ) != 0;
}

/* --- new clients --- */

TEST(poller, a_new_client_with_bytes_is_passed_on_at_the_end_of_the_turn_and_never_adopted)
{
    set_up("L | K | R | P*2 | W");
    send_far("GET /");
    accept_it(world.client);
    (void)worker_flush(world.home);
    expect(fake_take(world.reader) == NULL);
    poller_first_looks(world.home);
    (void)worker_flush(world.home);
    expect_passed_on(world.client, 5);
    expect(world.client->home.at == NULL && !world.client->home.watched);
    close_client(world.client);
    tear_down();
}

TEST(poller, one_that_says_nothing_finds_its_home_here_and_is_passed_on_when_it_is_readable)
{
    set_up("L | K | R | P*2 | W");
    accept_it(world.client);
    poller_first_looks(world.home);
    expect(world.client->home.at == world.home && reads_at_home());
    expect_int(world.client->home.state, HOME_WAITING);
    expect(deadline_is_set(&world.client->home.deadline));
    poll_home();
    expect(fake_take(world.reader) == NULL);
    send_far(whole);
    poll_home();
    expect_passed_on(world.client, (int)strlen(whole));
    expect_int(world.client->home.state, HOME_AWAY);
    expect(!reads_at_home()); /* what it has seen is read elsewhere, and would be seen again */
    expect(!loop_turn(world.home->loop.poll));
    close_client(world.client);
    tear_down();
}

TEST(poller, clients_that_came_in_one_turn_are_each_seen_once_in_order)
{
    set_up("L | K | R | P*2 | W");
    struct client *clients[3] = {world.client};
    send_far("x");
    for (unsigned i = 1; i < 3; i++) {
        int far;
        clients[i] = fake_client(fake_worker(STAGE_LISTENER), &far);
        CHECK(send(far, "x", 1, MSG_NOSIGNAL) == 1);
    }
    for (unsigned i = 0; i < 3; i++) {
        accept_it(clients[i]);
    }
    poller_first_looks(world.home);
    poller_first_looks(world.home);
    (void)worker_flush(world.home);
    for (unsigned i = 0; i < 3; i++) {
        expect_passed_on(clients[i], 1);
        close_client(clients[i]);
    }
    expect(fake_take(world.reader) == NULL);
    tear_down();
}

/* --- a full queue behind --- */

TEST(poller, passes_nothing_on_while_the_queue_behind_it_is_full)
{
    set_up("L | K | R | P*2 | W");
    world.home->refused_count = 1;
    send_far("x");
    accept_it(world.client);
    poller_first_looks(world.home);
    expect_int(world.client->home.state, HOME_WAITING);
    poll_home();
    expect_int(world.client->home.state, HOME_HELD_BACK);
    expect(!reads_at_home());
    expect(fake_take(world.reader) == NULL);
    world.home->refused_count = 0;
    home_room(world.home);
    poll_home();
    expect_passed_on(world.client, 1);
    close_client(world.client);
    tear_down();
}

/* --- --poll-interval --- */

TEST(poller, in_an_interval_what_becomes_readable_ripens_until_the_interval_is_over)
{
    int far;
    fake_set_up("L | K | R | P*2 | W");
    fake.settings.poll_interval_ns = 3600 * NS_PER_S;
    start();
    struct client *other = fake_client(fake_worker(STAGE_LISTENER), &far);
    accept_it(world.client);
    accept_it(other);
    poller_first_looks(world.home);
    send_far("x");
    poll_home();
    expect_int(world.client->home.state, HOME_RIPE);
    expect(world.home->poller.ticking && !reads_at_home());
    CHECK(send(far, "x", 1, MSG_NOSIGNAL) == 1);
    poll_home();
    expect_int(other->home.state, HOME_RIPE);
    expect(fake_take(world.reader) == NULL);
    poller_tick(world.home);
    (void)worker_flush(world.home);
    expect(!world.home->poller.ticking);
    expect_passed_on(world.client, 1);
    expect_passed_on(other, 1);
    close_client(world.client);
    close_client(other);
    tear_down();
}

TEST(poller, the_interval_begins_with_the_first_that_is_readable)
{
    fake_set_up("L | K | R | P*2 | W");
    fake.settings.poll_interval_ns = 20 * NS_PER_MS;
    start();
    accept_it(world.client);
    poller_first_looks(world.home);
    send_far("x");
    uint64_t before_ns = clock_ns();
    while (world.client->home.state != HOME_AWAY) {
        loop_block(world.home->loop.poll, &world.home->woke_ns);
    }
    expect(clock_ns() - before_ns >= 19 * NS_PER_MS); /* a timer may be a millisecond early */
    (void)worker_flush(world.home);
    expect_passed_on(world.client, 1);
    close_client(world.client);
    tear_down();
}

/* --- clients that come back --- */

/* A reader has read this, and hands the client on to whoever answers. */
static void read_elsewhere(const char *text)
{
    accept_it(world.client);
    poller_first_looks(world.home);
    send_far("x");
    poll_home();
    expect_passed_on(world.client, 1);
    char byte;
    CHECK(recv(world.client->conn.fd, &byte, 1, 0) == 1);
    (void)fake_read(world.reader, world.client, world.far, text);
}

/* A writer has answered what was read, and gives the client back. */
static void answer_elsewhere(void)
{
    exchange_end(world.client->conn.exchange);
    world.client->conn.requests++;
    world.client->conn.state = CONN_RETURNING;
    world.client->conn.exchange->input.used = world.client->conn.exchange->input.len;
    struct worker *writer = fake_worker(STAGE_WRITER);
    route(writer, world.client, VERDICT_KEPT);
    (void)worker_flush(writer);
    expect(route_drain(world.home));
}

TEST(poller, a_client_that_has_its_answer_waits_here_without_an_exchange)
{
    set_up("L | K | R | P*2 | W");
    read_elsewhere(whole);
    answer_elsewhere();
    expect_int(world.client->home.state, HOME_WAITING);
    expect_int(world.client->conn.state, CONN_IDLE);
    expect(world.client->conn.exchange == NULL && reads_at_home());
    close_client(world.client);
    tear_down();
}

TEST(poller, the_exchange_of_an_answered_client_goes_on_with_the_next_one)
{
    set_up("L | K | R | P*2 | W");
    read_elsewhere(whole);
    struct exchange *x = world.client->conn.exchange;
    answer_elsewhere();
    send_far(whole);
    poll_home();
    expect_passed_on(world.client, (int)strlen(whole));
    expect(world.client->conn.exchange == x);
    expect_int(conn_read(&world.client->conn, &world.reader->exchanges), VERDICT_REQUEST_READY);
    expect(world.client->conn.exchange == x && x->position == 2);
    close_client(world.client);
    tear_down();
}

TEST(poller, half_a_request_waits_here_as_it_is)
{
    set_up("L | K | R | P*2 | W");
    read_elsewhere("GET /some/pa");
    route(world.reader, world.client, VERDICT_WANT_READ);
    (void)worker_flush(world.reader);
    expect(route_drain(world.home));
    expect_int(world.client->home.state, HOME_WAITING);
    expect(conn_has_input(&world.client->conn) && reads_at_home());
    expect(world.client->conn.exchange->head_due_ns != 0);
    send_far("th");
    poll_home();
    expect_passed_on(world.client, 2);
    close_client(world.client);
    tear_down();
}

TEST(poller, a_client_that_was_never_here_is_adopted_when_it_comes_from_a_session)
{
    set_up("L | rpw*4 | K");
    (void)fake_read(world.reader, world.client, world.far, "GET /some/pa");
    route(world.reader, world.client, VERDICT_WANT_READ);
    (void)worker_flush(world.reader);
    expect(route_drain(world.home));
    expect(world.client->home.at == world.home && reads_at_home());
    expect_int(world.client->home.state, HOME_WAITING);
    close_client(world.client);
    tear_down();
}

TEST(poller, a_client_that_comes_back_to_a_server_that_cuts_is_closed)
{
    set_up("L | K | R | P*2 | W");
    read_elsewhere("GET /some/pa");
    atomic_store(&fake.engine.phase, PHASE_CUTTING);
    route(world.reader, world.client, VERDICT_WANT_READ);
    (void)worker_flush(world.reader);
    expect(route_drain(world.home));
    expect_int(atomic_load(&fake.engine.connections), 0);
    expect_int(atomic_load(&world.home->tally.closed[CLOSE_CUT]), 1);
    tear_down();
}

/* --- where the writer lingers in the same loop --- */

TEST(poller, what_a_lingering_client_sends_is_the_writers)
{
    set_up("LKW | rpw*4");
    accept_it(world.client);
    poller_first_looks(world.home);
    send_far("x");
    poll_home();
    expect_int(world.client->home.state, HOME_AWAY);
    expect_int(linger_begin(world.home, world.client), VERDICT_NONE);
    (void)loop_turn(world.home->loop.poll);
    expect_int(world.client->conn.lingered, 1);
    expect_int(world.client->home.state, HOME_AWAY);
    expect_int(fake.call_count, 0);
    CHECK(shutdown(world.far, SHUT_RDWR) == 0);
    (void)loop_turn(world.home->loop.poll);
    expect_int(atomic_load(&fake.engine.connections), 0);
    tear_down();
}

TEST(poller, a_client_that_is_readable_while_away_has_come_early)
{
    set_up("LKW | rpw*4");
    accept_it(world.client);
    poller_first_looks(world.home);
    send_far("x");
    poll_home();
    expect_int(world.client->home.state, HOME_AWAY);
    poller_stage.readable(world.home, world.client);
    expect_int(world.client->home.state, HOME_EARLY);
    expect(!reads_at_home());
    close_client(world.client);
    tear_down();
}
