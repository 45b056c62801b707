/* snapshot.c: reading what a server says of itself. See snapshot.h. */
#include "tools/live/snapshot.h"

#include "core/report/report_read.h"

static void read_server(struct snapshot *snapshot, const json_t *server);

bool snapshot_read(struct snapshot *snapshot, struct bytes json)
{
    *snapshot = (struct snapshot){.since_start = true};
    json_t *root = json_read(json, NULL);
    const json_t *server = json_object_get(root, "server");
    const json_t *config = json_object_get(root, "config");
    bool good = server != NULL && report_read(&snapshot->report, json_object_get(root, "report"));
    read_server(snapshot, server);
    (void)json_read_word(config, "model", snapshot->model, sizeof snapshot->model);
    (void)json_read_word(config, "wiring", snapshot->wiring, sizeof snapshot->wiring);
    json_decref(root);
    return good;
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
    report_since(&now->report, &before->report);
}

static void read_server(struct snapshot *snapshot, const json_t *server)
{
    (void)json_read_word(server, "version", snapshot->version, sizeof snapshot->version);
    (void)json_read_word(server, "phase", snapshot->phase, sizeof snapshot->phase);
    snapshot->pid = json_read_count(server, "pid");
    snapshot->started_s = json_read_count(server, "started_s");
    snapshot->process = json_read_count(server, "process");
    snapshot->processes = json_read_count(server, "processes");
    snapshot->now_ns = json_read_count(server, "now_ns");
    snapshot->uptime_ns = snapshot->over_ns = json_read_count(server, "uptime_ns");
    snapshot->measured = json_is_true(json_object_get(server, "measured"));
}
