/* test_arrival.c: when bytes arrived, over a real TCP connection on loopback whose other end is in
 * the test's hands. */
#include "core/exchange/arrival.h"

#include "core/base/clock.h"
#include "core/exchange/conn.h"
#include "core/options/options.h"
#include "core/points/tally.h"
#include "tests/test.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

struct tcp_line {
    struct settings settings;
    struct exchange_pool pool;
    struct tally tally;
    struct conn conn;
    int listener, peer;
};

/* The kernel begins to stamp soon after the first socket has asked for it, not at once. */
static void await_stamps(const struct tcp_line *line)
{
    uint64_t wall_ns = 0;
    for (unsigned tries = 0; wall_ns == 0; tries++) {
        char byte;
        struct pollfd readable = {.fd = line->conn.fd, .events = POLLIN};
        expect_msg(tries < 5000, "this kernel does not stamp what a TCP socket receives");
        expect_int(send(line->peer, "x", 1, 0), 1);
        expect_int(poll(&readable, 1, -1), 1);
        expect_int(arrival_recv(line->conn.fd, &byte, 1, 0, &wall_ns), 1);
    }
}

static void connect_line(struct tcp_line *line)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    line->listener = socket(AF_INET, SOCK_STREAM, 0);
    expect(line->listener >= 0);
    expect_int(bind(line->listener, (struct sockaddr *)&address, len), 0);
    expect_int(listen(line->listener, 1), 0);
    expect_int(getsockname(line->listener, (struct sockaddr *)&address, &len), 0);
    arrival_enable(line->listener, &line->settings);
    const int at_once = 1;
    line->peer = socket(AF_INET, SOCK_STREAM, 0);
    expect_int(setsockopt(line->peer, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once), 0);
    expect_int(connect(line->peer, (struct sockaddr *)&address, len), 0);
    int fd = accept(line->listener, NULL, NULL);
    expect(fd >= 0);
    line->conn = (struct conn){.fd = fd, .id = 1, .state = CONN_IDLE, .peer.port = htons(1)};
}

static void open_tcp(struct tcp_line *line, unsigned socket_times)
{
    *line = (struct tcp_line){0};
    option_set_defaults(&line->settings);
    line->settings.trace_level = TRACE_HISTOGRAM;
    line->settings.socket_times = socket_times;
    parse_init_process();
    tally_init_lazily(&line->tally, true);
    exchange_pool_init(&line->pool, &line->settings, 1);
    exchange_pool_count(&line->pool, &line->tally);
    connect_line(line);
}

static void close_tcp(struct tcp_line *line)
{
    if (line->conn.exchange != NULL) {
        exchange_end(line->conn.exchange);
        exchange_put(&line->pool, line->conn.exchange);
    }
    exchange_pool_deinit(&line->pool);
    tally_deinit(&line->tally);
    close(line->conn.fd);
    close(line->peer);
    close(line->listener);
}

