/* test_http_parse.c: request lines, header fields, limits, and requests behind one another. What
 * the fields mean is tested in test_http_head.c, bodies in test_http_body.c. Every text runs whole,
 * bytewise, and split everywhere. */
#include "tests/core/parse_harness.h"

#include <stdlib.h>

#define HOST "Host: a\r\n"

TEST(parse, reads_a_request)
{
    struct run run;
    run_all_ways(
        &run, BYTES("GET /a%20b/./c?d=e HTTP/1.1\r\nHost: a:80\r\nX-One:  1 \t\r\nX-None:\r\n\r\n"),
        harness_limits());
    const struct request *request = &run.request;
    expect_int(run.verdict, PARSE_WHOLE);
    expect_int(request->method, METHOD_GET);
    expect_int(request->minor, 1);
    expect_bytes(request->method_text, "GET");
    expect_bytes(request->line, "GET /a%20b/./c?d=e HTTP/1.1");
    expect_bytes(request->target, "/a%20b/./c?d=e");
    expect_bytes(request->path, "/a b/c");
    expect_bytes(request->query, "d=e");
    expect_bytes(request->host, "a:80");
    expect_int(request->field_count, 3);
    expect_bytes(request->fields[1].name, "X-One");
    expect_bytes(request->fields[1].value, "1");
    expect_bytes(request->fields[2].name, "X-None");
    expect_int(request->fields[2].value.len, 0);
    expect(request->keep_alive);
    expect_int(request->body.len, 0);
    expect_int(run.input.used, run.input.len);
    run_end(&run);
}

TEST(parse, knows_the_methods_that_are_served)
{
    static const struct {
        const char *text;
        enum method method;
    } cases[] = {{"GET", METHOD_GET}, {"HEAD", METHOD_HEAD},     {"POST", METHOD_POST},
                 {"PUT", METHOD_PUT}, {"DELETE", METHOD_DELETE}, {"OPTIONS", METHOD_OPTIONS}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[64];
        int len = snprintf(text, sizeof(text), "%s / HTTP/1.1\r\n" HOST "\r\n", cases[i].text);
        struct run run;
        run_all_ways(&run, (struct bytes){text, (size_t)len}, harness_limits());
        expect_int(run.verdict, PARSE_WHOLE);
        expect_int(run.request.method, cases[i].method);
        run_end(&run);
    }
}

TEST(parse, answers_other_methods_with_501_and_malformed_ones_with_400)
{
    static const struct verdict_case cases[] = {
        CASE(501, "PROPFIND / HTTP/1.1\r\n" HOST "\r\n"),
        CASE(501, "TRACE / HTTP/1.1\r\n" HOST "\r\n"),
        CASE(501, "CONNECT a:80 HTTP/1.1\r\n" HOST "\r\n"),
        CASE(501, "CONNECT a:80 HTTP/1.1\r\n" HOST "\r\nGET / HTTP/1.1\r\n" HOST "\r\n"),
        CASE(501, "M-SEARCH * HTTP/1.1\r\n" HOST "\r\n"),
        CASE(501, "SOURCE / HTTP/1.1\r\n" HOST "\r\n"),
        CASE(501, "get / HTTP/1.1\r\n" HOST "\r\n"),
        CASE(501, "GETS / HTTP/1.1\r\n" HOST "\r\n"),
        CASE(501, "GE / HTTP/1.1\r\n" HOST "\r\n"),
        CASE(501, "!#$%&'*+-.^_`|~09 / HTTP/1.1\r\n" HOST "\r\n"),
        CASE(501,
             "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZ / HTTP/1.1\r\n" HOST "\r\n"),
        CASE(400, "G(T / HTTP/1.1\r\n" HOST "\r\n"),
        CASE(400, "G\x80T / HTTP/1.1\r\n" HOST "\r\n"),
        CASE(400, " GET / HTTP/1.1\r\n" HOST "\r\n"),
        CASE(400, "GET\t/ HTTP/1.1\r\n" HOST "\r\n"),
        CASE(400, "\x16\x03\x01\x02\x00\x01"),
    };
    EXPECT_VERDICTS(cases);
}

TEST(parse, wants_a_request_line_of_three_words)
{
    static const struct verdict_case cases[] = {
        CASE(400, "GET\r\n" HOST "\r\n"),
        CASE(400, "GET /\r\n" HOST "\r\n"),
        CASE(400, "GET  / HTTP/1.1\r\n" HOST "\r\n"),
        CASE(400, "GET /  HTTP/1.1\r\n" HOST "\r\n"),
        CASE(400, "GET / HTTP/1.1 \r\n" HOST "\r\n"),
        CASE(400, "GET /\tHTTP/1.1\r\n" HOST "\r\n"),
        CASE(400, "GET / a HTTP/1.1\r\n" HOST "\r\n"),
        CASE(400, "GET  HTTP/1.1\r\n" HOST "\r\n"),
        CASE(400, "GET / HTTP/1.1\t\r\n" HOST "\r\n"),
    };
    EXPECT_VERDICTS(cases);
}

