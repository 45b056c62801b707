/* Handlers that make work on purpose, through whole exchanges. */
#include "core/handlers/synthetic.h"

#include "core/base/clock.h"
#include "core/handlers/handlers.h"
#include "core/handlers/later.h"
#include "tests/core/answer.h"

static struct client client;

static void get(const char *path, const char *query)
{
    client_ask(&client, METHOD_GET, path, query);
    client_run(&client, handler_find(bytes_of(path))->run);
}

TEST(synthetic, refuses_bad_parameters_by_name_and_range)
{
    static const struct {
        const char *path, *query, *said;
    } cases[] = {
        {"/synthetic/spin", "", "parameter us: a number from 0 to 10000000 is needed\n"},
        {"/synthetic/spin", "us=10000001", "parameter us: a number from 0 to 10000000 is needed\n"},
        {"/synthetic/spin", "us=-1", "parameter us: a number from 0 to 10000000 is needed\n"},
        {"/synthetic/spin", "us=", "parameter us: a number from 0 to 10000000 is needed\n"},
        {"/synthetic/sleep", "us=1", "parameter ms: a number from 0 to 60000 is needed\n"},
        {"/synthetic/sleep", "ms=60001", "parameter ms: a number from 0 to 60000 is needed\n"},
        {"/synthetic/async", "", "parameter ms: a number from 0 to 60000 is needed\n"},
        {"/synthetic/async", "ms=60001", "parameter ms: a number from 0 to 60000 is needed\n"},
        {"/synthetic/async", "ms=0&after=60001",
         "parameter after: a number from 0 to 60000 is needed\n"},
        {"/synthetic/async", "ms=1&after=1", "parameter after: goes with ms=0 only\n"},
        {"/synthetic/bytes", "n=1073741825",
         "parameter n: a number from 0 to 1073741824 is needed\n"},
        {"/synthetic/bytes", "n=x", "parameter n: a number from 0 to 1073741824 is needed\n"},
        {"/synthetic/stream", "", "parameter chunks: a number from 0 to 100000 is needed\n"},
        {"/synthetic/stream", "chunks=1&size=1048577&ms=0",
         "parameter size: a number from 0 to 1048576 is needed\n"},
        {"/synthetic/stream", "chunks=1&size=1",
         "parameter ms: a number from 0 to 60000 is needed\n"},
        {"/synthetic/input", "how=spin", "parameter us: a number from 0 to 10000000 is needed\n"},
        {"/synthetic/forward", "",
         "parameter to: a path of at most 1024 characters, encoded, is needed\n"},
        {"/synthetic/forward", "to",
         "parameter to: a path of at most 1024 characters, encoded, is needed\n"},
        {"/synthetic/forward", "to=hello.txt",
         "parameter to: a path of at most 1024 characters, encoded, is needed\n"},
        {"/synthetic/forward", "to=/%2",
         "parameter to: a path of at most 1024 characters, encoded, is needed\n"},
        {"/synthetic/forward", "to=/%252e%252e/%252e%252e",
         "parameter to: a path of at most 1024 characters, encoded, is needed\n"},
        {"/synthetic/length", "actual=1",
         "parameter declared: a number from 0 to 1048576 is needed\n"},
        {"/synthetic/length", "declared=1&actual=1048577",
         "parameter actual: a number from 0 to 1048576 is needed\n"},
        {"/synthetic/length", "declared=1&actual=1&pieces=101",
         "parameter pieces: a number from 0 to 100 is needed\n"},
        {"/synthetic/length", "declared=1&actual=1&pieces",
         "parameter pieces: a number from 0 to 100 is needed\n"},
        {"/synthetic/spin", "us=1&dist=gamma",
         "parameter dist: constant, exp, bimodal or lognormal is needed\n"},
        {"/synthetic/sleep", "ms=1&dist",
         "parameter dist: constant, exp, bimodal or lognormal is needed\n"},
        {"/synthetic/sleep", "dist=exp", "parameter ms: a number from 0 to 60000 is needed\n"},
        {"/synthetic/spin", "us=1&dist=exp&seed=1000000000000000000",
         "parameter seed: a number from 0 to 999999999999999999 is needed\n"},
        {"/synthetic/spin", "us=1&dist=exp&share=5",
         "parameters share and ratio: go with dist=bimodal only\n"},
        {"/synthetic/sleep", "ms=1&ratio=5",
         "parameters share and ratio: go with dist=bimodal only\n"},
        {"/synthetic/spin", "us=1&dist=bimodal&share=100",
         "parameter share: a number from 0 to 99 is needed\n"},
        {"/synthetic/spin", "us=1&dist=bimodal&ratio=1001",
         "parameter ratio: a number from 0 to 1000 is needed\n"},
        {"/synthetic/input", "us=1", "parameter how: spin or sleep is needed\n"},
        {"/synthetic/input", "us=1&how=dance", "parameter how: spin or sleep is needed\n"},
    };
    client_init(&client);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        get(cases[i].path, cases[i].query);
        expect_int(client.verdict, HANDLER_DONE);
        expect_int(client_status(&client), 400);
        expect_bytes(client_body(&client), cases[i].said);
    }
    client_deinit(&client);
}

