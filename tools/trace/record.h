/* record.h: what a trace's record says, in words. */
#ifndef TOOLS_TRACE_RECORD_H
#define TOOLS_TRACE_RECORD_H

#include "core/trace/trace_format.h"

/* "GET"; "-" when the request was refused before that was known. */
const char *record_method(const struct trace_record *record);

#endif
