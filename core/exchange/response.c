/* response.c: making an answer. See response.h.
 *
 * The head and small bodies are written into the exchange's own text and become one memory bucket,
 * so that an ordinary answer is one send of one buffer. A bucket is appended to `made` when
 * something that is not text follows, or at the end.
 */
#include "core/exchange/response.h"

#include "core/base/decimal.h"
#include "core/exchange/server_timing.h"
#include "core/http/date.h"
#include "core/options/settings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    int status;
    const char *phrase;
} phrases[] = {
    {100, "Continue"},
    {200, "OK"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
};

const char *status_phrase(int status)
{
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++) {
        if (phrases[i].status == status) {
            return phrases[i].phrase;
        }
    }
    return "Unknown";
}

/* --- buckets --- */

static struct bucket *bucket_take(struct exchange *x)
{
    struct response *r = &x->response;
    if (r->buckets_used < EXCHANGE_BUCKETS) {
        struct bucket *bucket = &x->buckets[r->buckets_used++];
        *bucket = (struct bucket){0};
        return bucket;
    }
    struct bucket *bucket = must_calloc(1, sizeof *bucket);
    bucket->allocated = true;
    return bucket;
}

/* The text written so far becomes (part of) a bucket. */
static void close_text(struct exchange *x)
{
    struct response *r = &x->response;
    if (r->text_bucket != NULL) {
        r->text_bucket->len = (uint64_t)(x->text + r->text_len - r->text_bucket->at);
        brigade_append(&r->made, r->text_bucket);
        r->text_bucket = NULL;
    }
}

static void open_text(struct exchange *x)
{
    struct response *r = &x->response;
    if (r->text_bucket == NULL) {
        r->text_bucket = bucket_take(x);
        r->text_bucket->kind = BUCKET_MEMORY;
        r->text_bucket->at = x->text + r->text_len;
    }
}

static bool text_has_room(const struct exchange *x, size_t len)
{
    return EXCHANGE_TEXT - x->response.text_len >= len;
}

/* Appends to the text; the caller has seen that there is room. */
static void put_in_text(struct exchange *x, const char *at, size_t len)
{
    CHECK(text_has_room(x, len));
    open_text(x);
    memcpy(x->text + x->response.text_len, at, len);
    x->response.text_len += len;
}

/* Bytes of head or framing: into the text while there is room, else into a bucket of their own. */
static void put_framing(struct exchange *x, const char *at, size_t len)
{
    if (text_has_room(x, len)) {
        put_in_text(x, at, len);
        return;
    }
    close_text(x);
    struct bucket *bucket = bucket_take(x);
    char *copy = must_alloc(len);
    memcpy(copy, at, len);
    bucket->kind = BUCKET_MEMORY;
    bucket->at = copy;
    bucket->owned = true;
    bucket->len = len;
    brigade_append(&x->response.made, bucket);
}

/* --- the head --- */

static void put_status_line(struct exchange *x, int status)
{
    if (status == 200) {
        static const char ok[] = "HTTP/1.1 200 OK\r\nDate: ";
        put_in_text(x, ok, sizeof ok - 1);
        return;
    }
    char line[80];
    int len =
        snprintf(line, sizeof line, "HTTP/1.1 %03d %s\r\nDate: ", status, status_phrase(status));
    put_in_text(x, line, (size_t)len);
}

/* Whether the body calls count and drop: HEAD (RFC 9110 9.3.2), 204 and 304
 * (RFC 9110 15.3.5, 15.4.5). */
static bool is_bodiless(const struct exchange *x, int status)
{
    return x->request.method == METHOD_HEAD || status == 204 || status == 304;
}

void response_start(struct exchange *x, int status)
{
    CHECK(x->response.status == 0);
    x->response.status = status;
    x->response.no_body = is_bodiless(x, status);
    put_status_line(x, status);
    put_in_text(x, http_date_now(), HTTP_DATE_LEN);
    if (x->settings->server_header == SWITCH_ON) {
        static const char server[] = "\r\nServer: quartet\r\n";
        put_in_text(x, server, sizeof server - 1);
    } else {
        put_in_text(x, "\r\n", 2);
    }
}

/* "name: value" into `line`, which has room for `size` bytes and a NUL. 0 when it does not fit. */
static size_t format_field(char *line, size_t size, const char *name, const char *fmt, va_list args)
    __attribute__((format(printf, 4, 0)));
static size_t format_field(char *line, size_t size, const char *name, const char *fmt, va_list args)
{
    int name_len = snprintf(line, size + 1, "%s: ", name);
    CHECK(name_len >= 0);
    if ((size_t)name_len > size) {
        return 0;
    }
    size_t room = size - (size_t)name_len;
    int value_len = vsnprintf(line + name_len, room + 1, fmt, args);
    CHECK(value_len >= 0);
    return (size_t)value_len <= room ? (size_t)(name_len + value_len) : 0;
}

