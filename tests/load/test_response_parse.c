/* test_response_parse.c: where a response ends, in every framing, whole and one byte at a time. */
#include "tools/load/response_parse.h"

#include "core/base/bytes.h"
#include "tests/test.h"

static struct response_parse parse;
static char body[4096];
static size_t body_len;

static void keep_body(void *arg, const char *at, size_t len)
{
    (void)arg;
    expect(body_len + len < sizeof body);
    memcpy(body + body_len, at, len);
    body_len += len;
    body[body_len] = '\0';
}

static void begin(bool head)
{
    parse.body_fn = keep_body;
    body_len = 0;
    body[0] = '\0';
    response_begin(&parse, head);
}

/* Feeds `text` in pieces of at most `piece` bytes, up to the first verdict that is not MORE. */
static enum response_verdict feed(struct bytes *text, size_t piece)
{
    enum response_verdict verdict = RESPONSE_MORE;
    while (text->len > 0 && verdict == RESPONSE_MORE) {
        size_t len = text->len < piece ? text->len : piece, used;
        verdict = response_step(&parse, text->at, len, &used);
        expect(used <= len && (verdict != RESPONSE_MORE || used == len));
        text->at += used;
        text->len -= used;
    }
    return verdict;
}

/* The whole text is one response, however it comes. */
static void expect_whole(const char *text, bool head, int status, const char *content)
{
    static const size_t pieces[] = {1, 3, 4096};
    for (unsigned i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct bytes rest = bytes_of(text);
        begin(head);
        expect_msg(feed(&rest, pieces[i]) == RESPONSE_WHOLE, "pieces of %zu: %s", pieces[i], text);
        expect_int(rest.len, 0);
        expect_int(parse.status, status);
        expect_text(body, content);
        expect_int(parse.body, strlen(content));
    }
}

TEST(response_parse, reads_a_body_of_known_length)
{
    expect_whole("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello", false, 200, "hello");
    expect(parse.has_length && parse.length == 5 && parse.keep_alive);
    expect_whole("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, 200, "");
}

TEST(response_parse, reads_chunks_and_trailers)
{
    expect_whole("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=1\r\nhello\r\n"
                 "6\r\n world\r\n0\r\nServer-Timing: a\r\n\r\n",
                 false, 200, "hello world");
    expect(!parse.has_length && parse.keep_alive);
}

TEST(response_parse, knows_answers_without_a_body)
{
    expect_whole("HTTP/1.1 204 No Content\r\n\r\n", false, 204, "");
    expect_whole("HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", false, 304, "");
    expect_whole("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", true, 200, "");
    expect_whole("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true, 200, "");
}

TEST(response_parse, skips_interim_answers)
{
    expect_whole("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
                 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
                 false, 200, "ok");
}

TEST(response_parse, ends_a_body_with_the_connection)
{
    for (size_t piece = 1; piece < 100; piece += 98) {
        struct bytes rest = BYTES("HTTP/1.1 200 OK\r\n\r\nall of this");
        begin(false);
        expect(feed(&rest, piece) == RESPONSE_MORE);
        expect(response_end(&parse) == RESPONSE_WHOLE);
        expect_text(body, "all of this");
        expect(!parse.keep_alive);
    }
}

TEST(response_parse, knows_when_the_connection_will_close)
{
    expect_whole("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", false, 200,
                 "x");
    expect(!parse.keep_alive);
    expect_whole("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", false, 200, "x");
    expect(!parse.keep_alive);
}

TEST(response_parse, finds_one_response_after_the_other)
{
    static const char three[] = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"
                                "HTTP/1.1 204 No Content\r\n\r\n"
                                "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n"
                                "1\r\nb\r\n0\r\n\r\n";
    static const int statuses[] = {200, 204, 404};
    static const char *const bodies[] = {"a", "", "b"};
    for (size_t piece = 1; piece < 200; piece++) {
        struct bytes rest = BYTES(three);
        for (unsigned i = 0; i < 3; i++) {
            begin(false);
            expect(feed(&rest, piece) == RESPONSE_WHOLE);
            expect_int(parse.status, statuses[i]);
            expect_text(body, bodies[i]);
        }
        expect_int(rest.len, 0);
    }
}

TEST(response_parse, refuses_what_is_no_response)
{
    static const char *const bad[] = {
        "GET / HTTP/1.1\r\n\r\n", "SSH-2.0-x\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "HTTP/1.1 2x0 OK\r\n\r\n"};
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct bytes rest = bytes_of(bad[i]);
        begin(false);
        expect_msg(feed(&rest, 1) == RESPONSE_MALFORMED, "%s", bad[i]);
        expect(parse.fault != NULL);
    }
}

TEST(response_parse, tells_a_cut_response)
{
    static const char *const cut[] = {"", "HTTP/1.1 200 OK\r\nContent-Le",
                                      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
                                      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx",
                                      "HTTP/1.1 100 Continue\r\n\r\n"};
    for (unsigned i = 0; i < sizeof cut / sizeof cut[0]; i++) {
        struct bytes rest = bytes_of(cut[i]);
        begin(false);
        expect(feed(&rest, 4096) == RESPONSE_MORE);
        expect_msg(response_end(&parse) == RESPONSE_MALFORMED, "%s", cut[i]);
    }
}
