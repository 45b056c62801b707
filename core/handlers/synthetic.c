/* synthetic.c: handlers that make work of a known kind and size. See synthetic.h. */
#include "core/handlers/synthetic.h"

#include "core/base/clock.h"
#include "core/exchange/response.h"
#include "core/handlers/later.h"
#include "core/handlers/patience.h"
#include "core/handlers/service_time.h"
#include "core/http/line.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

/* A parameter of the query: a decimal number from 0 to `max`. */
struct parameter {
    struct bytes name;
    uint64_t max;
};
static const struct parameter spin_us = {{"us", 2}, 10000000};
static const struct parameter sleep_ms = {{"ms", 2}, 60000};
static const struct parameter dist_seed = {{"seed", 4}, 999999999999999999};
static const struct parameter bimodal_share = {{"share", 5}, 99};
static const struct parameter bimodal_ratio = {{"ratio", 5}, 1000};
static const struct parameter async_after_ms = {{"after", 5}, 60000};
static const struct parameter bytes_n = {{"n", 1}, 1ull << 30};
static const struct parameter stream_chunks = {{"chunks", 6}, 100000};
static const struct parameter stream_size = {{"size", 4}, 1 << 20};
static const struct parameter stream_ms = {{"ms", 2}, 60000};
static const struct parameter length_declared = {{"declared", 8}, 1 << 20};
static const struct parameter length_actual = {{"actual", 6}, 1 << 20};
static const struct parameter length_pieces = {{"pieces", 6}, 100};

/* A body up to this size is copied behind the head, so that both are one send; a larger one is
 * lent. */
enum { COPY_MAX = 1400, CONTENT_TYPE_MAX = 256, FORWARD_TO_MAX = 1024 };

/* 64 KiB of text: 1024 lines of 64 bytes, so that a dropped or doubled byte shows as a shifted
 * line. */
#define LINE    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+\n",
#define FOUR(x) x x x x
static const char pattern[1024][64] = {FOUR(FOUR(FOUR(FOUR(FOUR(LINE)))))};

