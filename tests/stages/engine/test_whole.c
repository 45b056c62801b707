/* test_whole.c: what is done to a request once, when all of it is there. */
#include "stages/engine/whole.h"

#include "core/base/clock.h"
#include "core/handlers/handler.h"
#include "tests/stages/fake.h"

static struct worker *reader;
static struct client *client;
static int far;

static void start(void)
{
    fake_set_up("L | R | P*2 | W");
    fake_start();
    reader = fake_worker(STAGE_READER);
    client = fake_client(fake_worker(STAGE_LISTENER), &far);
}

static void stop(void)
{
    fake_close(reader, client);
    fake_stop();
}

static uint64_t counted(enum counter counter)
{
    return atomic_load(&reader->tally.counters[counter]);
}

/* Reads this request, which the parser does not refuse. */
static struct exchange *read_request(const char *text)
{
    expect_int(fake_read(reader, client, far, text), VERDICT_REQUEST_READY);
    expect_int(counted(COUNTER_BEGUN), 1);
    expect_int(counted(COUNTER_WHOLE), 0);
    return client->conn.exchange;
}

TEST(whole, gives_the_request_its_handler_and_counts_it)
{
    start();
    struct exchange *x = read_request("GET /synthetic/bytes?n=1 HTTP/1.1\r\nHost: a\r\n\r\n");
    uint64_t whole_ns = x->stamps.whole_ns;
    request_is_whole(reader, client);
    expect_text(x->handler->name, "bytes");
    expect_int(x->reader, reader->number);
    expect_int(counted(COUNTER_WHOLE), 1);
    expect_int(counted(COUNTER_BEGUN), 1);
    expect_int(x->stamps.whole_ns, whole_ns); /* there is no filter whose time would be added */
    stop();
}

TEST(whole, runs_the_input_filter_whose_time_belongs_to_reading)
{
    enum { SPIN_US = 3000 };
    char text[120];
    start();
    snprintf(text, sizeof text, "GET /synthetic/input?how=spin&us=%d HTTP/1.1\r\nHost: a\r\n\r\n",
             SPIN_US);
    struct exchange *x = read_request(text);
    uint64_t before_ns = clock_ns();
    request_is_whole(reader, client);
    expect(x->stamps.whole_ns >= before_ns + SPIN_US * NS_PER_US);
    stop();
}

TEST(whole, leaves_a_refused_request_without_handler_and_counts_it)
{
    start();
    struct exchange *x = read_request("GET /synthetic/input?how=spin&us=1 HTTP/1.1\r\n\r\n");
    uint64_t whole_ns = x->stamps.whole_ns;
    expect_int(x->refused_status, 400); /* it has no Host */
    request_is_whole(reader, client);
    expect(x->handler == NULL);
    expect_int(x->stamps.whole_ns, whole_ns);
    expect_int(x->reader, reader->number);
    expect_int(counted(COUNTER_WHOLE), 1);
    stop();
}

TEST(whole, takes_one_that_does_not_count_back_from_those_begun)
{
    start();
    struct exchange *x = read_request("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    request_is_whole(reader, client);
    expect_text(x->handler->name, "metrics");
    expect(!exchange_is_counted(x));
    expect_int(counted(COUNTER_BEGUN), 0);
    expect_int(counted(COUNTER_WHOLE), 0);
    stop();
}
