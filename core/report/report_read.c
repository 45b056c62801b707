/* report_read.c: the members of a report. See report_read.h.
 *
 * Keys are those of core/report/report_json.c: the words of the .def lists, so that a counter that
 * this program does not know is passed over.
 */
#include "core/report/report_read.h"

#include "core/base/check.h"

/* Members of an array, as far as they are taken; none of anything else. */
static unsigned report_read_length(const json_t *list)
{
    size_t length = json_array_size(list);
    return length < REPORT_LIST_MAX ? (unsigned)length : REPORT_LIST_MAX;
}

/* The percentiles are not read: they follow from the buckets. */
static void report_read_histogram(struct histogram *histogram, const json_t *json)
{
    const json_t *buckets = json_object_get(json, "buckets"), *pair;
    size_t i;
    histogram->count = json_read_count(json, "count");
    histogram->sum = json_read_count(json, "sum");
    histogram->max = json_read_count(json, "max");
    json_array_foreach(buckets, i, pair)
    {
        if (json_array_size(pair) >= 2) {
            unsigned bucket = histogram_bucket(json_read_number(json_array_get(pair, 0)));
            histogram_bump(&histogram->buckets[bucket], json_read_number(json_array_get(pair, 1)));
        }
    }
}

static void report_read_tally(struct tally *tally, const json_t *json)
{
    static const char *const statuses[] = {"other", "1xx", "2xx", "3xx", "4xx", "5xx"};
    const json_t *counters = json_object_get(json, "counters");
    const json_t *closed = json_object_get(json, "close_reasons");
    for (unsigned i = 0; i < COUNTER_COUNT; i++) {
        tally->counters[i] = json_read_count(counters, counter_name(i));
    }
    for (unsigned i = 0; i < CLOSE_REASON_COUNT; i++) {
        tally->closed[i] = json_read_count(closed, close_reason_name(i));
    }
    for (unsigned i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        tally->statuses[i] = json_read_count(json_object_get(json, "statuses"), statuses[i]);
    }
    for (unsigned i = 0; i < INTERVAL_COUNT; i++) {
        report_read_histogram(
            &tally->intervals[i],
            json_object_get(json_object_get(json, "intervals_ns"), interval_name(i)));
    }
}

static void report_read_machine(struct machine_report *machine, const json_t *json)
{
    machine->cpus = (unsigned)json_read_count(json, "cpus");
    machine->busy_ns = json_read_count(json, "busy_ns");
    machine->server_ns = json_read_count(json, "server_ns");
}

static void report_read_wiring(struct report *report, const json_t *json)
{
    const json_t *groups = json_object_get(json, "groups"), *ways = json_object_get(json, "ways");
    report->group_count = report_read_length(groups);
    report->groups = must_calloc(report->group_count + 1, sizeof *report->groups);
    for (unsigned i = 0; i < report->group_count; i++) {
        struct group_report *group = &report->groups[i];
        const json_t *from = json_array_get(groups, i);
        (void)json_read_word(from, "letters", group->letters, sizeof group->letters);
        (void)json_read_word(from, "kind", group->kind, sizeof group->kind);
        group->threads = (unsigned)json_read_count(from, "threads");
        group->in_turn = json_is_true(json_object_get(from, "in_turn"));
    }
    report->way_count = report_read_length(ways);
    report->ways = must_calloc(report->way_count + 1, sizeof *report->ways);
    for (unsigned i = 0; i < report->way_count; i++) {
        struct way_report *way = &report->ways[i];
        const json_t *from = json_array_get(ways, i);
        way->from = (unsigned)json_read_count(from, "from");
        way->to = (unsigned)json_read_count(from, "to");
        (void)json_read_word(from, "kind", way->kind, sizeof way->kind);
    }
}

