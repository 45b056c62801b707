/* test_inline.c: when a loop runs a handler itself, in place of the group with the capital letter. */
#include "stages/engine/inline.h"

#include "core/handlers/handlers.h"
#include "tests/stages/fake.h"

static struct worker *reader, *processor;

enum { LIMIT_NS = 1000000, SHORT_RUNS = 16 };

static enum handler_verdict run_nothing(struct exchange *x)
{
    (void)x;
    return HANDLER_DONE;
}

static bool waits_for_disk(const struct exchange *x)
{
    (void)x;
    return true;
}

static bool waits_for_nothing(const struct exchange *x)
{
    (void)x;
    return false;
}

static const struct handler short_one = {.name = "short", .number = 0, .run = run_nothing};
static const struct handler other_one = {.name = "other", .number = 1, .run = run_nothing};
static const struct handler long_one = {
    .name = "long", .number = 2, .run = run_nothing, .takes_long = true};
static const struct handler disk_one = {
    .name = "disk", .number = 3, .run = run_nothing, .would_wait = waits_for_disk};
static const struct handler file_one = {
    .name = "file", .number = 4, .run = run_nothing, .would_wait = waits_for_nothing};

static void begin(const char *wiring, unsigned inlining)
{
    fake_set_up(wiring);
    fake.settings.inlining = inlining;
    fake_start();
    reader = fake_worker(STAGE_READER);
    processor = fake_worker(STAGE_PROCESSOR);
}

