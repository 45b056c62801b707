/* report_json.c: a report as JSON, and back. See report.h.
 *
 * Keys are the words of the .def lists, so that a new counter, interval or close reason appears by
 * itself and an older reader passes over it.
 */
#include "core/report/report.h"

#include "core/base/check.h"
#include "core/base/json.h"
#include "core/base/json_view.h"

static void report_put_counts(struct json *json, const char *key, const _Atomic uint64_t *counts,
                              unsigned n, const char *(*name)(unsigned))
{
    json_object(json, key);
    for (unsigned i = 0; i < n; i++) {
        json_number(json, name(i), atomic_load_explicit(&counts[i], memory_order_relaxed));
    }
    json_end(json);
}

static const char *name_of_counter(unsigned i)
{
    return counter_name(i);
}

static const char *name_of_close_reason(unsigned i)
{
    return close_reason_name(i);
}

static const char *name_of_status(unsigned i)
{
    static const char *const names[] = {"other", "1xx", "2xx", "3xx", "4xx", "5xx"};
    return names[i];
}

/* The counters of the points that a request passes, by those points' names. */
static void report_put_flow(struct json *json, const struct tally *tally)
{
    static const struct {
        const char *name;
        enum counter counter;
    } points[] = {
        {"begun", COUNTER_BEGUN},   {"whole", COUNTER_WHOLE},    {"started", COUNTER_STARTED},
        {"handed", COUNTER_HANDED}, {"ended", COUNTER_REQUESTS}, {"abandoned", COUNTER_ABANDONED},
    };
    json_object(json, "flow");
    for (unsigned i = 0; i < sizeof points / sizeof *points; i++) {
        uint64_t n =
            atomic_load_explicit(&tally->counters[points[i].counter], memory_order_relaxed);
        json_number(json, points[i].name, n);
    }
    json_end(json);
}

static void report_put_buckets(struct json *json, const struct histogram *histogram)
{
    bool some = atomic_load_explicit(&histogram->count, memory_order_relaxed) != 0;
    json_array(json, "buckets");
    for (unsigned i = 0; some && i < HISTOGRAM_BUCKETS; i++) {
        uint64_t n = atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
        if (n != 0) {
            json_array(json, NULL);
            json_number(json, NULL, histogram_bucket_high(i));
            json_number(json, NULL, n);
            json_end(json);
        }
    }
    json_end(json);
}

static void report_put_histogram(struct json *json, const char *key,
                                 const struct histogram *histogram)
{
    json_object(json, key);
    json_number(json, "count", atomic_load_explicit(&histogram->count, memory_order_relaxed));
    json_number(json, "sum", atomic_load_explicit(&histogram->sum, memory_order_relaxed));
    json_real(json, "mean", histogram_mean(histogram));
    json_number(json, "p50", histogram_percentile(histogram, 0.5));
    json_number(json, "p90", histogram_percentile(histogram, 0.9));
    json_number(json, "p99", histogram_percentile(histogram, 0.99));
    json_number(json, "p999", histogram_percentile(histogram, 0.999));
    json_number(json, "max", atomic_load_explicit(&histogram->max, memory_order_relaxed));
    report_put_buckets(json, histogram);
    json_end(json);
}

static void report_put_tally(struct json *json, const struct tally *tally)
{
    report_put_counts(json, "counters", tally->counters, COUNTER_COUNT, name_of_counter);
    report_put_counts(json, "close_reasons", tally->closed, CLOSE_REASON_COUNT,
                      name_of_close_reason);
    report_put_counts(json, "statuses", tally->statuses, 6, name_of_status);
    report_put_flow(json, tally);
    json_object(json, "intervals_ns");
    for (unsigned i = 0; tally->intervals != NULL && i < INTERVAL_COUNT; i++) {
        report_put_histogram(json, interval_name(i), &tally->intervals[i]);
    }
    json_end(json);
}

static void report_put_group(struct json *json, const struct group_report *group)
{
    json_object(json, NULL);
    json_text(json, "letters", group->letters);
    json_text(json, "kind", group->kind);
    json_number(json, "threads", group->threads);
    json_bool(json, "in_turn", group->in_turn);
    json_end(json);
}

static void report_put_way(struct json *json, const struct way_report *way)
{
    json_object(json, NULL);
    json_number(json, "from", way->from);
    json_number(json, "to", way->to);
    json_text(json, "kind", way->kind);
    json_end(json);
}

static void report_put_wiring(struct json *json, const struct report *report)
{
    json_array(json, "groups");
    for (unsigned i = 0; i < report->group_count; i++) {
        report_put_group(json, &report->groups[i]);
    }
    json_end(json);
    json_array(json, "ways");
    for (unsigned i = 0; i < report->way_count; i++) {
        report_put_way(json, &report->ways[i]);
    }
    json_end(json);
}

