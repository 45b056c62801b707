/* test_libraries.c: the versions of the libraries that this program has loaded. */
#include "core/base/libraries.h"

#include "tests/test.h"

#include <http_parser.h>
#include <uv.h>

static const char *expected(void)
{
    static char text[LIBRARIES_TEXT];
    unsigned long version = http_parser_version();
    (void)snprintf(text, sizeof text, "libuv %s, http-parser %lu.%lu.%lu", uv_version_string(),
                   version >> 16, version >> 8 & 255, version & 255);
    return text;
}

TEST(libraries, are_named_with_their_versions)
{
    char text[LIBRARIES_TEXT];
    libraries_format(text);
    expect_text(text, expected());
}

TEST(libraries, are_named_in_json)
{
    char json_out[256] = "", text[LIBRARIES_TEXT];
    char libuv[32], parser[32];
    struct json json;
    FILE *out = fmemopen(json_out, sizeof json_out, "w");
    json_begin(&json, out);
    libraries_to_json(&json, NULL);
    expect_int(fclose(out), 0);
    int found = sscanf(json_out, "{ \"libuv\": \"%31[^\"]\", \"http-parser\": \"%31[^\"]\" }",
                       libuv, parser);
    expect_msg(found == 2, "%s", json_out);
    (void)snprintf(text, sizeof text, "libuv %.20s, http-parser %.20s", libuv, parser);
    expect_text(text, expected());
}
