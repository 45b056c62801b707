/* timeline.c: see timeline.h. */
#include "tools/trace/timeline.h"

#include "core/base/check.h"
#include "core/base/clock.h"
#include "tools/trace/summary.h"

#include <stdlib.h>

enum { ROW_FIRST_BIT = 6, ROWS_BITS = 2, NO_LABEL = 255 };

/* Two or three samples. */
static const uint64_t first_width_ns = 50 * NS_PER_MS;

static const enum interval heats[TIMELINE_HEATS] = {
    INTERVAL_SOCKET_WAIT, INTERVAL_READ,  INTERVAL_PROCESS_WAIT, INTERVAL_PROCESS,
    INTERVAL_WRITE_WAIT,  INTERVAL_WRITE, INTERVAL_TOTAL,
};

/* What is known of a source's last sample, and which label its queues and threads have. */
struct sampled {
    bool known;
    uint64_t at_ns;
    unsigned char *queue_label, *thread_label;
    uint64_t *awake_ns;
};

struct timeline {
    uint64_t origin_ns, width_ns;
    unsigned sources; /* that have samples */
    struct sampled source[TRACE_SOURCES_MAX];
    unsigned label_count;
    char labels[TIMELINE_LABELS][TRACE_NAME];
    struct timeline_column columns[TIMELINE_COLUMNS];
};

static struct timeline_column *column_at(struct timeline *timeline, uint64_t at_ns);
static void timeline_double_width(struct timeline *timeline);
static void add_column(struct timeline_column *to, const struct timeline_column *from);
static void begin_source(struct timeline *timeline, struct sampled *sampled,
                         const struct trace_source *source);
static unsigned char *find_labels(struct timeline *timeline, const struct name_list *names);
static unsigned char find_label(struct timeline *timeline, const char *name);
static void add_queues(struct timeline_column *column, const struct sampled *sampled,
                       const struct trace_sample *sample, const struct trace_sample_queue *queues,
                       double ns);
static void add_threads(struct timeline_column *column, struct sampled *sampled, unsigned count,
                        const uint64_t *awake_ns);
static void timeline_print_names(struct json *json, const struct timeline *timeline);
static void print_columns(struct json *json, const struct timeline *timeline);
static void print_column(struct json *json, const struct timeline *timeline,
                         const struct timeline_column *column);
static void print_heat(struct json *json, const uint32_t heat[TIMELINE_ROWS]);
static void print_samples(struct json *json, const struct timeline *timeline,
                          const struct timeline_column *column);

struct timeline *timeline_new(const struct trace_run *run)
{
    struct timeline *timeline = must_calloc(1, sizeof *timeline);
    timeline->origin_ns = run->started_ns;
    timeline->width_ns = first_width_ns;
    return timeline;
}

void timeline_free(struct timeline *timeline)
{
    for (unsigned i = 0; i < TRACE_SOURCES_MAX; i++) {
        free(timeline->source[i].queue_label);
        free(timeline->source[i].thread_label);
        free(timeline->source[i].awake_ns);
    }
    free(timeline);
}

unsigned timeline_row(uint64_t ns)
{
    if (ns >> ROW_FIRST_BIT == 0) {
        return 0;
    }
    unsigned top = 63u - (unsigned)__builtin_clzll(ns);
    unsigned below = (unsigned)(ns >> (top - ROWS_BITS)) & ((1u << ROWS_BITS) - 1);
    unsigned row = ((top - ROW_FIRST_BIT) << ROWS_BITS) + below;
    return row < TIMELINE_ROWS ? row : TIMELINE_ROWS - 1;
}

uint64_t timeline_row_low(unsigned row)
{
    uint64_t digits = (1u << ROWS_BITS) + (row & ((1u << ROWS_BITS) - 1));
    return digits << ((row >> ROWS_BITS) + ROW_FIRST_BIT - ROWS_BITS);
}

void timeline_request(struct timeline *timeline, const struct trace_record *request)
{
    int64_t intervals[INTERVAL_COUNT];
    if (request->last_sent_ns == 0) {
        return; /* cut: it did not end */
    }
    struct timeline_column *column = column_at(timeline, request->last_sent_ns);
    record_intervals(request, intervals);
    column->requests++;
    for (unsigned i = 0; i < TIMELINE_HEATS; i++) {
        if (intervals[heats[i]] >= 0) {
            column->heat[i][timeline_row((uint64_t)intervals[heats[i]])]++;
        }
    }
}

