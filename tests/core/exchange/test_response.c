/* test_response.c: the bytes of answers, as they go on the wire, and what becomes of the
 * connection. The Date line is taken out before comparing. */
#include "core/exchange/response.h"

#include "tests/core/answer.h"
#include "tests/test.h"

static struct client client;
static unsigned ends; /* BUCKET_END seen in the answer */

/* What was made since the last call, added to the answer as a writer would send it. */
static void collect(void)
{
    struct brigade *made = response_made(client.x);
    uint64_t len = 0;
    for (struct bucket *bucket = made->head; bucket != NULL; bucket = bucket->next) {
        expect_int(ends, 0);
        client_read_bucket(&client, bucket);
        len += bucket->len;
        ends += bucket->kind == BUCKET_END;
    }
    expect_int(made->len, len);
    brigade_clear(made);
}

static void cut_out_date(void)
{
    char *at = strstr(client.answer, "Date: ");
    if (at != NULL) {
        char *end = strstr(at, " GMT\r\n");
        expect(end != NULL && end - at == 6 + 25);
        end += 6;
        memmove(at, end, (size_t)(client.answer + client.len + 1 - end));
        client.len -= (size_t)(end - at);
    }
}

/* A request to be answered; HTTP/1.minor. */
static struct exchange *ask(enum method method, unsigned minor)
{
    ends = 0;
    client_init(&client);
    client.settings.server_header = 1; /* off */
    client_ask(&client, method, "/", "");
    client.x->request.minor = minor;
    client.x->request.keep_alive = minor == 1;
    return client.x;
}

static void expect_answer(const char *text, enum close_reason close)
{
    collect();
    cut_out_date();
    expect_text(client.answer, text);
    expect_int(client.len, strlen(text));
    expect_int(client.x->close, close);
    expect_int(ends, 1);
    client_deinit(&client);
}

/* --- heads --- */

TEST(response, a_declared_length_goes_out_as_declared)
{
    struct exchange *x = ask(METHOD_GET, 1);
    response_start(x, 200);
    response_add(x, "Content-Type", "text/%s", "plain");
    response_length(x, 12);
    response_copy(x, "hello, ", 7);
    response_copy(x, "world", 5);
    response_end(x);
    expect_answer("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\n"
                  "hello, world",
                  CLOSE_NONE);
}

TEST(response, an_ordinary_answer_is_one_bucket_and_the_end)
{
    struct exchange *x = ask(METHOD_GET, 1);
    response_start(x, 200);
    response_length(x, 5);
    response_copy(x, "hello", 5);
    response_end(x);
    const struct bucket *first = response_made(x)->head;
    expect(first->kind == BUCKET_MEMORY && !first->allocated);
    expect(first->next != NULL && first->next->kind == BUCKET_END && first->next->next == NULL);
    client_deinit(&client);
}

TEST(response, the_server_names_itself_unless_told_not_to)
{
    struct exchange *x = ask(METHOD_GET, 1);
    client.settings.server_header = 0; /* on */
    response_start(x, 404);
    response_length(x, 0);
    response_end(x);
    expect_answer("HTTP/1.1 404 Not Found\r\nServer: quartet\r\nContent-Length: 0\r\n\r\n",
                  CLOSE_NONE);
}

TEST(response, an_unknown_status_has_a_phrase_all_the_same)
{
    struct exchange *x = ask(METHOD_GET, 1);
    response_start(x, 599);
    response_length(x, 0);
    response_end(x);
    expect_answer("HTTP/1.1 599 Unknown\r\nContent-Length: 0\r\n\r\n", CLOSE_NONE);
}

TEST(response, lengths_have_all_their_digits)
{
    static const uint64_t lengths[] = {1, 9, 10, 99, 1000, 4294967296, UINT64_MAX};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        char wanted[100];
        struct exchange *x = ask(METHOD_HEAD, 1);
        response_start(x, 200);
        response_length(x, lengths[i]);
        response_end(x);
        snprintf(wanted, sizeof wanted, "HTTP/1.1 200 OK\r\nContent-Length: %llu\r\n\r\n",
                 (unsigned long long)lengths[i]);
        expect_answer(wanted, CLOSE_NONE);
    }
}

