/* request.h: one request as the handlers see it.
 *
 * Every view points into the exchange's input buffer, its path store or static text, and is valid
 * until the exchange ends. Filled by core/http/parse.c on the reader's thread, read-only
 * afterwards.
 */
#ifndef CORE_HTTP_REQUEST_H
#define CORE_HTTP_REQUEST_H

#include "core/base/bytes.h"

#include <stdint.h>

/* Methods that some handler may allow; the value is the bit in a handler's set of methods. */
enum method {
    METHOD_GET = 1,
    METHOD_HEAD = 2,
    METHOD_POST = 4,
    METHOD_PUT = 8,
    METHOD_DELETE = 16,
    METHOD_OPTIONS = 32,
};

/* More header fields than this are answered with 431. */
enum { REQUEST_FIELDS_MAX = 100 };

struct field {
    struct bytes name;
    struct bytes value; /* without the white space around it */
};

struct request {
    enum method method;
    unsigned minor; /* HTTP/1.minor, 0 or 1; a higher minor counts as 1 */
    struct bytes method_text;
    struct bytes line;     /* the request line as received, for the access log */
    struct bytes target;   /* as received */
    struct bytes path;     /* percent-decoded once and normalised; starts with '/', or is "*" */
    struct bytes query;    /* after the first '?', raw; empty when there is none */
    struct bytes host;     /* from Host or the absolute-form target; empty in 1.0 without one */
    bool keep_alive;       /* what version and Connection ask for (RFC 9112 9.3) */
    uint64_t idle_limit_s; /* of Keep-Alive: timeout=N, what the client allows; 0 when absent */
    bool expect_continue;  /* the client waits for 100 before it sends the body */
    bool chunked;
    uint64_t content_length; /* declared; 0 without a body or with a chunked one */
    struct bytes body;       /* the whole decoded body, once the request is complete */
    unsigned field_count;
    struct field fields[REQUEST_FIELDS_MAX];
};

/* The value of the first field of that name (case-insensitive), or a view with at == NULL. */
struct bytes request_field(const struct request *request, struct bytes name);

/* Is `token` a member of the comma-separated field(s) of that name? Case-insensitive. */
bool request_field_has_token(const struct request *request, struct bytes name, struct bytes token);

/* A decimal number from the query (?name=123&…). False when `name` is absent; *out is touched only
 * by a good number. *bad is set (and never cleared) when the value is no decimal number of at most
 * 18 digits. */
bool request_query_number(const struct request *request, struct bytes name, uint64_t *out,
                          bool *bad);

/* The raw value of the first query parameter of exactly that name (empty for a name without '='),
 * or a view with at == NULL. */
struct bytes request_query_text(const struct request *request, struct bytes name);

#endif
