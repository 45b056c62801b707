/* conditional.h: preconditions of a request (RFC 9110 13). Any thread. No clock, no I/O. */
#ifndef CORE_HTTP_CONDITIONAL_H
#define CORE_HTTP_CONDITIONAL_H

#include "core/http/request.h"

#include <time.h>

/* The validators: they distinguish the states of a representation (RFC 9110 8.8). */
struct validators {
    struct bytes etag; /* strong, with its quotes */
    time_t modified;   /* Last-Modified, in whole seconds */
};

enum precondition {
    PRECONDITION_HOLDS,        /* or there is none: do what the method says */
    PRECONDITION_NOT_MODIFIED, /* 304 */
    PRECONDITION_FAILED,       /* 412 */
};

/* If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since in the order of RFC
 * 9110 13.2.2, for a GET or HEAD. A date that is none, or a date field that comes twice, is
 * ignored. */
enum precondition conditional_check(const struct request *request, const struct validators *now);

/* If-Range (RFC 9110 13.1.5): does Range apply? True when there is no If-Range. */
bool conditional_range_holds(const struct request *request, const struct validators *now);

#endif
