/* test_session.c: a thread that blocks for its client: how each wait ends, and with what. The session
 * runs in the test's own thread. Where it must block until somebody acts, a second thread acts as soon
 * as it sees that the session waits.
 */
#include "stages/stage/session.h"

#include "core/handlers/handler.h"
#include "tests/stages/fake.h"

#include <pthread.h>
#include <sched.h>

static const char whole[] = "GET /some/path HTTP/1.1\r\nHost: a\r\n\r\n";
static const char half[] = "GET /some/path HT";
static const char other_half[] = "TP/1.1\r\nHost: a\r\n\r\n";

static struct {
    struct worker *worker;
    struct client *client;
    int far;

    pthread_t second;
    enum session_as until; /* what the second thread waits for */
    void (*act)(void);
} world;

/* Settings may be changed before begin(). */
static void set_up(const char *wiring)
{
    memset(&world, 0, sizeof world);
    fake_set_up(wiring);
    alarm(60);
}

static void begin(void)
{
    fake_start();
    world.worker = fake_worker(STAGE_READER);
    world.client = fake_client(fake_worker(STAGE_LISTENER), &world.far);
}

static void tear_down(void)
{
    expect_int(atomic_load(&world.client->session.as), SESSION_BUSY);
    expect_int(atomic_load(&world.worker->idle_since_ns), 0);
    worker_come_back(world.worker);
    client_close(world.worker, world.client);
    fake_stop();
    alarm(0);
}

