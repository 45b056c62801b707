/* server.c: putting the thread groups together, ending them, reporting on them. See server.h. */
#include "stages/server.h"

#include "core/files.h"
#include "core/handler.h"
#include "core/later.h"
#include "core/log.h"
#include "core/response.h"
#include "stages/loop_group.h"
#include "stages/pool_group.h"
#include "stages/route.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* --- limits --- */

/* Where sessions hold their clients for life, a connection is a thread: --overload reap keeps to as
 * many. */
static bool is_budget_of_sessions(const struct server *server)
{
    return server->idle_stage == STAGE_READER &&
           server->groups[server->wiring.group_of[STAGE_READER]].kind == GROUP_POOL;
}

/* A loop has its poll set, what libuv keeps beside it, and its bell; a pool's thread a bell. */
static uint64_t descriptors_of_threads(const struct server *server)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < server->group_count; i++) {
        const struct group *group = &server->groups[i];
        count += (uint64_t)group->count * (group->kind == GROUP_POOL ? 2 : 6);
    }
    return count;
}

/* Descriptors that are not connections: standard streams, logs, loops, bells, listening sockets and
 * a quarter for cached files. */
static uint64_t connection_limit(const struct server *server)
{
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* more is better, what there is will do */
        CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    }
    if (server->settings->max_connections != 0) {
        return server->settings->max_connections;
    }
    if (server->wiring.policies.overload == OVERLOAD_REAP && is_budget_of_sessions(server)) {
        return server->groups[server->wiring.group_of[STAGE_READER]].count;
    }
    uint64_t ours = 32 + descriptors_of_threads(server) + limit.rlim_cur / 4;
    return limit.rlim_cur > ours + 16 ? limit.rlim_cur - ours : 16;
}

/* --- mailboxes --- */

static void on_room(void *arg)
{
    server_nudge_all(arg);
}

static void init_mailbox(struct server *server, unsigned number, unsigned index, const char *name)
{
    const struct group *group = &server->groups[index];
    const struct policies *policies = &server->wiring.policies;
    bool pool = group->kind == GROUP_POOL;
    bool direct = pool && policies->dispatch == DISPATCH_LIFO;
    const struct settings *settings = server->settings;
    struct mailbox_config config = {
        .name = name,
        .bound = settings->queue_size,
        .takers = pool ? group->least : 1,
        .takers_most = pool ? group->count : 1,
        .idle_ns = settings->idle_thread_timeout_ns,
        .direct = direct,
        .strict = direct && policies->overload == OVERLOAD_REJECT,
        .turn_bell = pool && group[-1].in_turn ? &group[-1].workers[0].taker.bell : NULL,
        .wakeup = (int)settings->wakeup,
        .spin_ns = settings->wakeup_spin_ns,
        .share = (unsigned)settings->batch,
        .awake_most = group->awake_most,
        .measured = server->measured,
    };
    mailbox_init(&server->mailboxes[number], &config);
    mailbox_on_room(&server->mailboxes[number], on_room, server);
    server->mailbox_groups[number] = index;
}

static void init_mailboxes(struct server *server)
{
    for (unsigned i = 0; i < server->group_count; i++) {
        server->mailbox_count += server->groups[i].kind == GROUP_POOL ? 1 : server->groups[i].count;
    }
    server->mailboxes = must_calloc(server->mailbox_count, sizeof *server->mailboxes);
    server->mailbox_groups = must_calloc(server->mailbox_count, sizeof *server->mailbox_groups);
    unsigned number = 0;
    for (unsigned i = 0; i < server->group_count; i++) {
        struct group *group = &server->groups[i];
        unsigned boxes = group->kind == GROUP_POOL ? 1 : group->count;
        for (unsigned j = 0; j < group->count; j++) {
            unsigned box = number + (group->kind == GROUP_POOL ? 0 : j);
            group->workers[j].mailbox = &server->mailboxes[box];
            group->workers[j].mailbox_number = box;
        }
        for (unsigned j = 0; j < boxes; j++) {
            char name[REPORT_NAME], letters[GROUP_LETTERS];
            group_letters(&server->wiring.groups[i], letters);
            snprintf(name, sizeof name, boxes > 1 ? "%s/%u" : "%s", letters, j);
            init_mailbox(server, number + j, i, name);
        }
        number += boxes;
    }
}

