/* test_processor.c: running handlers, in pieces and at once. The handler is the test's own, and says
 * what a test has written down for it; the writer is a fake, in whose place the test collects and
 * sends what has been published.
 */
#include "stages/stage/processor.h"

#include "core/base/log.h"
#include "core/exchange/response.h"
#include "core/handlers/handlers.h"
#include "stages/engine/inline.h"
#include "stages/engine/whole.h"
#include "tests/stages/fake.h"

enum { PIECES = 40, PIECE_MOST = 100000, PIECES_IN_A_TURN = 16, FORWARDS = 8 };

static struct {
    struct worker *worker, *writer, *reader;
    struct client *client;
    struct exchange *x;
    int far;

    /* the handler */
    enum handler_verdict says[PIECES];
    size_t piece;
    unsigned runs;
    uint64_t put_before[PIECES]; /* what the writer's queue had got before each run */
    void (*in_run)(void);
} world;

static char body[PIECE_MOST];

static enum handler_verdict run_pieces(struct exchange *x)
{
    CHECK(world.runs < PIECES);
    enum handler_verdict says = world.says[world.runs];
    world.put_before[world.runs++] = mailbox_depth(world.writer->mailbox).put;
    if (world.in_run != NULL) {
        world.in_run();
    }
    if (says == HANDLER_AWAY || says == HANDLER_FORWARD) {
        return says;
    }
    if (x->response.status == 0) {
        response_start(x, 200);
        response_chunked(x);
    }
    response_lend(x, body, world.piece, NULL);
    return says;
}

static struct handler handler = {.name = "test",
                                 .prefix = "/test",
                                 .methods = METHOD_GET | METHOD_POST,
                                 .access = ACCESS_EVERYBODY,
                                 .counted = true,
                                 .run = run_pieces};

/* Settings may be changed before begin(). */
static void set_up(const char *wiring)
{
    log_set_level(LOG_ERROR);
    memset(&world, 0, sizeof world);
    memset(body, 'b', sizeof body);
    world.piece = 10;
    handler.takes_long = false;
    handler.access = ACCESS_EVERYBODY;
    fake_set_up(wiring);
    fake.stages[STAGE_PROCESSOR] = &processor_stage;
}

/* Something has been read. */
static void begin(const char *request)
{
    fake_start();
    world.worker = fake_worker(STAGE_PROCESSOR);
    world.writer = fake_worker(STAGE_WRITER);
    world.reader = fake_worker(STAGE_READER);
    world.client = fake_client(fake_worker(STAGE_LISTENER), &world.far);
    expect_int(fake_read(world.reader, world.client, world.far, request), VERDICT_REQUEST_READY);
    request_is_whole(world.reader, world.client);
    world.x = world.client->conn.exchange;
    if (world.x->handler != NULL) {
        world.x->handler = &handler;
    }
}

static void begin_get(void)
{
    begin("GET /test HTTP/1.1\r\nHost: a\r\n\r\n");
}

static enum verdict process(enum verdict verdict)
{
    return processor_stage.enter(world.worker, world.client, verdict, false);
}

/* What has been published goes out, and the client reads it: what the writer does. */
static const char *hear(void)
{
    static char text[2 * PIECE_MOST];
    size_t len = 0;
    ssize_t got;
    (void)outlet_collect(&world.x->outlet, &world.x->sending);
    (void)conn_send(&world.client->conn);
    while ((got = recv(world.far, text + len, sizeof text - 1 - len, 0)) > 0) {
        len += (size_t)got;
    }
    text[len] = '\0';
    return text;
}

static void expect_heard(const char *part)
{
    const char *text = hear();
    expect_msg(strstr(text, part) != NULL, "no '%s' in: %.300s", part, text);
}

static void tear_down(void)
{
    if (world.client != NULL) {
        (void)outlet_collect(&world.x->outlet, &world.x->sending);
        exchange_end(world.x);
        client_close(world.reader, world.client);
    }
    worker_come_back(world.worker);
    fake_stop();
}

static uint64_t counted(enum counter counter)
{
    return atomic_load(&world.worker->tally.counters[counter]);
}

/* --- whole answers --- */

