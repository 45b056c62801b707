/* server_report.c: gathering what all threads and queues have counted. See server_report.h. */
#include "stages/life/server_report.h"

#include "stages/engine/ways.h"
#include "stages/engine/worker.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/* --- the kernel's accept queue --- */

static const char accept_queue[] = "accept";

/* Asks the kernel how many connections wait in one listening socket (unacked), and how many may
 * (sacked). False: its listener has closed it meanwhile, and its number may be a client's by
 * now; or it is a unix socket, for which the kernel reports neither. */
static bool ask_socket(int fd, struct tcp_info *info)
{
    socklen_t len = sizeof *info;
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &len) == 0 && info->tcpi_state == TCP_LISTEN;
}

void server_note_backlog(struct engine *engine)
{
    struct tcp_info info;
    engine->backlog_bound = 0;
    for (unsigned i = 0; i < engine->listening_count; i++) {
        engine->backlog_bound += ask_socket(engine->listening_fds[i], &info) ? info.tcpi_sacked : 0;
    }
}

/* Of all sockets of this process. */
static struct mailbox_depth read_backlog(struct engine *engine)
{
    struct mailbox_depth depth = {0};
    struct tcp_info info;
    for (unsigned i = 0; i < engine->listening_count; i++) {
        depth.depth += ask_socket(engine->listening_fds[i], &info) ? info.tcpi_unacked : 0;
    }
    uint64_t most = atomic_load_explicit(&engine->backlog_most, memory_order_relaxed);
    while (depth.depth > most &&
           !atomic_compare_exchange_weak(&engine->backlog_most, &most, depth.depth)) {
    }
    depth.depth_max = depth.depth > most ? depth.depth : most;
    return depth;
}

static void report_backlog(struct engine *engine, struct queue_report *queue)
{
    struct mailbox_depth depth = read_backlog(engine);
    snprintf(queue->name, sizeof queue->name, "%s", accept_queue);
    queue->accept = true;
    queue->depth = depth.depth;
    queue->depth_max = depth.depth_max;
    queue->bound = engine->backlog_bound;
    queue->group = (unsigned)engine->wiring.group_of[STAGE_LISTENER];
}

/* --- threads --- */

static uint64_t awake_ns(const struct worker *worker, uint64_t wall_ns, uint64_t now_ns, bool *idle)
{
    uint64_t idle_ns = atomic_load_explicit(&worker->idle_ns, memory_order_relaxed);
    uint64_t since_ns = atomic_load_explicit(&worker->idle_since_ns, memory_order_relaxed);
    idle_ns += since_ns != 0 && since_ns < now_ns ? now_ns - since_ns : 0;
    *idle = since_ns != 0;
    return wall_ns > idle_ns ? wall_ns - idle_ns : 0;
}

static uint64_t wall_ns(const struct worker *worker, uint64_t now_ns)
{
    uint64_t started_ns = atomic_load(&worker->started_ns);
    uint64_t before_ns = atomic_load_explicit(&worker->wall_before_ns, memory_order_relaxed);
    return before_ns + (started_ns != 0 && started_ns < now_ns ? now_ns - started_ns : 0);
}

static void report_worker(const struct worker *worker, struct thread_report *report,
                          uint64_t now_ns)
{
    snprintf(report->name, sizeof report->name, "%s", worker->name);
    report->group = worker->group;
    report->wall_ns = wall_ns(worker, now_ns);
    report->awake_ns = awake_ns(worker, report->wall_ns, now_ns, &report->idle);
    report->turns = atomic_load_explicit(&worker->turns, memory_order_relaxed);
    int tid = atomic_load(&worker->tid);
    if (tid != 0) {
        thread_report_read(report, tid);
    }
    thread_report_busy(report);
}

/* What passed by this queue, since the threads that would have put it ran the stage themselves. */
static uint64_t inlined_beside(const struct engine *engine, unsigned mailbox_number)
{
    uint64_t inlined = 0;
    for (unsigned i = 0; i < engine->worker_count; i++) {
        const struct outbox *outbox = &engine->workers[i].outboxes[mailbox_number];
        inlined += atomic_load_explicit(&outbox->inlined, memory_order_relaxed);
    }
    return inlined;
}

