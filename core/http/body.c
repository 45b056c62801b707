/* body.c: reading bodies. See body.h.
 *
 *   http_body_begin ──▶ BODY_IN_PLACE ──────────────────────────────┐
 *        │  └─────────▶ BODY_MOVED ─────────────────────────────────┤
 *        ▼                                                          ▼
 *   CHUNK_SIZE ──take_chunk_size (0)──▶ TRAILER ──take_trailer──▶ ENDED
 *        │  ▲
 *        ▼  └──take_chunk_end── CHUNK_END ◀──take_data── CHUNK_DATA ◀── (from CHUNK_SIZE)
 *
 * Input that is not yet taken starts at parse->line_at while a step runs, and is moved down to the
 * end of the head once, when the step ends: a step is linear in the bytes it takes.
 */
#include "core/http/body.h"

#include "core/base/check.h"
#include "core/http/line.h"

enum { BODY_FIRST_STEP = 4096, CHUNK_SIZE_DIGITS_MAX = 16 };

void http_body_begin(struct parse *parse, const struct request *request, const struct input *input)
{
    CHECK(parse->head_len <= input->len);
    parse->line_at = parse->scanned = parse->head_len;
    if (request->chunked) {
        parse->phase = PARSE_CHUNK_SIZE;
    } else if (request->content_length <= input->capacity - parse->head_len) {
        parse->phase = PARSE_BODY_IN_PLACE;
    } else {
        parse->phase = PARSE_BODY_MOVED;
        parse->left = request->content_length;
    }
}

static enum parse_verdict step_in_place(struct parse *parse, struct request *request,
                                        struct input *input)
{
    size_t len = (size_t)request->content_length;
    if (input->len - parse->head_len < len) {
        return PARSE_MORE;
    }
    request->body = (struct bytes){input->at + parse->head_len, len};
    input->used = parse->head_len + len;
    parse->phase = PARSE_ENDED;
    return PARSE_WHOLE;
}

/* Moves what has not been taken down to the end of the head. */
static void close_gap(struct parse *parse, struct input *input)
{
    size_t gap = parse->line_at - parse->head_len;
    if (gap == 0) {
        return;
    }
    memmove(input->at + parse->head_len, input->at + parse->line_at, input->len - parse->line_at);
    input->len -= gap;
    parse->scanned -= gap;
    parse->line_at -= gap;
}

/* Doubles, but never reserves more than the body may still become: what is here and what is
 * announced. */
static void grow_body(struct parse *parse, size_t len)
{
    uint64_t most =
        parse->phase == PARSE_BODY_MOVED ? parse->body_len + parse->left : parse->limits.body_size;
    uint64_t capacity = parse->body_capacity > 0 ? parse->body_capacity * 2 : BODY_FIRST_STEP;
    if (capacity < parse->body_len + len) {
        capacity = parse->body_len + len;
    }
    parse->body_capacity = (size_t)(capacity < most ? capacity : most);
    parse->body = must_realloc(parse->body, parse->body_capacity);
}

static bool take_data(struct parse *parse, const struct input *input, enum parse_phase then)
{
    size_t there = input->len - parse->line_at;
    size_t len = parse->left < there ? (size_t)parse->left : there;
    if (len == 0) {
        return false;
    }
    if (len > parse->body_capacity - parse->body_len) {
        grow_body(parse, len);
    }
    memcpy(parse->body + parse->body_len, input->at + parse->line_at, len);
    parse->body_len += len;
    parse->line_at += len;
    parse->scanned = parse->line_at;
    parse->left -= len;
    if (parse->left == 0) {
        parse->phase = then;
    }
    return true;
}

/* Scans on in the line at line_at, which may have `max` bytes. True: it is whole, and *line is it
 * without its CRLF. False: more must come, or the request is refused; with status `over` for a
 * longer line. */
static bool scan_body_line(struct parse *parse, const struct input *input, size_t max, int over,
                           struct bytes *line)
{
    size_t there = input->len - parse->line_at;
    size_t end = parse->line_at + (there < max ? there : max);
    enum line_end found = http_line_scan(input->at, &parse->scanned, end);
    if (found == LINE_OPEN) {
        return there < max ? false : parse_refuse(parse, over, "chunk line or trailer too long");
    }
    if (found != LINE_WHOLE) {
        return parse_refuse(parse, 400, http_line_fault(found));
    }
    *line = (struct bytes){input->at + parse->line_at, parse->scanned - parse->line_at - 2};
    return true;
}

static struct bytes skip_bytes(struct bytes text, size_t len)
{
    return (struct bytes){text.at + len, text.len - len};
}

static struct bytes body_skip_space(struct bytes text)
{
    while (text.len > 0 && (text.at[0] == ' ' || text.at[0] == '\t')) {
        text = skip_bytes(text, 1);
    }
    return text;
}

/* The length of the quoted-string (RFC 9110 5.6.4) that `text` starts with, or 0. */
static size_t quoted_len(struct bytes text)
{
    for (size_t i = 1; i < text.len; i++) {
        if (text.at[i] == '"') {
            return i + 1;
        }
        if (text.at[i] == '\\') {
            i++;
        }
    }
    return 0;
}

