/* request_text.c: making the bytes of a request. See request_text.h. */
#include "tools/load/request_text.h"

#include "core/base/check.h"
#include "core/http/line.h"

#include <stdio.h>

static bool is_printable(const char *text);
static struct bytes name_of(const char *header);
static bool has_header(const struct request_parts *parts, const char *name);

bool request_header_good(const char *header, char error[REQUEST_ERROR_MAX])
{
    struct bytes name = name_of(header);
    if (!is_printable(header) || !http_is_all(name, CHAR_TOKEN) ||
        http_field_fault(bytes_of(header)) != NULL) {
        snprintf(error, REQUEST_ERROR_MAX, "'Name: value' in printable characters");
        return false;
    }
    if (bytes_equal_nocase(name, BYTES("Content-Length")) ||
        bytes_equal_nocase(name, BYTES("Transfer-Encoding"))) {
        snprintf(error, REQUEST_ERROR_MAX, "a field other than %.*s, which follows from --body",
                 (int)name.len, name.at);
        return false;
    }
    return true;
}

bool request_method_good(const char *method)
{
    return method[0] != '\0' && http_is_all(bytes_of(method), CHAR_TOKEN);
}

struct bytes request_text(const struct request_parts *parts, bool close)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    CHECK(out != NULL);
    fprintf(out, "%s %s HTTP/1.1\r\n", parts->method, parts->target);
    if (!has_header(parts, "Host")) {
        fprintf(out, "Host: %s\r\n", parts->host);
    }
    if (!has_header(parts, "User-Agent")) {
        fputs("User-Agent: quartet-load/" QUARTET_VERSION "\r\n", out);
    }
    for (unsigned i = 0; i < parts->header_count; i++) {
        fprintf(out, "%s\r\n", parts->headers[i]);
    }
    if (parts->has_body) {
        fprintf(out, "Content-Length: %zu\r\n", parts->body.len);
    }
    if (close && !has_header(parts, "Connection")) {
        fputs("Connection: close\r\n", out);
    }
    fputs("\r\n", out);
    if (parts->body.len > 0) {
        fwrite(parts->body.at, 1, parts->body.len, out);
    }
    CHECK(fclose(out) == 0);
    return (struct bytes){text, len};
}

static bool is_printable(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f) {
            return false;
        }
    }
    return true;
}

static struct bytes name_of(const char *header)
{
    return (struct bytes){header, strcspn(header, ":")};
}

static bool has_header(const struct request_parts *parts, const char *name)
{
    for (unsigned i = 0; i < parts->header_count; i++) {
        if (bytes_equal_nocase(name_of(parts->headers[i]), bytes_of(name))) {
            return true;
        }
    }
    return false;
}