/* A whole answer of one line. */
static void answer_line(struct exchange *x, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void answer_line(struct exchange *x, int status, const char *fmt, ...)
{
    char text[256];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    CHECK(len >= 0 && (size_t)len < sizeof text);
    response_start(x, status);
    response_add_block(x, BYTES("Content-Type: text/plain; charset=utf-8\r\n"));
    response_length(x, (uint64_t)len);
    response_copy(x, text, (size_t)len);
    response_end(x);
}

static bool read_query_parameter(const struct exchange *x, const struct parameter *parameter,
                                 uint64_t *out)
{
    bool bad = false;
    return request_query_number(&x->request, parameter->name, out, &bad) && !bad &&
           *out <= parameter->max;
}

/* The parameter's value; false when the request has been refused for want of it. */
static bool need_parameter(struct exchange *x, const struct parameter *parameter, uint64_t *out)
{
    if (read_query_parameter(x, parameter, out)) {
        return true;
    }
    answer_line(x, 400, "parameter %s: a number from 0 to %llu is needed\n", parameter->name.at,
                (unsigned long long)parameter->max);
    return false;
}

static bool has_parameter(const struct exchange *x, const struct parameter *parameter)
{
    return request_query_text(&x->request, parameter->name).at != NULL;
}

/* The same for one that may be absent: *out stays as it is then. */
static bool may_have_parameter(struct exchange *x, const struct parameter *parameter, uint64_t *out)
{
    return !has_parameter(x, parameter) || need_parameter(x, parameter, out);
}

/* When a stop of the server cuts a handler short, the answer is not a success. True: it did, and
 * the answer is made. */
static bool was_cut_short(struct exchange *x)
{
    if (patience_ended()) {
        answer_line(x, 503, "cut short, the server stops\n");
        return true;
    }
    return false;
}

/* --- work that takes a chosen time: constant, or drawn from a distribution --- */

/* Requests of this process that were drawn without a seed of their own: the next one's seed. */
static _Atomic uint64_t seeds_taken = 1;

enum { BIMODAL_SHARE = 5, BIMODAL_RATIO = 10, WORK_TEXT_MAX = 96 };

/* How long this request shall take, as a number and in words. */
struct work {
    uint64_t ns;
    char text[WORK_TEXT_MAX];
};

/* The distribution of a time whose mean is known already; false when the request has been refused
 * for a bad one. */
static bool may_have_dist(struct exchange *x, struct service_time *time)
{
    struct bytes name = request_query_text(&x->request, BYTES("dist"));
    if (name.at != NULL && !service_dist_find(name, &time->dist)) {
        answer_line(x, 400, "parameter dist: constant, exp, bimodal or lognormal is needed\n");
        return false;
    }
    if (time->dist != SERVICE_BIMODAL &&
        (has_parameter(x, &bimodal_share) || has_parameter(x, &bimodal_ratio))) {
        answer_line(x, 400, "parameters share and ratio: go with dist=bimodal only\n");
        return false;
    }
    return may_have_parameter(x, &bimodal_share, &time->share) &&
           may_have_parameter(x, &bimodal_ratio, &time->ratio);
}

/* Fills *work from the query, or refuses the request. `mean` is named by its unit, of `unit_ns`.
 * Words about a draw have one length, so that a client which compares the lengths of answers finds
 * nothing to report. */
static bool work_read(struct exchange *x, const struct parameter *mean, uint64_t unit_ns,
                      struct work *work)
{
    struct service_time time = {
        .most_ns = mean->max * unit_ns, .share = BIMODAL_SHARE, .ratio = BIMODAL_RATIO};
    uint64_t count = 0, seed = 0;
    if (!need_parameter(x, mean, &count) || !may_have_dist(x, &time) ||
        !may_have_parameter(x, &dist_seed, &seed)) {
        return false;
    }
    time.mean_ns = count * unit_ns;
    if (time.dist != SERVICE_CONSTANT && !has_parameter(x, &dist_seed)) {
        seed = atomic_fetch_add(&seeds_taken, 1);
    }
    work->ns = service_time_draw(&time, seed);
    if (time.dist == SERVICE_CONSTANT) {
        snprintf(work->text, sizeof work->text, "%llu %s", (unsigned long long)count,
                 mean->name.at);
    } else {
        snprintf(work->text, sizeof work->text, "%12.3f %s, drawn with seed %-18llu",
                 (double)work->ns / (double)unit_ns, mean->name.at, (unsigned long long)seed);
    }
    return true;
}

enum handler_verdict synthetic_spin(struct exchange *x)
{
    struct work work;
    if (work_read(x, &spin_us, NS_PER_US, &work)) {
        patience_spin(clock_ns() + work.ns);
        if (!was_cut_short(x)) {
            answer_line(x, 200, "spun for %s\n", work.text);
        }
    }
    return HANDLER_DONE;
}

enum handler_verdict synthetic_sleep(struct exchange *x)
{
    struct work work;
    if (work_read(x, &sleep_ms, NS_PER_MS, &work)) {
        patience_sleep(clock_ns() + work.ns);
        if (!was_cut_short(x)) {
            answer_line(x, 200, "slept for %s\n", work.text);
        }
    }
    return HANDLER_DONE;
}

/* --- answers that are complete before or after their handler returns --- */

/* On q-later, or in the handler. The request is still there: it is told again how long it was. */
static void async_complete(struct exchange *x)
{
    uint64_t ms = 0;
    (void)read_query_parameter(x, &sleep_ms, &ms);
    if (!was_cut_short(x)) {
        answer_line(x, 200, "completed after %llu ms\n", (unsigned long long)ms);
    }
    response_complete(x);
}

/* The answer is complete at once, and the thread busy for a while with work that no client waits
 * for. */
static enum handler_verdict async_go_on(struct exchange *x, uint64_t after_ms)
{
    async_complete(x);
    patience_sleep(clock_ns() + after_ms * NS_PER_MS);
    return HANDLER_AWAY;
}

enum handler_verdict synthetic_async(struct exchange *x)
{
    uint64_t ms = 0, after_ms = 0;
    if (!need_parameter(x, &sleep_ms, &ms) || !may_have_parameter(x, &async_after_ms, &after_ms)) {
        return HANDLER_DONE;
    }
    if (after_ms > 0 && ms > 0) {
        answer_line(x, 400, "parameter after: goes with ms=0 only\n");
        return HANDLER_DONE;
    }
    if (after_ms > 0) {
        return async_go_on(x, after_ms);
    }
    if (!later_call(clock_ns() + ms * NS_PER_MS, async_complete, x)) {
        answer_line(x, 503, "too many answers wait already\n");
        return HANDLER_DONE;
    }
    return HANDLER_AWAY;
}

/* --- bytes --- */

enum handler_verdict synthetic_bytes(struct exchange *x)
{
    uint64_t n = 0;
    if (need_parameter(x, &bytes_n, &n)) {
        response_start(x, 200);
        response_add_block(x, BYTES("Content-Type: application/octet-stream\r\n"));
        response_length(x, n);
        response_pattern(x, &pattern[0][0], sizeof pattern, n);
        response_end(x);
    }
    return HANDLER_DONE;
}

/* --- the stream: x->cursor counts the chunks that are made --- */

struct stream {
    uint64_t chunks, size, pause_ms;
};

static bool stream_read(struct exchange *x, struct stream *stream)
{
    return need_parameter(x, &stream_chunks, &stream->chunks) &&
           need_parameter(x, &stream_size, &stream->size) &&
           need_parameter(x, &stream_ms, &stream->pause_ms);
}

static void stream_begin(struct exchange *x)
{
    response_start(x, 200);
    response_add_block(x, BYTES("Content-Type: application/octet-stream\r\n"));
    response_chunked(x);
}

/* HEAD ends with the head: no client should wait for chunks that are not sent. */
static bool stream_is_over(struct exchange *x, const struct stream *stream)
{
    return x->cursor == stream->chunks || x->request.method == METHOD_HEAD ||
           outlet_is_cut(&x->outlet);
}

enum handler_verdict synthetic_stream(struct exchange *x)
{
    struct stream stream = {0};
    if (!stream_read(x, &stream)) {
        return HANDLER_DONE;
    }
    if (x->cursor == 0) {
        stream_begin(x);
    }
    if (!stream_is_over(x, &stream)) {
        response_pattern(x, &pattern[0][0], sizeof pattern, stream.size);
        x->cursor++;
    }
    if (stream_is_over(x, &stream)) {
        response_end(x);
        return HANDLER_DONE;
    }
    x->pause_ns = stream.pause_ms * NS_PER_MS;
    return x->pause_ns > 0 ? HANDLER_PAUSE : HANDLER_MORE;
}

/* --- forward --- */

/* Percent-decodes into `out`, which has room for text.len bytes. False: an escape is malformed. */
static bool decode_percent(struct bytes text, char *out, size_t *out_len)
{
    *out_len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '%') {
            struct bytes digits = {text.at + i + 1, text.len - i < 3 ? 0 : 2};
            if (!http_is_all(digits, CHAR_HEX)) {
                return false;
            }
            c = (char)(http_hex_value(digits.at[0]) * 16 + http_hex_value(digits.at[1]));
            i += 2;
        }
        out[(*out_len)++] = c;
    }
    return true;
}

