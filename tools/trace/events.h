/* events.h: writing the JSON that trace viewers open (the "trace event format"), an event a line.
 *
 * Use: events_begin, the others in any order, events_end. Processes are sources, threads are their
 * threads. Write errors show in ferror of the file. One thread.
 */
#ifndef TOOLS_TRACE_EVENTS_H
#define TOOLS_TRACE_EVENTS_H

#include "tools/trace/flight.h"
#include "tools/trace/text_out.h"

struct events {
    struct text_out text;
    bool some;           /* an event has been written */
    uint64_t started_ns; /* times are counted from here */
    uint64_t slices, spans, arrows;
};

/* `started_ns` 0: not known, times are counted from the first event. */
void events_begin(struct events *events, FILE *out, uint64_t started_ns);
void events_end(struct events *events, uint64_t requests, uint64_t lost);

/* The names of a source and its threads. */
void events_names(struct events *events, const struct trace_source *source);

/* A slice (X) of a thread. Must not overlap another, except one that is inside the other. */
void events_slice(struct events *events, const struct flight *flight, const struct part *part);

/* A span (b, e) beside the threads: may overlap anything. */
void events_span(struct events *events, const struct flight *flight, const struct part *part);

/* An arrow (s, t, f) from slice to slice: through the flight's exclusive parts. */
void events_arrow(struct events *events, const struct flight *flight);

/* A counter (C), named `what` and `name`, with `count` values. */
void events_counter(struct events *events, const struct trace_source *source, uint64_t at_ns,
                    const char *what, const char *name, unsigned count, const char *const *keys,
                    const uint64_t *values);

#endif
