/* A run over time in bounded memory: rows of latency, columns that double, groups by their
 * names. */
#include "tools/trace/timeline.h"

#include "core/base/clock.h"
#include "tests/test.h"
#include "core/base/json_read.h"

#include <stdlib.h>

static struct trace_run run = {.started_ns = 1000 * NS_PER_S};
/* The timeline as JSON, until the next call; frees it. */
static const json_t *shown(struct timeline *timeline)
{
    static json_t *root;
    char *text, error[JSON_READ_ERROR];
    size_t len;
    struct json json;
    FILE *out = open_memstream(&text, &len);
    json_begin(&json, out);
    timeline_to_json(&json, NULL, timeline);
    fclose(out);
    timeline_free(timeline);
    json_decref(root);
    root = json_read((struct bytes){text, len}, error);
    expect_msg(root != NULL, "%s", error);
    free(text);
    return root;
}

static const json_t *member(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    expect_msg(value != NULL, "no %s", key);
    return value;
}

static const json_t *element(const json_t *list, unsigned index)
{
    const json_t *value = json_array_get(list, index);
    expect_msg(value != NULL, "no element %u", index);
    return value;
}

static unsigned count_of(const json_t *list)
{
    return (unsigned)json_array_size(list);
}

/* One that took 300 ns in all and ended that long after the start. */
static void put_request(struct timeline *timeline, uint64_t after_ns)
{
    uint64_t end_ns = run.started_ns + after_ns;
    timeline_request(timeline, &(struct trace_record){.first_byte_ns = end_ns - 300,
                                                      .whole_ns = end_ns - 300,
                                                      .started_ns = end_ns - 300,
                                                      .handed_ns = end_ns - 300,
                                                      .writer_ns = end_ns - 300,
                                                      .first_sent_ns = end_ns,
                                                      .last_sent_ns = end_ns,
                                                      .kind = TRACE_REQUEST});
}

TEST(timeline, has_four_rows_for_each_doubling)
{
    for (uint64_t ns = 64; ns < 1ull << 35; ns += 1 + ns / 50) {
        unsigned row = timeline_row(ns);
        expect_msg(timeline_row_low(row) <= ns && ns < timeline_row_low(row + 1), "%llu in row %u",
                   (unsigned long long)ns, row);
    }
    expect_int(timeline_row_low(timeline_row(1 << 20)), 1 << 20);
    expect_int(timeline_row(1 << 20) + 4, timeline_row(2 << 20));
}

TEST(timeline, keeps_the_shortest_and_the_longest_in_the_outer_rows)
{
    expect_int(timeline_row(0), 0);
    expect_int(timeline_row(63), 0);
    expect_int(timeline_row(UINT64_MAX), TIMELINE_ROWS - 1);
}

TEST(timeline, loses_no_request_when_columns_double)
{
    struct timeline *timeline = timeline_new(&run);
    enum { REQUESTS = 1000 };
    for (unsigned i = 0; i < REQUESTS; i++) {
        put_request(timeline, i * NS_PER_S);
    }
    const json_t *json = shown(timeline), *columns = member(json, "columns");
    uint64_t requests = 0, in_row = 0, width_ns = json_read_number(member(json, "width_ns"));
    unsigned count = count_of(columns);
    for (unsigned i = 0; i < count; i++) {
        const json_t *column = element(columns, i), *heat = element(member(column, "heat"), 5);
        requests += json_read_number(member(column, "requests"));
        expect_int(json_read_number(element(heat, 0)), timeline_row(300));
        in_row += json_read_number(element(heat, 1));
    }
    expect_int(requests, REQUESTS);
    expect_int(in_row, REQUESTS);
    expect(count <= TIMELINE_COLUMNS && count > TIMELINE_COLUMNS / 2 - 2);
    expect((count - 1) * width_ns <= (REQUESTS - 1) * NS_PER_S);
    expect(count * width_ns > (REQUESTS - 1) * NS_PER_S);
}

TEST(timeline, takes_a_stamp_from_nowhere)
{
    struct timeline *timeline = timeline_new(&run);
    put_request(timeline, UINT64_MAX - run.started_ns - 5);
    put_request(timeline, 0 - run.started_ns + 400); /* before the run */
    unsigned count = count_of(member(shown(timeline), "columns"));
    expect(count > TIMELINE_COLUMNS / 2 && count <= TIMELINE_COLUMNS);
}

/* --- samples --- */