TEST(response, a_block_may_hold_the_length)
{
    struct exchange *x = ask(METHOD_GET, 1);
    response_start(x, 200);
    response_add_block(x, BYTES("ETag: \"1\"\r\nContent-Length: 3\r\n"));
    response_length_in_block(x, 3);
    response_copy(x, "abc", 3);
    response_end(x);
    expect_answer("HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 3\r\n\r\nabc", CLOSE_NONE);
}

TEST(response, a_client_of_1_0_is_told_when_the_connection_stays)
{
    struct exchange *x = ask(METHOD_GET, 0);
    x->request.keep_alive = true;
    response_start(x, 200);
    response_length(x, 1);
    response_copy(x, "a", 1);
    response_end(x);
    expect_answer("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\na",
                  CLOSE_NONE);
}

TEST(response, a_client_that_asked_for_close_gets_it)
{
    struct exchange *x = ask(METHOD_GET, 1);
    x->request.keep_alive = false;
    response_start(x, 200);
    response_length(x, 1);
    response_copy(x, "a", 1);
    response_end(x);
    expect_answer("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\na",
                  CLOSE_CLIENT_ASKED);
}

TEST(response, a_reason_to_close_that_is_known_goes_before_others)
{
    struct exchange *x = ask(METHOD_GET, 1);
    x->request.keep_alive = false;
    x->close = CLOSE_MAX_REQUESTS;
    response_start(x, 200);
    response_length(x, 0);
    response_end(x);
    expect_answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                  CLOSE_MAX_REQUESTS);
}

TEST(response, a_field_that_is_too_long_is_left_out_and_the_connection_closed)
{
    static char value[EXCHANGE_TEXT + 1];
    memset(value, 'v', sizeof value - 1);
    struct exchange *x = ask(METHOD_GET, 1);
    response_start(x, 200);
    response_add(x, "X-Long", "%s", value);
    response_length(x, 0);
    response_end(x);
    expect_answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                  CLOSE_SERVER_ERROR);
}

TEST(response, a_name_that_is_too_long_is_left_out_and_the_connection_closed)
{
    static char name[2 * EXCHANGE_TEXT];
    static const size_t lens[] = {EXCHANGE_TEXT - 2, EXCHANGE_TEXT - 1, EXCHANGE_TEXT,
                                  EXCHANGE_TEXT + 1, EXCHANGE_TEXT + 2, sizeof name - 1};
    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
        memset(name, 0, sizeof name);
        memset(name, 'n', lens[i]);
        struct exchange *x = ask(METHOD_GET, 1);
        response_start(x, 200);
        response_add(x, name, "%s", "value");
        response_length(x, 0);
        response_end(x);
        expect_answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                      CLOSE_SERVER_ERROR);
    }
}

TEST(response, the_longest_field_goes_out_whole)
{
    static char name[EXCHANGE_TEXT], wanted[2 * EXCHANGE_TEXT];
    memset(name, 'n', EXCHANGE_TEXT - 4);
    struct exchange *x = ask(METHOD_GET, 1);
    response_start(x, 200);
    response_add(x, name, "%s", "vv");
    response_length(x, 0);
    response_end(x);
    snprintf(wanted, sizeof wanted, "HTTP/1.1 200 OK\r\n%s: vv\r\nContent-Length: 0\r\n\r\n", name);
    expect_answer(wanted, CLOSE_NONE);
}

/* The text holds 2048 bytes; what comes behind still comes in order. */
TEST(response, a_head_larger_than_the_text_loses_nothing)
{
    static char wanted[20000];
    static const char start[] = "HTTP/1.1 200 OK\r\n";
    for (unsigned len = 1; len <= 1500; len += 37) {
        char value[1501], *at = wanted + sprintf(wanted, "%s", start);
        memset(value, 'v', len);
        value[len] = '\0';
        struct exchange *x = ask(METHOD_GET, 1);
        response_start(x, 200);
        for (unsigned i = 0; i < 8; i++) {
            response_add(x, "X-Field", "%u%s", i, value);
            at += sprintf(at, "X-Field: %u%s\r\n", i, value);
        }
        response_length(x, 3);
        response_copy(x, "abc", 3);
        response_end(x);
        strcpy(at, "Content-Length: 3\r\n\r\nabc");
        expect_answer(wanted, CLOSE_NONE);
    }
}