/* --- workers --- */

/* The processor a stage is pinned to by --pin, or -1. The text has been checked by
 * server_check_pin. */
static int pinned_cpu(const char *pin, unsigned stages)
{
    for (const char *at = pin; at != NULL && *at != '\0'; at++) {
        const char *letter = strchr(stage_letters, *at);
        if (letter != NULL && (stages >> (letter - stage_letters) & 1) != 0) {
            return atoi(at + 2);
        }
        at = strchr(at, ',');
        if (at == NULL) {
            break;
        }
    }
    return -1;
}

static bool is_usable_cpu(long cpu)
{
    cpu_set_t usable;
    CPU_ZERO(&usable);
    CHECK(sched_getaffinity(0, sizeof usable, &usable) == 0);
    return cpu >= 0 && cpu < CPU_SETSIZE && CPU_ISSET((size_t)cpu, &usable);
}

bool server_check_pin(const char *pin, char error[SERVER_ERROR_MAX])
{
    for (const char *at = pin; at != NULL;) {
        char *end = NULL;
        bool named = *at != '\0' && strchr(stage_letters, *at) != NULL && at[1] == '=' &&
                     isdigit((unsigned char)at[2]);
        long cpu = named ? strtol(at + 2, &end, 10) : -1;
        if (!is_usable_cpu(cpu) || (*end != ',' && *end != '\0')) {
            snprintf(error, SERVER_ERROR_MAX,
                     "--pin: '%.60s' is not accepted: STAGE=CPU[,...], a stage is one of %s, a CPU "
                     "one that this process may use",
                     pin, stage_letters);
            return false;
        }
        at = *end == ',' ? end + 1 : NULL;
    }
    return true;
}

static void name_worker(struct worker *worker, const struct wiring_group *group)
{
    char letters[GROUP_LETTERS];
    group_letters(group, letters);
    snprintf(worker->name, sizeof worker->name, group->count > 1 ? "q-%s/%u" : "q-%s", letters,
             worker->seat);
}

/* A pool's threads share the CPUs with the loops: waking more of them than there are CPUs left
 * makes nothing faster. */
static void size_pools(struct server *server)
{
    unsigned loops = 0;
    for (unsigned i = 0; i < server->group_count; i++) {
        bool busy = server->groups[i].kind == GROUP_LOOP && !server->groups[i].in_turn;
        loops += busy ? server->groups[i].count : 0;
    }
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    for (unsigned i = 0; i < server->group_count; i++) {
        bool pool = server->groups[i].kind == GROUP_POOL;
        server->groups[i].awake_most = pool && cpus > (long)loops + 1 ? (unsigned)cpus - loops : 1;
    }
}

static unsigned least_threads(const struct wiring *wiring, const struct wiring_group *group)
{
    bool on_demand = group->kind == GROUP_POOL && wiring->policies.spawn == SPAWN_ON_DEMAND;
    unsigned least = wiring->policies.min_threads;
    return on_demand && least < group->count ? least : group->count;
}