static char queue_names[][TRACE_NAME] = {"accept", "R/0", "R/1", "P"};
static char thread_names[][TRACE_NAME] = {"q-R/0", "q-R/1", "q-P"};

static void put_sample(struct timeline *timeline, struct trace_source *source, unsigned at_ms,
                       uint32_t depth, uint64_t awake_ms)
{
    struct trace_sample sample = {.at_ns = run.started_ns + at_ms * NS_PER_MS,
                                  .connections = 7,
                                  .flow = {20, 20, 19, 18, 16, 1},
                                  .queue_count = 4,
                                  .thread_count = 3};
    struct trace_sample_queue queues[] = {{0, 0, 0}, {9, depth, 9}, {9, 1, 9}, {9, 0, 9}};
    uint64_t awake_ns[] = {awake_ms * NS_PER_MS, awake_ms * NS_PER_MS / 2, 0};
    timeline_sample(timeline, source, &sample, queues, awake_ns);
}

static void expect_real(const json_t *value, double wanted)
{
    double real = json_number_value(value);
    expect_msg(real > wanted - 1e-9 && real < wanted + 1e-9, "%g, not %g", real, wanted);
}

TEST(timeline, leaves_the_rest_before_and_behind_the_requests_out_of_its_means)
{
    struct trace_source source = {
        .number = 1, .queues = {4, queue_names}, .threads = {3, thread_names}};
    struct timeline *timeline = timeline_new(&run);
    for (unsigned at_ms = 1000; at_ms <= 60000; at_ms += 500) {
        put_sample(timeline, &source, at_ms, at_ms >= 20000 && at_ms <= 40000 ? 99 : 0, at_ms);
    }
    put_request(timeline, 25 * NS_PER_S);
    put_request(timeline, 30 * NS_PER_S);
    const json_t *json = shown(timeline), *all = member(json, "all");
    expect_real(element(member(all, "depth"), 1), 100);
    int width_ms = (int)(json_integer_value(member(json, "width_ns")) / NS_PER_MS);
    expect_int(json_integer_value(member(json, "all_from")), 25000 / width_ms);
    expect_int(json_integer_value(member(json, "all_end")), 30000 / width_ms + 1);
}

TEST(timeline, adds_the_queues_and_threads_of_a_group_up)
{
    struct trace_source source = {
        .number = 1, .queues = {4, queue_names}, .threads = {3, thread_names}};
    struct timeline *timeline = timeline_new(&run);
    put_sample(timeline, &source, 20, 100, 500); /* the first one only marks where time begins */
    put_sample(timeline, &source, 40, 3, 520);
    put_sample(timeline, &source, 60, 0, 520);
    const json_t *json = shown(timeline), *all = member(json, "all");
    char label[TRACE_NAME];
    (void)json_read_text(element(member(json, "labels"), 1), label, sizeof label);
    expect_text(label, "R");
    expect_int(count_of(member(json, "labels")), 3);
    expect_real(element(member(all, "depth"), 1), 2.5);
    expect_real(element(member(all, "depth_max"), 1), 4);
    expect_real(element(member(all, "awake"), 1), 0.75);
    expect_real(element(member(all, "awake"), 2), 0);
    expect_real(member(all, "connections"), 7);
    expect_real(member(all, "in_flight"), 3);
}

TEST(timeline, adds_processes_up)
{
    struct trace_source one = {
        .number = 1, .queues = {4, queue_names}, .threads = {3, thread_names}};
    struct trace_source two = {
        .number = 2, .queues = {4, queue_names}, .threads = {3, thread_names}};
    struct timeline *timeline = timeline_new(&run);
    put_sample(timeline, &one, 20, 1, 0);
    put_sample(timeline, &two, 20, 1, 0);
    put_sample(timeline, &one, 40, 1, 0);
    put_sample(timeline, &two, 40, 1, 0);
    const json_t *json = shown(timeline), *all = member(json, "all");
    expect_int(json_read_number(member(json, "sources")), 2);
    expect_real(member(all, "connections"), 14);
    expect_real(element(member(all, "depth"), 1), 4);
}

TEST(timeline, says_nothing_of_samples_where_there_are_none)
{
    struct timeline *timeline = timeline_new(&run);
    put_request(timeline, NS_PER_S);
    const json_t *json = shown(timeline);
    expect(json_object_get(member(json, "all"), "depth") == NULL);
    expect_int(json_read_number(member(json, "sources")), 0);
}