void response_add(struct exchange *x, const char *name, const char *fmt, ...)
{
    char line[EXCHANGE_TEXT + 2]; /* the NUL of either text lies where CRLF comes */
    va_list args;
    va_start(args, fmt);
    size_t len = format_field(line, EXCHANGE_TEXT, name, fmt, args);
    va_end(args);
    if (len == 0) {
        x->close = CLOSE_SERVER_ERROR; /* a field is missing: the connection is not trusted */
        return;
    }
    CHECK(memchr(line, '\r', len) == NULL && memchr(line, '\n', len) == NULL);
    memcpy(line + len, "\r\n", 2);
    put_framing(x, line, len + 2);
}

void response_add_block(struct exchange *x, struct bytes lines)
{
    CHECK(!x->response.head_done);
    put_framing(x, lines.at, lines.len);
}

static _Atomic bool keep_no_connection;

void response_keep_no_connection(void)
{
    atomic_store(&keep_no_connection, true);
}

static enum close_reason response_close_reason(const struct exchange *x)
{
    if (x->close != CLOSE_NONE) {
        return x->close;
    }
    if (atomic_load_explicit(&keep_no_connection, memory_order_relaxed)) {
        return CLOSE_DRAINED;
    }
    return x->request.keep_alive ? CLOSE_NONE : CLOSE_CLIENT_ASKED;
}

/* What is known of the request's time so far. */
static void put_timing(struct exchange *x)
{
    char value[SERVER_TIMING_MAX];
    if (server_timing_head(&x->stamps, value) > 0) {
        response_add(x, "Server-Timing", "%s", value);
    }
}

/* Connection is said when it differs from what the version implies (RFC 9112 9.3). */
static void end_head(struct exchange *x)
{
    struct response *r = &x->response;
    CHECK(r->status != 0 && !r->head_done);
    r->head_done = true;
    if (x->settings->server_timing) {
        put_timing(x);
    }
    x->close = response_close_reason(x);
    if (x->close != CLOSE_NONE) {
        r->close = true;
        static const char close[] = "Connection: close\r\n\r\n";
        put_framing(x, close, sizeof close - 1);
    } else if (x->request.minor == 0) {
        static const char keep[] = "Connection: keep-alive\r\n\r\n";
        put_framing(x, keep, sizeof keep - 1);
    } else {
        put_framing(x, "\r\n", 2);
    }
}

void response_length(struct exchange *x, uint64_t length)
{
    char line[48] = "Content-Length: ";
    size_t used = sizeof "Content-Length: " - 1;
    used += decimal_put(line + used, length);
    memcpy(line + used, "\r\n", 2);
    put_framing(x, line, used + 2);
    response_length_in_block(x, length);
}

void response_length_in_block(struct exchange *x, uint64_t length)
{
    x->response.length = length;
    x->response.length_known = true;
    end_head(x);
}

/* RFC 9110 6.6.2. How long the handler took is known behind the body only. */
static void announce_trailer(struct exchange *x)
{
    if (x->settings->server_timing && x->stamps.started_ns != 0) {
        static const char trailer[] = "Trailer: Server-Timing\r\n";
        put_framing(x, trailer, sizeof trailer - 1);
        x->response.trailer = true;
    }
}

/* A 1.0 client knows no chunks: the body then ends with the connection (RFC 9112 6.3). */
void response_chunked(struct exchange *x)
{
    if (x->request.minor == 0) {
        x->close = x->close != CLOSE_NONE ? x->close : CLOSE_CLIENT_ASKED;
    } else {
        static const char coding[] = "Transfer-Encoding: chunked\r\n";
        put_framing(x, coding, sizeof coding - 1);
        x->response.chunked = true;
        announce_trailer(x);
    }
    end_head(x);
}

void response_no_body(struct exchange *x)
{
    x->response.length_known = true;
    x->response.no_body = true;
    end_head(x);
}

/* --- the body --- */

/* How much of a piece of `len` bytes is sent: never more than the declared length. Bytes over it
 * are dropped; the answer is still valid, so the connection stays. */
static uint64_t admit_body(struct exchange *x, uint64_t len)
{
    struct response *r = &x->response;
    CHECK(r->head_done && !r->ended);
    uint64_t left = r->length > r->produced ? r->length - r->produced : 0;
    r->produced += len;
    if (r->no_body) {
        return 0;
    }
    return r->length_known && len > left ? left : len;
}

/* RFC 9112 7.1: each piece is a chunk of its own. An empty chunk would end the body, so none is
 * begun. */
static void begin_piece(struct exchange *x, uint64_t len)
{
    if (x->response.chunked) {
        char line[24];
        int used = snprintf(line, sizeof line, "%llx\r\n", (unsigned long long)len);
        put_framing(x, line, (size_t)used);
    }
}

