/* server_timing.h: the Server-Timing field (W3C Server Timing): what of a request's stage times is
 * known when its answer's head is made, and behind a chunked body how long the handler took.
 *
 * Names are those of the intervals as far as they say something to a browser's user: accept,
 * socket, read, process-wait, process. Durations are milliseconds, exact to the nanosecond. Any thread.
 */
#ifndef CORE_EXCHANGE_SERVER_TIMING_H
#define CORE_EXCHANGE_SERVER_TIMING_H

#include "core/points/stamps.h"

#include <stddef.h>

enum { SERVER_TIMING_MAX = 160 };

/* The field's value for the head: "accept;dur=0.096, read;dur=0.00335, process-wait;dur=0.031".
 * Returns its length; 0 when nothing is known. */
size_t server_timing_head(const struct stamps *stamps, char out[SERVER_TIMING_MAX]);

/* For the trailer: "process;dur=1.25", from the handler's start to `now_ns`. */
size_t server_timing_trailer(const struct stamps *stamps, uint64_t now_ns,
                             char out[SERVER_TIMING_MAX]);

#endif
