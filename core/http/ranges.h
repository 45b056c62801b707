/* ranges.h: which bytes a client asks for (RFC 9110 14). Any thread. No I/O. */
#ifndef CORE_HTTP_RANGES_H
#define CORE_HTTP_RANGES_H

#include "core/base/bytes.h"

#include <stdint.h>

/* More ranges than this, or two that overlap, are what attacks are made of and no client needs (RFC
 * 9110 14.2): such a Range is ignored and the whole representation is sent, which is never more
 * than the client could ask for honestly. */
enum { RANGES_MAX = 16 };

struct range {
    uint64_t first, len; /* len is not 0 */
};

struct ranges {
    unsigned count; /* satisfiable ones, in the client's order */
    struct range at[RANGES_MAX];
};

enum ranges_verdict {
    RANGES_WHOLE,         /* no byte ranges, malformed or too many: as if there was no Range */
    RANGES_SOME,          /* 206 with ranges->count parts */
    RANGES_UNSATISFIABLE, /* 416 */
};

/* The value of Range against a representation of `length` bytes. */
enum ranges_verdict ranges_read(struct bytes value, uint64_t length, struct ranges *ranges);

#endif