/* What is no character of a target, decoded or not, handler_forward refuses. */
enum handler_verdict synthetic_forward(struct exchange *x)
{
    char target[FORWARD_TO_MAX];
    size_t len = 0;
    struct bytes to = request_query_text(&x->request, BYTES("to"));
    if (to.len > sizeof target || !decode_percent(to, target, &len) ||
        !handler_forward(x, (struct bytes){target, len})) {
        answer_line(x, 400, "parameter to: a path of at most %d characters, encoded, is needed\n",
                    FORWARD_TO_MAX);
        return HANDLER_DONE;
    }
    return HANDLER_FORWARD;
}

/* --- a length that is not kept: x->cursor counts the pieces that are made --- */

struct length {
    uint64_t declared, actual, pieces;
};

static bool length_read(struct exchange *x, struct length *length)
{
    bool whole = need_parameter(x, &length_declared, &length->declared) &&
                 need_parameter(x, &length_actual, &length->actual) &&
                 may_have_parameter(x, &length_pieces, &length->pieces);
    length->pieces += length->pieces == 0;
    return whole;
}

/* The first of the pieces takes what does not divide. */
static uint64_t length_of_piece(const struct length *length, uint64_t piece)
{
    return length->actual / length->pieces + (piece == 0 ? length->actual % length->pieces : 0);
}

