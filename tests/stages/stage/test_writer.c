/* test_writer.c: the writer: its steps beside fakes of the other stages, and its hold on the sending end
 * of an answer, where other threads may take it over at once.
 */
#include "stages/stage/writer.h"

#include "core/exchange/response.h"
#include "stages/engine/out_watch.h"
#include "stages/engine/whole.h"
#include "tests/stages/fake.h"
#include "tests/stages/life.h"

#include <time.h>

/* The moment between letting a client go and whatever the writer does next lasts for 20 ms here
 * (the linker puts this in the place of outlet_collect): a thread that takes the client over in
 * between does so every time. */
static bool slow_to_let_go;
enum collect __real_outlet_collect(struct outlet *outlet, struct brigade *sending);
enum collect __wrap_outlet_collect(struct outlet *outlet, struct brigade *sending);
enum collect __wrap_outlet_collect(struct outlet *outlet, struct brigade *sending)
{
    enum collect got = __real_outlet_collect(outlet, sending);
    if (got == COLLECT_EMPTY && slow_to_let_go) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 20 * NS_PER_MS}, NULL);
    }
    return got;
}

/* In these a session that would block leaves the client to a poll loop, and sends again itself when
 * the loop has sent what there was. */
static const char *const beside[] = {"leader-followers", "event-mpm", "L | rpw*8 | W",
                                     "L | rpw*8 | KW"};

static uint64_t counted(enum counter counter)
{
    struct report report;
    server_report(&life.server, &report);
    uint64_t count = report.tally.counters[counter];
    report_deinit(&report);
    return count;
}

/* The client reads nothing until the loop waits for its socket, then everything: the loop lets go
 * of it while the handler makes the next piece. */
static void send_from_two_threads(const char *wiring)
{
    enum { CHUNKS = 60, SIZE = 100000 };
    char head[4096], target[80];
    slow_to_let_go = true;
    set_up(wiring);
    start();
    int fd = dial();
    snprintf(target, sizeof target, "/synthetic/stream?chunks=%d&size=%d&ms=5", CHUNKS, SIZE);
    ask(fd, target);
    while (counted(COUNTER_WOULD_BLOCK) == 0) {
        (void)nanosleep(&(struct timespec){.tv_nsec = NS_PER_MS}, NULL);
    }
    hear_head(fd, head, sizeof head);
    CHECK(hear_chunks(fd) == (size_t)CHUNKS * SIZE);
    close(fd);
    CHECK(end());
}

TEST(writer, lets_a_client_go_before_another_thread_may_take_it_over)
{
    for (unsigned i = 0; i < sizeof beside / sizeof *beside; i++) {
        in_child(send_from_two_threads, beside[i]);
    }
}

/* --- its steps, in one thread --- */

enum { BODY = 2000000 };

static char body[BODY];

static struct {
    struct worker *writer, *reader, *processor;
    struct client *client;
    struct exchange *x;
    int far;
} step;

/* A client whose request is whole. Settings may be changed before begin_request(). */
static void set_up_fakes(const char *wiring)
{
    memset(&step, 0, sizeof step);
    memset(body, 'b', sizeof body);
    fake_set_up(wiring);
    fake.stages[STAGE_WRITER] = &writer_stage;
}

static void begin_request(const char *request)
{
    fake_start();
    step.writer = fake_worker(STAGE_WRITER);
    step.reader = fake_worker(STAGE_READER);
    step.processor = fake_worker(STAGE_PROCESSOR);
    step.client = fake_client(fake_worker(STAGE_LISTENER), &step.far);
    if (fake_read(step.reader, step.client, step.far, request) == VERDICT_REQUEST_READY) {
        request_is_whole(step.reader, step.client);
    }
    step.x = step.client->conn.exchange;
}