static void report_put_queue(struct json *json, const struct queue_report *queue)
{
    json_object(json, NULL);
    json_text(json, "name", queue->name);
    json_number(json, "group", queue->group);
    json_bool(json, "accept", queue->accept);
    json_number(json, "depth", queue->depth);
    json_number(json, "depth_max", queue->depth_max);
    json_number(json, "bound", queue->bound);
    json_number(json, "put", queue->put);
    json_number(json, "refused", queue->refused);
    json_number(json, "rung", queue->rung);
    json_number(json, "elided", queue->elided);
    report_put_histogram(json, "wait_ns", &queue->wait);
    report_put_histogram(json, "wakeup_ns", &queue->wakeup);
    report_put_histogram(json, "batch", &queue->batch);
    report_put_histogram(json, "sampled_wait_ns", &queue->sampled_wait);
    report_put_histogram(json, "cpu_wait_ns", &queue->cpu_wait);
    json_end(json);
}

static void report_put_queues(struct json *json, const struct report *report)
{
    json_array(json, "queues");
    for (unsigned i = 0; i < report->queue_count; i++) {
        report_put_queue(json, &report->queues[i]);
    }
    json_end(json);
}

static void report_put_thread(struct json *json, const struct thread_report *thread)
{
    json_object(json, NULL);
    json_text(json, "name", thread->name);
    json_number(json, "group", thread->group);
    json_bool(json, "idle", thread->idle);
    json_number(json, "wall_ns", thread->wall_ns);
    json_number(json, "busy_ns", thread->busy_ns);
    json_number(json, "cpu_ns", thread->cpu_ns);
    json_number(json, "runqueue_ns", thread->runqueue_ns);
    json_number(json, "voluntary", thread->voluntary);
    json_number(json, "involuntary", thread->involuntary);
    json_number(json, "turns", thread->turns);
    json_end(json);
}

static void report_put_threads(struct json *json, const struct report *report)
{
    json_number(json, "threads_unused", report->threads_unused);
    json_array(json, "threads");
    for (unsigned i = 0; i < report->thread_count; i++) {
        report_put_thread(json, &report->threads[i]);
    }
    json_end(json);
}

void report_to_json(FILE *out, const struct report *report)
{
    struct json json;
    json_begin(&json, out);
    json_object(&json, NULL);
    json_number(&json, "wall_ns", report->wall_ns);
    json_number(&json, "connections", report->connections);
    report_put_tally(&json, &report->tally);
    report_put_wiring(&json, report);
    report_put_queues(&json, report);
    report_put_threads(&json, report);
    json_end(&json);
}

static uint64_t report_get_number(struct bytes text, const char *key)
{
    struct bytes value;
    return json_view_member(text, key, &value) ? json_view_number(value) : 0;
}

static void report_get_counts(struct bytes text, const char *key, _Atomic uint64_t *counts,
                              unsigned n, const char *(*name)(unsigned))
{
    struct bytes object;
    if (!json_view_member(text, key, &object)) {
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        counts[i] = report_get_number(object, name(i));
    }
}

/* The percentiles are not read: they follow from the buckets. */
static void report_get_histogram(struct bytes text, const char *key, struct histogram *histogram)
{
    struct bytes object, buckets, name, pair;
    if (!json_view_member(text, key, &object)) {
        return;
    }
    histogram->count = report_get_number(object, "count");
    histogram->sum = report_get_number(object, "sum");
    histogram->max = report_get_number(object, "max");
    (void)json_view_member(object, "buckets", &buckets); /* empty when missing */
    while (json_view_next(&buckets, &name, &pair)) {
        struct bytes high = {0}, count = {0};
        if (json_view_next(&pair, &name, &high) && json_view_next(&pair, &name, &count)) {
            unsigned bucket = histogram_bucket(json_view_number(high));
            histogram_bump(&histogram->buckets[bucket], json_view_number(count));
        }
    }
}

static void report_get_tally(struct tally *tally, struct bytes text)
{
    struct bytes intervals;
    report_get_counts(text, "counters", tally->counters, COUNTER_COUNT, name_of_counter);
    report_get_counts(text, "close_reasons", tally->closed, CLOSE_REASON_COUNT,
                      name_of_close_reason);
    report_get_counts(text, "statuses", tally->statuses, 6, name_of_status);
    if (json_view_member(text, "intervals_ns", &intervals)) {
        for (unsigned i = 0; i < INTERVAL_COUNT; i++) {
            report_get_histogram(intervals, interval_name(i), &tally->intervals[i]);
        }
    }
}

/* How many members an array has, as far as they are taken; none when it is missing. */
static unsigned report_get_list(struct bytes text, const char *key, struct bytes *list)
{
    struct bytes name, value;
    unsigned count = 0;
    if (!json_view_member(text, key, list)) {
        return 0;
    }
    struct bytes rest = *list;
    while (count < REPORT_LIST_MAX && json_view_next(&rest, &name, &value)) {
        count++;
    }
    return count;
}