static void report_loop(const struct worker *worker, struct report *report)
{
    const struct rounds *rounds = worker->loop.rounds;
    if (rounds == NULL) {
        return;
    }
    struct loop_report *loop = &report->loops[report->loop_count++];
    snprintf(loop->name, sizeof loop->name, "%s", worker->name);
    loop->group = worker->group;
    histogram_merge(&loop->round_ns, &rounds->length_ns);
    histogram_merge(&loop->events, &rounds->events);
}

static bool is_unused(const struct worker *worker)
{
    return worker->kind == GROUP_POOL &&
           atomic_load_explicit(&worker->turns, memory_order_relaxed) == 0;
}

/* A loop run in turn has no thread; of a pool's threads those are left out that have had nothing to
 * do. */
static void report_thread(const struct engine *engine, const struct worker *worker,
                          struct report *report, uint64_t now_ns)
{
    if (engine->groups[worker->group].in_turn) {
        return;
    }
    if (is_unused(worker)) {
        report->threads_unused += atomic_load(&worker->pool.life) == THREAD_RUNS;
        return;
    }
    report_worker(worker, &report->threads[report->thread_count++], now_ns);
}

static void report_group(const struct engine *engine, unsigned index, struct group_report *report)
{
    const struct group *group = &engine->groups[index];
    const struct wiring_group *wired = &engine->wiring.groups[index];
    group_letters(wired, report->letters);
    snprintf(report->kind, sizeof report->kind, "%s", group_kind_name(wired));
    report->threads = group->count;
    report->in_turn = group->in_turn;
}

static unsigned count_loops(const struct engine *engine)
{
    unsigned count = 0;
    for (unsigned i = 0; i < engine->worker_count; i++) {
        count += engine->workers[i].loop.rounds != NULL;
    }
    return count;
}

/* --- the report --- */

static const enum counter passing[TRACE_FLOW_COUNT] = {
    COUNTER_BEGUN,  COUNTER_WHOLE,    COUNTER_STARTED,
    COUNTER_HANDED, COUNTER_REQUESTS, COUNTER_ABANDONED,
};

/* How many requests have passed that point, in all threads. What another thread completed was
 * handed over by none of ours. */
static uint64_t count_passed(struct engine *engine, enum trace_flow point)
{
    uint64_t passed = point == TRACE_FLOW_HANDED ? atomic_load(&engine->completed) : 0;
    for (unsigned i = 0; i < engine->worker_count; i++) {
        const struct worker *worker = &engine->workers[i];
        if (!is_unused(worker)) {
            passed += tally_passed(&worker->tally, passing[point]);
        }
    }
    return passed;
}

/* Merging all tallies takes so long that requests pass several threads meanwhile. So the flow is
 * counted before, all at once and from the back: none has ended that has not begun, and what has
 * ended is in all that is merged then. */
static void report_flow(struct engine *engine, uint64_t flow[TRACE_FLOW_COUNT])
{
    for (unsigned i = TRACE_FLOW_COUNT; i-- > 0;) {
        flow[i] = count_passed(engine, i);
    }
}

static void report_tallies(struct engine *engine, struct report *report)
{
    struct tally *tally = &report->tally;
    uint64_t flow[TRACE_FLOW_COUNT];
    report_flow(engine, flow);
    tally_init(tally, engine->measured);
    for (unsigned i = 0; i < engine->worker_count; i++) {
        tally_merge(tally, &engine->workers[i].tally);
    }
    tally_merge_sets(tally, &engine->interval_sets);
    for (unsigned i = 0; i < TRACE_FLOW_COUNT; i++) {
        atomic_store(&tally->counters[passing[i]], flow[i]);
    }
    for (unsigned i = 0; i < engine->group_count; i++) {
        tally_add(tally, COUNTER_THREADS_STARTED, atomic_load(&engine->groups[i].started));
    }
    if (engine->trace != NULL) {
        atomic_store(&tally->counters[COUNTER_TRACE_LOST], trace_lost(engine->trace));
    }
    if (engine->access_log != NULL) {
        tally_add(tally, COUNTER_LOG_LOST, access_log_lost(engine->access_log));
    }
}

