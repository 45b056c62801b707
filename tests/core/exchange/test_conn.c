/* test_conn.c: the steps of a connection over a real socket: reading, sending, lingering. The other
 * end is in the test's hands, so nothing waits. */
#include "core/exchange/conn.h"

#include "core/base/clock.h"
#include "core/exchange/response.h"
#include "core/options/options.h"
#include "tests/test.h"

#include <arpa/inet.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

struct line {
    struct settings settings;
    struct exchange_pool pool;
    struct conn conn;
    int peer;
    struct brigade published;
};

static void open_line(struct line *line)
{
    int ends[2];
    *line = (struct line){.peer = -1};
    option_set_defaults(&line->settings);
    parse_init_process();
    exchange_pool_init(&line->pool, &line->settings, 1);
    expect_int(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    line->conn = (struct conn){.fd = ends[0], .id = 1, .state = CONN_IDLE, .accepted_ns = 1};
    line->peer = ends[1];
}

static void close_line(struct line *line)
{
    if (line->conn.exchange != NULL) {
        exchange_end(line->conn.exchange);
        exchange_put(&line->pool, line->conn.exchange);
    }
    exchange_pool_deinit(&line->pool);
    close(line->conn.fd);
    if (line->peer >= 0) {
        close(line->peer);
    }
}

static void hang_up(struct line *line)
{
    close(line->peer);
    line->peer = -1;
}

static void say(struct line *line, const char *text)
{
    size_t len = strlen(text);
    expect_int(send(line->peer, text, len, MSG_NOSIGNAL), len);
}

static enum verdict hear(struct line *line)
{
    return conn_read(&line->conn, &line->pool);
}

/* Everything the client has received, up to `size`. */
static size_t receive(struct line *line, char *into, size_t size)
{
    size_t len = 0;
    ssize_t got;
    while (len < size && (got = recv(line->peer, into + len, size - len, MSG_DONTWAIT)) > 0) {
        len += (size_t)got;
    }
    return len;
}

static const char get[] = "GET /one?x=1 HTTP/1.1\r\nHost: a\r\n\r\n";

/* --- reading --- */

TEST(conn, a_request_that_comes_at_once_is_ready)
{
    struct line line;
    open_line(&line);
    say(&line, get);
    expect_int(hear(&line), VERDICT_REQUEST_READY);
    expect_int(line.conn.state, CONN_PROCESSING);
    expect_bytes(line.conn.exchange->request.path, "/one");
    expect_int(line.conn.exchange->received, sizeof get - 1);
    expect_int(line.conn.exchange->blocked_ns, 0);
    close_line(&line);
}

TEST(conn, a_request_may_come_one_byte_at_a_time)
{
    static const char post[] = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    struct line line;
    open_line(&line);
    for (size_t i = 0; i < sizeof post - 1; i++) {
        expect_int(send(line.peer, post + i, 1, 0), 1);
        bool last = i == sizeof post - 2;
        expect_int(hear(&line), last ? VERDICT_REQUEST_READY : VERDICT_WANT_READ);
        expect_int(line.conn.state, last ? CONN_PROCESSING : CONN_READING);
        expect(conn_has_input(&line.conn));
        if (!last) {
            expect_int(hear(&line), VERDICT_WANT_READ); /* nothing came */
            expect(conn_has_input(&line.conn));
        }
    }
    expect_bytes(line.conn.exchange->request.body, "hello");
    close_line(&line);
}

TEST(conn, a_connection_that_says_nothing_holds_no_exchange)
{
    struct line line;
    open_line(&line);
    for (unsigned i = 0; i < 3; i++) {
        expect_int(hear(&line), VERDICT_WANT_READ);
        expect(line.conn.exchange == NULL);
        expect_int(line.conn.state, CONN_IDLE);
        expect(!conn_has_input(&line.conn));
    }
    close_line(&line);
}

TEST(conn, a_client_that_closes_between_requests_is_no_error)
{
    struct line line;
    open_line(&line);
    hang_up(&line);
    expect_int(hear(&line), VERDICT_CLOSE);
    expect_int(line.conn.close, CLOSE_CLIENT_CLOSED);
    close_line(&line);
}

TEST(conn, a_client_that_closes_inside_a_request_is_gone)
{
    for (size_t len = 1; len < sizeof get - 1; len++) {
        struct line line;
        open_line(&line);
        expect_int(send(line.peer, get, len, 0), len);
        expect_int(hear(&line), VERDICT_WANT_READ);
        hang_up(&line);
        expect_int(hear(&line), VERDICT_CLOSE);
        expect_int(line.conn.close, CLOSE_CLIENT_GONE);
        close_line(&line);
    }
}

TEST(conn, a_reset_closes)
{
    struct line line;
    open_line(&line);
    expect_int(send(line.conn.fd, "unread", 6, 0), 6);
    hang_up(&line); /* with something unread: a reset */
    expect_int(hear(&line), VERDICT_CLOSE);
    expect_int(line.conn.close, CLOSE_RESET);
    close_line(&line);
}

TEST(conn, is_readable_when_there_is_something_to_read_and_takes_nothing)
{
    struct line line;
    open_line(&line);
    expect(!conn_is_readable(&line.conn));
    say(&line, "G");
    expect(conn_is_readable(&line.conn));
    expect(conn_is_readable(&line.conn));
    expect_int(hear(&line), VERDICT_WANT_READ);
    expect(!conn_is_readable(&line.conn));
    hang_up(&line);
    expect(conn_is_readable(&line.conn));
    close_line(&line);
}

TEST(conn, a_request_that_is_refused_is_ready_with_a_status_and_closes)
{
    struct line line;
    open_line(&line);
    say(&line, "GET /one HTTP/1.1\r\nHost : a\r\n\r\n");
    expect_int(hear(&line), VERDICT_REQUEST_READY);
    expect_int(line.conn.exchange->refused_status, 400);
    expect_int(line.conn.exchange->close, CLOSE_REFUSED);
    close_line(&line);
}

TEST(conn, a_timeout_answers_408_to_a_request_that_has_begun)
{
    struct line line;
    open_line(&line);
    say(&line, "GET /one HT");
    expect_int(hear(&line), VERDICT_WANT_READ);
    expect_int(conn_read_timeout(&line.conn, CLOSE_HEADER_TIMEOUT), VERDICT_REQUEST_READY);
    expect_int(line.conn.exchange->refused_status, 408);
    expect_int(line.conn.exchange->close, CLOSE_HEADER_TIMEOUT);
    close_line(&line);
}

TEST(conn, a_timeout_just_closes_when_nothing_has_come)
{
    struct line line;
    open_line(&line);
    expect_int(conn_read_timeout(&line.conn, CLOSE_KEEPALIVE_TIMEOUT), VERDICT_CLOSE);
    expect_int(line.conn.close, CLOSE_KEEPALIVE_TIMEOUT);
    close_line(&line);
}

/* --- the whole of a request --- */

/* The answer is published all at once, as if by a processor. */
static void publish(struct line *line)
{
    struct exchange *x = line->conn.exchange;
    brigade_splice(&x->sending, response_made(x));
}

static void answer(struct line *line, const char *body)
{
    struct exchange *x = line->conn.exchange;
    response_start(x, 200);
    response_length(x, strlen(body));
    response_copy(x, body, strlen(body));
    response_end(x);
    publish(line);
}

/* Sends the answer, which the socket has room for, and ends the exchange as a writer does. */
static void finish(struct line *line)
{
    expect_int(conn_send(&line->conn), VERDICT_KEPT);
    exchange_end(line->conn.exchange);
    line->conn.requests++;
}

static void expect_body(struct line *line, const char *body)
{
    char got[1000];
    size_t len = receive(line, got, sizeof got - 1), body_len = strlen(body);
    got[len] = '\0';
    expect(len > body_len + 4);
    expect_text(got + len - body_len, body);
    expect(memcmp(got + len - body_len - 4, "\r\n\r\n", 4) == 0);
    expect_int(line->conn.exchange->sent, len);
}

TEST(conn, pipelined_requests_are_ready_one_after_the_other)
{
    struct line line;
    open_line(&line);
    say(&line, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HT");
    expect_int(hear(&line), VERDICT_REQUEST_READY);
    expect_bytes(line.conn.exchange->request.path, "/1");
    answer(&line, "first");
    finish(&line);
    expect_body(&line, "first");
    expect_int(conn_next(&line.conn, &line.pool), VERDICT_REQUEST_READY);
    expect_bytes(line.conn.exchange->request.path, "/2");
    answer(&line, "second");
    finish(&line);
    expect_body(&line, "second");
    expect_int(conn_next(&line.conn, &line.pool), VERDICT_WANT_READ);
    expect_int(line.conn.state, CONN_READING);
    expect(conn_has_input(&line.conn));
    say(&line, "TP/1.1\r\nHost: a\r\n\r\n");
    expect_int(hear(&line), VERDICT_REQUEST_READY);
    expect_bytes(line.conn.exchange->request.path, "/3");
    answer(&line, "third");
    finish(&line);
    expect_body(&line, "third");
    expect_int(conn_next(&line.conn, &line.pool), VERDICT_WANT_READ);
    expect(line.conn.exchange == NULL);
    expect_int(line.conn.state, CONN_IDLE);
    close_line(&line);
}

TEST(conn, idles_as_long_as_the_shorter_of_both_limits)
{
    static const struct {
        const char *field;
        uint64_t limit_s;
    } cases[] = {{"Keep-Alive: timeout=2\r\n", 2}, {"", 5}, {"Keep-Alive: timeout=60\r\n", 5}};
    struct line line;
    open_line(&line);
    expect_int(line.settings.keepalive_timeout_ns, 5 * NS_PER_S);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[100];
        snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", cases[i].field);
        say(&line, text);
        expect_int(hear(&line), VERDICT_REQUEST_READY);
        expect_int(line.conn.idle_limit_ns, cases[i].limit_s * NS_PER_S);
        answer(&line, "");
        finish(&line);
        expect_body(&line, "");
        expect_int(conn_next(&line.conn, &line.pool), VERDICT_WANT_READ);
        expect_int(line.conn.idle_limit_ns, cases[i].limit_s * NS_PER_S);
    }
    close_line(&line);
}

/* RFC 9110 10.1.1: the 100, then the body, then the answer. */
TEST(conn, a_client_that_expects_100_gets_it_before_its_body_is_read)
{
    char got[100] = "";
    struct line line;
    open_line(&line);
    say(&line,
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    expect_int(hear(&line), VERDICT_OUTPUT_READY);
    expect_int(line.conn.state, CONN_READING);
    expect_int(conn_send(&line.conn), VERDICT_RESUME);
    receive(&line, got, sizeof got - 1);
    expect_text(got, "HTTP/1.1 100 Continue\r\n\r\n");
    expect_int(line.conn.exchange->sent, 0); /* no part of the answer */
    expect_int(conn_resume(&line.conn), VERDICT_WANT_READ);
    say(&line, "hel");
    expect_int(hear(&line), VERDICT_WANT_READ);
    say(&line, "lo");
    expect_int(hear(&line), VERDICT_REQUEST_READY);
    expect_bytes(line.conn.exchange->request.body, "hello");
    answer(&line, "done");
    finish(&line);
    expect_body(&line, "done");
    close_line(&line);
}

TEST(conn, a_body_that_came_without_waiting_needs_no_100)
{
    struct line line;
    open_line(&line);
    say(&line, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
               "hello");
    enum verdict verdict = hear(&line);
    if (verdict == VERDICT_OUTPUT_READY) { /* a server may send it all the same */
        expect_int(conn_send(&line.conn), VERDICT_RESUME);
        verdict = conn_resume(&line.conn);
    }
    expect_int(verdict, VERDICT_REQUEST_READY);
    expect_bytes(line.conn.exchange->request.body, "hello");
    close_line(&line);
}

/* --- sending --- */

enum { PATTERN_PERIOD = 1000, PATTERN_LEN = 300000, FILE_LEN = 70000, LENT_LEN = 40000 };

static char pattern[PATTERN_PERIOD], lent[LENT_LEN], file_text[FILE_LEN];

static int make_file(void)
{
    int file = memfd_create("conn", MFD_CLOEXEC);
    expect(file >= 0);
    expect_int(write(file, file_text, FILE_LEN), FILE_LEN);
    return file;
}

static void make_texts(void)
{
    uint32_t random = 7;
    char *const texts[] = {pattern, lent, file_text};
    static const size_t lens[] = {PATTERN_PERIOD, LENT_LEN, FILE_LEN};
    for (unsigned i = 0; i < 3; i++) {
        for (size_t j = 0; j < lens[i]; j++) {
            random = random * 1664525 + 1013904223;
            texts[i][j] = (char)(random >> 24);
        }
    }
}

static void shrink_buffer(int fd)
{
    int least = 1;
    expect_int(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &least, sizeof least), 0);
}

static void answer_at_length(struct line *line, int file)
{
    struct exchange *x = line->conn.exchange;
    response_start(x, 200);
    response_length(x, 4 + PATTERN_LEN + FILE_LEN - 10 + LENT_LEN);
    response_copy(x, "copy", 4);
    response_pattern(x, pattern, PATTERN_PERIOD, PATTERN_LEN);
    response_file(x, file, 10, FILE_LEN - 10, NULL);
    response_lend(x, lent, LENT_LEN, NULL);
    response_end(x);
    publish(line);
}

static void expect_at_length(const char *at)
{
    expect(memcmp(at, "copy", 4) == 0);
    at += 4;
    for (unsigned i = 0; i < PATTERN_LEN; i += PATTERN_PERIOD) {
        expect(memcmp(at + i, pattern, PATTERN_PERIOD) == 0);
    }
    at += PATTERN_LEN;
    expect(memcmp(at, file_text + 10, FILE_LEN - 10) == 0);
    expect(memcmp(at + FILE_LEN - 10, lent, LENT_LEN) == 0);
}

/* Whatever the client takes at a time, the verdict is to continue until the last byte is out. */
TEST(conn, an_answer_larger_than_the_socket_goes_out_in_pieces_with_every_byte)
{
    static const size_t bites[] = {700, 4096, 100000, 1000000};
    static char got[PATTERN_LEN + FILE_LEN + LENT_LEN + 1000];
    make_texts();
    int file = make_file();
    for (size_t i = 0; i < sizeof bites / sizeof *bites; i++) {
        struct line line;
        size_t len = 0;
        unsigned blocked = 0;
        open_line(&line);
        shrink_buffer(line.conn.fd);
        say(&line, get);
        expect_int(hear(&line), VERDICT_REQUEST_READY);
        answer_at_length(&line, file);
        enum verdict verdict;
        while ((verdict = conn_send(&line.conn)) == VERDICT_WANT_WRITE) {
            expect(line.conn.exchange->would_block);
            size_t room = sizeof got - len;
            len += receive(&line, got + len, bites[i] < room ? bites[i] : room);
            blocked++;
        }
        expect_int(verdict, VERDICT_KEPT);
        expect(blocked > 1);
        len += receive(&line, got + len, sizeof got - len);
        expect_int(line.conn.exchange->sent, len);
        const char *body = memmem(got, len, "\r\n\r\n", 4);
        expect(body != NULL);
        expect_int((size_t)(got + len - body), 4 + 4 + PATTERN_LEN + FILE_LEN - 10 + LENT_LEN);
        expect_at_length(body + 4);
        close_line(&line);
    }
    close(file);
}

/* A period of one byte needs a vector for each: the most work for the least output. */
TEST(conn, a_pattern_of_any_period_is_repeated_from_where_it_was_cut)
{
    for (size_t period = 1; period <= 40; period += 3) {
        char got[1000];
        struct line line;
        open_line(&line);
        say(&line, get);
        expect_int(hear(&line), VERDICT_REQUEST_READY);
        response_start(line.conn.exchange, 200);
        response_length(line.conn.exchange, 500);
        response_pattern(line.conn.exchange, "abcdefghijklmnopqrstuvwxyz0123456789ABCDEF", period,
                         500);
        response_end(line.conn.exchange);
        publish(&line);
        expect_int(conn_send(&line.conn), VERDICT_KEPT);
        size_t len = receive(&line, got, sizeof got);
        expect(len > 500);
        for (size_t i = 0; i < 500; i++) {
            expect_int(got[len - 500 + i],
                       "abcdefghijklmnopqrstuvwxyz0123456789ABCDEF"[i % period]);
        }
        close_line(&line);
    }
}

TEST(conn, what_is_there_so_far_is_sent_and_the_rest_waited_for)
{
    char got[1000] = "";
    struct line line;
    open_line(&line);
    say(&line, get);
    expect_int(hear(&line), VERDICT_REQUEST_READY);
    struct exchange *x = line.conn.exchange;
    response_start(x, 200);
    response_length(x, 6);
    response_copy(x, "one", 3);
    publish(&line);
    expect_int(conn_send(&line.conn), VERDICT_NONE);
    expect_int(conn_send(&line.conn), VERDICT_NONE); /* nothing more: nothing happens */
    size_t len = receive(&line, got, sizeof got - 1);
    expect(strcmp(got + len - 3, "one") == 0);
    response_copy(x, "two", 3);
    response_end(x);
    publish(&line);
    expect_int(conn_send(&line.conn), VERDICT_KEPT);
    len += receive(&line, got + len, sizeof got - 1 - len);
    expect(strcmp(got + len - 6, "onetwo") == 0);
    expect_int(x->sent, len);
    close_line(&line);
}

TEST(conn, a_fast_client_of_a_huge_answer_does_not_hold_up_others)
{
    struct line line;
    int large = 8 << 20;
    open_line(&line);
    if (setsockopt(line.conn.fd, SOL_SOCKET, SO_SNDBUFFORCE, &large, sizeof large) == 0) {
        static char text[65536];
        say(&line, get);
        expect_int(hear(&line), VERDICT_REQUEST_READY);
        response_start(line.conn.exchange, 200);
        response_length(line.conn.exchange, 4 << 20);
        response_pattern(line.conn.exchange, text, sizeof text, 4 << 20);
        response_end(line.conn.exchange);
        publish(&line);
        expect_int(conn_send(&line.conn), VERDICT_WANT_WRITE);
        expect(!line.conn.exchange->would_block); /* it was not the socket that said so */
        expect(line.conn.exchange->sent >= 1 << 20 && line.conn.exchange->sent < 3 << 20);
    }
    close_line(&line);
}

TEST(conn, a_file_that_shrank_cuts_the_answer)
{
    make_texts();
    int file = make_file();
    struct line line;
    char got[2000];
    open_line(&line);
    say(&line, get);
    expect_int(hear(&line), VERDICT_REQUEST_READY);
    response_start(line.conn.exchange, 200);
    response_length(line.conn.exchange, 5000);
    response_file(line.conn.exchange, file, 0, 5000, NULL);
    response_end(line.conn.exchange);
    publish(&line);
    expect_int(ftruncate(file, 1000), 0);
    expect_int(conn_send(&line.conn), VERDICT_CLOSE);
    expect_int(line.conn.exchange->cut, CLOSE_SERVER_ERROR);
    size_t len = receive(&line, got, sizeof got);
    expect_int(line.conn.exchange->sent, len);
    expect(len > 1000 && memcmp(got + len - 1000, file_text, 1000) == 0);
    close_line(&line);
    close(file);
}

TEST(conn, a_client_that_is_gone_cuts_the_answer)
{
    struct line line;
    open_line(&line);
    say(&line, get);
    expect_int(hear(&line), VERDICT_REQUEST_READY);
    answer(&line, "nobody reads this");
    hang_up(&line);
    expect_int(conn_send(&line.conn), VERDICT_CLOSE); /* and no SIGPIPE */
    expect_int(line.conn.exchange->cut, CLOSE_RESET);
    expect_int(line.conn.exchange->sent, 0);
    close_line(&line);
}

/* --- the lingering close --- */

TEST(conn, lingering_lasts_until_the_client_closes)
{
    char byte;
    struct line line;
    open_line(&line);
    expect_int(conn_linger_begin(&line.conn), VERDICT_LINGER);
    expect_int(line.conn.state, CONN_LINGERING);
    expect_int(recv(line.peer, &byte, 1, 0), 0); /* the client sees the end */
    say(&line, "still talking");
    expect_int(conn_linger(&line.conn), VERDICT_LINGER);
    expect_int(line.conn.lingered, 13);
    expect_int(conn_linger(&line.conn), VERDICT_LINGER);
    hang_up(&line);
    expect_int(conn_linger(&line.conn), VERDICT_CLOSE);
    expect_int(line.conn.lingered, 13);
    close_line(&line);
}

TEST(conn, lingering_is_over_at_once_when_the_client_has_closed)
{
    struct line line;
    open_line(&line);
    say(&line, "rest");
    hang_up(&line);
    enum verdict verdict = conn_linger_begin(&line.conn);
    for (unsigned i = 0; i < 2 && verdict == VERDICT_LINGER; i++) {
        verdict = conn_linger(&line.conn);
    }
    expect_int(verdict, VERDICT_CLOSE);
    expect_int(line.conn.lingered, 4);
    close_line(&line);
}

TEST(conn, lingering_discards_a_bounded_amount)
{
    static const char zeros[65536];
    struct line line;
    open_line(&line);
    enum verdict verdict = conn_linger_begin(&line.conn);
    for (unsigned i = 0; verdict == VERDICT_LINGER; i++) {
        expect(i < 10000);
        while (send(line.peer, zeros, sizeof zeros, MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
        }
        uint64_t before = line.conn.lingered;
        verdict = conn_linger(&line.conn);
        expect(line.conn.lingered - before <= 1 << 20); /* and so is a turn */
    }
    expect_int(verdict, VERDICT_CLOSE);
    expect(line.conn.lingered > 16 << 20 && line.conn.lingered < 18 << 20);
    close_line(&line);
}

TEST(conn, lingering_ends_with_a_reset)
{
    struct line line;
    open_line(&line);
    expect_int(conn_linger_begin(&line.conn), VERDICT_LINGER);
    hang_up(&line);
    expect_int(conn_linger(&line.conn), VERDICT_CLOSE);
    close_line(&line);
}

TEST(conn, peers_have_a_text)
{
    char text[PEER_TEXT];
    struct peer peer = {.local = true};
    peer_format(&peer, text);
    expect_text(text, "unix:");
    expect_int(inet_pton(AF_INET6, "2001:db8::7", &peer.address), 1);
    peer_format(&peer, text);
    expect_text(text, "2001:db8::7");
    expect_int(inet_pton(AF_INET6, "::ffff:192.0.2.1", &peer.address), 1);
    peer_format(&peer, text);
    expect_text(text, "192.0.2.1");
}