static void report_get_text(struct bytes text, const char *key, char *out, size_t size)
{
    struct bytes value;
    if (json_view_member(text, key, &value)) {
        (void)json_view_text(value, out, size);
    }
}

static bool report_get_bool(struct bytes text, const char *key)
{
    struct bytes value;
    return json_view_member(text, key, &value) && bytes_equal(bytes_trim(value), BYTES("true"));
}

static void report_get_group(struct group_report *group, struct bytes text)
{
    report_get_text(text, "letters", group->letters, sizeof group->letters);
    report_get_text(text, "kind", group->kind, sizeof group->kind);
    group->threads = (unsigned)report_get_number(text, "threads");
    group->in_turn = report_get_bool(text, "in_turn");
}

static void report_get_way(struct way_report *way, struct bytes text)
{
    way->from = (unsigned)report_get_number(text, "from");
    way->to = (unsigned)report_get_number(text, "to");
    report_get_text(text, "kind", way->kind, sizeof way->kind);
}

static void report_get_wiring(struct report *report, struct bytes text)
{
    struct bytes list, key, value;
    report->group_count = report_get_list(text, "groups", &list);
    report->groups = must_calloc(report->group_count + 1, sizeof *report->groups);
    for (unsigned i = 0; i < report->group_count && json_view_next(&list, &key, &value); i++) {
        report_get_group(&report->groups[i], value);
    }
    report->way_count = report_get_list(text, "ways", &list);
    report->ways = must_calloc(report->way_count + 1, sizeof *report->ways);
    for (unsigned i = 0; i < report->way_count && json_view_next(&list, &key, &value); i++) {
        report_get_way(&report->ways[i], value);
    }
}

static void report_get_queue(struct queue_report *queue, struct bytes text)
{
    report_get_text(text, "name", queue->name, sizeof queue->name);
    queue->group = (unsigned)report_get_number(text, "group");
    queue->accept = report_get_bool(text, "accept");
    queue->depth = report_get_number(text, "depth");
    queue->depth_max = report_get_number(text, "depth_max");
    queue->bound = report_get_number(text, "bound");
    queue->put = report_get_number(text, "put");
    queue->refused = report_get_number(text, "refused");
    queue->rung = report_get_number(text, "rung");
    queue->elided = report_get_number(text, "elided");
    report_get_histogram(text, "wait_ns", &queue->wait);
    report_get_histogram(text, "wakeup_ns", &queue->wakeup);
    report_get_histogram(text, "batch", &queue->batch);
    report_get_histogram(text, "sampled_wait_ns", &queue->sampled_wait);
    report_get_histogram(text, "cpu_wait_ns", &queue->cpu_wait);
}

static void report_get_queues(struct report *report, struct bytes text)
{
    struct bytes list, key, value;
    report->queue_count = report_get_list(text, "queues", &list);
    report->queues = must_calloc(report->queue_count + 1, sizeof *report->queues);
    for (unsigned i = 0; i < report->queue_count && json_view_next(&list, &key, &value); i++) {
        report_get_queue(&report->queues[i], value);
    }
}

static void report_get_thread(struct thread_report *thread, struct bytes text)
{
    report_get_text(text, "name", thread->name, sizeof thread->name);
    thread->group = (unsigned)report_get_number(text, "group");
    thread->idle = report_get_bool(text, "idle");
    thread->wall_ns = report_get_number(text, "wall_ns");
    thread->busy_ns = report_get_number(text, "busy_ns");
    thread->cpu_ns = report_get_number(text, "cpu_ns");
    thread->runqueue_ns = report_get_number(text, "runqueue_ns");
    thread->voluntary = report_get_number(text, "voluntary");
    thread->involuntary = report_get_number(text, "involuntary");
    thread->turns = report_get_number(text, "turns");
}

static void report_get_threads(struct report *report, struct bytes text)
{
    struct bytes list, key, value;
    report->threads_unused = (unsigned)report_get_number(text, "threads_unused");
    report->thread_count = report_get_list(text, "threads", &list);
    report->threads = must_calloc(report->thread_count + 1, sizeof *report->threads);
    for (unsigned i = 0; i < report->thread_count && json_view_next(&list, &key, &value); i++) {
        report_get_thread(&report->threads[i], value);
    }
}

bool report_from_json(struct report *report, struct bytes text)
{
    *report = (struct report){0};
    tally_init(&report->tally, true);
    if (!json_view_valid(text) || !json_view_is(text, '{')) {
        return false;
    }
    report->wall_ns = report_get_number(text, "wall_ns");
    report->connections = report_get_number(text, "connections");
    report_get_tally(&report->tally, text);
    report_get_wiring(report, text);
    report_get_queues(report, text);
    report_get_threads(report, text);
    return true;
}