static void end_piece(struct exchange *x)
{
    if (x->response.chunked) {
        put_framing(x, "\r\n", 2);
    }
}

void response_copy(struct exchange *x, const void *at, size_t len)
{
    len = (size_t)admit_body(x, len);
    if (len > 0) {
        begin_piece(x, len);
        put_framing(x, at, len);
        end_piece(x);
    }
}

static void put_bucket(struct exchange *x, struct bucket like)
{
    begin_piece(x, like.len);
    close_text(x);
    struct bucket *bucket = bucket_take(x);
    like.allocated = bucket->allocated;
    *bucket = like;
    if (bucket->hold != NULL) {
        hold_take(bucket->hold);
    }
    brigade_append(&x->response.made, bucket);
    end_piece(x);
}

void response_lend(struct exchange *x, const void *at, size_t len, struct hold *hold)
{
    len = (size_t)admit_body(x, len);
    if (len > 0) {
        put_bucket(x, (struct bucket){.kind = BUCKET_MEMORY, .at = at, .len = len, .hold = hold});
    }
}

void response_give(struct exchange *x, char *at, size_t len)
{
    len = (size_t)admit_body(x, len);
    if (len == 0) {
        free(at);
        return;
    }
    put_bucket(x, (struct bucket){.kind = BUCKET_MEMORY, .at = at, .len = len, .owned = true});
}

void response_file(struct exchange *x, int fd, uint64_t offset, uint64_t len, struct hold *hold)
{
    len = admit_body(x, len);
    if (len > 0) {
        put_bucket(x,
                   (struct bucket){
                       .kind = BUCKET_FILE, .fd = fd, .offset = offset, .len = len, .hold = hold});
    }
}

void response_pattern(struct exchange *x, const char *at, size_t period, uint64_t len)
{
    len = admit_body(x, len);
    if (len > 0) {
        put_bucket(x,
                   (struct bucket){.kind = BUCKET_PATTERN, .at = at, .period = period, .len = len});
    }
}

struct brigade *response_made(struct exchange *x)
{
    close_text(x);
    return &x->response.made;
}

static void append_end(struct exchange *x)
{
    x->response.ended = true;
    close_text(x);
    struct bucket *end = bucket_take(x);
    end->kind = BUCKET_END;
    brigade_append(&x->response.made, end);
}

/* All that the head promises is published already: only the handler's end is missing. */
static bool is_published_whole(const struct response *r)
{
    bool made = r->head_done && r->length_known && (r->no_body || r->produced >= r->length);
    return made && r->made.head == NULL;
}

void response_abandon(struct exchange *x)
{
    if (!x->response.ended) {
        close_text(x);
        x->response.cut_short = !is_published_whole(&x->response);
        brigade_clear(&x->response.made);
        x->close = x->close != CLOSE_NONE ? x->close : CLOSE_SERVER_ERROR;
        append_end(x);
    }
}

/* Less than declared cannot be repaired: the client learns it from the connection's end (RFC
 * 9112 8). */
static void judge_length(struct exchange *x)
{
    struct response *r = &x->response;
    r->length_broken = r->length_known && !r->no_body && r->produced != r->length;
    if (r->length_broken && r->produced < r->length) {
        r->cut_short = true;
        x->close = CLOSE_SERVER_ERROR;
    }
}

/* The last chunk, the trailer section, the empty line (RFC 9112 7.1). */
static void end_chunks(struct exchange *x)
{
    put_framing(x, "0\r\n", 3);
    if (x->response.trailer) {
        char value[SERVER_TIMING_MAX];
        server_timing_trailer(&x->stamps, stamp_now(), value);
        response_add(x, "Server-Timing", "%s", value);
    }
    put_framing(x, "\r\n", 2);
}

void response_end(struct exchange *x)
{
    struct response *r = &x->response;
    if (r->ended) {
        return;
    }
    CHECK(r->head_done);
    judge_length(x);
    if (r->chunked && !r->no_body) {
        end_chunks(x);
    }
    append_end(x);
}

void response_complete(struct exchange *x)
{
    CHECK(x->complete_fn != NULL);
    response_end(x);
    x->complete_fn(x->complete_arg, x);
}

/* The body names the status only: nothing that a client sent is reflected, so nothing needs
 * escaping. */
void response_error(struct exchange *x, int status, struct bytes extra)
{
    char body[128];
    int len = snprintf(body, sizeof body, "%d %s\n", status, status_phrase(status));
    response_start(x, status);
    response_add_block(x, extra);
    static const char type[] = "Content-Type: text/plain; charset=utf-8\r\n";
    response_add_block(x, (struct bytes){type, sizeof type - 1});
    response_length(x, (uint64_t)len);
    response_copy(x, body, (size_t)len);
    response_end(x);
}
