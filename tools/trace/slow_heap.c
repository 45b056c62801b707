/* slow_heap.c: see slow_heap.h. */
#include "tools/trace/slow_heap.h"

#include "core/base/check.h"

#include <stdlib.h>

static void slow_heap_rise(struct slow_heap *heap, unsigned i);
static void slow_heap_sink(struct slow_heap *heap, unsigned i);
static bool is_less(const struct slow *a, const struct slow *b);
static void slow_heap_swap(struct slow *a, struct slow *b);
static int by_total_falling(const void *a, const void *b);

struct slow_heap *slow_heap_new(unsigned wanted)
{
    struct slow_heap *heap = must_calloc(1, sizeof *heap + wanted * sizeof *heap->at);
    heap->wanted = wanted;
    return heap;
}

void slow_heap_put(struct slow_heap *heap, const struct trace_source *source,
                   const struct trace_record *request)
{
    if (request->first_byte_ns == 0 || request->last_sent_ns < request->first_byte_ns) {
        return;
    }
    struct slow slow = {request->last_sent_ns - request->first_byte_ns, source, *request};
    if (heap->count < heap->wanted) {
        heap->at[heap->count] = slow;
        slow_heap_rise(heap, heap->count++);
    } else if (is_less(&heap->at[0], &slow)) {
        heap->at[0] = slow;
        slow_heap_sink(heap, 0);
    }
}

void slow_heap_sort(struct slow_heap *heap)
{
    qsort(heap->at, heap->count, sizeof *heap->at, by_total_falling);
}

static void slow_heap_rise(struct slow_heap *heap, unsigned i)
{
    while (i > 0 && is_less(&heap->at[i], &heap->at[(i - 1) / 2])) {
        slow_heap_swap(&heap->at[i], &heap->at[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
}

static void slow_heap_sink(struct slow_heap *heap, unsigned i)
{
    for (unsigned child = 2 * i + 1; child < heap->count; child = 2 * i + 1) {
        if (child + 1 < heap->count && is_less(&heap->at[child + 1], &heap->at[child])) {
            child++;
        }
        if (!is_less(&heap->at[child], &heap->at[i])) {
            return;
        }
        slow_heap_swap(&heap->at[i], &heap->at[child]);
        i = child;
    }
}

/* Of two that took as long, the later one is less: so the choice does not depend on their order. */
static bool is_less(const struct slow *a, const struct slow *b)
{
    if (a->total_ns != b->total_ns) {
        return a->total_ns < b->total_ns;
    }
    if (a->source != b->source) {
        return a->source->number > b->source->number;
    }
    return a->request.request_id > b->request.request_id;
}

static void slow_heap_swap(struct slow *a, struct slow *b)
{
    struct slow was = *a;
    *a = *b;
    *b = was;
}

static int by_total_falling(const void *a, const void *b)
{
    return is_less(b, a) ? -1 : is_less(a, b);
}
