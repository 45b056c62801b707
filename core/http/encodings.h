/* encodings.h: which coding of a file a client wants (RFC 9110 12.5.3). Any thread. */
#ifndef CORE_HTTP_ENCODINGS_H
#define CORE_HTTP_ENCODINGS_H

#include "core/http/request.h"

/* The order is our preference among codings that the client likes equally. */
enum encoding { ENCODING_BR, ENCODING_GZIP, ENCODING_IDENTITY, ENCODING_COUNT };

/* The bit of a coding in a set. */
static inline unsigned encoding_bit(enum encoding encoding)
{
    return 1u << encoding;
}

/* "br", "gzip", "identity". */
const char *encoding_name(enum encoding encoding);
/* What is appended to a file's name: ".br", ".gz", "". */
const char *encoding_suffix(enum encoding encoding);

/* The best of the codings in `available`; identity is always available. A client that excludes
 * identity too gets it nevertheless where nothing else is there: RFC 9110 12.4.1 lets a server
 * disregard the field rather than answer 406. */
enum encoding encodings_choose(const struct request *request, unsigned available);

#endif
