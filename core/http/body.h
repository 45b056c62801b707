/* body.h: the framing of request bodies: by counting, or by chunks (RFC 9112 6 and 7.1).
 *
 * A body of known length that fits into the input behind its head stays there. Any other is moved
 * into memory that grows with what has really come, so that a client which declares a megabyte and
 * sends a byte costs a page. The input behind the head is free again after each step, but for a
 * line not yet whole.
 *
 * The chunk decoder is strict on purpose: exactly CRLF, no sign or space around a size, extensions
 * by their grammar. What a lenient one forgives is where two servers begin to disagree.
 */
#ifndef CORE_HTTP_BODY_H
#define CORE_HTTP_BODY_H

#include "core/http/parse_state.h"

/* The head is whole and checked, parse->head_len is set: how will the body be read? */
void http_body_begin(struct parse *parse, const struct request *request, const struct input *input);

/* Takes what there is behind the head. PARSE_MORE, PARSE_WHOLE (request->body and input->used are
 * set) or PARSE_REFUSED. */
enum parse_verdict http_body_step(struct parse *parse, struct request *request,
                                  struct input *input);

#endif
