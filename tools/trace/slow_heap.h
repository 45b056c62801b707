/* slow_heap.h: the requests that took longest in all, in bounded memory. */
#ifndef TOOLS_TRACE_SLOW_HEAP_H
#define TOOLS_TRACE_SLOW_HEAP_H

#include "tools/trace/source.h"

struct slow {
    uint64_t total_ns;
    const struct trace_source *source;
    struct trace_record request;
};

/* A heap whose first one is the shortest: a request that is longer takes its place. */
struct slow_heap {
    unsigned wanted, count;
    struct slow at[]; /* `wanted` */
};

/* For so many. The caller frees it with free(). */
struct slow_heap *slow_heap_new(unsigned wanted);
/* One that did not come to its end has no total and is passed over. */
void slow_heap_put(struct slow_heap *heap, const struct trace_source *source,
                   const struct trace_record *request);
/* Once all are in: the longest first. */
void slow_heap_sort(struct slow_heap *heap);

#endif
