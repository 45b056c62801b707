/* lanes.h: which spans of work can be shown as slices of their thread, so that no two overlap.
 *
 * Why: a viewer takes slices of one thread for calls that nest, and draws nonsense where they
 * overlap. A thread does one thing at a time, but what is known of a request is when a stage began
 * and ended with it; between the two its thread may have waited and done others' work.
 *
 * Spans come in any order; a window of them is kept, sorted by their begin. Of two that overlap on
 * a lane the longer one is not exclusive: it went on while the thread did the other. One that comes
 * after its place in the order has been decided is not exclusive either. Each span is decided
 * exactly once. One thread.
 */
#ifndef TOOLS_TRACE_LANES_H
#define TOOLS_TRACE_LANES_H

#include <stdbool.h>
#include <stdint.h>

struct lane_span {
    uint64_t begin_ns, end_ns; /* end > begin */
    uint32_t lane;
    uint32_t ticket; /* the caller's */
};

typedef void lanes_decide_fn(void *to, const struct lane_span *span, bool exclusive);

struct lane {
    uint64_t settled_ns; /* the end of the last exclusive span */
    bool waits;          /* one waits to be decided: it overlaps nothing so far */
    struct lane_span span;
};

struct lanes {
    lanes_decide_fn *decide;
    void *to;
    unsigned lane_count;
    struct lane *lanes;
    unsigned capacity, count;
    unsigned room;          /* for so many there is memory; grows up to the capacity */
    struct lane_span *heap; /* the earliest begin first */
};

void lanes_init(struct lanes *lanes, unsigned lane_count, unsigned capacity,
                lanes_decide_fn *decide, void *to);
void lanes_deinit(struct lanes *lanes);

/* Makes room by deciding the earliest ones when the window is full. */
void lanes_put(struct lanes *lanes, const struct lane_span *span);

/* Takes the earliest span out of the window, which decides at least one span sooner or later; when
 * the window is empty decides all that wait. False when there is none left. */
bool lanes_advance(struct lanes *lanes);

#endif
