/* server.c: putting the thread groups together, ending them, reporting on them. See server.h. */
#include "stages/server.h"

#include "core/files.h"
#include "core/handler.h"
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
    uint64_t ours = 32 + 4ull * server->worker_count + limit.rlim_cur / 4;
    return limit.rlim_cur > ours + 16 ? limit.rlim_cur - ours : 16;
}

/* --- mailboxes --- */

static void on_room(void *arg)
{
    server_nudge_all(arg);
}

static void init_mailbox(struct server *server, unsigned number, unsigned group, const char *name,
                         unsigned takers)
{
    const struct settings *settings = server->settings;
    struct mailbox_config config = {
        .name = name,
        .bound = settings->queue_size,
        .takers = takers,
        .wakeup = (int)settings->wakeup,
        .spin_ns = settings->wakeup_spin_ns,
        .share = (unsigned)settings->batch,
        .awake_most = server->groups[group].awake_most,
        .measured = server->measured,
    };
    mailbox_init(&server->mailboxes[number], &config);
    mailbox_on_room(&server->mailboxes[number], on_room, server);
    server->mailbox_groups[number] = group;
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
            char name[REPORT_NAME], letters[STAGE_COUNT + 1];
            group_letters(&server->wiring.groups[i], letters);
            snprintf(name, sizeof name, boxes > 1 ? "%s/%u" : "%s", letters, j);
            init_mailbox(server, number + j, i, name,
                         boxes > 1 || group->kind == GROUP_LOOP ? 1 : group->count);
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
    char letters[STAGE_COUNT + 1];
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
        loops += server->groups[i].kind == GROUP_LOOP ? server->groups[i].count : 0;
    }
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    for (unsigned i = 0; i < server->group_count; i++) {
        bool pool = server->groups[i].kind == GROUP_POOL;
        server->groups[i].awake_most = pool && cpus > (long)loops + 1 ? (unsigned)cpus - loops : 1;
    }
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
        server->groups[i] = (struct group){.stages = from->stages,
                                           .kind = from->kind,
                                           .count = from->count,
                                           .workers = &server->workers[number]};
        for (unsigned j = 0; j < from->count; j++) {
            struct worker *worker = &server->workers[number];
            worker->server = server;
            worker->group = i;
            worker->seat = j;
            worker->number = number++;
            worker->stages = from->stages;
            worker->kind = from->kind;
            worker->cpu = pinned_cpu(server->settings->pin, from->stages);
            name_worker(worker, from);
        }
    }
}

static bool open_trace(struct server *server, const char *config_json, char *error)
{
    const struct settings *settings = server->settings;
    if (settings->trace == NULL) {
        return true;
    }
    const char **names = must_calloc(server->worker_count, sizeof *names);
    for (unsigned i = 0; i < server->worker_count; i++) {
        names[i] = server->workers[i].name;
    }
    server->trace = trace_start(settings->trace, config_json, server->worker_count, names);
    free(names);
    if (server->trace == NULL) {
        snprintf(error, SERVER_ERROR_MAX, "--trace: cannot write '%.160s': %s", settings->trace,
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
    sockets_close(&server->sockets);
    if (server->access_log != NULL) {
        access_log_close(server->access_log);
    }
    files_deinit();
}

static void start_threads(struct server *server)
{
    for (unsigned i = 0; i < server->worker_count; i++) {
        worker_init(&server->workers[i]);
    }
    /* Downstream first, so that whoever puts has a taker. */
    for (unsigned i = server->worker_count; i-- > 0;) {
        struct worker *worker = &server->workers[i];
        int error =
            pthread_create(&worker->thread, NULL,
                           worker->kind == GROUP_POOL ? pool_group_main : loop_group_main, worker);
        if (error != 0) {
            die(EXIT_WORLD, "cannot start thread %s: %s", worker->name, strerror(error));
        }
    }
}

bool server_start(struct server *server, const struct settings *settings,
                  const struct wiring *wiring, const char *config_json,
                  char error[SERVER_ERROR_MAX])
{
    *server = (struct server){.settings = settings, .wiring = *wiring};
    server->measured = settings->trace_level != TRACE_OFF;
#ifndef QUARTET_TRACE
    server->measured = false;
#endif
    stamps_taken = server->measured;
    server->started_ns = clock_ns();
    lock_init(&server->ending.lock, RANK_SERVER);
    condition_init(&server->ending.empty);
    lay_out(server);
    size_pools(server);
    const struct group *listening = &server->groups[server->wiring.group_of[STAGE_LISTENER]];
    server->listening = listening->count;
    server->max_connections = connection_limit(server);
    parse_init_process();
    if (!files_init(settings, error)) {
        return false;
    }
    /* The sockets come before the logs: a server that cannot start must not touch the files of one
     * that runs. */
    if (!sockets_open(&server->sockets, settings, listening->count, error)) {
        files_deinit();
        return false;
    }
    if (!open_access_log(server, error) || !open_trace(server, config_json, error)) {
        close_files(server);
        return false;
    }
    init_mailboxes(server);
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

void server_shed(struct server *server, unsigned count)
{
    const struct group *homes = &server->groups[server->wiring.group_of[STAGE_READER]];
    for (unsigned i = 0; i < homes->count; i++) {
        atomic_fetch_add(&homes->workers[i].shed, (count + homes->count - 1) / homes->count);
    }
    server_nudge_all(server);
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
}

void server_cut(struct server *server)
{
    patience_end();
    enter_phase(server, PHASE_CUTTING);
}

static void signal_empty(struct server *server)
{
    lock_take(&server->ending.lock);
    condition_broadcast(&server->ending.empty);
    lock_release(&server->ending.lock);
}

/* Sequentially consistent with the listener's flag and the phase: whoever changes one and then
 * looks at the other sees the change that came first. */
void server_closed_one(struct server *server)
{
    uint64_t before = atomic_fetch_sub(&server->connections, 1);
    if (atomic_load(&server->accepting_paused) &&
        atomic_exchange(&server->accepting_paused, false)) {
        server_nudge_all(server);
    }
    if (before == 1 && atomic_load(&server->phase) != PHASE_RUNNING) {
        signal_empty(server);
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

static void end_group(struct server *server, unsigned index)
{
    struct group *group = &server->groups[index];
    atomic_store(&server->ended_groups, index + 1);
    for (unsigned i = 0; i < group->count; i++) {
        mailbox_close(group->workers[i].mailbox);
        doorbell_ring(&group->workers[i].taker.bell);
    }
    for (unsigned i = 0; i < group->count; i++) {
        CHECK(pthread_join(group->workers[i].thread, NULL) == 0);
        atomic_store(&group->workers[i].tid, 0);
    }
}

void server_stop(struct server *server)
{
    struct report report;
    server_report(server, &report); /* while the threads' own figures can still be read */
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
    report->wall_ns = started_ns != 0 ? now_ns - started_ns : 0;
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

void server_report(struct server *server, struct report *report)
{
    uint64_t now_ns = clock_ns();
    *report = (struct report){
        .wall_ns = now_ns - server->started_ns,
        .connections = atomic_load(&server->connections),
        .queue_count = server->mailbox_count,
        .queues = must_calloc(server->mailbox_count, sizeof *report->queues),
        .thread_count = server->worker_count,
        .threads = must_calloc(server->worker_count, sizeof *report->threads),
    };
    tally_init(&report->tally, server->measured);
    for (unsigned i = 0; i < server->worker_count; i++) {
        tally_merge(&report->tally, &server->workers[i].tally);
        report_worker(&server->workers[i], &report->threads[i], now_ns);
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
