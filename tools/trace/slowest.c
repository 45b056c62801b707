/* slowest.c: the journeys of those requests that took longest in all. */
#include "tools/trace/run.h"

#include "core/base/check.h"
#include "tools/trace/journey.h"
#include "tools/trace/slow_heap.h"

#include <stdlib.h>

enum { SLOWEST_MOST = 1000 };

static const char *slowest_wrong(const char *argument);
static void *slowest_begin(struct trace_run *run, const char *argument);
static void slowest_request(void *state, const struct trace_source *source,
                            const struct trace_record *request);
static int slowest_end(void *state, struct trace_run *run);

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
    (void)run;
    return slow_heap_new((unsigned)strtoul(argument, NULL, 10)); /* slowest_wrong has seen it */
}

static void slowest_request(void *state, const struct trace_source *source,
                            const struct trace_record *request)
{
    slow_heap_put(state, source, request);
}

static int slowest_end(void *state, struct trace_run *run)
{
    struct slow_heap *slowest = state;
    unsigned width = 0;
    slow_heap_sort(slowest);
    for (unsigned i = 0; i < slowest->count; i++) {
        unsigned own = journey_width(slowest->at[i].source, &slowest->at[i].request);
        width = own > width ? own : width;
    }
    journey_print_legend(run->out);
    for (unsigned i = 0; i < slowest->count; i++) {
        journey_print(run->out, slowest->at[i].source, &slowest->at[i].request, width);
    }
    trace_run_report_lost(run, "they may have taken longer");
    free(slowest);
    return EXIT_SUCCESS;
}