enum handler_verdict synthetic_length(struct exchange *x)
{
    struct length length = {0};
    if (!length_read(x, &length)) {
        return HANDLER_DONE;
    }
    if (x->cursor == 0) {
        response_start(x, 200);
        response_add_block(x, BYTES("Content-Type: application/octet-stream\r\n"));
        response_length(x, length.declared);
    }
    response_pattern(x, &pattern[0][0], sizeof pattern, length_of_piece(&length, x->cursor));
    return ++x->cursor < length.pieces ? HANDLER_MORE : HANDLER_DONE;
}

/* --- echo --- */

static struct bytes echo_type(const struct request *request)
{
    struct bytes type = request_field(request, BYTES("Content-Type"));
    bool usable = type.len > 0 && type.len <= CONTENT_TYPE_MAX;
    return usable ? type : BYTES("application/octet-stream");
}

/* The body lives until exchange_end, which comes after it is sent: it can be lent without a
 * hold. */
enum handler_verdict synthetic_echo(struct exchange *x)
{
    struct bytes type = echo_type(&x->request);
    struct bytes body = x->request.body;
    response_start(x, 200);
    response_add(x, "Content-Type", "%.*s", (int)type.len, type.at);
    response_length(x, body.len);
    if (body.len <= COPY_MAX) {
        response_copy(x, body.at, body.len);
    } else {
        response_lend(x, body.at, body.len, NULL);
    }
    response_end(x);
    return HANDLER_DONE;
}

/* --- input --- */

enum input_how { INPUT_BAD, INPUT_SPIN, INPUT_SLEEP };

static enum input_how read_how(const struct exchange *x)
{
    struct bytes how = request_query_text(&x->request, BYTES("how"));
    if (bytes_equal(how, BYTES("spin"))) {
        return INPUT_SPIN;
    }
    return bytes_equal(how, BYTES("sleep")) ? INPUT_SLEEP : INPUT_BAD;
}

void synthetic_input_filter(struct exchange *x)
{
    uint64_t us = 0;
    enum input_how how = read_how(x);
    if (how == INPUT_BAD || !read_query_parameter(x, &spin_us, &us)) {
        return;
    }
    uint64_t until_ns = clock_ns() + us * NS_PER_US;
    if (how == INPUT_SPIN) {
        patience_spin(until_ns);
    } else {
        patience_sleep(until_ns);
    }
}

enum handler_verdict synthetic_input_run(struct exchange *x)
{
    uint64_t us = 0;
    if (!need_parameter(x, &spin_us, &us)) {
        return HANDLER_DONE;
    }
    if (read_how(x) == INPUT_BAD) {
        answer_line(x, 400, "parameter how: spin or sleep is needed\n");
        return HANDLER_DONE;
    }
    answer_line(x, 200, "the reader spent %llu us\n", (unsigned long long)us);
    return HANDLER_DONE;
}