/* chunk-ext (RFC 9112 7.1.1). What the extensions say is ignored, as it asks of a recipient. */
static bool extensions_are_valid(struct bytes text)
{
    while (text.len > 0) {
        text = body_skip_space(text);
        if (text.len == 0 || text.at[0] != ';') {
            return false;
        }
        text = body_skip_space(skip_bytes(text, 1));
        size_t name_len = http_span(text, CHAR_TOKEN);
        if (name_len == 0) {
            return false;
        }
        text = skip_bytes(text, name_len);
        struct bytes value = body_skip_space(text);
        if (value.len == 0 || value.at[0] != '=') {
            continue;
        }
        value = body_skip_space(skip_bytes(value, 1));
        bool quoted = value.len > 0 && value.at[0] == '"';
        size_t value_len = quoted ? quoted_len(value) : http_span(value, CHAR_TOKEN);
        if (value_len == 0) {
            return false;
        }
        text = skip_bytes(value, value_len);
    }
    return true;
}

static bool begin_chunk(struct parse *parse, uint64_t size)
{
    parse->line_at = parse->scanned;
    parse->left = size;
    if (size > parse->limits.body_size - parse->body_len) {
        return parse_refuse(parse, 413, "chunked body over the limit");
    }
    if (size > 0) {
        parse->phase = PARSE_CHUNK_DATA;
        return true;
    }
    parse->phase = PARSE_TRAILER;
    parse->framing_len = 0;
    return true;
}

static bool take_chunk_size(struct parse *parse, const struct input *input)
{
    struct bytes line;
    if (!scan_body_line(parse, input, CHUNK_LINE_MAX, 400, &line)) {
        return false;
    }
    size_t digits = http_span(line, CHAR_HEX);
    if (digits == 0 || digits > CHUNK_SIZE_DIGITS_MAX) {
        return parse_refuse(parse, 400, "invalid chunk size (RFC 9112 7.1)");
    }
    uint64_t size = 0;
    for (size_t i = 0; i < digits; i++) {
        size = size * 16 + http_hex_value(line.at[i]);
    }
    if (!extensions_are_valid(skip_bytes(line, digits))) {
        return parse_refuse(parse, 400, "invalid chunk extension (RFC 9112 7.1.1)");
    }
    /* Each line is short, but a chunk a byte could make them a hundred times the body. */
    parse->framing_len += line.len - digits;
    if (parse->framing_len > CHUNK_EXTENSIONS_MAX) {
        return parse_refuse(parse, 400, "too many chunk extensions (RFC 9112 7.1.1)");
    }
    return begin_chunk(parse, size);
}

static bool take_chunk_end(struct parse *parse, const struct input *input)
{
    static const char crlf[] = "\r\n";
    size_t there = input->len - parse->line_at;
    size_t len = there < 2 ? there : 2;
    if (memcmp(input->at + parse->line_at, crlf, len) != 0) {
        return parse_refuse(parse, 400, "no CRLF behind the data of a chunk (RFC 9112 7.1)");
    }
    if (len < 2) {
        return false;
    }
    parse->line_at += 2;
    parse->scanned = parse->line_at;
    parse->phase = PARSE_CHUNK_SIZE;
    return true;
}

/* One line of the trailer section: discarded, as RFC 9110 6.5.1 allows; the empty one ends the
 * body. */
static bool take_trailer(struct parse *parse, const struct input *input)
{
    struct bytes line;
    if (!scan_body_line(parse, input, TRAILER_SECTION_MAX - parse->framing_len, 431, &line)) {
        return false;
    }
    parse->framing_len += parse->scanned - parse->line_at;
    parse->line_at = parse->scanned;
    if (line.len == 0) {
        parse->phase = PARSE_ENDED;
        return true;
    }
    const char *fault = http_field_fault(line);
    return fault == NULL || parse_refuse(parse, 400, fault);
}

/* False: nothing more can be taken now, because input is missing or the request is refused. */
static bool take_next(struct parse *parse, const struct input *input)
{
    switch (parse->phase) {
    case PARSE_BODY_MOVED:
        return take_data(parse, input, PARSE_ENDED);
    case PARSE_CHUNK_SIZE:
        return take_chunk_size(parse, input);
    case PARSE_CHUNK_DATA:
        return take_data(parse, input, PARSE_CHUNK_END);
    case PARSE_CHUNK_END:
        return take_chunk_end(parse, input);
    default:
        CHECK(parse->phase == PARSE_TRAILER);
        return take_trailer(parse, input);
    }
}

enum parse_verdict http_body_step(struct parse *parse, struct request *request, struct input *input)
{
    if (parse->phase == PARSE_BODY_IN_PLACE) {
        return step_in_place(parse, request, input);
    }
    while (parse->phase != PARSE_ENDED && take_next(parse, input)) {
    }
    close_gap(parse, input);
    if (parse->phase != PARSE_ENDED) {
        return PARSE_MORE;
    }
    if (parse->status != 0) {
        return PARSE_REFUSED;
    }
    request->body = (struct bytes){parse->body, parse->body_len};
    input->used = parse->head_len;
    return PARSE_WHOLE;
}