TEST(synthetic, spends_the_time_asked_for)
{
    client_init(&client);
    uint64_t before = clock_ns();
    get("/synthetic/spin", "us=1500");
    expect(clock_ns() - before >= 1500 * NS_PER_US);
    expect_bytes(client_body(&client), "spun for 1500 us\n");
    before = clock_ns();
    get("/synthetic/sleep", "ms=2");
    expect(clock_ns() - before >= 2 * NS_PER_MS);
    expect_bytes(client_body(&client), "slept for 2 ms\n");
    client_deinit(&client);
}

/* The time that the answer names, in the target's unit, and the seed behind it. */
static void read_drawn(const char *words, double *time, unsigned long long *seed)
{
    char text[256];
    struct bytes body = client_body(&client);
    snprintf(text, sizeof text, "%.*s", (int)body.len, body.at);
    char *end;
    expect_msg(strncmp(text, words, strlen(words)) == 0, "%s", text);
    *time = strtod(text + strlen(words), &end);
    end = strstr(end, "seed ");
    expect(end != NULL);
    *seed = strtoull(end + strlen("seed "), NULL, 10);
}

TEST(synthetic, spends_a_drawn_time)
{
    static const char *const dists[] = {"exp", "bimodal", "lognormal"};
    client_init(&client);
    size_t len = 0;
    for (unsigned i = 0; i < 3; i++) {
        double drawn, again;
        unsigned long long seed;
        char query[64];
        snprintf(query, sizeof query, "us=700&seed=%u&dist=%s", 3 * i + 7, dists[i]);
        uint64_t before = clock_ns();
        get("/synthetic/spin", query);
        uint64_t took = clock_ns() - before;
        read_drawn("spun for ", &drawn, &seed);
        expect_int(seed, 3 * i + 7);
        expect(drawn > 0 && drawn != 700);
        expect((double)took >= drawn * NS_PER_US);
        expect(i == 0 || client_body(&client).len == len); /* equally long */
        len = client_body(&client).len;
        get("/synthetic/spin", query);
        read_drawn("spun for ", &again, &seed);
        expect(again == drawn);
    }
    get("/synthetic/sleep", "ms=0&dist=exp&seed=999999999999999999");
    expect_bytes(client_body(&client),
                 "slept for        0.000 ms, drawn with seed 999999999999999999\n");
    get("/synthetic/sleep", "ms=3&dist=constant&seed=4");
    expect_bytes(client_body(&client), "slept for 3 ms\n");
    client_deinit(&client);
}

TEST(synthetic, takes_the_next_seed_where_none_is_given)
{
    client_init(&client);
    double before = 0;
    unsigned long long first = 0;
    for (unsigned i = 0; i < 4; i++) {
        double drawn;
        unsigned long long seed;
        get("/synthetic/spin", i % 2 == 0 ? "us=20&dist=exp" : "us=20&dist=lognormal");
        read_drawn("spun for ", &drawn, &seed);
        first = i == 0 ? seed : first;
        expect_int(seed, first + i);
        expect(drawn != before);
        before = drawn;
        get("/synthetic/spin", i % 2 == 0 ? "us=1" : "us=1&dist=exp&seed=5"); /* takes none */
    }
    client_deinit(&client);
}

/* The callback for a completed answer hands it over; here, to the test. */
static struct {
    struct lock lock;
    struct condition told;
    struct exchange *x;
    uint64_t at_ns;
} completed;

static void on_complete(void *arg, struct exchange *x)
{
    (void)arg;
    lock_take(&completed.lock);
    completed.x = x;
    completed.at_ns = clock_ns();
    lock_release(&completed.lock);
    condition_signal(&completed.told);
}

static void expect_completed(const char *body)
{
    lock_take(&completed.lock);
    while (completed.x == NULL) {
        expect(condition_wait(&completed.told, &completed.lock, clock_ns() + 20 * NS_PER_S));
    }
    expect(completed.x == client.x);
    completed.x = NULL;
    lock_release(&completed.lock);
    client_take(&client);
    expect_bytes(client_body(&client), body);
}

