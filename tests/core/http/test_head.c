/* test_http_head.c: what the fields of a head mean: Host, framing, Connection, Expect, and which
 * combinations are refused. Every text runs whole, bytewise, and split everywhere. */
#include "core/http/head.h"
#include "tests/core/parse_harness.h"

#define GET_11  "GET / HTTP/1.1\r\nHost: a\r\n"
#define GET_10  "GET / HTTP/1.0\r\n"
#define POST_11 "POST / HTTP/1.1\r\nHost: a\r\n"
#define POST_10 "POST / HTTP/1.0\r\n"

TEST(head, wants_exactly_one_valid_host)
{
    static const struct verdict_case cases[] = {
        CASE(400, "GET / HTTP/1.1\r\n\r\n"),
        CASE(400, "GET / HTTP/1.1\r\nX: a\r\n\r\n"),
        CASE(400, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
        CASE(400, "GET / HTTP/1.1\r\nHost: a\r\nhOST: b\r\n\r\n"),
        CASE(400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
        CASE(400, "GET / HTTP/1.1\r\nHost: a, b c\r\n\r\n"),
        CASE(400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
        CASE(400, "GET / HTTP/1.1\r\nHost: user@a\r\n\r\n"),
        CASE(400, "GET / HTTP/1.1\r\nHost: a:port\r\n\r\n"),
        CASE(400, "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"),
        CASE(400, "GET / HTTP/1.1\r\nHost: a\xc3\xa4\r\n\r\n"),
        CASE(0, "GET / HTTP/1.1\r\nHost: a.example:8080\r\n\r\n"),
        CASE(0, "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n"),
        CASE(0, "GET / HTTP/1.1\r\nhost:a\r\n\r\n"),
        CASE(400, "GET / HTTP/1.1\r\nHost:\r\n\r\n"),
        CASE(400, "GET / HTTP/1.1\r\nHost: \r\n\r\n"),
        CASE(400, "GET / HTTP/1.1\r\nHost: :80\r\n\r\n"),
        CASE(400, "GET http://a/ HTTP/1.1\r\nHost:\r\n\r\n"),
        CASE(400, "OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n"),
        CASE(0, GET_10 "\r\n"),
        CASE(0, GET_10 "Host: a\r\n\r\n"),
        CASE(400, GET_10 "Host: a\r\nHost: a\r\n\r\n"),
        CASE(400, GET_10 "Host: a b\r\n\r\n"),
        CASE(400, GET_10 "Host:\r\n\r\n"),
    };
    EXPECT_VERDICTS(cases);
}

TEST(head, takes_the_host_of_an_absolute_target)
{
    struct run run;
    run_all_ways(&run, BYTES("GET http://b.example:81/x?y HTTP/1.1\r\nHost: a\r\n\r\n"),
                 harness_limits());
    expect_int(run.verdict, PARSE_WHOLE);
    expect_bytes(run.request.host, "b.example:81");
    expect_bytes(run.request.path, "/x");
    expect_bytes(run.request.query, "y");
    run_end(&run);
    run_all_ways(&run, BYTES("GET HTTPS://[::1]/ HTTP/1.0\r\n\r\n"), harness_limits());
    expect_int(run.verdict, PARSE_WHOLE);
    expect_bytes(run.request.host, "[::1]");
    run_end(&run);
}

TEST(head, takes_targets_in_the_forms_for_an_origin_server)
{
    static const struct verdict_case cases[] = {
        CASE(0, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
        CASE(0, "OPTIONS /a HTTP/1.1\r\nHost: a\r\n\r\n"),
        CASE(0, "OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n"),
        CASE(0, "GET http://a HTTP/1.1\r\nHost: a\r\n\r\n"),
        CASE(0, "GET http://a?b HTTP/1.1\r\nHost: a\r\n\r\n"),
        CASE(400, "GET http://a/ HTTP/1.1\r\n\r\n"),
        CASE(400, "GET http://a/ HTTP/1.1\r\nHost: b c\r\n\r\n"),
        CASE(400, "GET * HTTP/1.1\r\nHost: a\r\n\r\n"),
        CASE(400, "OPTIONS *a HTTP/1.1\r\nHost: a\r\n\r\n"),
        CASE(400, "GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n"),
        CASE(400, "GET a HTTP/1.1\r\nHost: a\r\n\r\n"),
        CASE(400, "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        CASE(400, "GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n"),
        CASE(400, "GET http://user@a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        CASE(400, "GET ?a HTTP/1.1\r\nHost: a\r\n\r\n"),
        CASE(400, "GET /../a HTTP/1.1\r\nHost: a\r\n\r\n"),
        CASE(400, "GET /%2e%2e/a HTTP/1.1\r\nHost: a\r\n\r\n"),
        CASE(400, "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n"),
        CASE(400, "GET /a%2fb HTTP/1.1\r\nHost: a\r\n\r\n"),
        CASE(400, "GET /%x HTTP/1.1\r\nHost: a\r\n\r\n"),
    };
    EXPECT_VERDICTS(cases);
}

TEST(head, takes_no_transfer_coding_but_chunked)
{
    static const struct verdict_case cases[] = {
        CASE(0, POST_11 "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        CASE(0, POST_11 "tRANSFER-eNCODING:\tcHUNKED \t\r\n\r\n0\r\n\r\n"),
        CASE(0, GET_11 "Transfer-Encoding:chunked\r\n\r\n0\r\n\r\n"),
        CASE(501, POST_11 "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        CASE(501, POST_11 "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        CASE(501, POST_11 "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n"),
        CASE(400, POST_11 "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"),
        CASE(400, POST_11 "Transfer-Encoding: chunked, gzip, chunked\r\n\r\n0\r\n\r\n"),
        CASE(400, POST_11 "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
        CASE(400, POST_11 "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
        CASE(400, POST_11 "Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n"),
        CASE(400, POST_11 "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n"),
        CASE(400, POST_11 "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        CASE(400, POST_11 "Transfer-Encoding: chunkedx\r\n\r\n0\r\n\r\n"),
        CASE(400, POST_11 "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"),
        CASE(400, POST_11 "Transfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n"),
        CASE(400, POST_11 "Transfer-Encoding: chunked\x0b\r\n\r\n0\r\n\r\n"),
        CASE(400, POST_11 "Transfer-Encoding:\r\n\r\n0\r\n\r\n"),
        CASE(400, POST_11 "Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n"),
        CASE(400, POST_11 "Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n"),
        CASE(400,
             POST_11 "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        CASE(400, POST_11 "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n"),
        CASE(400, POST_11 "Transfer-Encoding:\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        CASE(400, POST_11 "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n"),
        CASE(400, POST_11 "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
        CASE(400, POST_11 "\tTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        CASE(400, POST_11 "X: a\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        CASE(400, POST_10 "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        CASE(400, POST_10 "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    };
    EXPECT_VERDICTS(cases);
}

TEST(head, refuses_two_framings_in_any_order)
{
    static const struct verdict_case cases[] = {
        CASE(400, POST_11 "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG"),
        CASE(400, POST_11
             "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n8\r\nSMUGGLED\r\n0\r\n\r\n"),
        CASE(400, POST_11 "Content-Length: 5\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        CASE(400, POST_11 "Content-Length: 5\r\nTransfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n"),
        CASE(400, POST_11 "Content-Length: 5\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        CASE(400, POST_11 "Content-Length: 5\r\nTransfer-Encoding:\r\n\r\n0\r\n\r\n"),
        CASE(400, POST_10 "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    };
    EXPECT_VERDICTS(cases);
}

/* http-parser refuses some of these before we see them; that is not relied upon. */
TEST(head, decides_about_framing_by_itself)
{
    static const struct field pairs[][2] = {
        {{{"Content-Length", 14}, {"3", 1}}, {{"Transfer-Encoding", 17}, {"chunked", 7}}},
        {{{"Transfer-Encoding", 17}, {"chunked", 7}}, {{"Content-Length", 14}, {"3", 1}}},
        {{{"Content-Length", 14}, {"3", 1}}, {{"content-length", 14}, {"3", 1}}},
        {{{"Content-Length", 14}, {"3", 1}}, {{"CONTENT-LENGTH", 14}, {"4", 1}}},
        {{{"Content-Length", 14}, {"3,3", 3}}, {{"X", 1}, {"", 0}}},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct parse parse;
        struct request request;
        parse_begin(&parse, &request, harness_limits());
        request.method = METHOD_POST;
        request.minor = 1;
        request.target = BYTES("/");
        request.field_count = 3;
        request.fields[0] = (struct field){BYTES("Host"), BYTES("a")};
        memcpy(&request.fields[1], pairs[i], sizeof(pairs[i]));
        expect_msg(!http_head_check(&parse, &request), "pair %zu", i);
        expect_int(parse.status, 400);
        parse_end(&parse);
    }
}

TEST(head, wants_one_plain_content_length)
{
    static const struct verdict_case cases[] = {
        CASE(0, POST_11 "Content-Length: 3\r\n\r\nabc"),
        CASE(0, POST_11 "content-length:0003\r\n\r\nabc"),
        CASE(0, POST_11 "Content-Length: 0\r\n\r\n"),
        CASE(0, GET_11 "Content-Length: 1\r\n\r\na"),
        CASE(0, POST_11 "Content-Length: 64\r\n\r\n"
                        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
        CASE(413, POST_11 "Content-Length: 65\r\n\r\n"),
        CASE(413, POST_11 "Content-Length: 9223372036854775807\r\n\r\n"),
        CASE(400, POST_11 "Content-Length: 18446744073709551616\r\n\r\n"),
        CASE(400, POST_11 "Content-Length: 99999999999999999999999999\r\n\r\n"),
        CASE(400, POST_11 "Content-Length:\r\n\r\n"),
        CASE(400, POST_11 "Content-Length: +3\r\n\r\nabc"),
        CASE(400, POST_11 "Content-Length: -3\r\n\r\nabc"),
        CASE(400, POST_11 "Content-Length: 0x3\r\n\r\nabc"),
        CASE(400, POST_11 "Content-Length: 3a\r\n\r\nabc"),
        CASE(400, POST_11 "Content-Length: 3 3\r\n\r\nabc"),
        CASE(400, POST_11 "Content-Length: 3.0\r\n\r\nabc"),
        CASE(400, POST_11 "Content-Length: 3,3\r\n\r\nabc"),
        CASE(400, POST_11 "Content-Length: 3, 3\r\n\r\nabc"),
        CASE(400, POST_11 "Content-Length: \"3\"\r\n\r\nabc"),
        CASE(400, POST_11 "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
        CASE(400, POST_11 "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
        CASE(400, POST_11 "Content-Length: 3\r\nContent-Length:\r\n\r\nabcd"),
    };
    EXPECT_VERDICTS(cases);
}

TEST(head, asks_version_and_connection_whether_to_stay)
{
    static const struct {
        const char *text;
        bool keep_alive;
    } cases[] = {
        {GET_11 "\r\n", true},
        {GET_11 "Connection: keep-alive\r\n\r\n", true},
        {GET_11 "Connection: close\r\n\r\n", false},
        {GET_11 "Connection: CLOSE\r\n\r\n", false},
        {GET_11 "Connection: upgrade , close\r\n\r\n", false},
        {GET_11 "Connection: keep-alive\r\nConnection: close\r\n\r\n", false},
        {GET_11 "Connection: close, keep-alive\r\n\r\n", false},
        {GET_11 "Connection: closed\r\n\r\n", true},
        {GET_11 "Connection: not close\r\n\r\n", true},
        {GET_11 "Connection:\r\n\r\n", true},
        {"GET / HTTP/1.2\r\nHost: a\r\n\r\n", true},
        {GET_10 "\r\n", false},
        {GET_10 "Connection: keep-alive\r\n\r\n", true},
        {GET_10 "Connection: Keep-Alive, x\r\n\r\n", true},
        {GET_10 "Connection: keep-alive, close\r\n\r\n", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct run run;
        run_all_ways(&run, bytes_of(cases[i].text), harness_limits());
        expect_int(run.verdict, PARSE_WHOLE);
        expect_msg(run.request.keep_alive == cases[i].keep_alive, "%s", cases[i].text);
        run_end(&run);
    }
}

TEST(head, reads_how_long_a_client_would_idle)
{
    static const struct {
        const char *fields;
        uint64_t limit_s;
    } cases[] = {
        {"", 0},
        {"Keep-Alive: timeout=5\r\n", 5},
        {"keep-alive: TIMEOUT=5, max=100\r\n", 5},
        {"Keep-Alive: max=100, timeout=999999999\r\n", 999999999},
        {"Keep-Alive: 115\r\nKeep-Alive: timeout=007\r\n", 7},
        {"Keep-Alive: , timeout=5 ,\r\n", 5},
        {"Keep-Alive:\r\n", 0},
        {"Keep-Alive: 300\r\n", 0},
        {"Keep-Alive: max=100\r\n", 0},
        {"Keep-Alive: timeout\r\n", 0},
        {"Keep-Alive: timeout=\r\n", 0},
        {"Keep-Alive: timeout=0\r\n", 0},
        {"Keep-Alive: timeout=-1\r\n", 0},
        {"Keep-Alive: timeout=5s\r\n", 0},
        {"Keep-Alive: timeout=1.5\r\n", 0},
        {"Keep-Alive: timeout= 5\r\n", 0},
        {"Keep-Alive: timeout =5\r\n", 0},
        {"Keep-Alive: timeout=\"5\"\r\n", 0},
        {"Keep-Alive: timeout=5;max=1\r\n", 0},
        {"Keep-Alive: timeout=5 max=1\r\n", 0},
        {"Keep-Alive: timeout=5, =6\r\n", 0},
        {"Keep-Alive: timeout=5, timeout=5\r\n", 0},
        {"Keep-Alive: timeout=5\r\nKeep-Alive: timeout=6\r\n", 0},
        {"Keep-Alive: timeout=5, max=(\r\n", 0},
        {"Keep-Alive: timeout=1000000000\r\n", 0},
        {"Keep-Alive: timeout=99999999999999999999999999\r\n", 0},
        {"Keep-Alive: xtimeout=5\r\n", 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[256];
        struct run run;
        snprintf(text, sizeof text, GET_11 "%s\r\n", cases[i].fields);
        run_all_ways(&run, bytes_of(text), harness_limits());
        expect_int(run.verdict, PARSE_WHOLE);
        expect_msg(run.request.idle_limit_s == cases[i].limit_s, "%s", cases[i].fields);
        run_end(&run);
    }
}

TEST(head, ignores_an_upgrade)
{
    struct run run;
    run_all_ways(
        &run, BYTES(GET_11 "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\nGET /2 HTTP/1.1\r\n"),
        harness_limits());
    expect_int(run.verdict, PARSE_WHOLE);
    expect(run.request.keep_alive);
    expect_int(run.input.len - run.input.used, 17);
    run_end(&run);
}

TEST(head, refuses_expectations_it_does_not_know)
{
    static const struct verdict_case cases[] = {
        CASE(0, POST_11 "Expect: 100-continue\r\nContent-Length: 1\r\n\r\na"),
        CASE(0, POST_11 "Expect: 100-Continue\r\n\r\n"),
        CASE(417, POST_11 "Expect: 200-ok\r\nContent-Length: 1\r\n\r\na"),
        CASE(417, POST_11 "Expect: 100-continue, x\r\nContent-Length: 1\r\n\r\na"),
        CASE(417, POST_11 "Expect: 100-continue\r\nExpect: x\r\nContent-Length: 1\r\n\r\na"),
        CASE(413, POST_11 "Expect: 100-continue\r\nContent-Length: 65\r\n\r\n"),
        CASE(0, POST_10 "Expect: x\r\nContent-Length: 1\r\n\r\na"),
    };
    EXPECT_VERDICTS(cases);
}

static unsigned continues_of(struct bytes text, size_t first, bool *expects)
{
    struct run run;
    run_begin(&run, text, harness_limits());
    run_feed(&run, first);
    run_feed(&run, text.len);
    expect_int(run.verdict, PARSE_WHOLE);
    *expects = run.request.expect_continue;
    run_end(&run);
    return run.continues;
}

TEST(head, says_continue_once_while_the_client_waits)
{
    struct bytes text = BYTES(POST_11 "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nab");
    struct bytes chunks =
        BYTES(POST_11 "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    bool expects;
    expect_int(continues_of(text, text.len - 2, &expects), 1);
    expect(expects);
    expect_int(continues_of(text, text.len - 1, &expects), 0);
    expect_int(continues_of(text, text.len, &expects), 0);
    expect_int(continues_of(text, 10, &expects), 0);
    expect_int(continues_of(chunks, chunks.len - 5, &expects), 1);
}

TEST(head, says_no_continue_when_nobody_waits_for_it)
{
    struct bytes none = BYTES(POST_11 "Expect: 100-continue\r\nContent-Length: 0\r\n\r\n");
    struct bytes old = BYTES(POST_10 "Expect: 100-continue\r\nContent-Length: 1\r\n\r\na");
    bool expects;
    expect_int(continues_of(none, none.len, &expects), 0);
    expect(!expects);
    expect_int(continues_of(old, old.len - 1, &expects), 0);
    expect(!expects);
}