TEST(parse, tells_other_versions_from_malformed_ones)
{
    static const struct verdict_case cases[] = {
        CASE(0, "GET / HTTP/1.0\r\n\r\n"),
        CASE(0, "GET / HTTP/1.9\r\n" HOST "\r\n"),
        CASE(505, "GET / HTTP/0.9\r\n" HOST "\r\n"),
        CASE(505, "GET / HTTP/2.0\r\n" HOST "\r\n"),
        CASE(505, "GET / HTTP/9.9\r\n" HOST "\r\n"),
        CASE(505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        CASE(400, "GET / HXXX/1.1\r\n" HOST "\r\n"),
        CASE(400, "GET / http/1.1\r\n" HOST "\r\n"),
        CASE(400, "GET / HTTP/1\r\n" HOST "\r\n"),
        CASE(400, "GET / HTTP/1.\r\n" HOST "\r\n"),
        CASE(400, "GET / HTTP/1.10\r\n" HOST "\r\n"),
        CASE(400, "GET / HTTP/11.1\r\n" HOST "\r\n"),
        CASE(400, "GET / HTTP/1,1\r\n" HOST "\r\n"),
        CASE(400, "GET / HTTP/a.1\r\n" HOST "\r\n"),
        CASE(400, "GET / HTTP/1.a\r\n" HOST "\r\n"),
        CASE(400, "GET / ICE/1.1\r\n" HOST "\r\n"),
        CASE(400, "GET / HTTP /1.1\r\n" HOST "\r\n"),
    };
    EXPECT_VERDICTS(cases);
}

TEST(parse, takes_a_higher_minor_version_for_1)
{
    struct run run;
    run_all_ways(&run, BYTES("GET / HTTP/1.7\r\n" HOST "\r\n"), harness_limits());
    expect_int(run.verdict, PARSE_WHOLE);
    expect_int(run.request.minor, 1);
    expect(run.request.keep_alive);
    run_end(&run);
}

TEST(parse, lets_no_odd_character_into_a_target)
{
    for (int c = 0; c < 256; c++) {
        char text[] = "GET /a?b HTTP/1.1\r\nHost: a\r\n\r\n";
        bool good = c > 0x20 && c < 0x7f && strchr("\"<>\\^`{|}#", c) == NULL;
        for (size_t place = 5; place <= 7; place += 2) {
            char was = text[place];
            text[place] = (char)c;
            struct run run;
            run_all_ways(&run, (struct bytes){text, sizeof(text) - 1}, harness_limits());
            /* An escape that is none is an error in a path; a query is not decoded. */
            bool accepted = good && !(c == '%' && place == 5);
            expect_msg((run.verdict == PARSE_WHOLE) == accepted, "character %d at %zu", c, place);
            expect(accepted || run.parse.status == 400);
            run_end(&run);
            text[place] = was;
        }
    }
}

TEST(parse, knows_lines_by_cr_lf_alone)
{
    static const struct verdict_case cases[] = {
        CASE(400, "GET / HTTP/1.1\nHost: a\n\n"),
        CASE(400, "GET / HTTP/1.1\r\nHost: a\n\r\n"),
        CASE(400, "GET / HTTP/1.1\r\nHost: a\r\n\n"),
        CASE(400, "\nGET / HTTP/1.1\r\n" HOST "\r\n"),
        CASE(400, "GET / HTTP/1.1\r\nHost: a\r\n\rX"),
        CASE(400, "GET / HTTP/1.1\r\nHost: a\r\n\r\r\n"),
        CASE(400, "GET / HTTP/1.1\r" HOST "\r\n"),
        CASE(400, "GET / HTTP/1.1\r\r\n" HOST "\r\n"),
        CASE(400, "POST / HTTP/1.1\r\n" HOST "X:\rxTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        CASE(400, "POST / HTTP/1.1\r\n" HOST "X: a\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    };
    EXPECT_VERDICTS(cases);
}

TEST(parse, refuses_malformed_fields)
{
    static const struct verdict_case cases[] = {
        CASE(400, "GET / HTTP/1.1\r\nHost : a\r\n\r\n"),
        CASE(400, "GET / HTTP/1.1\r\nHost\t: a\r\n\r\n"),
        CASE(400, "POST / HTTP/1.1\r\n" HOST "Content-Length : 1\r\n\r\na"),
        CASE(400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
        CASE(400, "GET / HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n"),
        CASE(400, "GET / HTTP/1.1\r\n" HOST "X: a\r\n\tb\r\n\r\n"),
        CASE(400, "GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
        CASE(400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
        CASE(400,
             "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n , gzip\r\n\r\n0\r\n\r\n"),
        CASE(400, "GET / HTTP/1.1\r\n" HOST ": a\r\n\r\n"),
        CASE(400, "GET / HTTP/1.1\r\n" HOST "X\r\n\r\n"),
        CASE(400, "GET / HTTP/1.1\r\n" HOST "X Y: a\r\n\r\n"),
        CASE(400, "GET / HTTP/1.1\r\n" HOST "X\"Y: a\r\n\r\n"),
        CASE(400, "GET / HTTP/1.1\r\n" HOST "X\x80: a\r\n\r\n"),
        CASE(400, "GET / HTTP/1.1\r\n" HOST "X\0Y: a\r\n\r\n"),
        CASE(400, "GET / HTTP/1.1\r\n" HOST "X: a\0b\r\n\r\n"),
        CASE(400, "GET / HTTP/1.1\r\n" HOST "X: a\x01"
                  "b\r\n\r\n"),
        CASE(400, "GET / HTTP/1.1\r\n" HOST "X: a\x7f\r\n\r\n"),
        CASE(400, "GET / HTTP/1.1\r\n" HOST "X: a\x0b\r\n\r\n"),
        CASE(0, "GET / HTTP/1.1\r\n" HOST "X: a\tb \x80\xff\r\n\r\n"),
        CASE(0, "GET / HTTP/1.1\r\n" HOST "X:a\r\nY:\r\nZ: \t \r\n\r\n"),
        CASE(0, "GET / HTTP/1.1\r\n" HOST "X: : : \r\n\r\n"),
    };
    EXPECT_VERDICTS(cases);
}

TEST(parse, ignores_a_few_empty_lines_before_a_request)
{
    static const struct verdict_case cases[] = {
        CASE(0, "\r\nGET / HTTP/1.1\r\n" HOST "\r\n"),
        CASE(0, "\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n"),
        CASE(400, "\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n"),
    };
    EXPECT_VERDICTS(cases);
}

TEST(parse, keeps_what_lies_behind_a_request)
{
    struct bytes rest = BYTES(
        "GET /1 HTTP/1.1\r\n" HOST "\r\nPOST /2 HTTP/1.1\r\n" HOST
        "Content-Length: 3\r\n\r\nabcPOST /3 HTTP/1.1\r\n" HOST
        "Transfer-Encoding: chunked\r\n\r\n2\r\nde\r\n0\r\n\r\nGET /4 HTTP/1.1\r\n" HOST "\r\n");
    static const char *const paths[] = {"/1", "/2", "/3", "/4"};
    static const char *const bodies[] = {"", "abc", "de", ""};
    for (size_t i = 0; i < 4; i++) {
        struct run run;
        run_all_ways(&run, rest, harness_limits());
        expect_int(run.verdict, PARSE_WHOLE);
        expect_bytes(run.request.path, paths[i]);
        expect(bytes_equal(run.request.body, bytes_of(bodies[i])));
        size_t behind = run.input.len - run.input.used + run.unfed.len;
        rest = (struct bytes){rest.at + rest.len - behind, behind};
        expect(memcmp(rest.at, run.input.at + run.input.used, behind) == 0);
        run_end(&run);
    }
    expect_int(rest.len, 0);
}

/* "GET /xxx… HTTP/1.1" and one field, `line` and `head` bytes long, the CRLFs counted. */
static struct bytes request_of(char *out, size_t line, size_t head)
{
    memset(out, 'x', head);
    memcpy(out, "GET /", 5);
    memcpy(out + line - 11, " HTTP/1.1\r\n", 11);
    memcpy(out + line, "Host: a\r\nX: ", 12);
    memcpy(out + head - 4, "\r\n\r\n", 4);
    return (struct bytes){out, head};
}

TEST(parse, limits_the_head_to_the_byte)
{
    char text[HARNESS_HEADER_SIZE + 1];
    struct run run;
    run_all_ways(&run, request_of(text, 100, HARNESS_HEADER_SIZE), harness_limits());
    expect_int(run.verdict, PARSE_WHOLE);
    run_end(&run);
    run_all_ways(&run, request_of(text, 100, HARNESS_HEADER_SIZE + 1), harness_limits());
    expect_int(run.verdict, PARSE_REFUSED);
    expect_int(run.parse.status, 431);
    expect_int(run.request.line.len, 98);
    run_end(&run);
}

TEST(parse, answers_a_request_line_over_the_limit_with_414)
{
    struct parse_limits limits = {REFUSED_LINE_MAX + 100, HARNESS_BODY_SIZE};
    char *text = malloc(limits.header_size + 1);
    struct run run;
    memset(text, 'x', limits.header_size + 1);
    memcpy(text, "GET /", 5);
    run_all_ways(&run, (struct bytes){text, limits.header_size - 1}, limits);
    expect_int(run.verdict, PARSE_MORE);
    run_end(&run);
    run_all_ways(&run, (struct bytes){text, limits.header_size + 1}, limits);
    expect_int(run.verdict, PARSE_REFUSED);
    expect_int(run.parse.status, 414);
    expect_int(run.request.line.len, REFUSED_LINE_MAX);
    run_end(&run);
    free(text);
}

TEST(parse, answers_a_method_over_the_limit_with_501)
{
    struct parse_limits limits = {REFUSED_LINE_MAX + 100, HARNESS_BODY_SIZE};
    char *text = malloc(limits.header_size + 1);
    struct run run;
    memset(text, 'x', limits.header_size + 1);
    run_all_ways(&run, (struct bytes){text, limits.header_size - 1}, limits);
    expect_int(run.verdict, PARSE_MORE);
    run_end(&run);
    run_all_ways(&run, (struct bytes){text, limits.header_size + 1}, limits);
    expect_int(run.verdict, PARSE_REFUSED);
    expect_int(run.parse.status, 501);
    run_end(&run);
    text[3] = '/'; /* no token: no method at all, as in a line that is whole */
    run_all_ways(&run, (struct bytes){text, limits.header_size + 1}, limits);
    expect_int(run.parse.status, 400);
    run_end(&run);
    free(text);
}

static struct bytes request_with_fields(char *out, size_t size, unsigned count)
{
    size_t len = (size_t)snprintf(out, size, "GET / HTTP/1.1\r\nHost: a\r\n");
    for (unsigned i = 1; i < count; i++) {
        len += (size_t)snprintf(out + len, size - len, "X: %u\r\n", i);
    }
    len += (size_t)snprintf(out + len, size - len, "\r\n");
    return (struct bytes){out, len};
}

TEST(parse, limits_the_number_of_fields)
{
    struct parse_limits limits = {2048, HARNESS_BODY_SIZE};
    char text[2048];
    struct run run;
    run_all_ways(&run, request_with_fields(text, sizeof(text), REQUEST_FIELDS_MAX), limits);
    expect_int(run.verdict, PARSE_WHOLE);
    expect_int(run.request.field_count, REQUEST_FIELDS_MAX);
    expect_bytes(run.request.fields[REQUEST_FIELDS_MAX - 1].value, "99");
    run_end(&run);
    run_all_ways(&run, request_with_fields(text, sizeof(text), REQUEST_FIELDS_MAX + 1), limits);
    expect_int(run.verdict, PARSE_REFUSED);
    expect_int(run.parse.status, 431);
    run_end(&run);
}

TEST(parse, keeps_the_request_line_of_a_refused_request)
{
    static const struct {
        const char *text, *line;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", "GET / HTTP/1.1"},
        {"\r\nGET / HTTP/2.0\r\n", "GET / HTTP/2.0"},
        {"GET /a\nHost: a\r\n", "GET /a"},
        {"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", "BREW / HTTP/1.1"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct run run;
        run_all_ways(&run, bytes_of(cases[i].text), harness_limits());
        expect_int(run.verdict, PARSE_REFUSED);
        expect_bytes(run.request.line, cases[i].line);
        expect(!run.request.keep_alive);
        run_end(&run);
    }
}

TEST(parse, decodes_a_path_longer_than_its_store)
{
    char text[HARNESS_HEADER_SIZE], path[320];
    memset(path, 'p', sizeof(path) - 1);
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    int len = snprintf(text, sizeof(text), "GET %s%%41 HTTP/1.1\r\n" HOST "\r\n", path);
    struct run run;
    run_all_ways(&run, (struct bytes){text, (size_t)len}, harness_limits());
    expect_int(run.verdict, PARSE_WHOLE);
    expect_int(run.request.path.len, sizeof(path));
    expect_int(run.request.path.at[sizeof(path) - 1], 'A');
    run_end(&run);
    parse_end(&run.parse);
}

TEST(parse, says_whether_the_head_is_whole)
{
    struct run run;
    run_begin(&run, BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\na"),
              harness_limits());
    run_feed(&run, 20);
    expect(!parse_in_body(&run.parse));
    run_feed(&run, run.unfed.len - 1);
    expect_int(run.verdict, PARSE_MORE);
    expect(parse_in_body(&run.parse));
    run_end(&run);
}
