/* perfetto.c: the run in the JSON that the Perfetto viewer and Chromium's trace viewer open.
 *
 *   tracks     a process for each file, a thread for each thread
 *   slices     (X) what a thread did for a request: read, process, write; where it did all of it
 *              back to back, a slice "request" around the three
 *   spans      (b, e) beside the threads: parts in which a request waited for its client, and those
 *              that overlap others on their thread (lanes.h)
 *   arrows     (s, t, f) from slice to slice of a request
 *   counters   (C) depth of each queue, connections, requests in each stage, from the samples
 *
 * The format is in events.c. A request's events are written when each of its parts has been
 * decided, all at once; viewers sort by time. So memory is bounded by the requests that can be
 * undecided at a time.
 */
#include "tools/trace/run.h"

#include "core/base/check.h"
#include "tools/trace/events.h"
#include "tools/trace/flight.h"
#include "tools/trace/lanes.h"
#include "tools/trace/out_file.h"

#include <stdlib.h>

/* So many requests are kept to be put in order: those of some seconds under full load. A request
 * that took longer than that has come too late to be among the slices of its threads. */
enum { FLIGHTS = 1 << 18, FIRST_FLIGHTS = 1 << 10, INSIDE = 4 };

/* What the counters of a source showed last. */
struct counted {
    bool begun;
    uint64_t connections;
    uint64_t inside[INSIDE];
    uint32_t *depths;
};

struct perfetto {
    struct trace_run *run;
    struct out_file file;
    struct events events;
    struct lanes lanes; /* of all threads of all sources */
    unsigned first_lane[TRACE_SOURCES_MAX];
    struct counted counted[TRACE_SOURCES_MAX];
    struct flight *flights;
    unsigned flight_count;  /* a power of two, FLIGHTS at most */
    uint32_t *free_flights; /* a stack of those not in use */
    unsigned free_count;
};

static const char *perfetto_wrong(const char *argument);
static void *perfetto_begin(struct trace_run *run, const char *argument);
static void perfetto_request(void *state, const struct trace_source *source,
                             const struct trace_record *request);
static void perfetto_sample(void *state, const struct trace_source *source,
                            const struct trace_sample *sample,
                            const struct trace_sample_queue *queues, const uint64_t *busy_ns);
static int perfetto_end(void *state, struct trace_run *run);
static void perfetto_cancel(void *state);
static unsigned count_lanes(struct perfetto *perfetto);
static uint32_t take_flight(struct perfetto *perfetto);
static void more_flights(struct perfetto *perfetto);
static void perfetto_launch(struct perfetto *perfetto, uint32_t ticket);
static void launch_part(struct perfetto *perfetto, uint32_t ticket, unsigned i,
                        const struct part *part);
static void perfetto_decide(void *to, const struct lane_span *span, bool exclusive);
static void land_if_decided(struct perfetto *perfetto, uint32_t ticket);
static void perfetto_show(struct perfetto *perfetto, const struct flight *flight);
static void count_queues(struct perfetto *perfetto, const struct trace_source *source,
                         const struct trace_sample *sample,
                         const struct trace_sample_queue *queues);
static void count_connections(struct perfetto *perfetto, const struct trace_source *source,
                              const struct trace_sample *sample);
static void count_inside(struct perfetto *perfetto, const struct trace_source *source,
                         const struct trace_sample *sample);

const struct trace_verb trace_verb_perfetto = {
    .option = "--perfetto",
    .argument = "FILE",
    .help = "JSON for the Perfetto viewer: threads, slices, arrows, counters",
    .wrong = perfetto_wrong,
    .begin = perfetto_begin,
    .request = perfetto_request,
    .sample = perfetto_sample,
    .end = perfetto_end,
    .cancel = perfetto_cancel,
};

static const char *perfetto_wrong(const char *argument)
{
    return argument[0] == '\0' ? "a file is wanted" : NULL;
}

static void *perfetto_begin(struct trace_run *run, const char *argument)
{
    struct perfetto *perfetto = must_calloc(1, sizeof *perfetto);
    perfetto->run = run;
    lanes_init(&perfetto->lanes, count_lanes(perfetto), FLIGHTS * FLIGHT_PARTS, perfetto_decide,
               perfetto);
    if (!out_file_open(&perfetto->file, argument, run->err)) {
        perfetto_cancel(perfetto);
        return NULL;
    }
    events_begin(&perfetto->events, perfetto->file.out, run->started_ns);
    for (unsigned i = 0; i < run->source_count; i++) {
        events_names(&perfetto->events, &run->sources[i]);
    }
    return perfetto;
}

