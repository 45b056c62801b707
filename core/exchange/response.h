/* response.h: making an answer, in the order of the wire.
 *
 *   response_start(x, 200);
 *   response_add(x, "Content-Type", "text/plain");
 *   response_length(x, 12);                          or response_chunked(x)
 *   response_copy(x, "hello, world", 12);
 *   response_end(x);
 *
 * Runs in the thread that runs the handler, or in the one that completes the answer for it. Nothing
 * here waits or touches the socket: bytes become buckets in x->response.made, which the processor
 * publishes. The layer watches the declared length, so that a broken handler never desynchronises a
 * connection: what is more is dropped and the connection stays open, less closes it. Both are noted
 * (response.length_broken), for the stages to count and to log. For HEAD, 204 and 304 the body
 * calls count and drop, and any length will do.
 *
 * With --server-timing each head has a Server-Timing field, and a chunked body a trailer with
 * another (server_timing.h); nothing where no stamps are taken.
 */
#ifndef CORE_EXCHANGE_RESPONSE_H
#define CORE_EXCHANGE_RESPONSE_H

#include "core/exchange/exchange.h"

/* The status line, Date and Server. Once. */
void response_start(struct exchange *x, int status);

/* From now on every head says Connection: close (the server is stopping). Any thread. */
void response_keep_no_connection(void);

/* One header field. Name and value must not hold CR or LF (a bug). One that is, with its name,
 * longer than EXCHANGE_TEXT is left out and the connection closed after the answer. */
void response_add(struct exchange *x, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Whole header lines, each with its CRLF, prepared by the caller. */
void response_add_block(struct exchange *x, struct bytes lines);

/* Exactly one of these ends the head. `length` is the body's length in bytes, also for HEAD. */
void response_length(struct exchange *x, uint64_t length);
/* Ends the head with Content-Length left to a block that was added already. */
void response_length_in_block(struct exchange *x, uint64_t length);
/* Chunked in 1.1; in 1.0 the body ends with the connection. */
void response_chunked(struct exchange *x);
/* No body and no Content-Length: 204, 304. */
void response_no_body(struct exchange *x);

/* The body, piece by piece. */
void response_copy(struct exchange *x, const void *at, size_t len);
/* Bytes that stay as they are while `hold` is held (a reference is taken) or for ever (hold
 * NULL). */
void response_lend(struct exchange *x, const void *at, size_t len, struct hold *hold);
/* Bytes from malloc, which the answer frees, sent or not. */
void response_give(struct exchange *x, char *at, size_t len);
/* Part of a file; `fd` stays open while `hold` is held. */
void response_file(struct exchange *x, int fd, uint64_t offset, uint64_t len, struct hold *hold);
/* `len` bytes made by repeating the `period` static bytes at `at`. */
void response_pattern(struct exchange *x, const char *at, size_t period, uint64_t len);

/* The end of the body. */
void response_end(struct exchange *x);

/* Ends the answer and hands it over at once: from any thread, for a handler that returns
 * HANDLER_AWAY (handler.h) or has returned it. The answer must be whole: only the handler's own
 * thread sends pieces. From here on the exchange is the writer's, and its connection may be
 * freed before this returns: the caller uses neither again. A thread that is none of the
 * server's own, as q-later (later.h), is joined before the server's queues are freed: it may
 * still be ringing one. */
void response_complete(struct exchange *x);

/* Gives the answer up: what is not yet published is dropped, the end follows. The client has
 * closed, or the head cannot be made. */
void response_abandon(struct exchange *x);

/* What was made since the last call, for the processor to publish. */
struct brigade *response_made(struct exchange *x);

/* A whole short answer for an error or a redirect: head, escaped text body, end. `extra` is a
 * header block or empty. The status does not decide whether the connection stays open: x->close
 * does, which the reader has set where a refused request leaves the connection in doubt. */
void response_error(struct exchange *x, int status, struct bytes extra);

/* The reason phrase, or "Unknown". */
const char *status_phrase(int status);

#endif
