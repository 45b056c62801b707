/* response_parse.c: http-parser for responses. See response_parse.h; with core/http/parse.c, which
 * reads requests, the only source that includes http_parser.h.
 *
 * Three callbacks only: one for each header field would cost more than the parsing. On the end of a
 * message the parser is paused, so that exactly one response is read in a step.
 */
#include "tools/load/response_parse.h"

#include <http_parser.h>
#include <string.h>

_Static_assert(sizeof(http_parser) <= RESPONSE_PARSER_SIZE, "struct response_parse has room");
_Static_assert(_Alignof(http_parser) <= 8, "struct response_parse aligns http-parser's state");

static http_parser *parser_of(struct response_parse *parse);
static int on_headers_complete(http_parser *parser);
static int on_body(http_parser *parser, const char *at, size_t len);
static int on_message_complete(http_parser *parser);
static bool is_interim(int status);

static const http_parser_settings callbacks = {
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

void response_begin(struct response_parse *parse, bool head)
{
    parse->head = head;
    parse->begun = parse->whole = parse->has_length = parse->keep_alive = false;
    parse->status = 0;
    parse->length = parse->body = 0;
    parse->fault = NULL;
    http_parser_init(parser_of(parse), HTTP_RESPONSE);
    parser_of(parse)->data = parse;
}

enum response_verdict response_step(struct response_parse *parse, const char *at, size_t len,
                                    size_t *used)
{
    http_parser *parser = parser_of(parse);
    parse->begun = parse->begun || len > 0;
    *used = http_parser_execute(parser, &callbacks, at, len);
    if (parse->whole) {
        return RESPONSE_WHOLE;
    }
    if (HTTP_PARSER_ERRNO(parser) != HPE_OK) {
        parse->fault = http_errno_description(HTTP_PARSER_ERRNO(parser));
        return RESPONSE_MALFORMED;
    }
    return RESPONSE_MORE;
}

enum response_verdict response_end(struct response_parse *parse)
{
    size_t used;
    enum response_verdict verdict = response_step(parse, "", 0, &used);
    if (verdict == RESPONSE_MORE) {
        parse->fault = "the connection ended inside the response";
        return RESPONSE_MALFORMED;
    }
    return verdict;
}

static http_parser *parser_of(struct response_parse *parse)
{
    return (http_parser *)(void *)parse->parser;
}

/* 1 means that no body follows. http-parser does not know what was asked, and would believe the
 * Content-Length of a 304, which speaks of a body that is not sent (RFC 9112 6.3). */
static int on_headers_complete(http_parser *parser)
{
    struct response_parse *parse = parser->data;
    parse->status = (int)parser->status_code;
    parse->has_length = parser->content_length != UINT64_MAX;
    parse->length = parse->has_length ? parser->content_length : 0;
    bool bodiless = parse->status / 100 == 1 || parse->status == 204 || parse->status == 304;
    return parse->head || bodiless ? 1 : 0;
}

static int on_body(http_parser *parser, const char *at, size_t len)
{
    struct response_parse *parse = parser->data;
    parse->body += len;
    if (parse->body_fn != NULL) {
        parse->body_fn(parse->body_arg, at, len);
    }
    return 0;
}

static int on_message_complete(http_parser *parser)
{
    struct response_parse *parse = parser->data;
    if (is_interim(parse->status)) {
        parse->status = 0;
        return 0; /* the parser goes on with the response proper */
    }
    /* After 101 the connection speaks another protocol. */
    parse->keep_alive = parse->status != 101 && http_should_keep_alive(parser) != 0;
    parse->whole = true;
    http_parser_pause(parser, 1);
    return 0;
}

static bool is_interim(int status)
{
    return status / 100 == 1 && status != 101;
}