void server_report(struct engine *engine, struct report *report)
{
    uint64_t now_ns = clock_ns();
    *report = (struct report){
        .wall_ns = now_ns - engine->started_ns,
        .connections = atomic_load(&engine->connections),
        .group_count = engine->group_count,
        .groups = must_calloc(engine->group_count, sizeof *report->groups),
        .queue_count = 1 + engine->mailbox_count,
        .queues = must_calloc(1 + engine->mailbox_count, sizeof *report->queues),
        .loops = must_calloc(count_loops(engine) + 1, sizeof *report->loops),
        .threads = must_calloc(engine->worker_count, sizeof *report->threads),
        .ways = must_calloc(WAYS_MAX, sizeof *report->ways),
    };
    if (machine_read(&report->machine)) {
        machine_since(&report->machine, &engine->machine);
    }
    report->way_count = ways_list(engine, report->ways);
    report_tallies(engine, report);
    for (unsigned i = 0; i < engine->group_count; i++) {
        report_group(engine, i, &report->groups[i]);
    }
    for (unsigned i = 0; i < engine->worker_count; i++) {
        report_thread(engine, &engine->workers[i], report, now_ns);
        report_loop(&engine->workers[i], report);
    }
    report_backlog(engine, &report->queues[0]);
    for (unsigned i = 0; i < engine->mailbox_count; i++) {
        mailbox_report(&engine->mailboxes[i], &report->queues[1 + i]);
        report->queues[1 + i].group = engine->mailbox_groups[i];
        report->queues[1 + i].inlined = inlined_beside(engine, i);
    }
}

/* --- samples for the trace --- */

void server_queue_names(const struct engine *engine, const char **names)
{
    names[0] = accept_queue;
    for (unsigned i = 0; i < engine->mailbox_count; i++) {
        names[1 + i] = engine->mailboxes[i].config.name;
    }
}

static void sample_queue(struct trace_sample_queue *queue, struct mailbox_depth depth)
{
    *queue = (struct trace_sample_queue){
        .put = depth.put, .depth = (uint32_t)depth.depth, .depth_max = (uint32_t)depth.depth_max};
}

/* In the order of enum trace_flow. Counting takes its time, in which requests move: from the front
 * and from the back in turn, so that on average none is seen twice or not at all. */
static void sample_flow(struct engine *engine, uint64_t flow[TRACE_FLOW_COUNT])
{
    bool backwards = engine->samples++ % 2 == 0;
    for (unsigned i = 0; i < TRACE_FLOW_COUNT; i++) {
        unsigned point = backwards ? TRACE_FLOW_COUNT - 1 - i : i;
        flow[point] = count_passed(engine, point);
    }
}

void server_sample(void *arg, struct trace_sample *sample, struct trace_sample_queue *queues,
                   uint64_t *awake)
{
    struct engine *engine = arg;
    bool idle;
    sample_flow(engine, sample->flow);
    sample->at_ns = clock_ns();
    sample->connections = atomic_load_explicit(&engine->connections, memory_order_relaxed);
    sample_queue(&queues[0], read_backlog(engine));
    for (unsigned i = 0; i < engine->mailbox_count; i++) {
        sample_queue(&queues[1 + i], mailbox_depth(&engine->mailboxes[i]));
    }
    for (unsigned i = 0; i < engine->worker_count; i++) {
        const struct worker *worker = &engine->workers[i];
        if (!engine->groups[worker->group].in_turn && !is_unused(worker)) {
            awake[i] = awake_ns(worker, wall_ns(worker, sample->at_ns), sample->at_ns, &idle);
        }
    }
}

bool server_moment(void *arg, struct report *report)
{
    struct engine *engine = arg;
    server_report(engine, report);
    return atomic_load(&engine->ended_groups) == 0; /* asked last: it rises before a thread ends */
}