/* --- bodies --- */

TEST(response, an_unknown_length_is_chunked)
{
    struct exchange *x = ask(METHOD_GET, 1);
    response_start(x, 200);
    response_chunked(x);
    response_copy(x, "hello", 5);
    response_copy(x, "", 0);
    response_lend(x, "lent", 4, NULL);
    response_lend(x, "", 0, NULL);
    response_pattern(x, "ab", 2, 17);
    response_end(x);
    expect_answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n4\r\nlent\r\n"
                  "11\r\nababababababababa\r\n0\r\n\r\n",
                  CLOSE_NONE);
}

TEST(response, an_answer_taken_in_pieces_has_the_same_bytes)
{
    struct exchange *x = ask(METHOD_GET, 1);
    response_start(x, 200);
    response_chunked(x);
    collect();
    response_copy(x, "one", 3);
    collect();
    collect();
    response_copy(x, "two", 3);
    response_pattern(x, "p", 1, 2);
    collect();
    response_copy(x, "three", 5);
    collect();
    response_end(x);
    expect_answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n"
                  "2\r\npp\r\n5\r\nthree\r\n0\r\n\r\n",
                  CLOSE_NONE);
}

TEST(response, a_client_of_1_0_gets_no_chunks_but_the_end_of_the_connection)
{
    struct exchange *x = ask(METHOD_GET, 0);
    x->request.keep_alive = true;
    response_start(x, 200);
    response_chunked(x);
    response_copy(x, "hello", 5);
    response_end(x);
    expect_answer("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello", CLOSE_CLIENT_ASKED);
}

/* The digits of durations become one x each. */
static void mask_durations(void)
{
    char *to = client.answer;
    bool masking = false;
    for (const char *from = client.answer; *from != '\0'; from++) {
        bool digit = (*from >= '0' && *from <= '9') || *from == '.';
        if (masking && digit) {
            continue;
        }
        masking = to - client.answer >= 4 && memcmp(to - 4, "dur=", 4) == 0;
        *to++ = masking && digit ? 'x' : *from;
    }
    *to = '\0';
    client.len = (size_t)(to - client.answer);
}

TEST(response, a_chunked_body_ends_with_the_time_it_took)
{
    struct exchange *x = ask(METHOD_GET, 1);
    client.settings.server_timing = true;
    x->stamps = (struct stamps){.first_byte_ns = 1000, .whole_ns = 4350, .started_ns = stamp_now()};
    if (x->stamps.started_ns == 0) {
        return; /* the trace points are not compiled in: nothing is known */
    }
    response_start(x, 200);
    response_chunked(x);
    response_copy(x, "hello", 5);
    response_end(x);
    collect();
    mask_durations();
    expect_answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Server-Timing\r\n"
                  "Server-Timing: read;dur=x, process-wait;dur=x\r\n\r\n"
                  "5\r\nhello\r\n0\r\nServer-Timing: process;dur=x\r\n\r\n",
                  CLOSE_NONE);
}

TEST(response, a_body_with_a_length_has_no_trailer)
{
    struct exchange *x = ask(METHOD_GET, 1);
    client.settings.server_timing = true;
    x->stamps = (struct stamps){.accepted_ns = 1000,
                                .adopted_ns = 2000,
                                .first_byte_ns = 3000,
                                .whole_ns = 4000,
                                .started_ns = 6000};
    response_start(x, 200);
    response_length(x, 5);
    response_copy(x, "hello", 5);
    response_end(x);
    expect_answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
                  "Server-Timing: accept;dur=0.001, read;dur=0.001, process-wait;dur=0.002\r\n\r\n"
                  "hello",
                  CLOSE_NONE);
}

