/* head.h: what the fields of a whole head mean for the connection, and what makes them
 * refused.
 *
 * The second half of parsing: parse.c has collected request line and fields; this decides what the
 * target is, how long the body is and whether the client asked to keep the connection. A request
 * whose framing could be read in two ways is refused, never repaired (RFC 9112 11.2).
 */
#ifndef CORE_HTTP_HEAD_H
#define CORE_HTTP_HEAD_H

#include "core/http/parse_state.h"

/* Fills request->path, query, host, keep_alive, idle_limit_s, expect_continue, chunked and
 * content_length from its method, minor, target and fields. False: parse->status and reason say why
 * the request is refused. */
bool http_head_check(struct parse *parse, struct request *request);

#endif