static void lay_out(struct server *server)
{
    const struct wiring *wiring = &server->wiring;
    server->group_count = wiring->group_count;
    for (unsigned i = 0; i < wiring->group_count; i++) {
        server->worker_count += wiring->groups[i].count;
    }
    server->workers = must_calloc(server->worker_count, sizeof *server->workers);
    unsigned number = 0;
    for (unsigned i = 0; i < wiring->group_count; i++) {
        const struct wiring_group *from = &wiring->groups[i];
        struct group *group = &server->groups[i];
        *group = (struct group){.stages = from->stages,
                                .kind = from->kind,
                                .in_turn = from->in_turn,
                                .count = from->count,
                                .least = least_threads(wiring, from),
                                .workers = &server->workers[number]};
        lock_init(&group->lock, RANK_GROUP);
        condition_init(&group->changed);
        for (unsigned j = 0; j < from->count; j++) {
            struct worker *worker = &server->workers[number];
            worker->server = server;
            worker->group = i;
            worker->seat = j;
            worker->number = number++;
            worker->stages = from->stages;
            worker->kind = from->kind;
            worker->cpu = pinned_cpu(server->settings->pin, from->stages);
            worker->loop_in_turn = i > 0 && from[-1].in_turn ? group[-1].workers : NULL;
            name_worker(worker, from);
        }
    }
}

/* What kind of group waits for a full socket. */
static enum group_kind waits_to_send(const struct server *server)
{
    return server->groups[server->wiring.group_of[STAGE_WRITER]].kind;
}

/* The writer's loop, else the poller's, else the listener's: L is always in one. */
static unsigned choose_linger_group(const struct server *server)
{
    static const enum stage order[] = {STAGE_WRITER, STAGE_POLLER, STAGE_LISTENER};
    unsigned i = 0;
    for (;; i++) {
        int group = server->wiring.group_of[order[i]];
        if (group >= 0 && server->groups[group].kind == GROUP_LOOP) {
            return (unsigned)group;
        }
    }
}

static bool open_trace(struct server *server, char *error)
{
    const struct process *process = server->process;
    if (process->trace == NULL) {
        return true;
    }
    const char **names = must_calloc(server->worker_count, sizeof *names);
    for (unsigned i = 0; i < server->worker_count; i++) {
        names[i] = server->workers[i].name;
    }
    server->trace = trace_start(process->trace, process->config_json, server->worker_count, names);
    free(names);
    if (server->trace == NULL) {
        snprintf(error, SERVER_ERROR_MAX, "--trace: cannot write '%.160s': %s", process->trace,
                 strerror(errno));
    }
    return server->trace != NULL;
}

static bool open_access_log(struct server *server, char *error)
{
    const char *path = server->settings->access_log;
    if (path == NULL) {
        return true;
    }
    server->access_log = access_log_open(path);
    if (server->access_log == NULL) {
        snprintf(error, SERVER_ERROR_MAX, "--access-log: cannot open '%.160s': %s", path,
                 strerror(errno));
    }
    return server->access_log != NULL;
}

static void close_files(struct server *server)
{
    if (server->access_log != NULL) {
        access_log_close(server->access_log);
    }
    files_deinit();
}

static void start_loops(struct group *group)
{
    for (unsigned i = group->count; i-- > 0;) {
        struct worker *worker = &group->workers[i];
        int error = pthread_create(&worker->thread, NULL, loop_group_main, worker);
        if (error != 0) {
            die(EXIT_WORLD, "cannot start thread %s: %s", worker->name, strerror(error));
        }
    }
}

static void start_threads(struct server *server)
{
    for (unsigned i = 0; i < server->worker_count; i++) {
        worker_init(&server->workers[i]);
    }
    /* Downstream first, so that whoever puts has a taker; but a loop run in turn before its pool. */
    for (unsigned i = server->group_count; i-- > 0;) {
        struct group *group = &server->groups[i];
        if (group->kind == GROUP_LOOP && !group->in_turn) {
            start_loops(group);
            continue;
        }
        if (i > 0 && server->groups[i - 1].in_turn) {
            loop_group_start(server->groups[i - 1].workers);
        }
        if (group->kind == GROUP_POOL) {
            pool_group_start(group);
        }
    }
}