TEST(synthetic, completes_answers_before_and_after_the_handler_returns)
{
    lock_init(&completed.lock, RANK_SERVER);
    condition_init(&completed.told);
    client_init(&client);
    exchange_pool_on_complete(&client.pool, on_complete, NULL);
    later_start();
    uint64_t before_ns = clock_ns();
    client_ask(&client, METHOD_GET, "/synthetic/async", "ms=30");
    expect_int(synthetic_async(client.x), HANDLER_AWAY);
    expect_completed("completed after 30 ms\n");
    expect(completed.at_ns - before_ns >= 30 * NS_PER_MS);
    client_ask(&client, METHOD_GET, "/synthetic/async", "ms=0&after=30");
    before_ns = clock_ns();
    expect_int(synthetic_async(client.x), HANDLER_AWAY);
    expect(clock_ns() - before_ns >= 30 * NS_PER_MS);
    expect_completed("completed after 0 ms\n");
    later_stop();
    client_deinit(&client);
    condition_deinit(&completed.told);
    lock_deinit(&completed.lock);
}

TEST(synthetic, answers_at_once_when_nobody_can_complete)
{
    client_init(&client);
    get("/synthetic/async", "ms=1");
    expect_int(client.verdict, HANDLER_DONE);
    expect_int(client_status(&client), 503);
    client_deinit(&client);
}

TEST(synthetic, makes_as_many_bytes_as_asked)
{
    client_init(&client);
    static const int sizes[] = {0, 1, 1400, 65536, 65537, 300000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char query[32], length[256];
        snprintf(query, sizeof query, "n=%d", sizes[i]);
        get("/synthetic/bytes", query);
        expect_int(client_status(&client), 200);
        expect_int(atoi(client_value(&client, "Content-Length", length)), sizes[i]);
        struct bytes body = client_body(&client);
        expect_int(body.len, sizes[i]);
        for (size_t at = 0; at < body.len; at++) {
            expect(at % 64 != 63 ? body.at[at] != '\n' : body.at[at] == '\n');
        }
    }
    client_deinit(&client);
}

TEST(synthetic, takes_no_memory_for_many_bytes)
{
    client_init(&client);
    client_ask(&client, METHOD_GET, "/synthetic/bytes", "n=1073741824");
    expect_int(synthetic_bytes(client.x), HANDLER_DONE);
    expect(response_made(client.x)->len > 1 << 30);
    client_deinit(&client);
}

TEST(synthetic, streams_a_chunk_a_call)
{
    client_init(&client);
    client_ask(&client, METHOD_GET, "/synthetic/stream", "chunks=3&size=4&ms=0");
    client_run(&client, synthetic_stream);
    expect_int(client.verdict, HANDLER_MORE);
    expect_bytes(client_body(&client), "4\r\n0123\r\n");
    client_run(&client, synthetic_stream);
    expect_int(client.verdict, HANDLER_MORE);
    client_run(&client, synthetic_stream);
    expect_int(client.verdict, HANDLER_DONE);
    expect_bytes(client_body(&client), "4\r\n0123\r\n4\r\n0123\r\n4\r\n0123\r\n0\r\n\r\n");
    expect(client_has(&client, "Transfer-Encoding: chunked\r\n"));
    client_deinit(&client);
}

TEST(synthetic, pauses_between_chunks_only)
{
    client_init(&client);
    client_ask(&client, METHOD_GET, "/synthetic/stream", "chunks=2&size=1&ms=7");
    client_run(&client, synthetic_stream);
    expect_int(client.verdict, HANDLER_PAUSE);
    expect_int(client.x->pause_ns, 7 * NS_PER_MS);
    client_run(&client, synthetic_stream);
    expect_int(client.verdict, HANDLER_DONE);
    client_deinit(&client);
}

TEST(synthetic, streams_nothing_whole)
{
    client_init(&client);
    get("/synthetic/stream", "chunks=0&size=4&ms=9");
    expect_int(client.verdict, HANDLER_DONE);
    expect_bytes(client_body(&client), "0\r\n\r\n");
    client_ask(&client, METHOD_GET, "/synthetic/stream", "chunks=2&size=0&ms=0");
    client_run(&client, synthetic_stream);
    client_run(&client, synthetic_stream);
    expect_int(client.verdict, HANDLER_DONE);
    expect_bytes(client_body(&client), "0\r\n\r\n");
    client_ask(&client, METHOD_HEAD, "/synthetic/stream", "chunks=100&size=4&ms=9");
    client_run(&client, synthetic_stream);
    expect_int(client.verdict, HANDLER_DONE);
    expect_bytes(client_body(&client), "");
    client_deinit(&client);
}

