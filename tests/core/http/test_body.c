/* test_http_body.c: bodies by length and by chunks, and everything a lenient chunk decoder would
 * let through. Every text runs whole, bytewise, and split everywhere. */
#include "core/http/body.h"
#include "tests/core/parse_harness.h"

#include <stdlib.h>

#define CHUNKED "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

static void expect_body(struct bytes text, const char *body, const char *rest)
{
    struct run run;
    run_all_ways(&run, text, harness_limits());
    expect_msg(run.verdict == PARSE_WHOLE, "[%.*s] %s", (int)text.len, text.at,
               run.verdict == PARSE_REFUSED ? run.parse.reason : "");
    expect(bytes_equal(run.request.body, bytes_of(body)));
    expect_bytes(((struct bytes){run.input.at + run.input.used, run.input.len - run.input.used}),
                 rest);
    run_end(&run);
}

TEST(body, is_counted)
{
    expect_body(BYTES("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\na\n\r\nbcGET"),
                "a\n\r\nbc", "GET");
}

TEST(body, is_put_together_from_chunks)
{
    expect_body(BYTES(CHUNKED "0\r\n\r\n"), "", "");
    expect_body(BYTES(CHUNKED "3\r\nabc\r\n0\r\n\r\nGET"), "abc", "GET");
    expect_body(BYTES(CHUNKED "3\r\nabc\r\n002\r\nde\r\n00\r\n\r\n"), "abcde", "");
    expect_body(BYTES(CHUNKED "A\r\n0123456789\r\n0\r\n\r\n"), "0123456789", "");
    expect_body(BYTES(CHUNKED "a\r\n\r\n0\r\n\r\n\r\n\r\r\n0\r\n\r\n\r\n"), "\r\n0\r\n\r\n\r\n\r",
                "\r\n");
    expect_body(BYTES(CHUNKED "0000000000000001\r\na\r\n0\r\n\r\n"), "a", "");
}

TEST(body, may_have_extensions_and_trailers_which_are_dropped)
{
    expect_body(BYTES(CHUNKED "1;a\r\nx\r\n0;b=c;d=\"e \\\" ;\t\xff\"\r\n\r\n"), "x", "");
    expect_body(BYTES(CHUNKED "1 ; a = b\t;c\r\nx\r\n0\r\n\r\n"), "x", "");
    expect_body(BYTES(CHUNKED "1\r\nx\r\n0\r\nA: b\r\nC:\r\n\r\nGET"), "x", "GET");
    expect_body(
        BYTES(CHUNKED "1\r\nx\r\n0\r\nContent-Length: 7\r\nTransfer-Encoding: x\r\n\r\nGET"), "x",
        "GET");
}

TEST(body, wants_chunk_sizes_of_hexadecimal_digits_only)
{
    static const struct verdict_case cases[] = {
        CASE(400, CHUNKED "\r\n\r\n"),
        CASE(400, CHUNKED "0x1\r\na\r\n0\r\n\r\n"),
        CASE(400, CHUNKED "+1\r\na\r\n0\r\n\r\n"),
        CASE(400, CHUNKED "-1\r\na\r\n0\r\n\r\n"),
        CASE(400, CHUNKED " 1\r\na\r\n0\r\n\r\n"),
        CASE(400, CHUNKED "\t1\r\na\r\n0\r\n\r\n"),
        CASE(400, CHUNKED "1 \r\na\r\n0\r\n\r\n"),
        CASE(400, CHUNKED "1_0\r\na\r\n0\r\n\r\n"),
        CASE(400, CHUNKED "g\r\na\r\n0\r\n\r\n"),
        CASE(400, CHUNKED "1h\r\na\r\n0\r\n\r\n"),
        CASE(400, CHUNKED "1,1\r\na\r\n0\r\n\r\n"),
        CASE(400, CHUNKED ";a\r\na\r\n0\r\n\r\n"),
        CASE(400, CHUNKED "00000000000000001\r\na\r\n0\r\n\r\n"),
        CASE(400, CHUNKED "10000000000000001\r\na\r\n0\r\n\r\n"),
        CASE(413, CHUNKED "ffffffffffffffff\r\na\r\n0\r\n\r\n"),
        CASE(413, CHUNKED "1\r\na\r\nffffffffffffffff\r\na\r\n0\r\n\r\n"),
    };
    EXPECT_VERDICTS(cases);
}

