/* client_log.h: the requests of a load generator, as `quartet-load --log` writes them.
 *
 * The whole log is kept, 40 bytes a request, sorted by connection and position, so that the record
 * of any request finds its line. Times are CLOCK_MONOTONIC nanoseconds, the clock of a trace on the
 * same machine. One thread.
 */
#ifndef TOOLS_TRACE_CLIENT_LOG_H
#define TOOLS_TRACE_CLIENT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { CLIENT_LOG_MAX = 1 << 24, CLIENT_LOG_ERROR = 256 };

struct client_request {
    uint64_t due_ns, released_ns, sent_ns, done_ns; /* 0: not reached */
    uint32_t position; /* which request on its connection, from 1; 0: never asked on one */
    uint16_t port;     /* the client's; 0: a unix socket */
    bool counts;       /* due inside the generator's window, and well answered */
    bool joined;       /* the caller's: its record has come */
};

struct client_log {
    size_t count;
    struct client_request *at;
};

/* False, with `error` as one line, when `in` is not such a log or holds more than CLIENT_LOG_MAX
 * requests. */
bool client_log_read(struct client_log *log, FILE *in, char error[CLIENT_LOG_ERROR]);
void client_log_free(struct client_log *log);

/* The request at that position of a connection from that port, of which the server read the first
 * byte at `first_byte_ns`: a port can have several connections, one after the other. NULL: none. */
struct client_request *client_log_find(struct client_log *log, uint16_t port, uint32_t position,
                                       uint64_t first_byte_ns);

#endif