/* Returns when the bytes had been sent, over loopback: when they had arrived. */
static uint64_t send_text(const struct tcp_line *line, const char *text)
{
    expect_int(send(line->peer, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    return clock_ns();
}

static enum verdict read_line(struct tcp_line *line)
{
    struct pollfd readable = {.fd = line->conn.fd, .events = POLLIN};
    expect_int(poll(&readable, 1, -1), 1);
    return conn_read(&line->conn, &line->pool);
}

/* So far in the past as the clocks' slack that it is no error of theirs. */
static void let_time_pass(void)
{
    uint64_t begun_ns = clock_ns();
    while (clock_ns() - begun_ns < 10 * CLOCK_OFFSET_SLACK_NS) {
    }
}

static uint64_t count_of(const struct tcp_line *line, enum counter counter)
{
    return atomic_load(&line->tally.counters[counter]);
}

static const char get[] = "GET /one HTTP/1.1\r\nHost: a\r\n\r\n";

static void expect_between(uint64_t at_ns, uint64_t from_ns, uint64_t to_ns)
{
    expect_msg(at_ns + CLOCK_OFFSET_SLACK_NS >= from_ns && at_ns <= to_ns + CLOCK_OFFSET_SLACK_NS,
               "%llu is not between %llu and %llu", (unsigned long long)at_ns,
               (unsigned long long)from_ns, (unsigned long long)to_ns);
}

TEST(arrival, is_when_the_bytes_came_and_not_when_they_are_read)
{
    struct tcp_line line;
    open_tcp(&line, SOCKET_TIMES_ON);
    await_stamps(&line);
    uint64_t before_ns = clock_ns(), sent_ns = send_text(&line, get);
    let_time_pass();
    expect_int(read_line(&line), VERDICT_REQUEST_READY);
    const struct stamps *stamps = &line.conn.exchange->stamps;
    expect_between(stamps->arrived_ns, before_ns, sent_ns);
    expect(stamps->first_byte_ns >= sent_ns + 10 * CLOCK_OFFSET_SLACK_NS);
    expect_int(count_of(&line, COUNTER_ARRIVAL_UNKNOWN), 0);
    expect_int(count_of(&line, COUNTER_BEGUN), 1);
    close_tcp(&line);
}

TEST(arrival, is_that_of_the_newest_byte_of_a_read)
{
    struct tcp_line line;
    open_tcp(&line, SOCKET_TIMES_ON);
    await_stamps(&line);
    (void)send_text(&line, "GET /one HT");
    let_time_pass();
    uint64_t before_ns = clock_ns(), sent_ns = send_text(&line, "TP/1.1\r\nHost: a\r\n\r\n");
    let_time_pass();
    expect_int(read_line(&line), VERDICT_REQUEST_READY);
    expect_between(line.conn.exchange->stamps.arrived_ns, before_ns, sent_ns);
    close_tcp(&line);
}

TEST(arrival, of_a_request_in_pieces_is_that_of_the_first_read)
{
    struct tcp_line line;
    open_tcp(&line, SOCKET_TIMES_ON);
    await_stamps(&line);
    uint64_t before_ns = clock_ns(), sent_ns = send_text(&line, "GET /one HT");
    let_time_pass();
    expect_int(read_line(&line), VERDICT_WANT_READ);
    let_time_pass();
    (void)send_text(&line, "TP/1.1\r\nHost: a\r\n\r\n");
    expect_int(read_line(&line), VERDICT_REQUEST_READY);
    expect_between(line.conn.exchange->stamps.arrived_ns, before_ns, sent_ns);
    close_tcp(&line);
}

/* Answers nothing: the request's exchange is ready for the one behind it. */
static void next_request(struct tcp_line *line)
{
    exchange_end(line->conn.exchange);
    line->conn.requests++;
    expect_int(conn_next(&line->conn, &line->pool), VERDICT_REQUEST_READY);
}

TEST(arrival, of_pipelined_requests_is_that_of_the_read_that_brought_them)
{
    struct tcp_line line;
    open_tcp(&line, SOCKET_TIMES_ON);
    await_stamps(&line);
    (void)send_text(&line, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel");
    expect_int(read_line(&line), VERDICT_WANT_READ);
    uint64_t first_ns = line.conn.exchange->stamps.arrived_ns;
    let_time_pass();
    uint64_t before_ns = clock_ns();
    char rest[200];
    (void)snprintf(rest, sizeof rest, "lo%s%s", get, get);
    uint64_t sent_ns = send_text(&line, rest);
    let_time_pass();
    expect_int(read_line(&line), VERDICT_REQUEST_READY);
    expect_int(line.conn.exchange->stamps.arrived_ns, first_ns);
    expect_int(line.conn.exchange->position, 1);
    next_request(&line);
    uint64_t second_ns = line.conn.exchange->stamps.arrived_ns;
    expect_between(second_ns, before_ns, sent_ns);
    expect_int(line.conn.exchange->position, 2);
    next_request(&line);
    expect_int(line.conn.exchange->stamps.arrived_ns, second_ns);
    expect_int(line.conn.exchange->position, 3);
    close_tcp(&line);
}

TEST(arrival, is_not_measured_when_it_is_switched_off)
{
    struct tcp_line line;
    open_tcp(&line, SOCKET_TIMES_OFF);
    (void)send_text(&line, get);
    expect_int(read_line(&line), VERDICT_REQUEST_READY);
    expect_int(line.conn.exchange->stamps.arrived_ns, 0);
    expect(line.conn.exchange->stamps.first_byte_ns != 0);
    expect_int(count_of(&line, COUNTER_ARRIVAL_UNKNOWN), 0);
    close_tcp(&line);
}

/* The connection has the kernel's stamps, and chance asks for them. */
TEST(arrival, is_that_of_one_read_in_eight_when_it_is_sampled)
{
    enum { READS = 400 };
    struct tcp_line line;
    unsigned known = 0;
    open_tcp(&line, SOCKET_TIMES_SAMPLED);
    await_stamps(&line);
    for (unsigned i = 0; i < READS; i++) {
        (void)send_text(&line, get);
        expect_int(read_line(&line), VERDICT_REQUEST_READY);
        known += line.conn.exchange->stamps.arrived_ns != 0;
        exchange_end(line.conn.exchange);
        line.conn.requests++;
        expect_int(conn_next(&line.conn, &line.pool), VERDICT_WANT_READ);
    }
    expect_msg(known > READS / 16 && known < READS / 4, "%u of %d are known", known, READS);
    expect_int(count_of(&line, COUNTER_ARRIVAL_UNKNOWN), 0);
    close_tcp(&line);
}

TEST(arrival, is_not_measured_without_stamps)
{
    struct tcp_line line;
    open_tcp(&line, SOCKET_TIMES_ON);
    stamps_taken = false;
    (void)send_text(&line, get);
    expect_int(read_line(&line), VERDICT_REQUEST_READY);
    stamps_taken = true;
    expect_int(line.conn.exchange->stamps.arrived_ns, 0);
    expect_int(count_of(&line, COUNTER_ARRIVAL_UNKNOWN), 0);
    close_tcp(&line);
}

TEST(arrival, is_not_measured_at_a_unix_socket)
{
    struct tcp_line line;
    open_tcp(&line, SOCKET_TIMES_ON);
    line.conn.peer.port = 0;
    (void)send_text(&line, get);
    expect_int(read_line(&line), VERDICT_REQUEST_READY);
    expect_int(line.conn.exchange->stamps.arrived_ns, 0);
    expect_int(count_of(&line, COUNTER_ARRIVAL_UNKNOWN), 0);
    close_tcp(&line);
}

TEST(arrival, that_the_kernel_does_not_say_is_counted)
{
    struct tcp_line line;
    open_tcp(&line, SOCKET_TIMES_OFF);
    line.settings.socket_times = SOCKET_TIMES_ON; /* too late for the connection */
    (void)send_text(&line, get);
    expect_int(read_line(&line), VERDICT_REQUEST_READY);
    expect_int(line.conn.exchange->stamps.arrived_ns, 0);
    expect_int(count_of(&line, COUNTER_ARRIVAL_UNKNOWN), 1);
    close_tcp(&line);
}

/* Two clocks that show the same. */
static struct clock_reading same_clocks(void)
{
    return (struct clock_reading){NS_PER_S, NS_PER_S, NS_PER_S};
}

TEST(arrival, is_never_later_than_its_read)
{
    struct tally tally;
    tally_init_lazily(&tally, true);
    struct exchange_pool pool = {.tally = &tally, .clock.read = same_clocks};
    expect_int(arrival_ns(&pool, NS_PER_S - 1, NS_PER_S), NS_PER_S - 1);
    expect_int(atomic_load(&tally.counters[COUNTER_ARRIVAL_CLAMPED]), 0);
    expect_int(arrival_ns(&pool, NS_PER_S + 5, NS_PER_S), NS_PER_S);
    expect_int(atomic_load(&tally.counters[COUNTER_ARRIVAL_CLAMPED]), 1);
    expect_int(arrival_ns(&pool, 3 * NS_PER_S, NS_PER_S), 0);
    expect_int(atomic_load(&tally.counters[COUNTER_ARRIVAL_UNKNOWN]), 1);
    tally_deinit(&tally);
}