void timeline_sample(struct timeline *timeline, const struct trace_source *source,
                     const struct trace_sample *sample, const struct trace_sample_queue *queues,
                     const uint64_t *awake_ns)
{
    struct sampled *sampled = &timeline->source[source->number - 1];
    if (!sampled->known) {
        begin_source(timeline, sampled, source);
    } else if (sample->at_ns > sampled->at_ns) {
        const uint64_t *flow = sample->flow;
        double ns = (double)(sample->at_ns - sampled->at_ns);
        struct timeline_column *column = column_at(timeline, sample->at_ns);
        column->ns += ns;
        column->connections += (double)sample->connections * ns;
        column->in_flight +=
            ns * (double)(int64_t)(flow[TRACE_FLOW_BEGUN] - flow[TRACE_FLOW_ENDED] -
                                   flow[TRACE_FLOW_ABANDONED]);
        add_queues(column, sampled, sample, queues, ns);
        add_threads(column, sampled, sample->thread_count, awake_ns);
    }
    sampled->known = true;
    sampled->at_ns = sample->at_ns;
    memcpy(sampled->awake_ns, awake_ns, sample->thread_count * sizeof *awake_ns);
}

static struct timeline_column *column_at(struct timeline *timeline, uint64_t at_ns)
{
    uint64_t since_ns = at_ns > timeline->origin_ns ? at_ns - timeline->origin_ns : 0;
    while (since_ns / timeline->width_ns >= TIMELINE_COLUMNS) {
        timeline_double_width(timeline);
    }
    return &timeline->columns[since_ns / timeline->width_ns];
}

static void timeline_double_width(struct timeline *timeline)
{
    struct timeline_column *columns = timeline->columns;
    for (unsigned i = 0; i < TIMELINE_COLUMNS; i++) {
        struct timeline_column moved = columns[i];
        columns[i] = (struct timeline_column){0};
        add_column(&columns[i / 2], &moved);
    }
    timeline->width_ns *= 2;
}

static void add_column(struct timeline_column *to, const struct timeline_column *from)
{
    to->requests += from->requests;
    to->ns += from->ns;
    to->connections += from->connections;
    to->in_flight += from->in_flight;
    for (unsigned i = 0; i < TIMELINE_LABELS; i++) {
        uint32_t depth_max = from->label[i].depth_max;
        to->label[i].depth += from->label[i].depth;
        to->label[i].awake += from->label[i].awake;
        to->label[i].depth_max =
            depth_max > to->label[i].depth_max ? depth_max : to->label[i].depth_max;
    }
    for (unsigned i = 0; i < TIMELINE_HEATS; i++) {
        for (unsigned row = 0; row < TIMELINE_ROWS; row++) {
            to->heat[i][row] += from->heat[i][row];
        }
    }
}

/* Samples come behind the names, and have as many queues and threads (source.c sees to it). */
static void begin_source(struct timeline *timeline, struct sampled *sampled,
                         const struct trace_source *source)
{
    sampled->queue_label = find_labels(timeline, &source->queues);
    sampled->thread_label = find_labels(timeline, &source->threads);
    sampled->awake_ns = must_calloc(source->threads.count + 1, sizeof *sampled->awake_ns);
    timeline->sources++;
}

static unsigned char *find_labels(struct timeline *timeline, const struct name_list *names)
{
    unsigned char *labels = must_calloc(names->count + 1, 1);
    for (unsigned i = 0; i < names->count; i++) {
        labels[i] = find_label(timeline, names->at[i]);
    }
    return labels;
}

/* "q-P/3" and "P/3" are P. */
static unsigned char find_label(struct timeline *timeline, const char *name)
{
    char label[TRACE_NAME];
    const char *from = strncmp(name, "q-", 2) == 0 ? name + 2 : name;
    (void)snprintf(label, sizeof label, "%.*s", (int)strcspn(from, "/"), from);
    for (unsigned i = 0; i < timeline->label_count; i++) {
        if (strcmp(timeline->labels[i], label) == 0) {
            return (unsigned char)i;
        }
    }
    if (timeline->label_count == TIMELINE_LABELS) {
        return NO_LABEL;
    }
    memcpy(timeline->labels[timeline->label_count], label, sizeof label);
    return (unsigned char)timeline->label_count++;
}

static void add_queues(struct timeline_column *column, const struct sampled *sampled,
                       const struct trace_sample *sample, const struct trace_sample_queue *queues,
                       double ns)
{
    uint32_t depth[TIMELINE_LABELS] = {0};
    for (unsigned i = 0; i < sample->queue_count; i++) {
        unsigned label = sampled->queue_label[i];
        if (label != NO_LABEL) {
            depth[label] += queues[i].depth;
        }
    }
    for (unsigned i = 0; i < TIMELINE_LABELS; i++) {
        uint32_t *most = &column->label[i].depth_max;
        column->label[i].depth += depth[i] * ns;
        *most = depth[i] > *most ? depth[i] : *most;
    }
}