static void perfetto_request(void *state, const struct trace_source *source,
                             const struct trace_record *request)
{
    struct perfetto *perfetto = state;
    uint32_t ticket = take_flight(perfetto);
    flight_fill(&perfetto->flights[ticket], source, request);
    perfetto_launch(perfetto, ticket);
}

/* A counter is written where it differs from what it was. */
static void perfetto_sample(void *state, const struct trace_source *source,
                            const struct trace_sample *sample,
                            const struct trace_sample_queue *queues, const uint64_t *busy_ns)
{
    struct perfetto *perfetto = state;
    (void)busy_ns;
    count_queues(perfetto, source, sample, queues);
    count_connections(perfetto, source, sample);
    count_inside(perfetto, source, sample);
    perfetto->counted[source->number - 1].begun = true;
}

static int perfetto_end(void *state, struct trace_run *run)
{
    struct perfetto *perfetto = state;
    while (lanes_advance(&perfetto->lanes)) {
    }
    CHECK(perfetto->free_count == perfetto->flight_count);
    events_end(&perfetto->events, run->requests, run->lost);
    bool good = out_file_keep(&perfetto->file, run->err, &run->made_bytes);
    trace_run_report_lost(run, "they are not in the file");
    perfetto_cancel(perfetto);
    return good ? EXIT_SUCCESS : EXIT_WORLD;
}

static void perfetto_cancel(void *state)
{
    struct perfetto *perfetto = state;
    out_file_drop(&perfetto->file);
    lanes_deinit(&perfetto->lanes);
    for (unsigned i = 0; i < TRACE_SOURCES_MAX; i++) {
        free(perfetto->counted[i].depths);
    }
    free(perfetto->flights);
    free(perfetto->free_flights);
    free(perfetto);
}

/* Also notes where each source's lanes begin. */
static unsigned count_lanes(struct perfetto *perfetto)
{
    unsigned count = 0;
    for (unsigned i = 0; i < perfetto->run->source_count; i++) {
        const struct trace_source *source = &perfetto->run->sources[i];
        uint32_t **depths = &perfetto->counted[i].depths;
        *depths = must_calloc(source->queues.count + 1, sizeof **depths);
        perfetto->first_lane[i] = count;
        count += source->threads.count;
    }
    return count;
}

static uint32_t take_flight(struct perfetto *perfetto)
{
    if (perfetto->free_count == 0 && perfetto->flight_count < FLIGHTS) {
        more_flights(perfetto);
    }
    while (perfetto->free_count == 0) {
        CHECK(lanes_advance(&perfetto->lanes)); /* all flights are in there */
    }
    return perfetto->free_flights[--perfetto->free_count];
}

/* Twice as many; the new ones are free. */
static void more_flights(struct perfetto *perfetto)
{
    unsigned before = perfetto->flight_count;
    unsigned count = before > 0 ? 2 * before : FIRST_FLIGHTS;
    perfetto->flights = must_realloc(perfetto->flights, count * sizeof *perfetto->flights);
    perfetto->free_flights =
        must_realloc(perfetto->free_flights, count * sizeof *perfetto->free_flights);
    for (uint32_t i = before; i < count; i++) {
        perfetto->free_flights[perfetto->free_count++] = i;
    }
    perfetto->flight_count = count;
}

static void perfetto_launch(struct perfetto *perfetto, uint32_t ticket)
{
    struct flight *flight = &perfetto->flights[ticket];
    flight->undecided = 1; /* so that it does not land before all of it is launched */
    if (flight->together) {
        struct part whole = flight_whole(flight);
        launch_part(perfetto, ticket, 0, &whole);
    } else {
        for (unsigned i = 0; i < flight->part_count; i++) {
            launch_part(perfetto, ticket, i, &flight->parts[i]);
        }
    }
    flight->undecided--;
    land_if_decided(perfetto, ticket);
}