TEST(processor, a_whole_answer_goes_on_once)
{
    set_up("L | R | P*2 | W");
    begin_get();
    world.says[0] = HANDLER_DONE;
    expect_int(process(VERDICT_REQUEST_READY), VERDICT_OUTPUT_READY);
    expect_int(world.runs, 1);
    expect_int(world.client->conn.state, CONN_WRITING);
    expect_int(counted(COUNTER_STARTED), 1);
    expect_int(counted(COUNTER_HANDED), 1);
    expect(fake_take(world.writer) == NULL);
    expect_heard("HTTP/1.1 200 OK\r\n");
    tear_down();
}

/* --- pieces --- */

TEST(processor, the_first_piece_goes_to_the_writer_and_the_next_follow_it_while_it_sends)
{
    set_up("L | R | P*2 | W");
    begin_get();
    world.says[0] = world.says[1] = HANDLER_MORE;
    world.says[2] = HANDLER_DONE;
    expect_int(process(VERDICT_REQUEST_READY), VERDICT_NONE);
    expect_int(world.runs, 3);
    expect_int(world.put_before[0], 0);
    expect_int(world.put_before[1], 1); /* it does not wait for the second piece */
    const struct ticket *ticket = fake_take(world.writer);
    expect(ticket != NULL && ticket->verdict == VERDICT_OUTPUT_READY);
    expect(fake_take(world.writer) == NULL);
    expect_int(counted(COUNTER_HANDED), 1);
    expect_heard("a\r\nbbbbbbbbbb\r\na\r\nbbbbbbbbbb\r\na\r\nbbbbbbbbbb\r\n0\r\n\r\n");
    tear_down();
}

static void writer_lets_go(void)
{
    if (world.runs == 2) { /* all that was published is sent, and it finds no more */
        (void)hear();
        expect_int(outlet_collect(&world.x->outlet, &world.x->sending), COLLECT_EMPTY);
    }
}

TEST(processor, a_writer_that_has_let_go_gets_the_client_again)
{
    set_up("L | R | P*2 | W");
    begin_get();
    world.says[0] = HANDLER_MORE;
    world.in_run = writer_lets_go;
    expect_int(process(VERDICT_REQUEST_READY), VERDICT_OUTPUT_READY);
    expect_int(world.runs, 2);
    expect(fake_take(world.writer) != NULL && fake_take(world.writer) == NULL);
    tear_down();
}

TEST(processor, above_the_high_water_mark_the_client_is_let_go_and_goes_on_when_there_is_room)
{
    set_up("L | R | P*2 | W");
    fake.settings.output_highwater = 15000;
    begin_get();
    world.piece = 10000;
    world.says[0] = world.says[1] = HANDLER_MORE;
    expect_int(process(VERDICT_REQUEST_READY), VERDICT_NONE);
    expect_int(world.runs, 2);
    expect_int(counted(COUNTER_ROOM_WAITS), 1);
    expect_int(counted(COUNTER_HANDED), 0);
    (void)hear();
    expect(outlet_sent(&world.x->outlet, world.x->sent, fake.settings.output_highwater));
    expect_int(process(VERDICT_WANT_ROOM), VERDICT_NONE);
    expect_int(world.runs, 3);
    expect_int(counted(COUNTER_ROOM_WAITS), 1);
    expect_int(counted(COUNTER_HANDED), 1);
    tear_down();
}

/* Whatever time has passed, the client may have read nothing. */
TEST(processor, a_pool_asks_for_room_after_a_pause_too)
{
    set_up("L | R | P*2 | W");
    fake.settings.output_highwater = 5000;
    begin_get();
    world.piece = 10000;
    world.says[0] = HANDLER_PAUSE;
    world.x->pause_ns = NS_PER_MS;
    uint64_t before_ns = clock_ns();
    expect_int(process(VERDICT_REQUEST_READY), VERDICT_NONE);
    expect(clock_ns() - before_ns >= NS_PER_MS);
    expect_int(world.runs, 1);
    expect_int(counted(COUNTER_ROOM_WAITS), 1);
    tear_down();
}

TEST(processor, a_loop_comes_back_after_a_pause_and_asks_for_room_then)
{
    set_up("LRPW*1");
    fake.settings.output_highwater = 5000;
    begin_get();
    world.piece = 10000;
    world.says[0] = HANDLER_PAUSE;
    world.x->pause_ns = 0;
    expect_int(process(VERDICT_REQUEST_READY), VERDICT_NONE);
    expect_int(counted(COUNTER_ROOM_WAITS), 0); /* not asked yet */
    loop_block(world.worker->loop.poll, &world.worker->woke_ns);
    expect_int(world.runs, 1);
    expect_int(counted(COUNTER_ROOM_WAITS), 1);
    tear_down();
}

