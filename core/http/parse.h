/* parse.h: from bytes to one whole request, as strictly as RFC 9112 allows a server to be.
 *
 * Why an adapter: Debian's http-parser 2.9.4 is a lenient build. It accepts input that a strict
 * origin server must refuse: those checks are here, with the RFC section beside each. The head is
 * scanned line by line as it arrives, so that a bare LF is refused at once and not at a timeout. It
 * is given to http-parser when it is complete. Only this module frames the body: request smuggling
 * needs two framings that can disagree.
 *
 * Use: parse_begin for each request, then parse_step after each read until it returns another value
 * than PARSE_MORE. The caller owns `input`; the parser reads input->at[0 … len) and may move the
 * bytes of a body out of it (a short body stays where it is). After PARSE_WHOLE, input->used bytes
 * are the request's and what lies behind them belongs to the next one.
 *
 * Limits: the size of the head, the number of fields, the decoded body, each line that frames a
 * chunk, all chunk extensions together and the trailer section. A verdict never depends on how the
 * bytes were split.
 *
 * Thread: one at a time, the one that has the connection. Allocates for a body only. No clock, no
 * I/O.
 */
#ifndef CORE_HTTP_PARSE_H
#define CORE_HTTP_PARSE_H

#include "core/http/parse_state.h"

/* Process-wide, once, before threads start. */
void parse_init_process(void);

/* Makes both ready for a request that starts at input->at. Frees nothing: parse_end comes between
 * two of them. */
void parse_begin(struct parse *parse, struct request *request, struct parse_limits limits);

/* Looks at what came since the last call. After PARSE_REFUSED the request's members may be unset
 * (zero), keep_alive is false, and request->line holds what there is of the request line. After
 * PARSE_WHOLE or PARSE_REFUSED it is not called again before parse_begin. */
enum parse_verdict parse_step(struct parse *parse, struct request *request, struct input *input);

/* Frees what the parser allocated for this request (body, long path). Safe to call twice. */
void parse_end(struct parse *parse);

#endif