bool server_start(struct server *server, const struct process *process,
                  char error[SERVER_ERROR_MAX])
{
    const struct settings *settings = process->settings;
    *server = (struct server){.settings = settings, .wiring = *process->wiring, .process = process};
    server->measured = settings->trace_level != TRACE_OFF;
#ifndef QUARTET_TRACE
    server->measured = false;
#endif
    stamps_taken = server->measured;
    server->started_ns = clock_ns();
    server->first_stage = wiring_first_stage(&server->wiring);
    server->idle_stage = wiring_idle_stage(&server->wiring);
    lock_init(&server->ending.lock, RANK_SERVER);
    held_init(&server->held);
    condition_init(&server->ending.empty);
    lay_out(server);
    server->linger_group = choose_linger_group(server);
    server->blocking_sockets = is_budget_of_sessions(server) && waits_to_send(server) == GROUP_POOL;
    size_pools(server);
    const struct group *listening = &server->groups[server->wiring.group_of[STAGE_LISTENER]];
    server->listening = listening->count;
    server->max_connections = connection_limit(server);
    parse_init_process();
    if (!files_init(settings, error)) {
        return false;
    }
    if (!open_access_log(server, error) || !open_trace(server, error)) {
        close_files(server);
        return false;
    }
    if (settings->max_connections_per_address > 0) {
        server->crowd = crowd_new(settings->max_connections_per_address);
    }
    init_mailboxes(server);
    later_start();
    start_threads(server);
    return true;
}

/* --- the end --- */

void server_nudge_all(struct server *server)
{
    for (unsigned i = 0; i < server->worker_count; i++) {
        if (server->workers[i].kind == GROUP_LOOP) {
            doorbell_ring(&server->workers[i].taker.bell);
        }
    }
}

static struct group *idle_group(struct server *server)
{
    return &server->groups[server->wiring.group_of[server->idle_stage]];
}

static void shed_loops(struct server *server, unsigned count)
{
    const struct group *homes = idle_group(server);
    for (unsigned i = 0; i < homes->count; i++) {
        atomic_fetch_add(&homes->workers[i].shed, (count + homes->count - 1) / homes->count);
    }
    server_nudge_all(server);
}

void server_shed(struct server *server, unsigned count)
{
    if (idle_group(server)->kind == GROUP_LOOP) {
        shed_loops(server, count);
        return;
    }
    while (count > 0 && held_end_one(&server->held, clock_coarse_ns())) {
        count--;
    }
}

void server_reap(struct server *server)
{
    if (idle_group(server)->kind == GROUP_LOOP) {
        shed_loops(server, 1);
    } else if (!held_end_one(&server->held, clock_coarse_ns())) {
        server_want_place(server);
    }
}

static void enter_phase(struct server *server, enum phase phase)
{
    if (server_phase(server) < phase) {
        atomic_store(&server->phase, phase);
        server_nudge_all(server);
    }
}

void server_drain(struct server *server)
{
    response_keep_no_connection();
    enter_phase(server, PHASE_DRAINING);
    held_end_idle(&server->held);
}

void server_cut(struct server *server)
{
    patience_end();
    later_hurry();
    enter_phase(server, PHASE_CUTTING);
    held_end_all(&server->held);
}

static void signal_empty(struct server *server)
{
    lock_take(&server->ending.lock);
    condition_broadcast(&server->ending.empty);
    lock_release(&server->ending.lock);
}

/* A place is counted before it is used, so there are never more than the limit, not even for a
 * moment. */
bool server_keep(struct server *server, struct client *client)
{
    uint64_t most = server->settings->keepalive_connections;
    if (most == 0 || client->kept) {
        return true;
    }
    uint64_t kept = atomic_load(&server->kept);
    while (kept < most && !client->kept) {
        client->kept = atomic_compare_exchange_weak(&server->kept, &kept, kept + 1);
    }
    return client->kept;
}

void server_unkeep(struct server *server, struct client *client)
{
    if (client->kept) {
        client->kept = false;
        atomic_fetch_sub(&server->kept, 1);
    }
}

/* Sequentially consistent with the listener's flag and the phase: whoever changes one and then
 * looks at the other sees the change that came first. */
