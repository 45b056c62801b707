/* parse.c: one request's way through the parser. See parse.h.
 *
 *   parse_begin ──▶ REQUEST_LINE ──▶ FIELDS ──▶ (the body's phases, body.c) ──▶ ENDED
 *
 * Each line is checked when it is whole. When the empty line behind the fields has come,
 * http-parser reads the head and this file takes method, version, target and fields from it. Had it
 * found another number of fields or another end than the scan did, the request would be refused:
 * two readers of one text must agree.
 *
 * This is the only file that includes http_parser.h.
 */
#include "core/http/parse.h"

#include "core/base/check.h"
#include "core/http/body.h"
#include "core/http/head.h"
#include "core/http/line.h"

#include <http_parser.h>
#include <stdlib.h>

/* What http-parser's callbacks collect into. */
struct collector {
    struct request *request;
    bool in_value; /* the last piece was of a value, so the next name starts a field */
};

void parse_init_process(void)
{
    /* The size of a head is limited here, by bytes of the whole head. http-parser's own limit is
     * one for the process and must never be the smaller one. */
    http_parser_set_max_header_size(UINT32_MAX);
}

void parse_begin(struct parse *parse, struct request *request, struct parse_limits limits)
{
    /* The fields and the path store are large, and are written before they are read. */
    memset(parse, 0, offsetof(struct parse, path_store));
    memset(request, 0, offsetof(struct request, fields));
    parse->limits = limits;
}

/* So many bytes and no whole head: 431 for its fields (RFC 6585 5), else by the part of the request
 * line that `line` ends in (RFC 9112 3): 501 for a method, which is none of ours, and 414. */
static bool refuse_oversize(struct parse *parse, struct bytes line)
{
    if (parse->phase != PARSE_REQUEST_LINE) {
        return parse_refuse(parse, 431, "header fields over the limit (RFC 9112 5)");
    }
    size_t method_len = http_span(line, CHAR_TOKEN);
    if (method_len < line.len && (method_len == 0 || line.at[method_len] != ' ')) {
        return parse_refuse(parse, 400, "malformed method (RFC 9112 3.1)");
    }
    if (method_len == line.len) {
        return parse_refuse(parse, 501, "method over the limit (RFC 9112 3)");
    }
    return parse_refuse(parse, 414, "request line over the limit (RFC 9112 3)");
}

/* Cuts off what stands before the first space, and the space. Without one, the word is empty. */
static struct bytes cut_word(struct bytes *text)
{
    const char *space = text->len > 0 ? memchr(text->at, ' ', text->len) : NULL;
    if (space == NULL) {
        return (struct bytes){text->at, 0};
    }
    struct bytes word = {text->at, (size_t)(space - text->at)};
    *text = (struct bytes){space + 1, text->len - word.len - 1};
    return word;
}

/* RFC 9112 3: method SP request-target SP HTTP-version. The lenient readings of its section 3
 * (several spaces, tabs) are not taken. */
static bool check_request_line(struct parse *parse, struct request *request, struct bytes line)
{
    struct bytes rest = line;
    struct bytes method = cut_word(&rest), target = cut_word(&rest);
    if (!http_is_all(method, CHAR_TOKEN)) {
        return parse_refuse(parse, 400, "malformed method (RFC 9112 3.1)");
    }
    request->method_text = method;
    if (!http_is_all(target, CHAR_TARGET)) {
        return parse_refuse(parse, 400, "malformed request target (RFC 9112 3.2)");
    }
    bool version = rest.len == 8 && bytes_start_with(rest, BYTES("HTTP/")) && rest.at[5] >= '0' &&
                   rest.at[5] <= '9' && rest.at[6] == '.' && rest.at[7] >= '0' && rest.at[7] <= '9';
    if (!version) {
        return parse_refuse(parse, 400, "malformed protocol version (RFC 9112 2.3)");
    }
    if (rest.at[5] != '1') {
        return parse_refuse(parse, 505, "major version other than 1 (RFC 9110 15.6.6)");
    }
    return true;
}

/* A line has come whole. False: it is refused. */
static bool end_line(struct parse *parse, struct request *request, struct bytes line)
{
    if (parse->phase == PARSE_FIELDS) {
        const char *fault = http_field_fault(line);
        if (fault != NULL) {
            return parse_refuse(parse, 400, fault);
        }
        if (++parse->field_lines > REQUEST_FIELDS_MAX) {
            return parse_refuse(parse, 431, "too many header fields");
        }
        return true;
    }
    request->line = line;
    if (line.len > 0) {
        parse->phase = PARSE_FIELDS;
        return check_request_line(parse, request, line);
    }
    if (++parse->empty_lines > LEADING_EMPTY_LINES_MAX) {
        return parse_refuse(parse, 400, "too many empty lines before the request (RFC 9112 2.2)");
    }
    return true;
}

/* True when the head is whole: parse->scanned is its length. False: more must come, or it is
 * refused. */
static bool scan_head(struct parse *parse, struct request *request, const struct input *input)
{
    size_t max = parse->limits.header_size;
    size_t end = input->len < max ? input->len : max;
    for (;;) {
        enum line_end found = http_line_scan(input->at, &parse->scanned, end);
        size_t line_len = parse->scanned - parse->line_at;
        if (found != LINE_WHOLE && parse->phase == PARSE_REQUEST_LINE) {
            size_t kept = line_len < REFUSED_LINE_MAX ? line_len : REFUSED_LINE_MAX;
            request->line = (struct bytes){input->at + parse->line_at, kept};
        }
        if (found == LINE_OPEN) {
            struct bytes line = {input->at + parse->line_at, line_len};
            return end < max ? false : refuse_oversize(parse, line);
        }
        if (found != LINE_WHOLE) {
            return parse_refuse(parse, 400, http_line_fault(found));
        }
        struct bytes line = {input->at + parse->line_at, line_len - 2};
        if (parse->phase == PARSE_FIELDS && line.len == 0) {
            return true;
        }
        if (!end_line(parse, request, line)) {
            return false;
        }
        parse->line_at = parse->scanned;
    }
}