TEST(response, an_older_client_gets_no_trailer)
{
    struct exchange *x = ask(METHOD_GET, 0);
    client.settings.server_timing = true;
    x->stamps = (struct stamps){.first_byte_ns = 3000, .whole_ns = 4000, .started_ns = 6000};
    response_start(x, 200);
    response_chunked(x);
    response_copy(x, "hello", 5);
    response_end(x);
    expect_answer("HTTP/1.1 200 OK\r\nServer-Timing: read;dur=0.001, process-wait;dur=0.002\r\n"
                  "Connection: close\r\n\r\nhello",
                  CLOSE_CLIENT_ASKED);
}

TEST(response, no_time_is_told_where_none_is_taken)
{
    struct exchange *x = ask(METHOD_GET, 1);
    client.settings.server_timing = true;
    response_start(x, 200);
    response_chunked(x);
    response_copy(x, "hello", 5);
    response_end(x);
    expect_answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
                  CLOSE_NONE);
}

TEST(response, an_empty_chunked_body_is_the_last_chunk_alone)
{
    struct exchange *x = ask(METHOD_GET, 1);
    response_start(x, 200);
    response_chunked(x);
    response_end(x);
    response_end(x); /* once is enough */
    expect_answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", CLOSE_NONE);
}

TEST(response, head_gets_the_head_of_get_without_its_body)
{
    struct exchange *x = ask(METHOD_HEAD, 1);
    response_start(x, 200);
    response_length(x, 5);
    response_copy(x, "hello", 5);
    response_end(x);
    expect_answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", CLOSE_NONE);
    x = ask(METHOD_HEAD, 1);
    response_start(x, 200);
    response_chunked(x);
    response_lend(x, "hello", 5, NULL);
    response_pattern(x, "x", 1, 1000);
    response_end(x);
    expect_answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", CLOSE_NONE);
}

TEST(response, an_answer_without_a_body_has_none)
{
    static const int statuses[] = {204, 304};
    for (unsigned i = 0; i < 2; i++) {
        char wanted[80];
        struct exchange *x = ask(METHOD_GET, 1);
        response_start(x, statuses[i]);
        response_no_body(x);
        response_end(x);
        snprintf(wanted, sizeof wanted, "HTTP/1.1 %d %s\r\n\r\n", statuses[i],
                 status_phrase(statuses[i]));
        expect_answer(wanted, CLOSE_NONE);
    }
}

TEST(response, a_304_may_say_the_length_it_does_not_send)
{
    struct exchange *x = ask(METHOD_GET, 1);
    response_start(x, 304);
    response_length(x, 5);
    response_copy(x, "hello", 5);
    response_end(x);
    expect_answer("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", CLOSE_NONE);
}

TEST(response, more_than_declared_is_dropped_and_the_connection_stays)
{
    struct exchange *x = ask(METHOD_GET, 1);
    response_start(x, 200);
    response_length(x, 5);
    response_copy(x, "hello, world", 12);
    response_copy(x, "more", 4);
    response_pattern(x, "p", 1, 9);
    response_end(x);
    expect(x->response.length_broken);
    expect_int(x->response.produced, 25);
    expect_answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", CLOSE_NONE);
}

TEST(response, less_than_declared_closes_the_connection)
{
    struct exchange *x = ask(METHOD_GET, 1);
    response_start(x, 200);
    response_length(x, 5);
    response_copy(x, "hell", 4);
    response_end(x);
    expect(x->response.length_broken);
    expect_int(x->response.produced, 4);
    expect_answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", CLOSE_SERVER_ERROR);
}

TEST(response, a_length_is_watched_where_a_body_goes_out_only)
{
    static const struct {
        enum method method;
        int status;
    } cases[] = {{METHOD_HEAD, 200}, {METHOD_GET, 304}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t produced = 3; produced < 8; produced++) {
            struct exchange *x = ask(cases[i].method, 1);
            response_start(x, cases[i].status);
            response_length(x, 5);
            response_copy(x, "1234567", produced);
            response_end(x);
            expect(!x->response.length_broken);
            expect_int(x->close, CLOSE_NONE);
            client_deinit(&client);
        }
    }
}

