/* request_text.h: a request as the bytes that go on the wire, made once before the run: sending one
 * costs no formatting. */
#ifndef TOOLS_LOAD_REQUEST_TEXT_H
#define TOOLS_LOAD_REQUEST_TEXT_H

#include "core/base/bytes.h"

#include <stdint.h>

enum { REQUEST_ERROR_MAX = 200 };

struct request_parts {
    const char *method, *target, *host;
    const char *const *headers; /* "Name: value" each */
    unsigned header_count;
    struct bytes body;
    bool has_body; /* even if it is empty: Content-Length is sent */
};

/* Is this a field that can be sent? False: `error` says what is accepted. Content-Length and
 * Transfer-Encoding are ours: another one would make the server read a wrong end. */
bool request_header_good(const char *header, char error[REQUEST_ERROR_MAX]);

/* A token of RFC 9110. */
bool request_method_good(const char *method);

/* Head and body, malloc'd. Host, User-Agent and (with `close`) Connection are ours unless a header
 * says otherwise. */
struct bytes request_text(const struct request_parts *parts, bool close);

#endif