TEST(body, wants_exactly_cr_lf_around_chunks)
{
    static const struct verdict_case cases[] = {
        CASE(400, CHUNKED "1\na\r\n0\r\n\r\n"),
        CASE(400, CHUNKED "1\rXa\r\n0\r\n\r\n"),
        CASE(400, CHUNKED "1\r\r\na\r\n0\r\n\r\n"),
        CASE(400, CHUNKED "1\r\na\n0\r\n\r\n"),
        CASE(400, CHUNKED "1\r\na\rX0\r\n\r\n"),
        CASE(400, CHUNKED "1\r\naXX0\r\n\r\n"),
        CASE(400, CHUNKED "1\r\nab\r\n0\r\n\r\n"),
        CASE(400, CHUNKED "1\r\na0\r\n\r\n"),
        CASE(400, CHUNKED "2\r\na\r\n0\r\n\r\n"),
        CASE(400, CHUNKED "0\n\r\n"),
        CASE(400, CHUNKED "0\r\n\n"),
        CASE(400, CHUNKED "0\r\n\rX"),
        CASE(400, CHUNKED "0\r\n\r\r\n"),
    };
    EXPECT_VERDICTS(cases);
}

TEST(body, wants_extensions_and_trailers_by_their_grammar)
{
    static const struct verdict_case cases[] = {
        CASE(400, CHUNKED "1;\na\r\n0\r\n\r\n"),
        CASE(400, CHUNKED "1;a\nb\r\na\r\n0\r\n\r\n"),
        CASE(400, CHUNKED "1;a\0b\r\na\r\n0\r\n\r\n"),
        CASE(400, CHUNKED "1;a\rb\r\na\r\n0\r\n\r\n"),
        CASE(400, CHUNKED "1;a=\"\n\"\r\na\r\n0\r\n\r\n"),
        CASE(400, CHUNKED "1;\r\na\r\n0\r\n\r\n"),
        CASE(400, CHUNKED "1;;a\r\na\r\n0\r\n\r\n"),
        CASE(400, CHUNKED "1;a=\r\na\r\n0\r\n\r\n"),
        CASE(400, CHUNKED "1;a=\"b\r\na\r\n0\r\n\r\n"),
        CASE(400, CHUNKED "1;a=\"b\\\r\na\r\n0\r\n\r\n"),
        CASE(400, CHUNKED "1;a=\"b\"c\r\na\r\n0\r\n\r\n"),
        CASE(400, CHUNKED "1;a \r\na\r\n0\r\n\r\n"),
        CASE(400, CHUNKED "1;a b\r\na\r\n0\r\n\r\n"),
        CASE(400, CHUNKED "1 a\r\na\r\n0\r\n\r\n"),
        CASE(400, CHUNKED "0\r\nX : a\r\n\r\n"),
        CASE(400, CHUNKED "0\r\nX: a\r\n b\r\n\r\n"),
        CASE(400, CHUNKED "0\r\nX: a\nY: b\r\n\r\n"),
        CASE(400, CHUNKED "0\r\nX: a\0\r\n\r\n"),
        CASE(400, CHUNKED "0\r\nGET / HTTP/1.1\r\n\r\n"),
        CASE(400, CHUNKED "0\r\n: a\r\n\r\n"),
    };
    EXPECT_VERDICTS(cases);
}