static void send_far(const char *text)
{
    CHECK(send(world.far, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

static void *second(void *unused)
{
    (void)unused;
    while (atomic_load(&world.client->session.as) != (int)world.until) {
        sched_yield();
    }
    world.act();
    return NULL;
}

static enum verdict read_it(enum verdict verdict)
{
    return session_read(world.worker, world.client, verdict, false);
}

/* Somebody does this as soon as the session waits like that. */
static void begin_second(enum session_as until, void act(void))
{
    world.until = until;
    world.act = act;
    CHECK(pthread_create(&world.second, NULL, second, NULL) == 0);
}

static enum verdict read_while(enum verdict verdict, enum session_as until, void act(void))
{
    begin_second(until, act);
    enum verdict got = read_it(verdict);
    CHECK(pthread_join(world.second, NULL) == 0);
    return got;
}

static void send_whole(void)
{
    send_far(whole);
}

static void send_other_half(void)
{
    send_far(other_half);
}

/* The client has had an answer. */
static void was_answered(void)
{
    send_far(whole);
    expect_int(read_it(VERDICT_ACCEPTED), VERDICT_REQUEST_READY);
    exchange_end(world.client->conn.exchange);
    world.client->conn.requests++;
    world.client->conn.state = CONN_RETURNING;
}

static void socket_blocks(void)
{
    int flags = fcntl(world.client->conn.fd, F_GETFL);
    CHECK(fcntl(world.client->conn.fd, F_SETFL, flags & ~O_NONBLOCK) == 0);
    world.client->session.polls = false;
}

/* --- reading --- */

TEST(session, a_request_that_is_there_is_read_without_a_wait)
{
    set_up("lrpw*4");
    begin();
    send_far(whole);
    expect_int(read_it(VERDICT_ACCEPTED), VERDICT_REQUEST_READY);
    expect(world.client->conn.exchange->handler != NULL);
    expect(!world.client->session.listed && !world.worker->pool.is_away);
    tear_down();
}

TEST(session, waits_for_a_silent_client_and_is_not_counted_on_meanwhile)
{
    set_up("lrpw*4");
    begin();
    expect_int(read_while(VERDICT_ACCEPTED, SESSION_IDLE, send_whole), VERDICT_REQUEST_READY);
    expect(world.client->session.listed && world.worker->pool.is_away);
    expect(atomic_load(&world.worker->idle_ns) > 0);
    tear_down();
}

TEST(session, waits_in_recv_where_the_socket_blocks)
{
    set_up("lrpw*4");
    begin();
    socket_blocks();
    expect_int(read_while(VERDICT_ACCEPTED, SESSION_IDLE, send_whole), VERDICT_REQUEST_READY);
    expect_int(world.client->session.patience_ns, NS_PER_S); /* then it checks */
    tear_down();
}

TEST(session, waits_for_the_other_half_of_a_request)
{
    set_up("lrpw*4");
    begin();
    send_far(half);
    expect_int(read_while(VERDICT_ACCEPTED, SESSION_WAITING, send_other_half),
               VERDICT_REQUEST_READY);
    expect_bytes(world.client->conn.exchange->request.path, "/some/path");
    tear_down();
}

TEST(session, gives_a_silent_client_to_the_poller_where_there_is_one)
{
    set_up("L | rpw*4 | K");
    begin();
    expect_int(read_it(VERDICT_ACCEPTED), VERDICT_WANT_READ);
    expect(world.client->conn.exchange == NULL && !world.client->session.listed);
    tear_down();
}

TEST(session, keeps_half_a_request_even_where_there_is_a_poller)
{
    set_up("L | rpw*4 | K");
    begin();
    send_far(half);
    expect_int(read_while(VERDICT_ACCEPTED, SESSION_WAITING, send_other_half),
               VERDICT_REQUEST_READY);
    tear_down();
}

/* --- timeouts --- */

static uint64_t times(unsigned number)
{
    return number * 5 * NS_PER_MS;
}

TEST(session, a_client_that_begins_no_request_in_time_is_closed)
{
    for (unsigned blocks = 0; blocks < 2; blocks++) {
        set_up("lrpw*4");
        fake.settings.header_timeout_ns = times(1);
        begin();
        if (blocks > 0) {
            socket_blocks();
        }
        expect_int(read_it(VERDICT_ACCEPTED), VERDICT_CLOSE);
        expect_int(world.client->conn.close, CLOSE_HEADER_TIMEOUT);
        tear_down();
    }
}

TEST(session, a_client_that_sends_no_next_request_in_time_is_closed)
{
    set_up("lrpw*4");
    fake.settings.keepalive_timeout_ns = times(1);
    begin();
    was_answered();
    expect_int(read_it(VERDICT_KEPT), VERDICT_CLOSE);
    expect_int(world.client->conn.close, CLOSE_KEEPALIVE_TIMEOUT);
    tear_down();
}

/* Its answer is 408. */
TEST(session, a_head_that_is_not_whole_in_time_is_refused)
{
    set_up("lrpw*4");
    fake.settings.header_timeout_ns = times(2);
    begin();
    send_far(half);
    uint64_t before_ns = clock_ns();
    expect_int(read_it(VERDICT_ACCEPTED), VERDICT_REQUEST_READY);
    expect(clock_ns() - before_ns >= times(2));
    expect_int(world.client->conn.exchange->refused_status, 408);
    expect_int(world.client->conn.exchange->close, CLOSE_HEADER_TIMEOUT);
    tear_down();
}

TEST(session, a_body_that_stops_is_refused_after_its_own_timeout)
{
    set_up("lrpw*4");
    fake.settings.body_timeout_ns = times(1);
    begin();
    send_far("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
    expect_int(read_it(VERDICT_ACCEPTED), VERDICT_REQUEST_READY);
    expect_int(world.client->conn.exchange->refused_status, 408);
    expect_int(world.client->conn.exchange->close, CLOSE_BODY_TIMEOUT);
    tear_down();
}

/* --- waits that others end --- */

static void reap(void)
{
    CHECK(session_list_end_one(&fake.engine.session_list, clock_ns()));
}

TEST(session, an_idle_wait_that_is_ended_closes_the_client)
{
    for (unsigned blocks = 0; blocks < 2; blocks++) {
        set_up("lrpw*4");
        begin();
        if (blocks > 0) {
            socket_blocks();
        }
        expect_int(read_while(VERDICT_ACCEPTED, SESSION_IDLE, reap), VERDICT_CLOSE);
        expect_int(world.client->conn.close, CLOSE_REAPED);
        tear_down();
    }
}

static void send_and_reap(void)
{
    send_far(whole);
    (void)session_list_end_one(&fake.engine.session_list,
                               clock_ns()); /* unless it has been read already */
}

TEST(session, a_client_that_was_faster_than_whoever_ends_its_wait_is_answered)
{
    set_up("lrpw*4");
    begin();
    expect_int(read_while(VERDICT_ACCEPTED, SESSION_IDLE, send_and_reap), VERDICT_REQUEST_READY);
    enum close_reason close = world.client->conn.exchange->close;
    expect(close == CLOSE_NONE || close == CLOSE_REAPED);
    tear_down();
}

TEST(session, a_client_that_is_not_idle_is_not_closed_for_another)
{
    set_up("lrpw*4");
    begin();
    atomic_store(&fake.engine.place_wish, PLACE_WISH_WANTED);
    send_far(whole);
    expect_int(read_it(VERDICT_ACCEPTED), VERDICT_REQUEST_READY);
    expect_int(places_wish(&fake.engine), PLACE_WISH_WANTED);
    tear_down();
}

TEST(session, one_that_is_to_become_idle_makes_place_for_another)
{
    set_up("lrpw*4");
    begin();
    atomic_store(&fake.engine.place_wish, PLACE_WISH_WANTED);
    expect_int(read_it(VERDICT_ACCEPTED), VERDICT_CLOSE);
    expect_int(world.client->conn.close, CLOSE_REAPED);
    expect_int(places_wish(&fake.engine), PLACE_WISH_COMING);
    tear_down();
}

TEST(session, a_server_that_drains_waits_for_half_a_request_and_not_for_a_silent_client)
{
    set_up("lrpw*4");
    begin();
    atomic_store(&fake.engine.phase, PHASE_DRAINING);
    expect_int(read_it(VERDICT_ACCEPTED), VERDICT_CLOSE);
    expect_int(world.client->conn.close, CLOSE_DRAINED);
    send_far(half);
    expect_int(read_while(VERDICT_READABLE, SESSION_WAITING, send_other_half),
               VERDICT_REQUEST_READY);
    tear_down();
}

static void cut(void)
{
    atomic_store(&fake.engine.phase, PHASE_CUTTING);
    session_list_end_all(&fake.engine.session_list);
}

TEST(session, a_server_that_cuts_ends_the_wait_inside_a_request)
{
    set_up("lrpw*4");
    begin();
    send_far(half);
    expect_int(read_while(VERDICT_ACCEPTED, SESSION_WAITING, cut), VERDICT_CLOSE);
    expect_int(world.client->conn.close, CLOSE_CUT);
    tear_down();
}

TEST(session, a_server_that_cuts_begins_no_wait)
{
    set_up("lrpw*4");
    begin();
    atomic_store(&fake.engine.phase, PHASE_CUTTING);
    send_far(half);
    expect_int(read_it(VERDICT_ACCEPTED), VERDICT_CLOSE);
    expect_int(world.client->conn.close, CLOSE_CUT);
    tear_down();
}

/* --- recalled --- */

static struct recall *recall(void)
{
    return fake.engine.groups[world.worker->group].recall;
}

/* The client is in the session's own queue. */
static void expect_left(void)
{
    (void)worker_flush(world.worker);
    const struct ticket *ticket = fake_take(world.worker);
    expect(ticket == client_ticket(world.client, STAGE_READER));
    expect_int(ticket->verdict, VERDICT_READABLE);
    expect(world.client->session.left_due_ns > 0);
}

TEST(session, leaves_an_idle_client_for_a_request_under_way)
{
    set_up("L | rpw*4");
    fake.settings.header_timeout_ns = 3600 * NS_PER_S;
    begin();
    recall_begin(recall());
    expect_int(read_it(VERDICT_ACCEPTED), VERDICT_NONE);
    expect_left();
    recall_end(recall());
    tear_down();
}

static void press(void)
{
    recall_begin(recall());
    recall_ring(recall(), world.worker->mailbox);
}

TEST(session, one_that_waits_already_is_rung_for)
{
    set_up("L | rpw*4");
    begin();
    recall_expect(recall());
    expect_int(read_while(VERDICT_ACCEPTED, SESSION_IDLE, press), VERDICT_NONE);
    expect_left();
    recall_end(recall());
    tear_down();
}

TEST(session, a_client_that_was_left_has_the_time_that_it_had)
{
    set_up("L | rpw*4");
    fake.settings.header_timeout_ns = 3600 * NS_PER_S;
    begin();
    world.client->session.left_due_ns = clock_coarse_ns() - 1;
    expect_int(read_it(VERDICT_READABLE), VERDICT_CLOSE);
    expect_int(world.client->conn.close, CLOSE_HEADER_TIMEOUT);
    tear_down();
}

/* --- writing --- */

static void fill_socket(void)
{
    static const char some[4096];
    while (send(world.client->conn.fd, some, sizeof some, MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
    }
}

static bool wait_write_while(void act(void))
{
    begin_second(SESSION_WAITING, act);
    bool got = session_wait_write(world.worker, world.client);
    CHECK(pthread_join(world.second, NULL) == 0);
    return got;
}

static void read_all(void)
{
    char some[4096];
    while (recv(world.far, some, sizeof some, 0) > 0) {
    }
}

TEST(session, waits_until_the_socket_takes_more)
{
    set_up("lrpw*4");
    begin();
    fill_socket();
    expect(wait_write_while(read_all));
    expect(world.worker->pool.is_away);
    tear_down();
}

TEST(session, waits_no_longer_than_the_io_timeout)
{
    set_up("lrpw*4");
    fake.settings.io_timeout_ns = times(1);
    begin();
    fill_socket();
    uint64_t before_ns = clock_ns();
    expect(!session_wait_write(world.worker, world.client));
    expect(clock_ns() - before_ns >= times(1));
    tear_down();
}

TEST(session, a_server_that_cuts_ends_the_wait_for_the_socket)
{
    set_up("lrpw*4");
    begin();
    fill_socket();
    expect(!wait_write_while(cut));
    tear_down();
}

static bool blocks(void)
{
    return (fcntl(world.client->conn.fd, F_GETFL) & O_NONBLOCK) == 0;
}

TEST(session, a_socket_that_sends_files_does_not_block_any_more)
{
    struct bucket memory = {.kind = BUCKET_MEMORY, .at = "x", .len = 1};
    struct bucket file = {.kind = BUCKET_FILE, .fd = -1, .len = 1};
    set_up("lrpw*4");
    begin();
    socket_blocks();
    send_far(whole);
    expect_int(read_it(VERDICT_ACCEPTED), VERDICT_REQUEST_READY);
    struct brigade *sending = &world.client->conn.exchange->sending;
    brigade_append(sending, &memory);
    session_prepare_send(world.client);
    expect(blocks() && !world.client->session.polls);
    brigade_append(sending, &file);
    session_prepare_send(world.client);
    expect(!blocks() && world.client->session.polls);
    *sending = (struct brigade){0};
    tear_down();
}
