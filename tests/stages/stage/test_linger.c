/* test_linger.c: the lingering close: what a client sees of it, what the loop that lingers waits for,
 * and how it ends. */
#include "stages/stage/linger.h"

#include "stages/engine/home.h"
#include "stages/engine/out_watch.h"
#include "tests/stages/fake.h"

#include <sys/ioctl.h>

static struct {
    struct worker *worker; /* that lingers */
    struct client *client;
    int far;
} linger;

static void set_up(const char *wiring, enum stage stage)
{
    fake_set_up(wiring);
    fake_start();
    linger.worker = fake_worker(stage);
    linger.client = fake_client(linger.worker, &linger.far);
}

static void tear_down(void)
{
    struct client *client = linger.client;
    out_watch_stop(linger.worker, client);
    if (client->out.watch != NULL) {
        out_watch_close(linger.worker, client);
        loop_turn(linger.worker->loop.poll); /* closes the client when the watch is closed */
    } else {
        client_close(linger.worker, client);
    }
    fake_stop();
}

static uint64_t counted(enum counter counter)
{
    return atomic_load(&linger.worker->tally.counters[counter]);
}

static void send_far(const char *text)
{
    CHECK(send(linger.far, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

/* As the wheel does: the deadline is not set any more. */
static enum verdict expire(void)
{
    deadlines_clear(&linger.worker->loop.deadlines, &linger.client->out.deadline);
    return linger_expired(linger.worker, linger.client);
}

static int unread(void)
{
    int len = -1;
    CHECK(ioctl(linger.client->conn.fd, FIONREAD, &len) == 0);
    return len;
}

TEST(linger, ends_the_sending_side_and_waits_a_moment_without_a_watch)
{
    set_up("L | R | P*2 | W", STAGE_WRITER);
    expect_int(linger_begin(linger.worker, linger.client), VERDICT_NONE);
    expect(fake_is_closed(linger.far));
    expect_int(linger.client->conn.state, CONN_LINGERING);
    expect(linger.client->out.lingering && linger.client->out.waiting && linger.client->out.grace);
    expect(linger.client->out.watch == NULL);
    expect(deadline_is_set(&linger.client->out.deadline));
    tear_down();
}

TEST(linger, a_client_that_closes_in_that_moment_is_never_watched)
{
    set_up("L | R | P*2 | W", STAGE_WRITER);
    expect_int(linger_begin(linger.worker, linger.client), VERDICT_NONE);
    send_far("late");
    CHECK(shutdown(linger.far, SHUT_RDWR) == 0);
    expect_int(expire(), VERDICT_CLOSE);
    expect(!linger.client->out.waiting && linger.client->out.watch == NULL);
    expect_int(counted(COUNTER_LINGER_EXPIRED), 0);
    tear_down();
}

TEST(linger, one_that_does_not_is_watched_until_it_closes_and_what_it_sends_is_discarded)
{
    set_up("L | R | P*2 | W", STAGE_WRITER);
    expect_int(linger_begin(linger.worker, linger.client), VERDICT_NONE);
    expect_int(expire(), VERDICT_NONE);
    expect(linger.client->out.watch != NULL && !linger.client->out.grace);
    expect_int(linger.client->out.watch->watch.events, WATCH_READ);
    expect(deadline_is_set(&linger.client->out.deadline));
    send_far("late again");
    expect_int(linger_readable(linger.worker, linger.client), VERDICT_NONE);
    expect_int(unread(), 0);
    expect_int(linger.client->conn.lingered, 10);
    CHECK(shutdown(linger.far, SHUT_RDWR) == 0);
    expect_int(linger_readable(linger.worker, linger.client), VERDICT_CLOSE);
    expect(!linger.client->out.waiting && !linger.client->out.lingering);
    expect(!deadline_is_set(&linger.client->out.deadline));
    tear_down();
}

TEST(linger, one_that_stays_for_the_whole_time_is_closed_and_counted)
{
    set_up("L | R | P*2 | W", STAGE_WRITER);
    expect_int(linger_begin(linger.worker, linger.client), VERDICT_NONE);
    expect_int(expire(), VERDICT_NONE);
    expect_int(counted(COUNTER_LINGER_EXPIRED), 0);
    expect_int(expire(), VERDICT_CLOSE);
    expect_int(counted(COUNTER_LINGER_EXPIRED), 1);
    tear_down();
}

TEST(linger, a_short_timeout_leaves_no_time_for_a_check_without_a_watch)
{
    fake_set_up("L | R | P*2 | W");
    fake.settings.linger_timeout_ns = NS_PER_MS;
    fake_start();
    linger.worker = fake_worker(STAGE_WRITER);
    linger.client = fake_client(linger.worker, &linger.far);
    expect_int(linger_begin(linger.worker, linger.client), VERDICT_NONE);
    expect(linger.client->out.watch != NULL && !linger.client->out.grace);
    tear_down();
}

TEST(linger, a_descriptor_that_is_watched_already_needs_no_such_check)
{
    set_up("L | R | P*2 | W", STAGE_WRITER);
    expect(out_watch_set(linger.worker, linger.client, WATCH_WRITE));
    expect_int(linger_begin(linger.worker, linger.client), VERDICT_NONE);
    expect(!linger.client->out.grace);
    expect_int(linger.client->out.watch->watch.events, WATCH_READ);
    tear_down();
}

TEST(linger, the_writer_in_the_homes_loop_lingers_with_the_homes_watch)
{
    set_up("LRW | P*2", STAGE_WRITER);
    home_adopt(linger.worker, linger.client, HOME_WAITING);
    expect_int(home_wait(linger.worker, linger.client), VERDICT_NONE);
    home_leave(linger.worker, linger.client);
    expect_int(linger_begin(linger.worker, linger.client), VERDICT_NONE);
    expect(linger.client->out.watch == NULL && !linger.client->out.grace);
    expect_int(linger.client->home.watch.events, WATCH_READ);
    tear_down();
}

TEST(linger, a_server_that_cuts_does_not_linger)
{
    set_up("L | R | P*2 | W", STAGE_WRITER);
    atomic_store(&fake.engine.phase, PHASE_CUTTING);
    expect_int(linger_begin(linger.worker, linger.client), VERDICT_CLOSE);
    expect(!linger.client->out.waiting && !deadline_is_set(&linger.client->out.deadline));
    tear_down();
}

TEST(linger, a_dead_socket_is_closed_at_once)
{
    set_up("L | R | P*2 | W", STAGE_WRITER);
    int unconnected = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(dup2(unconnected, linger.client->conn.fd) == linger.client->conn.fd);
    close(unconnected);
    expect_int(linger_begin(linger.worker, linger.client), VERDICT_CLOSE);
    expect(!linger.client->out.waiting);
    tear_down();
}

/* A session checks once, and leaves the rest to a loop. */
TEST(linger, a_session_leaves_it_to_a_loop)
{
    set_up("L | rpw*4 | K", STAGE_READER);
    expect_int(linger_begin(linger.worker, linger.client), VERDICT_LINGER);
    expect(!linger.client->out.waiting && fake_is_closed(linger.far));
    struct worker *loop = fake_worker(STAGE_POLLER);
    expect_int(linger_wait(loop, linger.client), VERDICT_NONE);
    expect(linger.client->out.lingering && linger.client->out.grace);
    linger.worker = loop;
    tear_down();
}

TEST(linger, a_session_closes_a_client_that_has_closed)
{
    set_up("L | rpw*4 | K", STAGE_READER);
    CHECK(shutdown(linger.far, SHUT_WR) == 0);
    expect_int(linger_begin(linger.worker, linger.client), VERDICT_CLOSE);
    tear_down();
}

TEST(linger, skipping_it_discards_what_has_come_waits_for_nothing_and_is_counted)
{
    set_up("L | R | P*2 | W", STAGE_LISTENER);
    send_far("early");
    expect_int(unread(), 5);
    expect_int(linger_skip(linger.worker, linger.client), VERDICT_CLOSE);
    expect_int(unread(), 0);
    expect_int(counted(COUNTER_LINGER_SKIPPED), 1);
    expect(fake_is_closed(linger.far));
    expect(!linger.client->out.waiting && !deadline_is_set(&linger.client->out.deadline));
    tear_down();
}
