/* libraries.c: asking each library for its version. See libraries.h. */
#include "core/base/libraries.h"

#include <http_parser.h>
#include <uv.h>

enum { PARSER_VERSION = 16 };

static void format_parser_version(char out[PARSER_VERSION])
{
    unsigned long version = http_parser_version();
    (void)snprintf(out, PARSER_VERSION, "%lu.%lu.%lu", version >> 16 & 255, version >> 8 & 255,
                   version & 255);
}

void libraries_format(char out[LIBRARIES_TEXT])
{
    char parser[PARSER_VERSION];
    format_parser_version(parser);
    (void)snprintf(out, LIBRARIES_TEXT, "libuv %.20s, http-parser %s", uv_version_string(), parser);
}

void libraries_to_json(struct json *json, const char *key)
{
    char parser[PARSER_VERSION];
    format_parser_version(parser);
    json_begin_object(json, key);
    json_text(json, "libuv", uv_version_string());
    json_text(json, "http-parser", parser);
    json_end(json);
}
