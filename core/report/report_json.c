/* report_json.c: a report as JSON. See report.h.
 *
 * Keys are the words of the .def lists, so that a new counter, interval or close reason appears by
 * itself and an older reader passes over it.
 */
#include "core/report/report.h"

#include "core/base/check.h"
#include "core/base/json.h"

static void report_put_counts(struct json *json, const char *key, const _Atomic uint64_t *counts,
                              unsigned n, const char *(*name)(unsigned))
{
    json_begin_object(json, key);
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
    json_begin_object(json, "flow");
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
    unsigned last = histogram_bucket(atomic_load_explicit(&histogram->max, memory_order_relaxed));
    json_begin_array(json, "buckets");
    for (unsigned i = 0; some && i <= last; i++) {
        uint64_t n = atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
        if (n != 0) {
            json_begin_array(json, NULL);
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
    json_begin_object(json, key);
    json_number(json, "count", atomic_load_explicit(&histogram->count, memory_order_relaxed));
    json_number(json, "sum", atomic_load_explicit(&histogram->sum, memory_order_relaxed));
    json_decimal(json, "mean", histogram_mean(histogram));
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
    json_begin_object(json, "intervals_ns");
    for (unsigned i = 0; tally->intervals != NULL && i < INTERVAL_COUNT; i++) {
        report_put_histogram(json, interval_name(i), &tally->intervals[i]);
    }
    json_end(json);
}

static void report_put_machine(struct json *json, const struct machine_report *machine)
{
    json_begin_object(json, "machine");
    json_number(json, "cpus", machine->cpus);
    json_number(json, "busy_ns", machine->busy_ns);
    json_number(json, "server_ns", machine->server_ns);
    json_end(json);
}

static void report_put_group(struct json *json, const struct group_report *group)
{
    json_begin_object(json, NULL);
    json_text(json, "letters", group->letters);
    json_text(json, "kind", group->kind);
    json_number(json, "threads", group->threads);
    json_bool(json, "in_turn", group->in_turn);
    json_end(json);
}

static void report_put_way(struct json *json, const struct way_report *way)
{
    json_begin_object(json, NULL);
    json_number(json, "from", way->from);
    json_number(json, "to", way->to);
    json_text(json, "kind", way->kind);
    json_end(json);
}

static void report_put_wiring(struct json *json, const struct report *report)
{
    json_begin_array(json, "groups");
    for (unsigned i = 0; i < report->group_count; i++) {
        report_put_group(json, &report->groups[i]);
    }
    json_end(json);
    json_begin_array(json, "ways");
    for (unsigned i = 0; i < report->way_count; i++) {
        report_put_way(json, &report->ways[i]);
    }
    json_end(json);
}

static void report_put_queue(struct json *json, const struct queue_report *queue)
{
    json_begin_object(json, NULL);
    json_text(json, "name", queue->name);
    json_number(json, "group", queue->group);
    json_bool(json, "accept", queue->accept);
    json_number(json, "depth", queue->depth);
    json_number(json, "depth_max", queue->depth_max);
    json_number(json, "bound", queue->bound);
    json_number(json, "put", queue->put);
    json_number(json, "refused", queue->refused);
    json_number(json, "inlined", queue->inlined);
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
    json_begin_array(json, "queues");
    for (unsigned i = 0; i < report->queue_count; i++) {
        report_put_queue(json, &report->queues[i]);
    }
    json_end(json);
}

static void report_put_loops(struct json *json, const struct report *report)
{
    json_begin_array(json, "loops");
    for (unsigned i = 0; i < report->loop_count; i++) {
        const struct loop_report *loop = &report->loops[i];
        json_begin_object(json, NULL);
        json_text(json, "name", loop->name);
        json_number(json, "group", loop->group);
        report_put_histogram(json, "round_ns", &loop->round_ns);
        report_put_histogram(json, "events", &loop->events);
        json_end(json);
    }
    json_end(json);
}

static void report_put_thread(struct json *json, const struct thread_report *thread)
{
    json_begin_object(json, NULL);
    json_text(json, "name", thread->name);
    json_number(json, "group", thread->group);
    json_bool(json, "idle", thread->idle);
    json_number(json, "wall_ns", thread->wall_ns);
    json_number(json, "awake_ns", thread->awake_ns);
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
    json_begin_array(json, "threads");
    for (unsigned i = 0; i < report->thread_count; i++) {
        report_put_thread(json, &report->threads[i]);
    }
    json_end(json);
}

void report_to_json(FILE *out, const struct report *report)
{
    struct json json;
    json_begin(&json, out);
    json_begin_object(&json, NULL);
    json_number(&json, "wall_ns", report->wall_ns);
    json_number(&json, "connections", report->connections);
    report_put_machine(&json, &report->machine);
    report_put_tally(&json, &report->tally);
    report_put_wiring(&json, report);
    report_put_queues(&json, report);
    report_put_loops(&json, report);
    report_put_threads(&json, report);
    json_end(&json);
}
