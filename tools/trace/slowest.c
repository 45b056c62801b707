/* slowest.c: the journeys of those requests that took longest in all. Kept in a heap whose first
 * one is the shortest: a request that is longer takes its place. */
#include "tools/trace/run.h"

#include "core/check.h"
#include "tools/trace/journey.h"

#include <stdlib.h>

enum { SLOWEST_MOST = 1000 };

struct slow {
    uint64_t total_ns;
    const struct trace_source *source;
    struct trace_record request;
};

struct slowest {
    unsigned wanted, count;
    struct slow at[]; /* `wanted` */
};

static const char *slowest_wrong(const char *argument);
static void *slowest_begin(struct trace_run *run, const char *argument);
static void slowest_request(void *state, const struct trace_source *source,
                            const struct trace_record *request);
static int slowest_end(void *state, struct trace_run *run);
static void rise(struct slowest *slowest, unsigned i);
static void sink(struct slowest *slowest, unsigned i);
static bool is_less(const struct slow *a, const struct slow *b);
static void swap(struct slow *a, struct slow *b);
static int by_total_falling(const void *a, const void *b);

const struct trace_verb trace_verb_slowest = {
    .option = "--slowest",
    .argument = "N",
    .help = "the journeys of the N requests that took longest, a line each",
    .wrong = slowest_wrong,
    .begin = slowest_begin,
    .request = slowest_request,
    .end = slowest_end,
    .cancel = free,
};

static const char *slowest_wrong(const char *argument)
{
    char *end;
    unsigned long wanted = strtoul(argument, &end, 10);
    bool good = argument[0] >= '0' && argument[0] <= '9' && *end == '\0' && wanted >= 1 &&
                wanted <= SLOWEST_MOST;
    return good ? NULL : "a number from 1 to 1000 is wanted";
}

static void *slowest_begin(struct trace_run *run, const char *argument)
{
    unsigned wanted = (unsigned)strtoul(argument, NULL, 10); /* slowest_wrong has seen it */
    struct slowest *slowest = must_calloc(1, sizeof *slowest + wanted * sizeof *slowest->at);
    (void)run;
    slowest->wanted = wanted;
    return slowest;
}

static void slowest_request(void *state, const struct trace_source *source,
                            const struct trace_record *request)
{
    struct slowest *slowest = state;
    if (request->first_byte_ns == 0 || request->last_sent_ns < request->first_byte_ns) {
        return; /* it did not come to its end: no total */
    }
    struct slow slow = {request->last_sent_ns - request->first_byte_ns, source, *request};
    if (slowest->count < slowest->wanted) {
        slowest->at[slowest->count] = slow;
        rise(slowest, slowest->count++);
    } else if (is_less(&slowest->at[0], &slow)) {
        slowest->at[0] = slow;
        sink(slowest, 0);
    }
}

static int slowest_end(void *state, struct trace_run *run)
{
    struct slowest *slowest = state;
    unsigned width = 0;
    qsort(slowest->at, slowest->count, sizeof *slowest->at, by_total_falling);
    for (unsigned i = 0; i < slowest->count; i++) {
        unsigned own = journey_width(slowest->at[i].source, &slowest->at[i].request);
        width = own > width ? own : width;
    }
    journey_print_legend(run->out);
    for (unsigned i = 0; i < slowest->count; i++) {
        journey_print(run->out, slowest->at[i].source, &slowest->at[i].request, width);
    }
    trace_run_tell_lost(run, "they may have taken longer");
    free(slowest);
    return EXIT_SUCCESS;
}

static void rise(struct slowest *slowest, unsigned i)
{
    while (i > 0 && is_less(&slowest->at[i], &slowest->at[(i - 1) / 2])) {
        swap(&slowest->at[i], &slowest->at[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
}

static void sink(struct slowest *slowest, unsigned i)
{
    for (unsigned child = 2 * i + 1; child < slowest->count; child = 2 * i + 1) {
        if (child + 1 < slowest->count && is_less(&slowest->at[child + 1], &slowest->at[child])) {
            child++;
        }
        if (!is_less(&slowest->at[child], &slowest->at[i])) {
            return;
        }
        swap(&slowest->at[i], &slowest->at[child]);
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

static void swap(struct slow *a, struct slow *b)
{
    struct slow was = *a;
    *a = *b;
    *b = was;
}

static int by_total_falling(const void *a, const void *b)
{
    return is_less(b, a) ? -1 : is_less(a, b);
}
