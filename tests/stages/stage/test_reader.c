/* test_reader.c: the reader in a poll loop: what it reads when, and what it hands on. The stages
 * around it are fakes. */
#include "stages/stage/reader.h"

#include "stages/engine/home.h"
#include "stages/engine/out_watch.h"
#include "tests/stages/fake.h"

static const char whole[] = "GET /some/path HTTP/1.1\r\nHost: a\r\n\r\n";

static struct {
    struct worker *listener, *home, *processor, *writer;
    struct client *client;
    int far;
} world;

static void set_up(const char *wiring)
{
    fake_set_up(wiring);
    fake.stages[STAGE_READER] = &reader_stage;
    fake_start();
    world.listener = fake_worker(STAGE_LISTENER);
    world.home = fake_worker(STAGE_READER);
    world.processor = fake_worker(STAGE_PROCESSOR);
    world.writer = fake_worker(STAGE_WRITER);
    world.client = fake_client(world.listener, &world.far);
}

/* Its home closes it, wherever it is said to be. */
static void tear_down(void)
{
    if (atomic_load(&fake.engine.connections) > 0) {
        client_close(world.client->home.at != NULL ? world.client->home.at : world.home,
                     world.client);
    }
    fake_stop();
}

static void send_far(const char *text)
{
    CHECK(send(world.far, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

/* Both put what they hold, and the home's loop polls once: callbacks run. */
static void poll_home(void)
{
    (void)worker_flush(world.writer);
    (void)loop_turn(world.home->loop.poll);
    (void)worker_flush(world.home);
}

/* It is accepted, and read at the end of the turn. */
static void accept_it(void)
{
    route(world.listener, world.client, VERDICT_ACCEPTED);
    (void)worker_flush(world.listener);
    (void)route_drain(world.home);
    reader_first_reads(world.home);
    (void)worker_flush(world.home);
}

/* The processor has it, whole, and nobody else anything. */
static void expect_whole(const char *path)
{
    const struct ticket *ticket = fake_take(world.processor);
    expect(ticket != NULL && ticket == client_ticket(world.client, STAGE_PROCESSOR));
    expect_int(ticket->verdict, VERDICT_REQUEST_READY);
    expect_bytes(world.client->conn.exchange->request.path, path);
    expect(world.client->conn.exchange->handler != NULL);
    expect_int(world.client->conn.state, CONN_PROCESSING);
    expect(fake_take(world.processor) == NULL);
}

static void expect_nothing(void)
{
    expect(fake_take(world.processor) == NULL && fake_take(world.writer) == NULL);
}

/* The writer has sent the answer. */
static void answer(void)
{
    world.client->conn.requests++;
    world.client->conn.state = CONN_RETURNING;
    exchange_end(world.client->conn.exchange);
    route(world.writer, world.client, VERDICT_KEPT);
}

static bool reads_at_home(void)
{
    return world.client->home.watched && (world.client->home.watch.events & WATCH_READ) != 0;
}

static uint64_t counted(enum counter counter)
{
    return atomic_load(&world.home->tally.counters[counter]);
}

/* --- new clients --- */

TEST(reader, a_new_client_is_read_at_the_end_of_the_turn_and_not_watched_when_all_is_there)
{
    set_up("L | R | P*2 | W");
    send_far(whole);
    route(world.listener, world.client, VERDICT_ACCEPTED);
    (void)worker_flush(world.listener);
    expect(route_drain(world.home));
    expect_int(world.client->home.state, HOME_FRESH);
    expect(world.client->conn.exchange == NULL);
    reader_first_reads(world.home);
    (void)worker_flush(world.home);
    expect_whole("/some/path");
    expect_int(world.client->home.state, HOME_AWAY);
    expect(!world.client->home.watched);
    expect_int(counted(COUNTER_BEGUN), 1);
    expect_int(counted(COUNTER_WHOLE), 1);
    tear_down();
}

TEST(reader, new_clients_are_read_in_the_order_in_which_they_came)
{
    struct client *clients[3];
    set_up("L | R | P*2 | W");
    clients[0] = world.client;
    send_far(whole);
    route(world.listener, clients[0], VERDICT_ACCEPTED);
    for (unsigned i = 1; i < 3; i++) {
        int far;
        clients[i] = fake_client(world.listener, &far);
        CHECK(send(far, whole, strlen(whole), MSG_NOSIGNAL) > 0);
        route(world.listener, clients[i], VERDICT_ACCEPTED);
    }
    (void)worker_flush(world.listener);
    expect(route_drain(world.home));
    reader_first_reads(world.home);
    (void)worker_flush(world.home);
    for (unsigned i = 0; i < 3; i++) {
        struct ticket *ticket = fake_take(world.processor);
        expect(ticket != NULL && client_of_ticket(ticket) == clients[i]);
        client_close(world.home, clients[i]);
    }
    fake_stop();
}

TEST(reader, a_client_that_says_nothing_is_watched_and_holds_no_exchange)
{
    set_up("L | R | P*2 | W");
    accept_it();
    expect_int(world.client->home.state, HOME_WAITING);
    expect(reads_at_home() && deadline_is_set(&world.client->home.deadline));
    expect(world.client->conn.exchange == NULL);
    expect_nothing();
    tear_down();
}

TEST(reader, a_client_that_has_gone_before_it_said_anything_is_closed)
{
    set_up("L | R | P*2 | W");
    CHECK(shutdown(world.far, SHUT_WR) == 0);
    accept_it();
    expect_int(atomic_load(&fake.engine.connections), 0);
    expect_int(atomic_load(&world.home->tally.closed[CLOSE_CLIENT_CLOSED]), 1);
    tear_down();
}

/* --- requests in parts --- */

TEST(reader, half_a_request_stays_and_a_whole_one_goes_on)
{
    set_up("L | R | P*2 | W");
    send_far("GET /some/path HTTP/1.1\r\nHo");
    accept_it();
    expect_int(world.client->home.state, HOME_WAITING);
    expect_int(world.client->conn.state, CONN_READING);
    expect_nothing();
    send_far("st: a\r\n");
    poll_home();
    expect_int(world.client->home.state, HOME_WAITING);
    expect_nothing();
    send_far("\r\n");
    poll_home();
    expect_whole("/some/path");
    expect_int(world.client->home.state, HOME_AWAY);
    expect_int(counted(COUNTER_BEGUN), 1);
    tear_down();
}

TEST(reader, a_client_that_goes_in_the_middle_of_a_request_is_closed)
{
    set_up("L | R | P*2 | W");
    send_far("GET / HTTP/1.1\r\n");
    accept_it();
    CHECK(shutdown(world.far, SHUT_WR) == 0);
    poll_home();
    expect_int(atomic_load(&fake.engine.connections), 0);
    expect_int(atomic_load(&world.home->tally.closed[CLOSE_CLIENT_GONE]), 1);
    expect_int(counted(COUNTER_ABANDONED), 1);
    tear_down();
}

TEST(reader, a_refused_request_goes_on_too_without_a_handler)
{
    set_up("L | R | P*2 | W");
    send_far("GET / HTTP/1.1\r\nHost : a\r\n\r\n");
    accept_it();
    const struct ticket *ticket = fake_take(world.processor);
    expect(ticket != NULL && ticket->verdict == VERDICT_REQUEST_READY);
    expect_int(world.client->conn.exchange->refused_status, 400);
    expect(world.client->conn.exchange->handler == NULL);
    tear_down();
}

TEST(reader, an_expected_100_goes_to_the_writer_and_the_body_is_read_when_it_is_out)
{
    set_up("L | R | P*2 | W");
    send_far("POST /p HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    accept_it();
    const struct ticket *ticket = fake_take(world.writer);
    expect(ticket != NULL && ticket->verdict == VERDICT_OUTPUT_READY);
    expect(world.client->conn.exchange->interim);
    expect_int(world.client->home.state, HOME_AWAY);
    expect(fake_take(world.processor) == NULL);
    brigade_clear(&world.client->conn.exchange->sending);
    world.client->conn.exchange->interim = false;
    route(world.writer, world.client, VERDICT_RESUME);
    (void)worker_flush(world.writer);
    expect(route_drain(world.home));
    expect_int(world.client->home.state, HOME_WAITING);
    send_far("ab");
    poll_home();
    expect_whole("/p");
    tear_down();
}

/* --- between requests --- */

TEST(reader, a_client_that_comes_back_waits_without_an_exchange_and_is_read_again)
{
    set_up("L | R | P*2 | W");
    send_far(whole);
    accept_it();
    expect_whole("/some/path");
    answer();
    (void)worker_flush(world.writer);
    expect(route_drain(world.home));
    expect_int(world.client->home.state, HOME_WAITING);
    expect_int(world.client->conn.state, CONN_IDLE);
    expect(world.client->conn.exchange == NULL && reads_at_home());
    send_far("GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
    poll_home();
    expect_whole("/next");
    expect(reads_at_home()); /* the watch stays armed while it is away */
    tear_down();
}

TEST(reader, what_was_sent_behind_a_request_goes_on_without_another_read)
{
    set_up("L | R | P*2 | W");
    send_far("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    accept_it();
    expect_whole("/1");
    answer();
    (void)worker_flush(world.writer);
    send_far("GET /3");
    expect(route_drain(world.home));
    (void)worker_flush(world.home);
    expect_whole("/2");
    expect_int(world.client->conn.exchange->input.len,
               strlen("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n"));
    tear_down();
}

/* Its return lies in the mailbox, quietly, when its next request makes its descriptor readable. */
TEST(reader, a_client_that_is_readable_while_away_is_first_sought_in_the_mailbox)
{
    set_up("L | R | P*2 | W");
    accept_it(); /* is watched */
    send_far(whole);
    poll_home();
    expect_whole("/some/path");
    answer();
    (void)worker_flush(world.writer);
    send_far("GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
    (void)loop_turn(world.home->loop.poll);
    (void)worker_flush(world.home);
    expect_whole("/next");
    expect_int(world.client->home.state, HOME_AWAY);
    expect_int(world.home->home.counts.in[HOME_EARLY], 0);
    tear_down();
}

TEST(reader, one_that_is_not_there_has_come_early_and_is_not_watched_until_it_is_back)
{
    set_up("L | R | P*2 | W");
    accept_it();
    send_far(whole);
    poll_home();
    expect_whole("/some/path");
    send_far("GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
    poll_home();
    expect_int(world.client->home.state, HOME_EARLY);
    expect(!reads_at_home());
    expect(!loop_turn(world.home->loop.poll));
    expect_nothing();
    answer();
    (void)worker_flush(world.writer);
    expect(route_drain(world.home));
    expect(reads_at_home());
    poll_home();
    expect_whole("/next");
    tear_down();
}

/* --- a full queue behind --- */

TEST(reader, reads_nothing_while_a_queue_behind_it_is_full)
{
    set_up("L | R | P*2 | W");
    accept_it();
    send_far(whole);
    world.home->refused_count = 1;
    poll_home();
    expect_int(world.client->home.state, HOME_HELD_BACK);
    expect(!reads_at_home() && world.client->conn.exchange == NULL);
    expect(!loop_turn(world.home->loop.poll));
    world.home->refused_count = 0;
    home_room(world.home);
    expect(reads_at_home());
    poll_home();
    expect_whole("/some/path");
    tear_down();
}

/* --- the last request --- */

static const char last[] = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

TEST(reader, the_watch_ends_with_the_last_request)
{
    set_up("L | R | P*2 | W");
    accept_it();
    send_far(last);
    poll_home();
    expect_whole("/");
    expect(!world.client->home.watched);
    tear_down();
}

TEST(reader, the_watch_stays_where_the_writer_lingers_with_it)
{
    set_up("LRW | P*2");
    accept_it();
    send_far(last);
    poll_home();
    expect_whole("/");
    expect(world.client->home.watched);
    tear_down();
}

/* --- beside other loops --- */

TEST(reader, a_client_that_another_loop_watches_goes_there_to_be_closed)
{
    set_up("L | R | P*2 | W");
    accept_it();
    send_far(whole);
    poll_home();
    expect_whole("/some/path");
    expect(out_watch_set(world.writer, world.client, WATCH_WRITE));
    out_watch_stop(world.writer, world.client);
    answer();
    CHECK(shutdown(world.far, SHUT_WR) == 0);
    poll_home();
    (void)worker_flush(world.home);
    const struct ticket *ticket = fake_take(world.writer);
    expect(ticket != NULL && ticket->verdict == VERDICT_CLOSE && ticket->stage == STAGE_WRITER);
    expect_int(world.client->home.state, HOME_AWAY);
    out_watch_close(world.writer, world.client);
    (void)loop_turn(world.writer->loop.poll); /* posts it to its home, closed */
    expect(world.client->out.watch == NULL);
    tear_down();
}

TEST(reader, where_a_poller_is_home_half_a_request_goes_back_there_and_nothing_is_watched)
{
    set_up("L | K | R | P*2 | W");
    struct worker *poller = fake_worker(STAGE_POLLER);
    home_adopt(poller, world.client, HOME_WAITING);
    home_leave(poller, world.client);
    send_far("GET /some/path HTTP/1.1\r\nHo");
    route(poller, world.client, VERDICT_READABLE);
    (void)worker_flush(poller);
    expect(route_drain(world.home));
    (void)worker_flush(world.home);
    const struct ticket *ticket = fake_take(poller);
    expect(ticket != NULL && ticket->verdict == VERDICT_WANT_READ);
    expect(!world.client->home.watched && conn_has_input(&world.client->conn));
    expect_nothing();
    send_far("st: a\r\n\r\n");
    route(poller, world.client, VERDICT_READABLE);
    (void)worker_flush(poller);
    expect(route_drain(world.home));
    (void)worker_flush(world.home);
    expect_whole("/some/path");
    expect(fake_take(poller) == NULL);
    tear_down();
}