TEST(response, a_length_that_is_kept_or_given_up_is_not_broken)
{
    struct exchange *x = ask(METHOD_GET, 1);
    response_start(x, 200);
    response_length(x, 5);
    response_copy(x, "hello", 5);
    response_end(x);
    expect(!x->response.length_broken);
    client_deinit(&client);
    x = ask(METHOD_GET, 1);
    response_start(x, 200);
    response_length(x, 5);
    response_abandon(x);
    response_end(x);
    expect(!x->response.length_broken);
    client_deinit(&client);
    x = ask(METHOD_GET, 1);
    response_start(x, 200);
    response_chunked(x);
    response_copy(x, "hello", 5);
    response_end(x);
    expect(!x->response.length_broken);
    client_deinit(&client);
}

TEST(response, a_body_larger_than_the_text_loses_nothing)
{
    static char body[3 * EXCHANGE_TEXT + 1], wanted[4 * EXCHANGE_TEXT];
    for (size_t i = 0; i < sizeof body - 1; i++) {
        body[i] = (char)('a' + i % 26);
    }
    static const size_t pieces[] = {1, 97, 1000, EXCHANGE_TEXT, 3 * EXCHANGE_TEXT};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        size_t len = sizeof body - 1;
        struct exchange *x = ask(METHOD_GET, 1);
        response_start(x, 200);
        response_length(x, len);
        for (size_t at = 0; at < len; at += pieces[i]) {
            response_copy(x, body + at, len - at < pieces[i] ? len - at : pieces[i]);
        }
        response_end(x);
        snprintf(wanted, sizeof wanted, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", len,
                 body);
        expect_answer(wanted, CLOSE_NONE);
    }
}

/* More buckets than the exchange has: the rest is on the heap. */
TEST(response, pieces_of_every_kind_keep_their_order)
{
    char path[] = "/tmp/quartet-response-XXXXXX";
    int file = mkstemp(path);
    expect(file >= 0);
    unlink(path);
    expect_int(write(file, "0123456789", 10), 10);
    struct exchange *x = ask(METHOD_GET, 1);
    response_start(x, 206);
    response_length(x, 4 * 12);
    for (unsigned i = 0; i < 4; i++) {
        response_copy(x, "copy", 4);
        response_lend(x, "lent", 4, NULL);
        response_file(x, file, i, 2, NULL);
        response_pattern(x, "xyz", 3, 2);
    }
    response_end(x);
    expect_answer("HTTP/1.1 206 Partial Content\r\nContent-Length: 48\r\n\r\n"
                  "copylent01xycopylent12xycopylent23xycopylent34xy",
                  CLOSE_NONE);
    close(file);
}

static unsigned held_freed;
static void on_freed(struct hold *hold)
{
    (void)hold;
    held_freed++;
}

TEST(response, what_is_lent_is_held_until_it_is_sent)
{
    struct hold hold;
    held_freed = 0;
    hold_init(&hold, on_freed);
    struct exchange *x = ask(METHOD_GET, 1);
    response_start(x, 200);
    response_length(x, 4);
    response_lend(x, "lent", 4, &hold);
    hold_release(&hold);
    response_end(x);
    expect_int(held_freed, 0);
    expect_answer("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlent", CLOSE_NONE);
    expect_int(held_freed, 1);
}

/* --- giving up --- */

TEST(response, an_abandoned_answer_is_an_end_alone_and_closes)
{
    struct hold hold;
    held_freed = 0;
    hold_init(&hold, on_freed);
    struct exchange *x = ask(METHOD_GET, 1);
    response_start(x, 200);
    response_length(x, 100);
    response_lend(x, "lent", 4, &hold);
    response_abandon(x);
    hold_release(&hold);
    expect_int(held_freed, 1);
    expect_answer("", CLOSE_SERVER_ERROR);
}

TEST(response, abandoning_keeps_what_was_published_and_the_first_reason)
{
    struct exchange *x = ask(METHOD_GET, 1);
    response_start(x, 200);
    response_chunked(x);
    response_copy(x, "one", 3);
    collect();
    response_copy(x, "two", 3);
    x->close = CLOSE_RESET;
    response_abandon(x);
    response_abandon(x);
    expect_answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n", CLOSE_RESET);
}