/* Callbacks may come several times for one element, each with a further piece of it. */
static void extend_view(struct bytes *view, const char *at, size_t len)
{
    if (view->at == NULL) {
        *view = (struct bytes){at, len};
    } else {
        view->len = (size_t)(at - view->at) + len;
    }
}

static int on_url(http_parser *parser, const char *at, size_t len)
{
    struct collector *collector = parser->data;
    extend_view(&collector->request->target, at, len);
    return 0;
}

static int on_name(http_parser *parser, const char *at, size_t len)
{
    struct collector *collector = parser->data;
    struct request *request = collector->request;
    if (collector->in_value || request->field_count == 0) {
        if (request->field_count == REQUEST_FIELDS_MAX) {
            return 1;
        }
        request->fields[request->field_count++] = (struct field){.name = {NULL, 0}};
    }
    collector->in_value = false;
    extend_view(&request->fields[request->field_count - 1].name, at, len);
    return 0;
}

static int on_value(http_parser *parser, const char *at, size_t len)
{
    struct collector *collector = parser->data;
    collector->in_value = true;
    extend_view(&collector->request->fields[collector->request->field_count - 1].value, at, len);
    return 0;
}

/* Stops at the end of the head: http-parser sees no byte of a body, and no upgrade takes place. */
static int on_headers_complete(http_parser *parser)
{
    http_parser_pause(parser, 1);
    return 0;
}

/* Why http-parser did not come to the end of a head that passed the scan. */
static bool refuse_unread(struct parse *parse, enum http_errno error)
{
    switch (error) {
    case HPE_INVALID_METHOD:
        return parse_refuse(parse, 501, "unknown method (RFC 9110 9.1)");
    case HPE_INVALID_URL:
        return parse_refuse(parse, 400, "malformed request target (RFC 9112 3.2)");
    case HPE_INVALID_CONTENT_LENGTH:
        return parse_refuse(parse, 400, "invalid Content-Length (RFC 9110 8.6)");
    case HPE_UNEXPECTED_CONTENT_LENGTH:
        return parse_refuse(parse, 400, "Content-Length twice or beside a coding (RFC 9112 6.3)");
    default:
        return parse_refuse(parse, 400, "malformed head");
    }
}

static bool set_method(struct parse *parse, struct request *request, unsigned method)
{
    static const enum method served[] = {
        [HTTP_GET] = METHOD_GET, [HTTP_HEAD] = METHOD_HEAD,     [HTTP_POST] = METHOD_POST,
        [HTTP_PUT] = METHOD_PUT, [HTTP_DELETE] = METHOD_DELETE, [HTTP_OPTIONS] = METHOD_OPTIONS,
    };
    if (method >= sizeof(served) / sizeof(served[0]) || served[method] == 0) {
        return parse_refuse(parse, 501, "method that no handler serves (RFC 9110 9.1)");
    }
    request->method = served[method];
    return true;
}

static bool read_head(struct parse *parse, struct request *request, const struct input *input)
{
    static const http_parser_settings callbacks = {
        .on_url = on_url,
        .on_header_field = on_name,
        .on_header_value = on_value,
        .on_headers_complete = on_headers_complete,
    };
    struct collector collector = {.request = request};
    http_parser parser;
    http_parser_init(&parser, HTTP_REQUEST);
    parser.data = &collector;
    const char *start = request->line.at;
    size_t len = (size_t)(input->at + parse->scanned - start);
    size_t read = http_parser_execute(&parser, &callbacks, start, len);
    enum http_errno error = HTTP_PARSER_ERRNO(&parser);
    if (error != HPE_PAUSED) {
        return refuse_unread(parse, error);
    }
    /* Paused inside the callback, it has not counted the last LF. */
    if (read != len - 1 || request->field_count != parse->field_lines) {
        return parse_refuse(parse, 400, "ambiguous head (RFC 9112 11.2)");
    }
    for (unsigned i = 0; i < request->field_count; i++) {
        request->fields[i].value = bytes_trim(request->fields[i].value);
    }
    request->minor = parser.http_minor > 0 ? 1 : 0;
    return set_method(parse, request, parser.method);
}

enum parse_verdict parse_step(struct parse *parse, struct request *request, struct input *input)
{
    CHECK(input->capacity >= parse->limits.header_size + INPUT_SLACK);
    CHECK(parse->phase != PARSE_ENDED);
    if (parse->head_len == 0) {
        bool whole = scan_head(parse, request, input) && read_head(parse, request, input) &&
                     http_head_check(parse, request);
        if (!whole) {
            return parse->status != 0 ? PARSE_REFUSED : PARSE_MORE;
        }
        parse->head_len = parse->scanned;
        http_body_begin(parse, request, input);
    }
    if (request->expect_continue && !parse->continued) {
        parse->continued = true;
        if (input->len == parse->head_len) {
            return PARSE_CONTINUE;
        }
    }
    enum parse_verdict verdict = http_body_step(parse, request, input);
    if (verdict == PARSE_REFUSED) {
        request->keep_alive = false;
    }
    return verdict;
}

void parse_end(struct parse *parse)
{
    free(parse->body);
    free(parse->long_path);
    parse->body = NULL;
    parse->long_path = NULL;
    parse->body_len = parse->body_capacity = 0;
}