TEST(synthetic, stops_a_stream_that_nobody_reads)
{
    client_init(&client);
    client_ask(&client, METHOD_GET, "/synthetic/stream", "chunks=100&size=4&ms=0");
    client_run(&client, synthetic_stream);
    expect_int(client.verdict, HANDLER_MORE);
    (void)outlet_cut(&client.x->outlet);
    client_run(&client, synthetic_stream);
    expect_int(client.verdict, HANDLER_DONE);
    client_deinit(&client);
}

TEST(synthetic, forwards_to_what_is_asked_for)
{
    client_init(&client);
    get("/synthetic/forward", "x=1&to=/%2568ello.txt%3fa=%62%26c&to=/other");
    expect_int(client.verdict, HANDLER_FORWARD);
    expect_bytes(client.x->request.path, "/hello.txt");
    expect_bytes(client.x->request.query, "a=b&c");
    expect_int(client.len, 0);
    char query[3 + 1026] = "to=/";
    memset(query + 4, 'a', 1023);
    get("/synthetic/forward", query);
    expect_int(client.verdict, HANDLER_FORWARD);
    query[3 + 1024] = 'a';
    get("/synthetic/forward", query);
    expect_int(client.verdict, HANDLER_DONE);
    expect_int(client_status(&client), 400);
    client_deinit(&client);
}

TEST(synthetic, keeps_no_declared_length)
{
    client_init(&client);
    get("/synthetic/length", "declared=5&actual=9");
    expect_int(client.verdict, HANDLER_DONE);
    expect_bytes(client_body(&client), "01234");
    expect_int(client.x->response.produced, 9);
    get("/synthetic/length", "declared=9&actual=5");
    expect_bytes(client_body(&client), "01234");
    get("/synthetic/length", "declared=0&actual=0&pieces=0");
    expect_int(client.verdict, HANDLER_DONE);
    expect_bytes(client_body(&client), "");
    client_deinit(&client);
}

TEST(synthetic, makes_a_length_in_pieces)
{
    client_init(&client);
    client_ask(&client, METHOD_GET, "/synthetic/length", "declared=20&actual=11&pieces=3");
    for (unsigned i = 0; i < 3; i++) {
        client_run(&client, synthetic_length);
        expect_int(client.verdict, i < 2 ? HANDLER_MORE : HANDLER_DONE);
        expect_int(client.x->response.produced, 5 + 3 * i);
    }
    expect_int(client_body(&client).len, 11);
    client_deinit(&client);
}

static void post(const char *body, size_t len, const char *type)
{
    client_ask(&client, METHOD_POST, "/synthetic/echo", "");
    client.x->request.body = (struct bytes){body, len};
    if (type != NULL) {
        client_field(&client, "content-type", type);
    }
    client_run(&client, synthetic_echo);
}

TEST(synthetic, echoes_body_and_type)
{
    static char large[100000];
    char type[256];
    client_init(&client);
    post("hello", 5, "text/x-greeting; a=b");
    expect_int(client_status(&client), 200);
    expect_text(client_value(&client, "Content-Type", type), "text/x-greeting; a=b");
    expect_bytes(client_body(&client), "hello");
    post("", 0, NULL);
    expect_text(client_value(&client, "Content-Type", type), "application/octet-stream");
    expect_bytes(client_body(&client), "");
    memset(large, 'x', sizeof large);
    post(large, sizeof large, "");
    expect_int(client_body(&client).len, sizeof large);
    expect_text(client_value(&client, "Content-Type", type), "application/octet-stream");
    static char long_type[2000];
    memset(long_type, 'a', sizeof long_type - 1);
    post("x", 1, long_type);
    expect_text(client_value(&client, "Content-Type", type), "application/octet-stream");
    client_deinit(&client);
}

static uint64_t filtered(const char *query)
{
    client_ask(&client, METHOD_GET, "/synthetic/input", query);
    uint64_t before = clock_ns();
    synthetic_input_filter(client.x);
    return clock_ns() - before;
}

TEST(synthetic, spends_time_while_reading)
{
    client_init(&client);
    expect(filtered("us=2000&how=spin") >= 2000 * NS_PER_US);
    expect(filtered("us=2000&how=sleep") >= 2000 * NS_PER_US);
    client_run(&client, synthetic_input_run);
    expect_bytes(client_body(&client), "the reader spent 2000 us\n");
    expect(filtered("us=10000000&how=dance") < 10 * NS_PER_S);
    expect(filtered("us=10000001&how=spin") < 10 * NS_PER_S);
    client_deinit(&client);
}