void server_closed_one(struct server *server)
{
    uint64_t before = atomic_fetch_sub(&server->connections, 1);
    if (atomic_load_explicit(&server->wants_place, memory_order_relaxed)) {
        atomic_store(&server->wants_place, false); /* there is one now */
    }
    if (atomic_load(&server->accepting_paused) &&
        atomic_exchange(&server->accepting_paused, false)) {
        server_nudge_all(server);
    }
    if (before == 1 && atomic_load(&server->phase) != PHASE_RUNNING) {
        signal_empty(server);
    }
}

bool server_entered(struct server *server, struct client *client)
{
    struct process_share *share = process_share(server->process);
    client->entered = crowd_enter(server->crowd, &client->conn.peer.address);
    if (client->entered) {
        atomic_fetch_add_explicit(&share->accepted, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&share->open, 1, memory_order_relaxed);
    }
    return client->entered;
}

void server_left(struct server *server, struct client *client)
{
    if (client->entered) {
        client->entered = false;
        crowd_leave(server->crowd, &client->conn.peer.address);
        atomic_fetch_sub_explicit(&process_share(server->process)->open, 1, memory_order_relaxed);
    }
}

void server_stopped_listening(struct server *server)
{
    atomic_fetch_sub(&server->listening, 1);
    signal_empty(server);
}

bool server_wait_empty(struct server *server, uint64_t until_ns)
{
    bool in_time = true;
    lock_take(&server->ending.lock);
    while ((atomic_load(&server->connections) > 0 || atomic_load(&server->listening) > 0) &&
           in_time) {
        in_time = condition_wait(&server->ending.empty, &server->ending.lock, until_ns);
    }
    bool empty = atomic_load(&server->connections) == 0 && atomic_load(&server->listening) == 0;
    lock_release(&server->ending.lock);
    return empty;
}

static void join_loops(struct group *group)
{
    for (unsigned i = 0; i < group->count; i++) {
        doorbell_ring(&group->workers[i].taker.bell);
    }
    for (unsigned i = 0; i < group->count; i++) {
        CHECK(pthread_join(group->workers[i].thread, NULL) == 0);
    }
}

/* A loop run in turn ends with the pool behind it. */
static void end_group(struct server *server, unsigned index)
{
    struct group *group = &server->groups[index];
    atomic_store(&server->ended_groups, index + 1);
    unsigned boxes = group->kind == GROUP_POOL ? 1 : group->count;
    for (unsigned i = 0; i < boxes; i++) {
        mailbox_close(group->workers[i].mailbox);
    }
    if (group->kind == GROUP_POOL) {
        pool_group_join(group);
    } else if (!group->in_turn) {
        join_loops(group);
    }
    if (index > 0 && group[-1].in_turn) {
        loop_group_end(group[-1].workers);
    }
}

void server_stop(struct server *server)
{
    struct report report;
    server_report(server, &report); /* while the threads' own figures can still be read */
    later_stop();                   /* it puts, so it ends before those who take */
    for (unsigned i = 0; i < server->group_count; i++) {
        end_group(server, i);
    }
    trace_stop(server->trace, &report);
    report_deinit(&report);
    for (unsigned i = 0; i < server->worker_count; i++) {
        worker_deinit(&server->workers[i]);
    }
    for (unsigned i = 0; i < server->mailbox_count; i++) {
        mailbox_deinit(&server->mailboxes[i]);
    }
    close_files(server);
    crowd_free(server->crowd);
    for (unsigned i = 0; i < server->group_count; i++) {
        condition_deinit(&server->groups[i].changed);
        lock_deinit(&server->groups[i].lock);
    }
    held_deinit(&server->held);
    condition_deinit(&server->ending.empty);
    lock_deinit(&server->ending.lock);
    free(server->mailboxes);
    free(server->mailbox_groups);
    free(server->workers);
}

/* --- reporting --- */

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
        report->threads_unused++;
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
