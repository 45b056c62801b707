/* journey.h: a request as one line: where its time went, in a bar and in numbers, and which threads
 * it went through.
 *
 *   17 GET  200 61.0us |rr..PPPPPP.ww____| r q-R 2.00us . 7.00us P q-P 21.0us …
 *
 * Each phase that took time has at least one character of the bar, the rest is in proportion.
 */
#ifndef TOOLS_TRACE_JOURNEY_H
#define TOOLS_TRACE_JOURNEY_H

#include "tools/trace/source.h"

/* A line that says what the characters mean. */
void journey_print_legend(FILE *out);

/* `width`: of the request's number with its source in front, as journey_width returns. */
void journey_print(FILE *out, const struct trace_source *source, const struct trace_record *request,
                   unsigned width);
unsigned journey_width(const struct trace_source *source, const struct trace_record *request);

#endif