static void launch_part(struct perfetto *perfetto, uint32_t ticket, unsigned i,
                        const struct part *part)
{
    struct flight *flight = &perfetto->flights[ticket];
    if (part->blocked_us > 0 || part->thread >= flight->source->threads.count) {
        return; /* not exclusive */
    }
    flight->undecided++;
    uint32_t first_lane = perfetto->first_lane[flight->source->number - 1];
    lanes_put(&perfetto->lanes, &(struct lane_span){.begin_ns = part->begin_ns,
                                                    .end_ns = part->end_ns,
                                                    .lane = first_lane + part->thread,
                                                    .ticket = ticket * FLIGHT_PARTS + i});
}

static void perfetto_decide(void *to, const struct lane_span *span, bool exclusive)
{
    struct perfetto *perfetto = to;
    uint32_t ticket = span->ticket / FLIGHT_PARTS;
    struct flight *flight = &perfetto->flights[ticket];
    flight->exclusive[span->ticket % FLIGHT_PARTS] = exclusive;
    flight->undecided--;
    land_if_decided(perfetto, ticket);
}

static void land_if_decided(struct perfetto *perfetto, uint32_t ticket)
{
    const struct flight *flight = &perfetto->flights[ticket];
    if (flight->undecided == 0) {
        perfetto_show(perfetto, flight);
        perfetto->free_flights[perfetto->free_count++] = ticket;
    }
}

static void perfetto_show(struct perfetto *perfetto, const struct flight *flight)
{
    struct events *events = &perfetto->events;
    if (flight->together) {
        struct part whole = flight_whole(flight);
        if (!flight->exclusive[0]) {
            events_span(events, flight, &whole);
            return;
        }
        events_slice(events, flight, &whole);
    }
    for (unsigned i = 0; i < flight->part_count; i++) {
        if (flight->together || flight->exclusive[i]) {
            events_slice(events, flight, &flight->parts[i]);
        } else {
            events_span(events, flight, &flight->parts[i]);
        }
    }
    if (!flight->together) {
        events_arrow(events, flight);
    }
}

static void count_queues(struct perfetto *perfetto, const struct trace_source *source,
                         const struct trace_sample *sample, const struct trace_sample_queue *queues)
{
    static const char *const key = "depth";
    struct counted *counted = &perfetto->counted[source->number - 1];
    for (unsigned i = 0; i < sample->queue_count; i++) {
        uint64_t depth = queues[i].depth;
        if (!counted->begun || counted->depths[i] != depth) {
            events_counter(&perfetto->events, source, sample->at_ns, "queue ",
                           name_list_get(&source->queues, i), 1, &key, &depth);
        }
        counted->depths[i] = queues[i].depth;
    }
}

static void count_connections(struct perfetto *perfetto, const struct trace_source *source,
                              const struct trace_sample *sample)
{
    static const char *const key = "open";
    struct counted *counted = &perfetto->counted[source->number - 1];
    if (!counted->begun || counted->connections != sample->connections) {
        counted->connections = sample->connections;
        events_counter(&perfetto->events, source, sample->at_ns, "connections", "", 1, &key,
                       &counted->connections);
    }
}

/* How many requests are in each stage; see enum trace_flow why a difference can be negative. */
static void count_inside(struct perfetto *perfetto, const struct trace_source *source,
                         const struct trace_sample *sample)
{
    static const char *const keys[INSIDE] = {"read", "process.wait", "process", "write"};
    struct counted *counted = &perfetto->counted[source->number - 1];
    const uint64_t *flow = sample->flow;
    const uint64_t inside[INSIDE] = {
        flow[TRACE_FLOW_BEGUN] - flow[TRACE_FLOW_WHOLE] - flow[TRACE_FLOW_ABANDONED],
        flow[TRACE_FLOW_WHOLE] - flow[TRACE_FLOW_STARTED],
        flow[TRACE_FLOW_STARTED] - flow[TRACE_FLOW_HANDED],
        flow[TRACE_FLOW_HANDED] - flow[TRACE_FLOW_ENDED],
    };
    bool changed = !counted->begun;
    for (unsigned i = 0; i < INSIDE; i++) {
        uint64_t now = (int64_t)inside[i] > 0 ? inside[i] : 0;
        changed = changed || counted->inside[i] != now;
        counted->inside[i] = now;
    }
    if (changed) {
        events_counter(&perfetto->events, source, sample->at_ns, "requests in", "", INSIDE, keys,
                       counted->inside);
    }
}