TEST(processor, after_a_pause_with_room_the_next_piece_is_made)
{
    set_up("LRPW*1");
    begin_get();
    world.says[0] = HANDLER_PAUSE;
    world.x->pause_ns = 0;
    expect_int(process(VERDICT_REQUEST_READY), VERDICT_NONE);
    expect_int(world.runs, 1);
    loop_block(world.worker->loop.poll, &world.worker->woke_ns);
    expect_int(world.runs, 2);
    expect_int(counted(COUNTER_HANDED), 1);
    tear_down();
}

TEST(processor, a_loop_makes_so_many_pieces_in_one_turn_and_others_get_theirs)
{
    set_up("LRPW*1");
    begin_get();
    for (unsigned i = 0; i < PIECES_IN_A_TURN + 2; i++) {
        world.says[i] = HANDLER_MORE;
    }
    expect_int(process(VERDICT_REQUEST_READY), VERDICT_NONE);
    expect_int(world.runs, PIECES_IN_A_TURN);
    loop_block(world.worker->loop.poll, &world.worker->woke_ns);
    expect_int(world.runs, PIECES_IN_A_TURN + 3);
    expect_int(counted(COUNTER_HANDED), 1);
    tear_down();
}

TEST(processor, a_pool_makes_all_pieces_at_once)
{
    set_up("L | R | P*2 | W");
    begin_get();
    for (unsigned i = 0; i < PIECES_IN_A_TURN + 2; i++) {
        world.says[i] = HANDLER_MORE;
    }
    expect_int(process(VERDICT_REQUEST_READY), VERDICT_NONE);
    expect_int(world.runs, PIECES_IN_A_TURN + 3);
    tear_down();
}

/* --- answers that are given up --- */

TEST(processor, no_further_piece_is_made_for_a_client_that_has_gone)
{
    set_up("L | R | P*2 | W");
    begin_get();
    world.says[0] = world.says[1] = HANDLER_MORE;
    (void)outlet_cut(&world.x->outlet);
    expect_int(process(VERDICT_REQUEST_READY), VERDICT_OUTPUT_READY); /* the end alone */
    expect_int(world.runs, 1);
    expect(world.x->response.cut_short);
    expect_int(counted(COUNTER_HANDED), 1);
    tear_down();
}

TEST(processor, no_further_piece_is_made_when_the_server_cuts)
{
    set_up("L | R | P*2 | W");
    begin_get();
    world.says[0] = world.says[1] = HANDLER_MORE;
    atomic_store(&fake.engine.phase, PHASE_CUTTING);
    expect_int(process(VERDICT_REQUEST_READY), VERDICT_OUTPUT_READY);
    expect_int(world.runs, 1);
    expect_int(world.x->close, CLOSE_CUT);
    tear_down();
}

/* --- answers that need no handler --- */

static void expect_at_once(const char *request, const char *part, const char *other)
{
    begin(request);
    expect_int(process(VERDICT_REQUEST_READY), VERDICT_OUTPUT_READY);
    expect_int(world.runs, 0);
    expect_int(counted(COUNTER_HANDED), 1);
    const char *text = hear();
    expect_msg(strncmp(text, part, strlen(part)) == 0, "%s", text);
    expect_msg(strstr(text, other) != NULL, "%s", text);
    tear_down();
}

TEST(processor, a_refused_request_gets_its_status)
{
    set_up("L | R | P*2 | W");
    expect_at_once("GET / HTTP/1.1\r\nHost : a\r\n\r\n", "HTTP/1.1 400 ",
                   "\r\nConnection: close\r\n");
}

TEST(processor, options_says_what_the_server_and_what_a_handler_can)
{
    set_up("L | R | P*2 | W");
    expect_at_once("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 204 ",
                   "\r\nAllow: GET, HEAD, POST, PUT, DELETE, OPTIONS\r\n");
    set_up("L | R | P*2 | W");
    expect_at_once("OPTIONS /test HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 204 ",
                   "\r\nAllow: GET, POST, OPTIONS\r\n");
}

TEST(processor, a_method_that_the_handler_does_not_have_is_answered_405_with_those_it_has)
{
    set_up("L | R | P*2 | W");
    expect_at_once("DELETE /test HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 405 ",
                   "\r\nAllow: GET, POST, OPTIONS\r\n");
}