static void report_read_queue(struct queue_report *queue, const json_t *json)
{
    (void)json_read_word(json, "name", queue->name, sizeof queue->name);
    queue->group = (unsigned)json_read_count(json, "group");
    queue->accept = json_is_true(json_object_get(json, "accept"));
    queue->depth = json_read_count(json, "depth");
    queue->depth_max = json_read_count(json, "depth_max");
    queue->bound = json_read_count(json, "bound");
    queue->put = json_read_count(json, "put");
    queue->refused = json_read_count(json, "refused");
    queue->inlined = json_read_count(json, "inlined");
    queue->rung = json_read_count(json, "rung");
    queue->elided = json_read_count(json, "elided");
    report_read_histogram(&queue->wait, json_object_get(json, "wait_ns"));
    report_read_histogram(&queue->wakeup, json_object_get(json, "wakeup_ns"));
    report_read_histogram(&queue->batch, json_object_get(json, "batch"));
    report_read_histogram(&queue->sampled_wait, json_object_get(json, "sampled_wait_ns"));
    report_read_histogram(&queue->cpu_wait, json_object_get(json, "cpu_wait_ns"));
}

static void report_read_queues(struct report *report, const json_t *list)
{
    report->queue_count = report_read_length(list);
    report->queues = must_calloc(report->queue_count + 1, sizeof *report->queues);
    for (unsigned i = 0; i < report->queue_count; i++) {
        report_read_queue(&report->queues[i], json_array_get(list, i));
    }
}

static void report_read_loops(struct report *report, const json_t *list)
{
    report->loop_count = report_read_length(list);
    report->loops = must_calloc(report->loop_count + 1, sizeof *report->loops);
    for (unsigned i = 0; i < report->loop_count; i++) {
        struct loop_report *loop = &report->loops[i];
        const json_t *from = json_array_get(list, i);
        (void)json_read_word(from, "name", loop->name, sizeof loop->name);
        loop->group = (unsigned)json_read_count(from, "group");
        report_read_histogram(&loop->round_ns, json_object_get(from, "round_ns"));
        report_read_histogram(&loop->events, json_object_get(from, "events"));
    }
}

static void report_read_thread(struct thread_report *thread, const json_t *json)
{
    (void)json_read_word(json, "name", thread->name, sizeof thread->name);
    thread->group = (unsigned)json_read_count(json, "group");
    thread->idle = json_is_true(json_object_get(json, "idle"));
    thread->wall_ns = json_read_count(json, "wall_ns");
    thread->awake_ns = json_read_count(json, "awake_ns");
    thread->cpu_ns = json_read_count(json, "cpu_ns");
    thread->runqueue_ns = json_read_count(json, "runqueue_ns");
    thread->voluntary = json_read_count(json, "voluntary");
    thread->involuntary = json_read_count(json, "involuntary");
    thread->turns = json_read_count(json, "turns");
    thread_report_busy(thread);
}

static void report_read_threads(struct report *report, const json_t *list)
{
    report->thread_count = report_read_length(list);
    report->threads = must_calloc(report->thread_count + 1, sizeof *report->threads);
    for (unsigned i = 0; i < report->thread_count; i++) {
        report_read_thread(&report->threads[i], json_array_get(list, i));
    }
}

bool report_read(struct report *report, const json_t *json)
{
    *report = (struct report){0};
    tally_init(&report->tally, true);
    if (!json_is_object(json)) {
        return false;
    }
    report->wall_ns = json_read_count(json, "wall_ns");
    report->connections = json_read_count(json, "connections");
    report_read_machine(&report->machine, json_object_get(json, "machine"));
    report_read_tally(&report->tally, json);
    report_read_wiring(report, json);
    report_read_queues(report, json_object_get(json, "queues"));
    report_read_loops(report, json_object_get(json, "loops"));
    report->threads_unused = (unsigned)json_read_count(json, "threads_unused");
    report_read_threads(report, json_object_get(json, "threads"));
    return true;
}

bool report_from_json(struct report *report, struct bytes text)
{
    json_t *root = json_read(text, NULL);
    bool good = report_read(report, root);
    json_decref(root);
    return good;
}
