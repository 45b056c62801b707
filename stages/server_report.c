/* server_report.c: gathering what all threads and queues have counted. See server_report.h. */
#include "stages/server_report.h"

static void report_worker(const struct worker *worker, struct thread_report *report,
                          uint64_t now_ns)
{
    snprintf(report->name, sizeof report->name, "%s", worker->name);
    uint64_t started_ns = atomic_load(&worker->started_ns);
    report->wall_ns = atomic_load_explicit(&worker->wall_before_ns, memory_order_relaxed);
    report->wall_ns += started_ns != 0 ? now_ns - started_ns : 0;
    uint64_t idle_ns = atomic_load_explicit(&worker->idle_ns, memory_order_relaxed);
    uint64_t since_ns = atomic_load_explicit(&worker->idle_since_ns, memory_order_relaxed);
    idle_ns += since_ns != 0 && since_ns < now_ns ? now_ns - since_ns : 0;
    report->busy_ns = report->wall_ns > idle_ns ? report->wall_ns - idle_ns : 0;
    report->turns = atomic_load_explicit(&worker->turns, memory_order_relaxed);
    int tid = atomic_load(&worker->tid);
    if (tid != 0) {
        thread_report_read(report, tid);
    }
}

/* A loop run in turn has no thread; of a pool's threads those are left out that have had nothing to
 * do. */
static void report_thread(const struct server *server, const struct worker *worker,
                          struct report *report, uint64_t now_ns)
{
    bool unused = worker->kind == GROUP_POOL &&
                  atomic_load_explicit(&worker->turns, memory_order_relaxed) == 0;
    if (server->groups[worker->group].in_turn) {
        return;
    }
    if (unused) {
        report->threads_unused += atomic_load(&worker->life) == THREAD_RUNS;
        return;
    }
    report_worker(worker, &report->threads[report->thread_count++], now_ns);
}

void server_report(struct server *server, struct report *report)
{
    uint64_t now_ns = clock_ns();
    *report = (struct report){
        .wall_ns = now_ns - server->started_ns,
        .connections = atomic_load(&server->connections),
        .queue_count = server->mailbox_count,
        .queues = must_calloc(server->mailbox_count, sizeof *report->queues),
        .threads = must_calloc(server->worker_count, sizeof *report->threads),
    };
    tally_init(&report->tally, server->measured);
    for (unsigned i = 0; i < server->worker_count; i++) {
        tally_merge(&report->tally, &server->workers[i].tally);
        report_thread(server, &server->workers[i], report, now_ns);
    }
    for (unsigned i = 0; i < server->group_count; i++) {
        tally_add(&report->tally, COUNTER_THREADS_STARTED, atomic_load(&server->groups[i].started));
    }
    if (server->trace != NULL) {
        atomic_store(&report->tally.counters[COUNTER_TRACE_LOST], trace_lost(server->trace));
    }
    if (server->access_log != NULL) {
        tally_add(&report->tally, COUNTER_LOG_LOST, access_log_lost(server->access_log));
    }
    for (unsigned i = 0; i < server->mailbox_count; i++) {
        mailbox_report(&server->mailboxes[i], &report->queues[i]);
    }
}
