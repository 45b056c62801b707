/* test_closing.c: what is undone at the end of a connection, and in which order. The linker puts a
 * function of the test in the place of close(), which notes what was so when the descriptor was
 * closed.
 */
#include "stages/engine/closing.h"

#include "stages/engine/home.h"
#include "stages/engine/out_watch.h"
#include "tests/aborts.h"
#include "tests/stages/fake.h"

static struct {
    const struct client *of; /* whose close is noted */
    unsigned closes;
    bool watched;
    uint64_t connections, served;
} at_close;

int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd)
{
    if (at_close.of != NULL && at_close.of->conn.fd == fd) {
        at_close.closes++;
        at_close.watched = at_close.of->home.watched;
        at_close.connections = atomic_load(&fake.engine.connections);
        at_close.served = atomic_load(&fake.engine.places[PLACE_SERVED]);
        at_close.of = NULL; /* it may be freed from now on */
    }
    return __real_close(fd);
}

static struct worker *home;

static struct client *start(const char *wiring, int *far)
{
    fake_set_up(wiring);
    fake_start();
    home = fake_worker(fake.engine.idle_stage);
    struct client *client = fake_client(fake_worker(STAGE_LISTENER), far);
    memset(&at_close, 0, sizeof at_close);
    at_close.of = client;
    client->conn.close = CLOSE_DRAINED;
    return client;
}

static uint64_t counted(enum counter counter)
{
    return atomic_load(&home->tally.counters[counter]);
}

TEST(closing, of_a_client_without_home_closes_its_descriptor_and_gives_its_place)
{
    int far;
    struct client *client = start("L | rpw*4", &far);
    client_close(home, client);
    expect(fake_is_closed(far));
    expect_int(at_close.closes, 1);
    expect_int(atomic_load(&fake.engine.connections), 0);
    expect_int(atomic_load(&fake.engine.places[PLACE_SERVED]), 0);
    expect_int(atomic_load(&fake.share.open), 0);
    expect_int(counted(COUNTER_CLOSED), 1);
    expect_int(atomic_load(&home->tally.closed[CLOSE_DRAINED]), 1);
    fake_stop();
}

/* Somebody waits for the place to accept the next connection. */
TEST(closing, gives_the_place_after_the_descriptor)
{
    int far;
    struct client *client = start("L | rpw*4", &far); /* sets `home` */
    client_close(home, client);
    expect_int(at_close.closes, 1);
    expect_int(at_close.connections, 1);
    expect_int(at_close.served, 1);
    fake_stop();
}

TEST(closing, gives_back_the_exchange_and_the_place_among_those_kept)
{
    int far;
    struct client *client = start("L | rpw*4", &far);
    fake.settings.keepalive_connections = 5;
    expect(places_keep(&fake.engine, client));
    (void)fake_read(home, client, far, "GET / HT");
    expect(client->conn.exchange != NULL);
    expect_int(home->exchanges.kept, 0);
    client_close(home, client);
    expect_int(home->exchanges.kept, 1);
    expect_int(atomic_load(&fake.engine.kept), 0);
    fake_stop();
}

TEST(closing, takes_a_held_client_out_of_the_list)
{
    int far;
    struct client *client = start("L | rpw*4", &far);
    atomic_store(&client->session.as, SESSION_IDLE);
    session_list_add(&fake.engine.session_list, client);
    client_close(home, client);
    expect(!session_list_end_one(&fake.engine.session_list, UINT64_MAX));
    fake_stop();
}

static uint64_t abandoned_after(const char *text, enum conn_state state)
{
    int far;
    struct client *client = start("L | rpw*4", &far);
    if (*text != '\0') {
        (void)fake_read(home, client, far, text);
    }
    client->conn.state = state;
    client_close(home, client);
    uint64_t abandoned = counted(COUNTER_ABANDONED);
    fake_stop();
    return abandoned;
}

TEST(closing, counts_a_request_that_was_begun_and_never_whole)
{
    expect_int(abandoned_after("GET / HT", CONN_READING), 1);
    expect_int(abandoned_after("", CONN_READING), 0);
    expect_int(abandoned_after("GET / HTTP/1.1\r\nHost: a\r\n\r\n", CONN_PROCESSING), 0);
}

/* --- with a home --- */

TEST(closing, ends_the_watch_before_the_descriptor_and_frees_when_the_loop_has_forgotten_it)
{
    int far;
    struct client *client = start("L | R | P*2 | W", &far);
    home_adopt(home, client, HOME_WAITING);
    expect_int(home_wait(home, client), VERDICT_NONE);
    expect(client->home.watched && deadline_is_set(&client->home.deadline));
    client_close(home, client);
    expect(fake_is_closed(far));
    expect(at_close.closes == 1 && !at_close.watched);
    expect(client->home.unwatching); /* the loop has its memory still */
    expect_int(client->home.state, HOME_CLOSED);
    expect(!deadline_is_set(&client->home.deadline));
    fake_stop();
}

TEST(closing, takes_the_client_from_its_home_and_leaves_the_others)
{
    int far;
    struct client *first = start("L | R | P*2 | W", &far);
    struct client *second = fake_client(fake_worker(STAGE_LISTENER), &far);
    struct client *third = fake_client(fake_worker(STAGE_LISTENER), &far);
    home_adopt(home, first, HOME_WAITING);
    home_adopt(home, second, HOME_WAITING);
    home_adopt(home, third, HOME_WAITING);
    client_close(home, second);
    expect_int(atomic_load(&home->home.client_count), 2);
    expect_int(home->home.counts.in[HOME_WAITING], 2);
    expect(first->home.next == third && third->home.prev == first);
    client_close(home, first);
    client_close(home, third);
    expect(home->home.clients.home.next == &home->home.clients);
    expect_int(atomic_load(&home->home.client_count), 0);
    fake_stop();
}

TEST(closing, unwatches_once_and_the_client_stays_open)
{
    int far;
    struct client *client = start("L | R | P*2 | W", &far);
    home_adopt(home, client, HOME_WAITING);
    expect(home_watch(home, client));
    client_unwatch(client);
    expect(!client->home.watched && client->home.unwatching);
    client_unwatch(client);
    loop_turn(home->loop.poll);
    expect(!client->home.unwatching && !fake_is_closed(far));
    client_close(home, client);
    fake_stop();
}

/* --- what must not be --- */

static void close_while_the_writer_watches(void)
{
    int far;
    struct client *client = start("L | R | P*2 | W", &far);
    client->out.watch = &(struct out_watch){.client = client};
    client_close(home, client);
}

static void close_while_the_writer_waits(void)
{
    int far;
    struct client *client = start("L | R | P*2 | W", &far);
    client->out.waiting = true;
    client_close(home, client);
}

static void close_in_a_thread_that_is_not_home(void)
{
    int far;
    struct client *client = start("L | R | P*2 | W", &far);
    struct client *other = fake_client(fake_worker(STAGE_LISTENER), &far);
    home_adopt(home, client, HOME_WAITING);
    home_adopt(fake_worker(STAGE_WRITER), other, HOME_WAITING);
    client_close(fake_worker(STAGE_WRITER), client);
}

TEST(closing, of_what_others_still_watch_or_own_ends_the_program)
{
    expect(aborts(close_while_the_writer_watches));
    expect(aborts(close_while_the_writer_waits));
    expect(aborts(close_in_a_thread_that_is_not_home));
}
