/* snapshot.c: reading and subtracting. See snapshot.h. */
#include "tools/live/snapshot.h"

#include "core/json_view.h"

#include <string.h>

static uint64_t read_number(struct bytes object, const char *key);
static void read_server(struct snapshot *snapshot, struct bytes server);
static void subtract_tally(struct tally *now, const struct tally *before);
static void subtract_queues(struct report *now, const struct report *before);
static void subtract_threads(struct report *now, const struct report *before);

bool snapshot_read(struct snapshot *snapshot, struct bytes json)
{
    struct bytes server, config, verdict, report;
    *snapshot = (struct snapshot){.since_start = true};
    if (!json_view_valid(json) || !json_view_member(json, "server", &server) ||
        !json_view_member(json, "report", &report)) {
        return false;
    }
    read_server(snapshot, server);
    (void)json_view_member(json, "config", &config); /* empty when missing */
    json_view_member_text(config, "model", snapshot->model, sizeof snapshot->model);
    json_view_member_text(config, "wiring", snapshot->wiring, sizeof snapshot->wiring);
    (void)json_view_member(json, "verdict", &verdict);
    json_view_member_text(verdict, "text", snapshot->verdict, sizeof snapshot->verdict);
    return report_from_json(&snapshot->report, report);
}

void snapshot_deinit(struct snapshot *snapshot)
{
    report_deinit(&snapshot->report);
}

bool snapshot_same_server(const struct snapshot *a, const struct snapshot *b)
{
    return a->pid == b->pid && a->started_s == b->started_s;
}

void snapshot_since(struct snapshot *now, const struct snapshot *before)
{
    now->since_start = false;
    now->over_ns = now->now_ns > before->now_ns ? now->now_ns - before->now_ns : 0;
    subtract_tally(&now->report.tally, &before->report.tally);
    subtract_queues(&now->report, &before->report);
    subtract_threads(&now->report, &before->report);
}

static uint64_t read_number(struct bytes object, const char *key)
{
    struct bytes value;
    return json_view_member(object, key, &value) ? json_view_number(value) : 0;
}

static void read_server(struct snapshot *snapshot, struct bytes server)
{
    struct bytes measured;
    json_view_member_text(server, "version", snapshot->version, sizeof snapshot->version);
    json_view_member_text(server, "phase", snapshot->phase, sizeof snapshot->phase);
    snapshot->pid = read_number(server, "pid");
    snapshot->started_s = read_number(server, "started_s");
    snapshot->process = read_number(server, "process");
    snapshot->processes = read_number(server, "processes");
    snapshot->now_ns = read_number(server, "now_ns");
    snapshot->uptime_ns = snapshot->over_ns = read_number(server, "uptime_ns");
    (void)json_view_member(server, "measured", &measured);
    snapshot->measured = bytes_equal(bytes_trim(measured), BYTES("true"));
}

static void subtract(uint64_t *now, uint64_t before)
{
    *now = *now > before ? *now - before : 0;
}

static void subtract_cells(_Atomic uint64_t *now, const _Atomic uint64_t *before, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint64_t value = now[i];
        subtract(&value, before[i]);
        now[i] = value;
    }
}

static void subtract_tally(struct tally *now, const struct tally *before)
{
    subtract_cells(now->counters, before->counters, COUNTER_COUNT);
    subtract_cells(now->closed, before->closed, CLOSE_REASON_COUNT);
    subtract_cells(now->statuses, before->statuses, 6);
    struct histogram *intervals = now->intervals, *old = before->intervals;
    for (unsigned i = 0; intervals != NULL && old != NULL && i < INTERVAL_COUNT; i++) {
        histogram_subtract(&intervals[i], &old[i]);
    }
}

static void subtract_queue(struct queue_report *now, const struct queue_report *before)
{
    subtract(&now->put, before->put);
    subtract(&now->refused, before->refused);
    subtract(&now->rung, before->rung);
    subtract(&now->elided, before->elided);
    histogram_subtract(&now->wait, &before->wait);
    histogram_subtract(&now->wakeup, &before->wakeup);
    histogram_subtract(&now->batch, &before->batch);
    histogram_subtract(&now->sampled_wait, &before->sampled_wait);
    histogram_subtract(&now->cpu_wait, &before->cpu_wait);
}

static void subtract_queues(struct report *now, const struct report *before)
{
    for (unsigned i = 0; i < now->queue_count; i++) {
        for (unsigned k = 0; k < before->queue_count; k++) {
            if (strcmp(now->queues[i].name, before->queues[k].name) == 0) {
                subtract_queue(&now->queues[i], &before->queues[k]);
                break;
            }
        }
    }
}

static void subtract_thread(struct thread_report *now, const struct thread_report *before)
{
    subtract(&now->wall_ns, before->wall_ns);
    subtract(&now->busy_ns, before->busy_ns);
    subtract(&now->cpu_ns, before->cpu_ns);
    subtract(&now->runqueue_ns, before->runqueue_ns);
    subtract(&now->voluntary, before->voluntary);
    subtract(&now->involuntary, before->involuntary);
    subtract(&now->turns, before->turns);
}

static void subtract_threads(struct report *now, const struct report *before)
{
    for (unsigned i = 0; i < now->thread_count; i++) {
        for (unsigned k = 0; k < before->thread_count; k++) {
            if (strcmp(now->threads[i].name, before->threads[k].name) == 0) {
                subtract_thread(&now->threads[i], &before->threads[k]);
                break;
            }
        }
    }
}
