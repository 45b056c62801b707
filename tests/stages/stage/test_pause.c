/* test_pause.c: a poll loop comes back to a handler that wants some time to pass. The processor is a
 * fake: it notes when the loop has come. */
#include "stages/stage/pause.h"

#include "tests/stages/fake.h"

static struct {
    struct worker *worker;
    struct client *client;
} paused;

/* A client with a whole request, on a loop that processes. */
static void set_up(void)
{
    int far;
    fake_set_up("LRPW*1");
    fake_start();
    paused.worker = fake_worker(STAGE_PROCESSOR);
    paused.client = fake_client(paused.worker, &far);
    expect_int(fake_read(paused.worker, paused.client, far, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
               VERDICT_REQUEST_READY);
}

static void tear_down(void)
{
    client_close(paused.worker, paused.client);
    fake_stop();
}

/* One round, in which the timer of the pause is what happens. */
static void wait_round(void)
{
    loop_block(paused.worker->loop.poll, &paused.worker->woke_ns);
}

static void expect_back(void)
{
    expect_int(fake.call_count, 1);
    fake_expect_call(0, FAKE_ENTER, STAGE_PROCESSOR, paused.worker);
    expect(fake.calls[0].client == paused.client);
    expect_int(fake.calls[0].verdict, VERDICT_WANT_TIME);
}

TEST(pause, of_no_time_is_over_in_a_later_turn_of_the_loop)
{
    set_up();
    pause_client(paused.worker, paused.client, 0);
    expect_int(fake.call_count, 0);
    wait_round();
    expect_back();
    expect(!loop_turn(paused.worker->loop.poll)); /* its timer is gone */
    tear_down();
}

TEST(pause, is_not_over_before_its_time)
{
    set_up();
    uint64_t before_ns = clock_ns();
    pause_client(paused.worker, paused.client, 20 * NS_PER_MS);
    while (fake.call_count == 0) {
        wait_round();
    }
    expect(clock_ns() - before_ns >= 20 * NS_PER_MS);
    expect_back();
    tear_down();
}

TEST(pause, of_several_parts_takes_all_of_them)
{
    set_up();
    uint64_t before_ns = clock_ns(), parts_ns = PAUSE_PART_NS + PAUSE_PART_NS / 2;
    pause_client(paused.worker, paused.client, parts_ns);
    wait_round();
    while (fake.call_count == 0) {
        wait_round();
    }
    expect(clock_ns() - before_ns >= parts_ns);
    expect_back();
    tear_down();
}

TEST(pause, ends_early_when_the_client_has_gone)
{
    set_up();
    pause_client(paused.worker, paused.client, 3600 * NS_PER_S);
    wait_round();
    expect_int(fake.call_count, 0);
    (void)outlet_cut(&paused.client->conn.exchange->outlet);
    wait_round();
    expect_back();
    tear_down();
}

TEST(pause, ends_early_when_the_server_cuts)
{
    set_up();
    pause_client(paused.worker, paused.client, 3600 * NS_PER_S);
    atomic_store(&fake.engine.phase, PHASE_DRAINING);
    wait_round();
    expect_int(fake.call_count, 0); /* what is under way ends in its own time */
    atomic_store(&fake.engine.phase, PHASE_CUTTING);
    wait_round();
    expect_back();
    tear_down();
}
