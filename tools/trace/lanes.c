/* lanes.c: a heap, and a span a lane that waits for the next one. See lanes.h. */
#include "tools/trace/lanes.h"

#include "core/base/check.h"

#include <stdlib.h>

enum { FIRST_ROOM = 1024 };

static void lanes_grow(struct lanes *lanes);
static void lanes_place(struct lanes *lanes, const struct lane_span *span);
static void lanes_settle(struct lanes *lanes, struct lane *lane);
static bool settle_all(struct lanes *lanes);
static uint64_t lanes_length(const struct lane_span *span);
static struct lane_span take_first(struct lanes *lanes);

void lanes_init(struct lanes *lanes, unsigned lane_count, unsigned capacity,
                lanes_decide_fn *decide, void *to)
{
    *lanes =
        (struct lanes){.decide = decide, .to = to, .lane_count = lane_count, .capacity = capacity};
    lanes->lanes = must_calloc(lane_count + 1, sizeof *lanes->lanes);
}

void lanes_deinit(struct lanes *lanes)
{
    free(lanes->lanes);
    free(lanes->heap);
}

void lanes_put(struct lanes *lanes, const struct lane_span *span)
{
    CHECK(span->lane < lanes->lane_count && span->begin_ns < span->end_ns);
    if (lanes->count == lanes->capacity) {
        (void)lanes_advance(lanes);
    } else if (lanes->count == lanes->room) {
        lanes_grow(lanes);
    }
    unsigned i = lanes->count++;
    for (; i > 0 && span->begin_ns < lanes->heap[(i - 1) / 2].begin_ns; i = (i - 1) / 2) {
        lanes->heap[i] = lanes->heap[(i - 1) / 2];
    }
    lanes->heap[i] = *span;
}

bool lanes_advance(struct lanes *lanes)
{
    if (lanes->count == 0) {
        return settle_all(lanes);
    }
    struct lane_span first = take_first(lanes);
    lanes_place(lanes, &first);
    return true;
}

static void lanes_grow(struct lanes *lanes)
{
    unsigned room = lanes->room > 0 ? 2 * lanes->room : FIRST_ROOM;
    lanes->room = room < lanes->capacity ? room : lanes->capacity;
    lanes->heap = must_realloc(lanes->heap, lanes->room * sizeof *lanes->heap);
}

static void lanes_place(struct lanes *lanes, const struct lane_span *span)
{
    struct lane *lane = &lanes->lanes[span->lane];
    if (lane->waits && span->begin_ns >= lane->span.end_ns) {
        lanes_settle(lanes, lane);
    }
    bool late =
        span->begin_ns < lane->settled_ns || (lane->waits && span->begin_ns < lane->span.begin_ns);
    if (late || (lane->waits && lanes_length(span) >= lanes_length(&lane->span))) {
        lanes->decide(lanes->to, span, false);
        return;
    }
    struct lane_span was = lane->span;
    bool waited = lane->waits;
    lane->span = *span;
    lane->waits = true;
    if (waited) {
        lanes->decide(lanes->to, &was, false);
    }
}

static void lanes_settle(struct lanes *lanes, struct lane *lane)
{
    lane->waits = false;
    lane->settled_ns = lane->span.end_ns;
    lanes->decide(lanes->to, &lane->span, true);
}

static bool settle_all(struct lanes *lanes)
{
    bool some = false;
    for (unsigned i = 0; i < lanes->lane_count; i++) {
        if (lanes->lanes[i].waits) {
            lanes_settle(lanes, &lanes->lanes[i]);
            some = true;
        }
    }
    return some;
}

static uint64_t lanes_length(const struct lane_span *span)
{
    return span->end_ns - span->begin_ns;
}

/* The last one takes its place and sinks. */
static struct lane_span take_first(struct lanes *lanes)
{
    struct lane_span first = lanes->heap[0], last = lanes->heap[--lanes->count];
    unsigned i = 0;
    for (unsigned child = 1; child < lanes->count; child = 2 * i + 1) {
        if (child + 1 < lanes->count &&
            lanes->heap[child + 1].begin_ns < lanes->heap[child].begin_ns) {
            child++;
        }
        if (lanes->heap[child].begin_ns >= last.begin_ns) {
            break;
        }
        lanes->heap[i] = lanes->heap[child];
        i = child;
    }
    lanes->heap[i] = last;
    return first;
}