static void begin_get(void)
{
    begin_request("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
}

static void tear_down_fakes(void)
{
    if (atomic_load(&fake.engine.connections) > 0) {
        out_watch_stop(step.writer, step.client);
        if (step.client->out.watch != NULL) {
            out_watch_close(step.writer, step.client);
            (void)loop_turn(step.writer->loop.poll);
        } else {
            (void)outlet_collect(&step.x->outlet, &step.x->sending);
            exchange_end(step.x);
            client_close(step.reader, step.client);
        }
    }
    fake_stop();
}

/* What the processor does: so much of a body of BODY bytes. True: the writer is to be given it. */
static bool make(uint64_t len, bool end)
{
    struct exchange *x = step.x;
    if (x->response.status == 0) {
        response_start(x, 200);
        response_length(x, BODY);
    }
    response_lend(x, body, len, NULL);
    if (end) {
        response_end(x);
        step.client->conn.state = CONN_WRITING;
    }
    return outlet_publish(&x->outlet, response_made(x), end);
}

static enum verdict send_it(void)
{
    return writer_stage.enter(step.writer, step.client, VERDICT_OUTPUT_READY, false);
}

/* What has come so far. */
static size_t read_far(void)
{
    static char some[65536];
    size_t len = 0;
    ssize_t got;
    while ((got = recv(step.far, some, sizeof some, 0)) > 0) {
        len += (size_t)got;
    }
    return len;
}

static bool has_deadline(void)
{
    return deadline_is_set(&step.client->out.deadline);
}

/* As the wheel does: the deadline is not set any more. */
static void expire(void)
{
    deadlines_clear(&step.writer->loop.deadlines, &step.client->out.deadline);
    writer_expired(step.writer, step.client);
}

static uint64_t writer_counted(enum counter counter)
{
    return atomic_load(&step.writer->tally.counters[counter]);
}

static uint64_t closed_by_writer(enum close_reason reason)
{
    (void)loop_turn(step.writer->loop.poll); /* the watch is closed first */
    return atomic_load(&step.writer->tally.closed[reason]);
}

TEST(writer, an_answer_that_the_socket_takes_whole_is_counted_and_the_connection_kept)
{
    set_up_fakes("L | R | P*2 | W");
    begin_get();
    response_error(step.x, 404, BYTES(""));
    step.client->conn.state = CONN_WRITING;
    expect(outlet_publish(&step.x->outlet, response_made(step.x), true));
    expect_int(send_it(), VERDICT_KEPT);
    expect_int(step.client->conn.state, CONN_RETURNING);
    expect_int(step.client->conn.requests, 1);
    expect_int(writer_counted(COUNTER_REQUESTS), 1);
    expect_int(writer_counted(COUNTER_WOULD_BLOCK), 0);
    expect_int(writer_counted(COUNTER_ABORTED), 0);
    expect(step.client->out.watch == NULL && !has_deadline());
    expect_int(writer_counted(COUNTER_BYTES_SENT), read_far());
    tear_down_fakes();
}

TEST(writer, sends_a_part_waits_for_the_full_socket_and_goes_on_until_all_is_out)
{
    set_up_fakes("L | R | P*2 | W");
    begin_get();
    expect(make(BODY, true));
    expect_int(send_it(), VERDICT_NONE);
    expect(step.client->out.waiting && !step.client->out.lingering && has_deadline());
    expect_int(step.client->out.watch->watch.events, WATCH_WRITE);
    expect_int(writer_counted(COUNTER_WOULD_BLOCK), 1);
    expect_int(writer_counted(COUNTER_REQUESTS), 0);
    struct ticket *ticket = NULL;
    size_t len = 0;
    while (ticket == NULL) {
        size_t got = read_far();
        expect(got > 0);
        len += got;
        (void)loop_turn(step.writer->loop.poll);
        (void)worker_flush(step.writer);
        ticket = fake_take(step.reader);
    }
    expect_int(ticket->verdict, VERDICT_KEPT);
    len += read_far();
    expect_int(writer_counted(COUNTER_BYTES_SENT), len);
    expect(len > BODY && writer_counted(COUNTER_WOULD_BLOCK) > 1);
    expect(!step.client->out.waiting && !has_deadline());
    expect_int(step.client->out.watch->watch.events, 0);
    tear_down_fakes();
}

TEST(writer, a_client_that_has_taken_nothing_when_its_time_is_over_is_given_up)
{
    set_up_fakes("L | R | P*2 | W");
    begin_get();
    expect(make(BODY, true));
    expect_int(send_it(), VERDICT_NONE);
    expire();
    expect_int(closed_by_writer(CLOSE_IO_TIMEOUT), 1);
    expect_int(writer_counted(COUNTER_ABORTED), 1);
    expect_int(writer_counted(COUNTER_REQUESTS), 1);
    expect_int(atomic_load(&fake.engine.connections), 0);
    tear_down_fakes();
}

TEST(writer, one_that_has_made_room_in_time_gets_more_and_has_its_time_again)
{
    set_up_fakes("L | R | P*2 | W");
    begin_get();
    expect(make(BODY, true));
    expect_int(send_it(), VERDICT_NONE);
    uint64_t sent = step.x->sent;
    expect(read_far() > 0);
    expire();
    expect_int(atomic_load(&fake.engine.connections), 1);
    expect(step.client->out.waiting && has_deadline());
    expect(step.x->sent > sent);
    tear_down_fakes();
}

TEST(writer, lets_a_client_go_when_all_that_was_made_is_out)
{
    set_up_fakes("L | R | P*2 | W");
    begin_get();
    expect(make(100, false));
    expect_int(send_it(), VERDICT_NONE);
    expect(read_far() > 100 && !step.client->out.waiting);
    expect(make(100, false)); /* it is to be given the client again */
    expect_int(send_it(), VERDICT_NONE);
    expect_int(read_far(), 100);
    tear_down_fakes();
}

TEST(writer, calls_the_processor_back_when_there_is_room_again)
{
    set_up_fakes("L | R | P*2 | W");
    fake.settings.output_highwater = 10000;
    begin_get();
    expect(make(20000, false));
    expect(outlet_wait_room(&step.x->outlet, fake.settings.output_highwater));
    expect_int(send_it(), VERDICT_NONE);
    (void)worker_flush(step.writer);
    const struct ticket *ticket = fake_take(step.processor);
    expect(ticket != NULL && ticket->verdict == VERDICT_WANT_ROOM);
    expect(fake_take(step.processor) == NULL);
    tear_down_fakes();
}

/* Another thread may still make the answer: the end of the answer, when it comes, ends the
 * exchange. */
TEST(writer, of_a_client_that_has_gone_it_waits_for_the_end_of_the_answer)
{
    set_up_fakes("L | R | P*2 | W");
    begin_get();
    expect(make(100, false));
    CHECK(shutdown(step.far, SHUT_RDWR) == 0);
    expect_int(send_it(), VERDICT_NONE);
    expect(outlet_is_cut(&step.x->outlet));
    expect_int(writer_counted(COUNTER_REQUESTS), 0);
    response_abandon(step.x);
    step.client->conn.state = CONN_WRITING;
    expect(outlet_publish(&step.x->outlet, response_made(step.x), true));
    expect_int(send_it(), VERDICT_CLOSE);
    expect_int(step.client->conn.close, CLOSE_RESET);
    expect_int(writer_counted(COUNTER_ABORTED), 1);
    tear_down_fakes();
}

TEST(writer, a_processor_that_waits_for_room_hears_that_the_client_has_gone)
{
    set_up_fakes("L | R | P*2 | W");
    fake.settings.output_highwater = 10000;
    begin_get();
    expect(make(20000, false));
    expect(outlet_wait_room(&step.x->outlet, fake.settings.output_highwater));
    CHECK(shutdown(step.far, SHUT_RDWR) == 0);
    expect_int(send_it(), VERDICT_NONE);
    (void)worker_flush(step.writer);
    const struct ticket *ticket = fake_take(step.processor);
    expect(ticket != NULL && ticket->verdict == VERDICT_WANT_ROOM);
    tear_down_fakes();
}

TEST(writer, waits_for_no_socket_when_the_server_cuts)
{
    set_up_fakes("L | R | P*2 | W");
    begin_get();
    expect(make(BODY, true));
    atomic_store(&fake.engine.phase, PHASE_CUTTING);
    expect_int(send_it(), VERDICT_CLOSE);
    expect_int(step.client->conn.close, CLOSE_CUT);
    expect(!step.client->out.waiting && !has_deadline());
    tear_down_fakes();
}

TEST(writer, the_last_answer_of_a_connection_lingers)
{
    set_up_fakes("L | R | P*2 | W");
    begin_get();
    step.x->close = CLOSE_MAX_REQUESTS;
    response_error(step.x, 404, BYTES(""));
    step.client->conn.state = CONN_WRITING;
    expect(outlet_publish(&step.x->outlet, response_made(step.x), true));
    expect_int(send_it(), VERDICT_NONE);
    expect(step.client->out.lingering && has_deadline());
    expect(read_far() > 0 && fake_is_closed(step.far));
    tear_down_fakes();
}

TEST(writer, after_a_100_the_request_is_read_to_its_end)
{
    set_up_fakes("L | R | P*2 | W");
    begin_request(
        "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    expect(step.x->interim);
    expect_int(send_it(), VERDICT_RESUME);
    expect_int(read_far(), strlen("HTTP/1.1 100 Continue\r\n\r\n"));
    expect_int(writer_counted(COUNTER_REQUESTS), 0);
    tear_down_fakes();
}

TEST(writer, a_session_leaves_a_full_socket_to_the_loop_where_there_is_one)
{
    set_up_fakes("L | rpw*4 | W");
    begin_get();
    expect(make(BODY, true));
    expect_int(writer_stage.enter(step.reader, step.client, VERDICT_OUTPUT_READY, true),
               VERDICT_WANT_WRITE);
    expect(!step.client->out.waiting);
    expect_int(writer_stage.enter(step.writer, step.client, VERDICT_WANT_WRITE, false),
               VERDICT_NONE);
    expect(step.client->out.waiting && step.client->out.watch != NULL && has_deadline());
    tear_down_fakes();
}

/* w beside capital letters: a pool's thread would wait for a client that reads nothing. */
TEST(writer, a_pool_that_sends_in_place_of_the_writer_waits_for_no_socket)
{
    set_up_fakes("L | R | Pw*2 | W");
    begin_get();
    expect(make(BODY, true));
    expect_int(
        writer_stage.enter(fake_worker(STAGE_PROCESSOR), step.client, VERDICT_OUTPUT_READY, true),
        VERDICT_WANT_WRITE);
    expect(!step.client->out.waiting);
    tear_down_fakes();
}

TEST(writer, deals_with_what_a_client_sends_only_while_it_lingers)
{
    set_up_fakes("LRW | P*2");
    begin_get();
    expect(!writer_readable(step.writer, step.client));
    step.x->close = CLOSE_MAX_REQUESTS;
    response_error(step.x, 404, BYTES(""));
    step.client->conn.state = CONN_WRITING;
    expect(outlet_publish(&step.x->outlet, response_made(step.x), true));
    expect_int(send_it(), VERDICT_NONE);
    CHECK(send(step.far, "late", 4, MSG_NOSIGNAL) == 4);
    expect(writer_readable(step.writer, step.client));
    expect_int(step.client->conn.lingered, 4);
    tear_down_fakes();
}