/* What makes an answer cut, as exchange_is_cut has it. */
TEST(response, is_cut_when_not_all_of_it_was_handed_over)
{
    struct exchange *x = ask(METHOD_GET, 1);
    response_start(x, 200);
    response_length(x, 5);
    response_copy(x, "four", 4);
    response_end(x);
    expect(exchange_is_cut(x));
    client_deinit(&client);
    x = ask(METHOD_GET, 1);
    response_start(x, 200);
    response_length(x, 5);
    response_copy(x, "more than five", 14);
    response_end(x);
    expect(!exchange_is_cut(x));
    client_deinit(&client);
    x = ask(METHOD_GET, 1);
    response_start(x, 200);
    response_chunked(x);
    response_copy(x, "one", 3);
    collect();
    response_abandon(x);
    expect(exchange_is_cut(x));
    client_deinit(&client);
    x = ask(METHOD_GET, 1);
    response_abandon(x);
    expect(exchange_is_cut(x));
    client_deinit(&client);
}

TEST(response, is_whole_when_all_was_published_before_it_was_given_up)
{
    for (int published = 0; published < 2; published++) {
        struct exchange *x = ask(METHOD_GET, 1);
        response_start(x, 200);
        response_length(x, 5);
        response_copy(x, "hello", 5);
        if (published) {
            collect();
        }
        response_abandon(x);
        expect(exchange_is_cut(x) == !published);
        client_deinit(&client);
    }
    struct exchange *x = ask(METHOD_HEAD, 1);
    response_start(x, 200);
    response_length(x, 100);
    collect();
    response_abandon(x);
    expect(!exchange_is_cut(x));
    client_deinit(&client);
}

TEST(response, abandoning_a_finished_answer_changes_nothing)
{
    struct exchange *x = ask(METHOD_GET, 1);
    response_start(x, 200);
    response_length(x, 1);
    response_copy(x, "a", 1);
    response_end(x);
    response_abandon(x);
    expect_answer("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", CLOSE_NONE);
}

TEST(response, abandoning_before_the_head_is_possible)
{
    struct exchange *x = ask(METHOD_GET, 1);
    response_abandon(x);
    expect_answer("", CLOSE_SERVER_ERROR);
}

static struct exchange *completed;
static void on_complete(void *arg, struct exchange *x)
{
    expect(arg == &completed && x->response.ended);
    completed = x;
}

TEST(response, completing_ends_an_answer_and_hands_it_over)
{
    struct exchange *x = ask(METHOD_GET, 1);
    exchange_put(&client.pool, x);
    exchange_pool_deinit(&client.pool);
    exchange_pool_on_complete(&client.pool, on_complete, &completed);
    client.x = NULL;
    client_ask(&client, METHOD_GET, "/", "");
    x = client.x;
    response_start(x, 200);
    response_length(x, 2);
    response_copy(x, "ok", 2);
    response_complete(x);
    expect(completed == x);
    expect_answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", CLOSE_NONE);
}

TEST(response, an_error_is_a_whole_answer)
{
    struct exchange *x = ask(METHOD_GET, 1);
    response_error(x, 405, BYTES("Allow: GET\r\n"));
    expect_answer("HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\nContent-Type: text/plain; "
                  "charset=utf-8\r\nContent-Length: 23\r\n\r\n405 Method Not Allowed\n",
                  CLOSE_NONE);
    x = ask(METHOD_HEAD, 1);
    response_error(x, 404, (struct bytes){"", 0});
    expect_answer("HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8\r\n"
                  "Content-Length: 14\r\n\r\n",
                  CLOSE_NONE);
}

/* Process-wide and for good, so this is the last. */
TEST(response, a_stopping_server_keeps_no_connection)
{
    response_keep_no_connection();
    struct exchange *x = ask(METHOD_GET, 1);
    response_start(x, 200);
    response_length(x, 0);
    response_end(x);
    expect_answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                  CLOSE_DRAINED);
}