TEST(processor, a_handler_that_this_client_may_not_use_is_not_there)
{
    set_up("L | R | P*2 | W");
    fake.settings.synthetic = WHO_OFF;
    handler.access = ACCESS_SYNTHETIC;
    expect_at_once("GET /test HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 404 ", "404 Not Found\n");
}

/* --- forwarding --- */

static void forward_to_bytes(void)
{
    expect(handler_forward(world.x, BYTES("/synthetic/bytes?n=7")));
}

TEST(processor, the_handler_that_was_forwarded_to_answers)
{
    set_up("L | R | P*2 | W");
    begin_get();
    world.says[0] = HANDLER_FORWARD;
    world.in_run = forward_to_bytes;
    expect_int(process(VERDICT_REQUEST_READY), VERDICT_OUTPUT_READY);
    expect_int(world.runs, 1);
    expect_text(world.x->handler->name, "bytes");
    expect_int(counted(COUNTER_STARTED), 1); /* it is one request still */
    expect_heard("\r\nContent-Length: 7\r\n");
    tear_down();
}

TEST(processor, a_request_that_is_forwarded_too_often_is_answered_500)
{
    for (unsigned before = FORWARDS - 1; before <= FORWARDS; before++) {
        set_up("L | R | P*2 | W");
        begin_get();
        world.says[0] = HANDLER_FORWARD;
        world.in_run = forward_to_bytes;
        world.x->forwards = before;
        expect_int(process(VERDICT_REQUEST_READY), VERDICT_OUTPUT_READY);
        expect_heard(before == FORWARDS ? "HTTP/1.1 500 " : "HTTP/1.1 200 ");
        tear_down();
    }
}

/* --- answers that others complete --- */

TEST(processor, an_answer_that_is_made_elsewhere_goes_to_the_writer_when_it_is_complete)
{
    set_up("L | R | P*2 | W");
    begin_get();
    world.says[0] = HANDLER_AWAY;
    expect_int(process(VERDICT_REQUEST_READY), VERDICT_NONE);
    expect_int(world.client->conn.state, CONN_PROCESSING);
    expect_int(counted(COUNTER_HANDED), 0);
    expect(fake_take(world.writer) == NULL);
    response_error(world.x, 200, BYTES(""));
    response_complete(world.x);
    const struct ticket *ticket = fake_take(world.writer);
    expect(ticket != NULL && ticket->verdict == VERDICT_OUTPUT_READY);
    expect_int(world.client->conn.state, CONN_WRITING);
    expect_int(atomic_load(&fake.engine.completed), 1);
    expect_int(counted(COUNTER_HANDED), 0); /* by none of the stages' threads */
    expect_heard("HTTP/1.1 200 ");
    tear_down();
}

/* The answer is complete, sent, and its connection closed before the handler returns. */
static void complete_and_close(void)
{
    response_error(world.x, 200, BYTES(""));
    response_complete(world.x);
    expect(fake_take(world.writer) != NULL);
    (void)hear();
    exchange_end(world.x);
    client_close(world.reader, world.client);
    world.client = NULL;
}

TEST(processor, a_client_whose_handler_is_away_is_left_alone)
{
    set_up("L | R | P*2 | W");
    begin_get();
    world.says[0] = HANDLER_AWAY;
    world.in_run = complete_and_close;
    expect_int(process(VERDICT_REQUEST_READY), VERDICT_NONE);
    expect_int(counted(COUNTER_HANDED), 0);
    expect(fake_take(world.writer) == NULL);
    tear_down();
}

/* --- the end of the connection, and of a thread's time --- */

TEST(processor, the_last_request_of_a_connection_says_so)
{
    set_up("L | R | P*2 | W");
    fake.settings.keepalive_requests = 2;
    begin_get();
    world.client->conn.requests = 1;
    expect_int(process(VERDICT_REQUEST_READY), VERDICT_OUTPUT_READY);
    expect_int(world.x->close, CLOSE_MAX_REQUESTS);
    expect_heard("\r\nConnection: close\r\n");
    tear_down();
}

TEST(processor, a_connection_with_no_place_among_those_kept_is_closed_after_its_answer)
{
    set_up("L | R | P*2 | W");
    fake.settings.keepalive_connections = 1;
    begin_get();
    atomic_store(&fake.engine.kept, 1);
    expect_int(process(VERDICT_REQUEST_READY), VERDICT_OUTPUT_READY);
    expect_int(world.x->close, CLOSE_KEEPALIVE_FULL);
    expect(!world.client->kept);
    tear_down();
}