/* A client of which the reader has a whole request for that handler. */
static struct client *client_with(const struct handler *handler)
{
    int far;
    struct client *client = fake_client(reader, &far);
    (void)fake_read(reader, client, far, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    client->conn.exchange->handler = handler;
    return client;
}

static void end(struct client *client)
{
    fake_close(reader, client);
    fake_stop();
}

static uint64_t count_inlined(void)
{
    return atomic_load(&reader->outboxes[processor->mailbox_number].inlined);
}

/* What the policy does with such a request at once, and at the end of a turn while P sleeps. */
static void expect_runs(unsigned inlining, const struct handler *handler, bool at_once,
                        bool at_the_end)
{
    begin("L | Rpw | PW*1", inlining);
    struct client *client = client_with(handler);
    fake_sleep(processor);
    route(reader, client, VERDICT_REQUEST_READY);
    expect_int(fake.call_count, at_once);
    route_inline_idle(reader);
    expect_int(fake.call_count, at_once || at_the_end);
    expect_int(count_inlined(), fake.call_count);
    if (fake.call_count > 0) {
        fake_expect_call(0, FAKE_ENTER, STAGE_PROCESSOR, reader);
        expect(fake.calls[0].direct == at_once);
    }
    worker_flush(reader);
    expect((fake_take(processor) == NULL) == (fake.call_count > 0));
    end(client);
}

TEST(inline, idle_runs_a_single_short_request_at_the_end_of_the_turn)
{
    expect_runs(INLINE_IDLE, &short_one, false, true);
    expect_runs(INLINE_IDLE, &long_one, false, false);
    expect_runs(INLINE_IDLE, &disk_one, false, false);
}

TEST(inline, short_runs_at_once_what_is_neither_long_nor_on_the_disk)
{
    expect_runs(INLINE_SHORT, &short_one, true, false);
    expect_runs(INLINE_SHORT, &long_one, false, false);
    expect_runs(INLINE_SHORT, &disk_one, false, false);
}

TEST(inline, always_runs_everything_at_once)
{
    expect_runs(INLINE_ALWAYS, &short_one, true, false);
    expect_runs(INLINE_ALWAYS, &long_one, true, false);
    expect_runs(INLINE_ALWAYS, &disk_one, true, false);
}

/* What the parser has refused has no handler, and its answer is short. */
TEST(inline, a_refused_request_is_short)
{
    begin("L | Rpw | P*2 | W", INLINE_SHORT);
    struct client *client = client_with(NULL);
    client->conn.exchange->refused_status = 400;
    route(reader, client, VERDICT_REQUEST_READY);
    expect_int(fake.call_count, 1);
    end(client);
}

TEST(inline, idle_hands_on_when_the_other_group_is_awake)
{
    begin("L | Rpw | PW*1", INLINE_IDLE);
    struct client *client = client_with(&short_one);
    route(reader, client, VERDICT_REQUEST_READY);
    route_inline_idle(reader);
    expect_int(fake.call_count, 0);
    expect_int(count_inlined(), 0);
    worker_flush(reader);
    expect(fake_take(processor) != NULL);
    end(client);
}

/* Two requests: while this thread ran one, the other would wait for it. */
TEST(inline, idle_hands_on_when_there_is_more_than_one_request)
{
    begin("L | Rpw | PW*1", INLINE_IDLE);
    struct client *first = client_with(&short_one), *second = client_with(&short_one);
    fake_sleep(processor);
    route(reader, first, VERDICT_REQUEST_READY);
    route(reader, second, VERDICT_REQUEST_READY);
    route_inline_idle(reader);
    expect_int(fake.call_count, 0);
    worker_flush(reader);
    expect(fake_take(processor) != NULL && fake_take(processor) != NULL);
    fake_close(reader, first);
    end(second);
}

TEST(inline, the_handlers_output_is_sent_by_the_same_thread)
{
    begin("L | Rpw | PW*1", INLINE_IDLE);
    struct client *client = client_with(&short_one);
    fake_sleep(processor);
    fake_say(STAGE_PROCESSOR, VERDICT_OUTPUT_READY);
    route(reader, client, VERDICT_REQUEST_READY);
    route_inline_idle(reader);
    expect_int(fake.call_count, 2);
    fake_expect_call(1, FAKE_ENTER, STAGE_WRITER, reader);
    expect(fake.calls[1].direct);
    expect_int(reader->outboxes[fake_worker(STAGE_WRITER)->mailbox_number].chain.count, 0);
    end(client);
}

TEST(inline, a_group_without_small_letters_runs_nothing_in_place_of_others)
{
    begin("L | R | PW*1", INLINE_MODEL);
    struct client *client = client_with(&short_one);
    fake_sleep(processor);
    route(reader, client, VERDICT_REQUEST_READY);
    route_inline_idle(reader);
    expect_int(fake.call_count, 0);
    worker_flush(reader);
    expect(fake_take(processor) != NULL);
    end(client);
}

/* --- handlers that turn out long --- */

/* This worker runs the handler of the client's request, for so long by its stamps. */
static void run_for(struct worker *worker, struct client *client, uint64_t ns)
{
    struct exchange *x = client->conn.exchange;
    x->stamps.started_ns = clock_ns();
    inline_begin_run(worker, x);
    inline_end_run(worker, x->stamps.started_ns + ns);
}

static void run_times(struct worker *worker, struct client *client, unsigned times, uint64_t ns)
{
    for (unsigned i = 0; i < times; i++) {
        run_for(worker, client, ns);
    }
}

static uint64_t count_long(void)
{
    return atomic_load(&reader->tally.counters[COUNTER_INLINE_LONG]);
}

TEST(inline, a_loop_that_was_held_up_by_a_handler_leaves_it_to_the_other_group)
{
    begin("L | Rpw | PW*1", INLINE_SHORT);
    struct client *client = client_with(&short_one), *other = client_with(&other_one);
    run_for(reader, client, LIMIT_NS);
    expect(inline_at_once(reader, client));
    expect_int(count_long(), 0);
    run_for(reader, client, LIMIT_NS + 1);
    expect(!inline_at_once(reader, client));
    expect(inline_at_once(reader, other));
    expect_int(count_long(), 1);
    route(reader, client, VERDICT_REQUEST_READY);
    worker_flush(reader);
    expect_int(fake.call_count, 0);
    expect(fake_take(processor) != NULL);
    fake_close(reader, other);
    end(client);
}

TEST(inline, a_handler_that_was_long_in_the_other_group_stays_there)
{
    begin("L | Rpw | PW*1", INLINE_SHORT);
    struct client *client = client_with(&short_one);
    run_for(processor, client, LIMIT_NS + 1);
    expect(!inline_at_once(reader, client));
    expect_int(count_long(), 0);
    end(client);
}

TEST(inline, a_loop_trusts_a_handler_again_after_so_many_short_runs_in_a_row)
{
    begin("L | Rpw | PW*1", INLINE_SHORT);
    struct client *client = client_with(&short_one);
    run_for(reader, client, LIMIT_NS + 1);
    run_times(processor, client, SHORT_RUNS - 1, 0);
    expect(!inline_at_once(reader, client));
    run_for(processor, client, LIMIT_NS + 1);
    run_times(processor, client, SHORT_RUNS - 1, LIMIT_NS);
    expect(!inline_at_once(reader, client));
    run_for(processor, client, LIMIT_NS);
    expect(inline_at_once(reader, client));
    run_for(processor, client, 0);
    expect(inline_at_once(reader, client));
    end(client);
}

TEST(inline, idle_hands_on_what_has_turned_out_long)
{
    begin("L | Rpw | PW*1", INLINE_IDLE);
    struct client *client = client_with(&short_one);
    run_for(reader, client, LIMIT_NS + 1);
    fake_sleep(processor);
    route(reader, client, VERDICT_REQUEST_READY);
    route_inline_idle(reader);
    expect_int(fake.call_count, 0);
    worker_flush(reader);
    expect(fake_take(processor) != NULL);
    end(client);
}

TEST(inline, always_runs_what_has_turned_out_long_and_counts_it)
{
    begin("L | Rpw | PW*1", INLINE_ALWAYS);
    struct client *client = client_with(&long_one);
    run_times(reader, client, 2, LIMIT_NS + 1);
    expect(inline_at_once(reader, client));
    expect_int(count_long(), 2);
    end(client);
}

/* It is in P for its file, and others are in the cache. A long run on the loop is another matter. */
TEST(inline, a_file_that_was_waited_for_in_the_other_group_says_nothing_about_others)
{
    begin("L | Rpw | PW*1", INLINE_SHORT);
    struct client *client = client_with(&file_one);
    run_for(processor, client, LIMIT_NS + 1);
    expect(inline_at_once(reader, client));
    run_for(reader, client, LIMIT_NS + 1);
    expect(!inline_at_once(reader, client));
    end(client);
}

TEST(inline, without_stamps_a_run_is_timed_all_the_same)
{
    begin("L | Rpw | PW*1", INLINE_SHORT);
    struct client *client = client_with(&short_one);
    client->conn.exchange->stamps.started_ns = 0;
    uint64_t begin_ns = clock_ns();
    inline_begin_run(reader, client->conn.exchange);
    while (clock_ns() - begin_ns <= 2 * LIMIT_NS) {
    }
    inline_end_run(reader, 0);
    expect(!inline_at_once(reader, client));
    end(client);
}

TEST(inline, a_run_ends_once)
{
    begin("L | Rpw | PW*1", INLINE_SHORT);
    struct client *client = client_with(&short_one);
    run_for(reader, client, 0);
    inline_end_run(reader, clock_ns() + 2 * LIMIT_NS);
    expect(inline_at_once(reader, client));
    end(client);
}

TEST(inline, where_no_loop_runs_handlers_for_others_none_is_timed)
{
    begin("L | R | PW*1", INLINE_MODEL);
    struct client *client = client_with(&short_one);
    run_for(processor, client, LIMIT_NS + 1);
    expect(!inline_takes_long(&fake.engine, &short_one));
    expect(inline_takes_long(&fake.engine, &long_one));
    end(client);
}
