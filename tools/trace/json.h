/* json.h: the run as JSON, as --json prints it and --html carries it. Described in
 * quartet-trace.1. */
#ifndef TOOLS_TRACE_JSON_H
#define TOOLS_TRACE_JSON_H

#include "tools/trace/review.h"

/* The members of the object, without its braces. After review_end. */
void json_print_run(FILE *out, const struct trace_run *run, const struct review *review);

#endif