/* CHUNKED, then `before`, `count` times 'e', `after`. */
static struct bytes chunked_text(char *out, size_t size, const char *before, size_t count,
                                 const char *after)
{
    int len = snprintf(out, size, CHUNKED "%s", before);
    memset(out + len, 'e', count);
    int tail = snprintf(out + len + count, size - count - (size_t)len, "%s", after);
    return (struct bytes){out, (size_t)len + count + (size_t)tail};
}

static int status_of(struct bytes text, struct parse_limits limits)
{
    struct run run;
    run_all_ways(&run, text, limits);
    expect(run.verdict != PARSE_MORE);
    int status = run.verdict == PARSE_REFUSED ? run.parse.status : 0;
    run_end(&run);
    return status;
}

TEST(body, is_limited_to_the_byte)
{
    char text[512];
    expect_int(status_of(chunked_text(text, sizeof(text), "40\r\n", 64, "\r\n0\r\n\r\n"),
                         harness_limits()),
               0);
    expect_int(status_of(chunked_text(text, sizeof(text), "41\r\n", 65, "\r\n0\r\n\r\n"),
                         harness_limits()),
               413);
    expect_int(status_of(chunked_text(text, sizeof(text), "1\r\nx\r\n3f\r\n", 63, "\r\n0\r\n\r\n"),
                         harness_limits()),
               0);
    expect_int(status_of(chunked_text(text, sizeof(text), "1\r\nx\r\n40\r\n", 64, "\r\n0\r\n\r\n"),
                         harness_limits()),
               413);
}

TEST(body, may_be_forbidden)
{
    struct parse_limits limits = {HARNESS_HEADER_SIZE, 0};
    expect_int(status_of(BYTES(CHUNKED "0\r\n\r\n"), limits), 0);
    expect_int(status_of(BYTES(CHUNKED "1\r\na\r\n0\r\n\r\n"), limits), 413);
    expect_int(status_of(BYTES("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na"), limits),
               413);
}

TEST(body, has_chunk_lines_of_limited_length)
{
    char text[1024];
    /* "0;" and the CRLF count. */
    expect_int(status_of(chunked_text(text, sizeof(text), "0;", CHUNK_LINE_MAX - 4, "\r\n\r\n"),
                         harness_limits()),
               0);
    expect_int(status_of(chunked_text(text, sizeof(text), "0;", CHUNK_LINE_MAX - 3, "\r\n\r\n"),
                         harness_limits()),
               400);
}

TEST(body, is_refused_when_a_chunk_line_has_filled_its_limit)
{
    char text[1024];
    expect_int(
        status_of(chunked_text(text, sizeof(text), "0;", CHUNK_LINE_MAX - 2, ""), harness_limits()),
        400);
    expect_int(
        status_of(chunked_text(text, sizeof(text), "", CHUNK_LINE_MAX, ""), harness_limits()), 400);
}

TEST(body, has_trailers_limited_apart_from_extensions)
{
    struct parse_limits limits = {HARNESS_HEADER_SIZE, 1024};
    char text[8192];
    size_t len = (size_t)snprintf(text, sizeof(text), CHUNKED);
    for (size_t sum = 0; sum < 1024; sum += 128) {
        len += (size_t)snprintf(text + len, sizeof(text) - len, "1;%0127d\r\nx\r\n", 0);
    }
    len += (size_t)snprintf(text + len, sizeof(text) - len, "0\r\nX: %01500d\r\n\r\n", 0);
    expect_int(status_of((struct bytes){text, len}, limits), 0);
}

TEST(body, has_a_limited_sum_of_extensions)
{
    struct parse_limits limits = {HARNESS_HEADER_SIZE, 1024};
    char text[8192];
    size_t len = (size_t)snprintf(text, sizeof(text), CHUNKED);
    for (size_t sum = 0; sum < CHUNK_EXTENSIONS_MAX; sum += 128) {
        len += (size_t)snprintf(text + len, sizeof(text) - len, "1;%0127d\r\nx\r\n", 0);
    }
    size_t at_limit = len;
    len += (size_t)snprintf(text + len, sizeof(text) - len, "0\r\n\r\n");
    expect_int(status_of((struct bytes){text, len}, limits), 0);
    len = at_limit + (size_t)snprintf(text + at_limit, sizeof(text) - at_limit, "0;a\r\n\r\n");
    expect_int(status_of((struct bytes){text, len}, limits), 400);
}

