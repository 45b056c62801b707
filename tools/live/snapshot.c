/* snapshot.c: reading what a server says of itself. See snapshot.h. */
#include "tools/live/snapshot.h"

#include "core/base/json_view.h"

static uint64_t snapshot_read_number(struct bytes object, const char *key);
static void read_server(struct snapshot *snapshot, struct bytes server);

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
    report_since(&now->report, &before->report);
}

static uint64_t snapshot_read_number(struct bytes object, const char *key)
{
    struct bytes value;
    return json_view_member(object, key, &value) ? json_view_number(value) : 0;
}

static void read_server(struct snapshot *snapshot, struct bytes server)
{
    struct bytes measured;
    json_view_member_text(server, "version", snapshot->version, sizeof snapshot->version);
    json_view_member_text(server, "phase", snapshot->phase, sizeof snapshot->phase);
    snapshot->pid = snapshot_read_number(server, "pid");
    snapshot->started_s = snapshot_read_number(server, "started_s");
    snapshot->process = snapshot_read_number(server, "process");
    snapshot->processes = snapshot_read_number(server, "processes");
    snapshot->now_ns = snapshot_read_number(server, "now_ns");
    snapshot->uptime_ns = snapshot->over_ns = snapshot_read_number(server, "uptime_ns");
    (void)json_view_member(server, "measured", &measured);
    snapshot->measured = bytes_equal(bytes_trim(measured), BYTES("true"));
}
