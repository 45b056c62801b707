/* test_out_watch.c: waiting for a client's socket in the thread that sends to it: with a watch of its
 * own beside home's, or with home's where that is the same loop.
 */
#include "stages/engine/out_watch.h"

#include "stages/engine/home.h"
#include "tests/stages/fake.h"

static struct worker *home, *writer;
static struct client *client;
static int far;
static bool no_memory; /* from now on */

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_calloc(size_t count, size_t size)
{
    return no_memory ? NULL : __real_calloc(count, size);
}

/* The client is at home and watched, and its answer is on its way. */
static void start(const char *wiring)
{
    fake_set_up(wiring);
    fake_start();
    home = fake_worker(fake.engine.idle_stage);
    writer = fake_worker(STAGE_WRITER);
    client = fake_client(fake_worker(STAGE_LISTENER), &far);
    home_adopt(home, client, HOME_WAITING);
    expect_int(home_wait(home, client), VERDICT_NONE);
    home_leave(home, client);
}

static void stop(void)
{
    fake_close(home, client);
    fake_stop();
}

/* As the writer does. */
static void wait_for_room(void)
{
    expect(out_watch_set(writer, client, WATCH_WRITE));
    client->out.waiting = true;
    deadlines_set(&writer->loop.deadlines, &client->out.deadline, NS_PER_S);
}

static void close_out(void)
{
    out_watch_close(writer, client);
    loop_turn(writer->loop.poll);
}

TEST(out_watch, in_another_loop_than_homes_is_a_second_watch)
{
    start("L | R | P*2 | W");
    wait_for_room();
    expect(client->out.watch != NULL && client->out.worker == writer);
    expect_int(client->out.watch->watch.events, WATCH_WRITE);
    expect_int(client->home.watch.events, WATCH_READ);
    loop_turn(home->loop.poll);
    expect_int(fake.call_count, 0);
    loop_turn(writer->loop.poll);
    expect_int(fake.call_count, 1);
    fake_expect_call(0, FAKE_WRITABLE, STAGE_WRITER, writer);
    expect(fake.calls[0].client == client);
    close_out();
    stop();
}

TEST(out_watch, calls_nobody_who_does_not_wait)
{
    start("L | R | P*2 | W");
    expect(out_watch_set(writer, client, WATCH_WRITE));
    loop_turn(writer->loop.poll);
    expect_int(fake.call_count, 0);
    close_out();
    stop();
}

TEST(out_watch, in_homes_loop_is_homes_watch_which_goes_on_reading)
{
    start("LRW | P*2");
    expect(writer == home);
    wait_for_room();
    expect(client->out.watch == NULL && client->home.watched);
    expect_int(client->home.watch.events, WATCH_READ | WATCH_WRITE);
    expect_int(send(far, "x", 1, 0), 1);
    loop_turn(home->loop.poll);
    expect_int(fake.call_count, 2);
    fake_expect_call(0, FAKE_WRITABLE, STAGE_WRITER, home);
    fake_expect_call(1, FAKE_READABLE, STAGE_READER, home);
    out_watch_stop(writer, client);
    expect_int(client->home.watch.events, WATCH_READ);
    stop();
}

/* A poller does not read what belongs to the request under way. */
TEST(out_watch, in_a_pollers_loop_does_not_read_for_a_client_that_is_away)
{
    start("LKW | rp*4");
    wait_for_room();
    expect_int(client->home.watch.events, WATCH_WRITE);
    expect_int(send(far, "x", 1, 0), 1);
    loop_turn(home->loop.poll);
    expect_int(fake.call_count, 1);
    fake_expect_call(0, FAKE_WRITABLE, STAGE_WRITER, home);
    out_watch_stop(writer, client);
    expect_int(client->home.watch.events, 0);
    stop();
}

TEST(out_watch, in_homes_loop_opens_homes_watch_where_there_is_none_yet)
{
    fake_set_up("LRW | P*2");
    fake_start();
    home = writer = fake_worker(STAGE_WRITER);
    client = fake_client(home, &far);
    home_adopt(home, client, HOME_FRESH);
    wait_for_room();
    expect(client->home.watched);
    expect_int(client->home.watch.events, WATCH_WRITE);
    out_watch_stop(writer, client);
    stop();
}

TEST(out_watch, that_stops_waits_for_nothing_and_has_no_deadline)
{
    start("L | R | P*2 | W");
    wait_for_room();
    client->out.lingering = true;
    out_watch_stop(writer, client);
    expect(!client->out.waiting && !client->out.lingering);
    expect(!deadline_is_set(&client->out.deadline));
    expect(client->out.watch != NULL); /* for the next answer */
    expect_int(client->out.watch->watch.events, 0);
    wait_for_room();
    expect_int(client->out.watch->watch.events, WATCH_WRITE);
    out_watch_stop(writer, client);
    close_out();
    stop();
}

TEST(out_watch, that_waits_for_nothing_is_left_as_it_is_by_a_stop)
{
    start("L | R | P*2 | W");
    expect(out_watch_set(writer, client, WATCH_WRITE));
    out_watch_stop(writer, client);
    expect_int(client->out.watch->watch.events, WATCH_WRITE);
    close_out();
    stop();
}

TEST(out_watch, that_is_closed_sends_the_client_home_to_be_closed)
{
    start("L | R | P*2 | W");
    wait_for_room();
    out_watch_close(writer, client);
    worker_flush(writer);
    expect(client->out.watch != NULL); /* the loop has its memory still */
    expect(fake_take(home) == NULL);
    loop_turn(writer->loop.poll);
    worker_flush(writer);
    expect(client->out.watch == NULL);
    struct ticket *ticket = fake_take(home);
    expect(ticket != NULL && client_of_ticket(ticket) == client);
    expect_int(ticket->verdict, VERDICT_CLOSE);
    route_ticket(home, ticket);
    expect(fake_is_closed(far));
    fake_stop();
}

/* The kernel cannot watch a file. */
static void watch_a_file(const char *wiring)
{
    start(wiring);
    client_unwatch(client);
    loop_turn(home->loop.poll);
    FILE *file = tmpfile();
    CHECK(file != NULL);
    CHECK(dup2(fileno(file), client->conn.fd) == client->conn.fd);
    expect(!out_watch_set(writer, client, WATCH_WRITE));
    expect(client->out.watch == NULL && !client->home.watched);
    CHECK(fclose(file) == 0);
    stop();
}

TEST(out_watch, that_the_system_has_no_room_for_is_none)
{
    watch_a_file("L | R | P*2 | W");
    watch_a_file("LRW | P*2");
}

TEST(out_watch, that_there_is_no_memory_for_is_none_and_the_next_try_may_succeed)
{
    start("L | R | P*2 | W");
    no_memory = true;
    expect(!out_watch_set(writer, client, WATCH_WRITE));
    expect(client->out.watch == NULL);
    no_memory = false;
    expect(out_watch_set(writer, client, WATCH_WRITE));
    close_out();
    stop();
}