TEST(processor, others_do_not_count_on_a_thread_whose_handler_takes_long)
{
    set_up("L | R | P*2 | W");
    begin_get();
    handler.takes_long = true;
    expect_int(process(VERDICT_REQUEST_READY), VERDICT_OUTPUT_READY);
    expect(world.worker->pool.is_away);
    tear_down();
    set_up("L | R | P*2 | W");
    begin_get();
    expect_int(process(VERDICT_REQUEST_READY), VERDICT_OUTPUT_READY);
    expect(!world.worker->pool.is_away);
    tear_down();
}

/* --- handlers that turn out long (inline.h) --- */

enum { LONG_NS = 2000000 };

static void work_long(void)
{
    uint64_t begin_ns = clock_ns();
    while (clock_ns() - begin_ns < LONG_NS) {
    }
}

static void work_long_and_forward(void)
{
    work_long();
    forward_to_bytes();
}

static void complete_and_work_long(void)
{
    complete_and_close();
    work_long();
}

/* A loop runs the handler in place of P, and is held up by it until it says that. */
static void expect_turns_out_long(enum handler_verdict says, void (*in_run)(void))
{
    set_up("LRpW*1 | P*1");
    begin_get();
    world.worker = world.reader;
    world.says[0] = says;
    world.in_run = in_run;
    (void)process(VERDICT_REQUEST_READY);
    expect(inline_takes_long(&fake.engine, &handler));
    expect_int(counted(COUNTER_INLINE_LONG), 1);
    if (says == HANDLER_PAUSE) {
        loop_block(world.worker->loop.poll, &world.worker->woke_ns);
    }
    tear_down();
}

TEST(processor, a_handler_that_held_up_a_loop_has_turned_out_long_however_it_went_on)
{
    expect_turns_out_long(HANDLER_DONE, work_long);
    expect_turns_out_long(HANDLER_MORE, work_long);
    expect_turns_out_long(HANDLER_PAUSE, work_long);
    expect_turns_out_long(HANDLER_FORWARD, work_long_and_forward);
    expect_turns_out_long(HANDLER_AWAY, complete_and_work_long);
}

static bool turns_out_long_in_pool(const char *wiring, enum handler_verdict says,
                                   void (*in_run)(void))
{
    set_up(wiring);
    begin_get();
    world.says[0] = says;
    world.x->pause_ns = LONG_NS;
    world.in_run = in_run;
    (void)process(VERDICT_REQUEST_READY);
    bool is_long = inline_takes_long(&fake.engine, &handler);
    expect_int(counted(COUNTER_INLINE_LONG), 0);
    tear_down();
    return is_long;
}

TEST(processor, in_a_pool_a_handler_turns_out_long_too_where_a_loop_might_run_it)
{
    expect(turns_out_long_in_pool("LRpW*1 | P*1", HANDLER_DONE, work_long));
    expect(!turns_out_long_in_pool("LRW*1 | P*1", HANDLER_DONE, work_long));
}

/* This thread may lose the CPU in a short run: not each time. */
TEST(processor, a_pause_in_a_pool_makes_no_handler_long)
{
    unsigned times = 0;
    while (turns_out_long_in_pool("LRpW*1 | P*1", HANDLER_PAUSE, NULL)) {
        expect(++times < 20);
    }
}

TEST(processor, an_answer_that_needs_no_handler_is_no_short_run_of_it)
{
    set_up("LRpW*1 | P*1");
    begin("OPTIONS /test HTTP/1.1\r\nHost: a\r\n\r\n");
    atomic_store(&fake.engine.distrusted[handler.number], 1);
    expect_int(process(VERDICT_REQUEST_READY), VERDICT_OUTPUT_READY);
    expect(inline_takes_long(&fake.engine, &handler));
    tear_down();
}

TEST(processor, others_do_not_count_on_a_thread_whose_handler_has_turned_out_long)
{
    set_up("LRpW*1 | P*1");
    begin_get();
    atomic_store(&fake.engine.distrusted[handler.number], 2);
    expect_int(process(VERDICT_REQUEST_READY), VERDICT_OUTPUT_READY);
    expect(world.worker->pool.is_away);
    tear_down();
}