TEST(body, has_a_trailer_section_of_limited_size)
{
    char text[4096];
    /* "X: ", "Y:" , and three CRLF count, the last of which ends the section. */
    size_t room = TRAILER_SECTION_MAX - 11;
    expect_int(status_of(chunked_text(text, sizeof(text), "0\r\nX: ", room, "\r\nY:\r\n\r\n"),
                         harness_limits()),
               0);
    expect_int(status_of(chunked_text(text, sizeof(text), "0\r\nX: ", room + 1, "\r\nY:\r\n\r\n"),
                         harness_limits()),
               431);
    expect_int(
        status_of(chunked_text(text, sizeof(text), "0\r\nX: ", TRAILER_SECTION_MAX, "\r\n\r\n"),
                  harness_limits()),
        431);
}

/* Left in the input as long as head and body fill it exactly, moved out from one byte more. */
TEST(body, is_left_in_the_input_where_it_fits)
{
    struct parse_limits limits = {256, 100000};
    size_t capacity = limits.header_size + INPUT_SLACK;
    for (size_t over = 0; over < 3; over++) {
        char text[256 + INPUT_SLACK + 16];
        memset(text, 'b', sizeof(text));
        size_t head = strlen("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0000\r\n\r\n");
        size_t len = capacity - head + over;
        char *end =
            text + sprintf(text, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: %04zu\r\n\r\n", len);
        *end = 'b';
        struct run run;
        run_begin(&run, (struct bytes){text, head + len}, limits);
        run_feed(&run, 100);
        run_feed(&run, sizeof(text));
        expect_int(run.verdict, PARSE_WHOLE);
        expect_int(run.request.body.len, len);
        expect_int(run.request.body.at == run.input.at + head, over == 0);
        expect_int(run.input.used, over == 0 ? capacity : head);
        run_end(&run);
    }
}

/* A body that does not fit into the input: moved out as it comes, and what follows is kept. */
TEST(body, may_be_larger_than_the_input)
{
    struct parse_limits limits = {256, 100000};
    enum { SIZE = 9000 };
    char *text = malloc(SIZE + 256);
    size_t head =
        (size_t)sprintf(text, "PUT /x%%41 HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", SIZE);
    for (size_t i = 0; i < SIZE; i++) {
        text[head + i] = (char)('a' + i % 26);
    }
    memcpy(text + head + SIZE, "GET", 3);
    struct bytes all = {text, head + SIZE + 3};
    struct run run;
    run_begin(&run, all, limits);
    run_feed(&run, all.len);
    expect_int(run.verdict, PARSE_WHOLE);
    expect_int(run.request.body.len, SIZE);
    expect(memcmp(run.request.body.at, text + head, SIZE) == 0);
    expect_bytes(run.request.path, "/xA");
    char *whole = run_describe(&run);
    for (size_t first = 1; first < all.len; first += 7) {
        expect_same(whole, run_split(all, limits, first, all.len), all, first);
    }
    expect_same(whole, run_split(all, limits, 1, 1), all, 1);
    free(whole);
    run_end(&run);
    free(text);
}

TEST(body, costs_no_more_memory_than_has_come)
{
    struct parse_limits limits = {256, 1 << 20};
    struct run run;
    char text[6000] = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n";
    run_begin(&run, (struct bytes){text, sizeof(text)}, limits);
    run_feed(&run, 100);
    expect_int(run.verdict, PARSE_MORE);
    expect(run.parse.body_capacity <= 4096);
    run_feed(&run, sizeof(text));
    expect_int(run.verdict, PARSE_MORE);
    expect(run.parse.body_capacity <= 2 * sizeof(text));
    run_end(&run);
}