static void add_threads(struct timeline_column *column, struct sampled *sampled, unsigned count,
                        const uint64_t *awake_ns)
{
    for (unsigned i = 0; i < count; i++) {
        unsigned label = sampled->thread_label[i];
        if (label != NO_LABEL && awake_ns[i] > sampled->awake_ns[i]) {
            column->label[label].awake += (double)(awake_ns[i] - sampled->awake_ns[i]);
        }
    }
}

/* The columns from the first to the last in which a request ended: a server may have rested for long before
 * and after. All columns where there was none. */
static void find_requests(const struct timeline *timeline, unsigned *from, unsigned *end)
{
    *from = 0;
    *end = TIMELINE_COLUMNS;
    while (*end > 0 && timeline->columns[*end - 1].requests == 0) {
        (*end)--;
    }
    if (*end == 0) {
        *end = TIMELINE_COLUMNS;
        return;
    }
    while (timeline->columns[*from].requests == 0) {
        (*from)++;
    }
}

void timeline_to_json(struct json *json, const char *key, const struct timeline *timeline)
{
    struct timeline_column all = {0};
    unsigned from, end;
    find_requests(timeline, &from, &end);
    for (unsigned i = from; i < end; i++) {
        add_column(&all, &timeline->columns[i]);
    }
    json_begin_object(json, key);
    json_number(json, "width_ns", timeline->width_ns);
    json_number(json, "sources", timeline->sources);
    timeline_print_names(json, timeline);
    print_columns(json, timeline);
    json_number(json, "all_from", from);
    json_number(json, "all_end", end);
    json_begin_object(json, "all");
    print_samples(json, timeline, &all);
    json_end(json);
    json_end(json);
}

/* What the numbers in columns mean, by their place. */
static void timeline_print_names(struct json *json, const struct timeline *timeline)
{
    json_begin_array(json, "labels");
    for (unsigned i = 0; i < timeline->label_count; i++) {
        json_text(json, NULL, timeline->labels[i]);
    }
    json_end(json);
    json_begin_array(json, "heats");
    for (unsigned i = 0; i < TIMELINE_HEATS; i++) {
        json_text(json, NULL, interval_name(heats[i]));
    }
    json_end(json);
    json_begin_array(json, "row_lows_ns");
    for (unsigned i = 0; i < TIMELINE_ROWS; i++) {
        json_number(json, NULL, timeline_row_low(i));
    }
    json_end(json);
}

static bool is_empty(const struct timeline_column *column)
{
    return column->requests == 0 && column->ns <= 0;
}

/* To the last one in which there was something. */
static void print_columns(struct json *json, const struct timeline *timeline)
{
    unsigned count = TIMELINE_COLUMNS;
    while (count > 0 && is_empty(&timeline->columns[count - 1])) {
        count--;
    }
    json_begin_array(json, "columns");
    for (unsigned i = 0; i < count; i++) {
        print_column(json, timeline, &timeline->columns[i]);
    }
    json_end(json);
}

static void print_column(struct json *json, const struct timeline *timeline,
                         const struct timeline_column *column)
{
    json_begin_object(json, NULL);
    json_number(json, "requests", column->requests);
    print_samples(json, timeline, column);
    json_begin_array(json, "heat");
    for (unsigned i = 0; i < TIMELINE_HEATS; i++) {
        print_heat(json, column->heat[i]);
    }
    json_end(json);
    json_end(json);
}

/* [row, requests, row, requests, ...] of rows that have some. */
static void print_heat(struct json *json, const uint32_t heat[TIMELINE_ROWS])
{
    json_begin_array(json, NULL);
    for (unsigned row = 0; row < TIMELINE_ROWS; row++) {
        if (heat[row] != 0) {
            json_number(json, NULL, row);
            json_number(json, NULL, heat[row]);
        }
    }
    json_end(json);
}

/* Time averages, all processes together; without samples there are none. */
static void print_samples(struct json *json, const struct timeline *timeline,
                          const struct timeline_column *column)
{
    if (column->ns <= 0) {
        return;
    }
    double each = timeline->sources / column->ns;
    json_decimal(json, "connections", column->connections * each);
    json_decimal(json, "in_flight", column->in_flight * each);
    json_begin_array(json, "depth");
    for (unsigned i = 0; i < timeline->label_count; i++) {
        json_decimal(json, NULL, column->label[i].depth * each);
    }
    json_end(json);
    json_begin_array(json, "depth_max");
    for (unsigned i = 0; i < timeline->label_count; i++) {
        json_number(json, NULL, column->label[i].depth_max);
    }
    json_end(json);
    json_begin_array(json, "awake");
    for (unsigned i = 0; i < timeline->label_count; i++) {
        json_decimal(json, NULL, column->label[i].awake * each);
    }
    json_end(json);
}
