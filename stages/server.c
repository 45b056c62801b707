/* server.c: starting the thread groups, draining, cutting and ending them. See server.h. */
#include "stages/server.h"

#include "core/files.h"
#include "core/later.h"
#include "core/log.h"
#include "core/patience.h"
#include "core/response.h"
#include "core/status.h"
#include "stages/layout.h"
#include "stages/loop_group.h"
#include "stages/pool_group.h"
#include "stages/server_report.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool open_trace(struct server *server, char *error)
{
    const struct process *process = server->process;
    if (process->trace == NULL) {
        return true;
    }
    unsigned threads = server->worker_count, queues = 1 + server->mailbox_count;
    const char **names = must_calloc(threads + queues, sizeof *names);
    for (unsigned i = 0; i < threads; i++) {
        names[i] = server->workers[i].name;
    }
    server_queue_names(server, names + threads);
    const struct trace_plan plan = {
        .path = process->trace,
        .config_json = process->config_json,
        .thread_count = threads,
        .thread_names = names,
        .queue_count = queues,
        .queue_names = names + threads,
        .sample = server_sample,
        .arg = server,
    };
    server->trace = trace_start(&plan);
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
                 access_log_error(errno));
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

static void free_mailboxes(struct server *server)
{
    for (unsigned i = 0; i < server->mailbox_count; i++) {
        mailbox_deinit(&server->mailboxes[i]);
    }
    free(server->mailboxes);
    free(server->mailbox_groups);
}

static ino_t socket_number(int fd)
{
    struct stat found;
    CHECK(fstat(fd, &found) == 0);
    return found.st_ino;
}

static bool is_noted(const struct server *server, ino_t number)
{
    for (unsigned i = 0; i < server->listening_count; i++) {
        if (socket_number(server->listening_fds[i]) == number) {
            return true;
        }
    }
    return false;
}

/* A copy, since each listener strikes out those that it closes; of a socket that they share one
 * descriptor is enough. */
static void note_sockets(struct server *server)
{
    const struct sockets *sockets = server->process->sockets;
    unsigned count = sockets->threads * sockets->addresses;
    server->listening_count = 0;
    server->listening_fds = must_alloc(count * sizeof *server->listening_fds);
    for (unsigned i = 0; i < count; i++) {
        if (!is_noted(server, socket_number(sockets->at[i]))) {
            server->listening_fds[server->listening_count++] = sockets->at[i];
        }
    }
    server_note_backlog(server);
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
    /* Downstream first, so that whoever puts has a taker; but a loop run in turn before its
     * pool. */
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

/* --- what the handlers of /server-status are told --- */

static void report_to_status(void *arg, struct report *report)
{
    server_report(arg, report);
}

static bool is_draining(void *arg)
{
    return server_phase(arg) != PHASE_RUNNING;
}

static void provide_status(struct server *server)
{
    const struct process *process = server->process;
    const struct status_source source = {
        .report = report_to_status,
        .is_draining = is_draining,
        .arg = server,
        .config_json = process->config_json,
        .process = process->number,
        .processes = process->count,
        .measured = server->measured,
    };
    status_provide(&source);
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
    lock_init(&server->ending.lock, RANK_SERVER);
    held_init(&server->held);
    condition_init(&server->ending.empty);
    layout_groups(server);
    const struct group *listening = &server->groups[server->wiring.group_of[STAGE_LISTENER]];
    server->listening = listening->count;
    parse_init_process();
    if (!files_init(settings, error)) {
        return false;
    }
    layout_mailboxes(server);
    if (!open_access_log(server, error) || !open_trace(server, error)) {
        free_mailboxes(server);
        close_files(server);
        return false;
    }
    if (settings->max_connections_per_address > 0) {
        server->crowd = crowd_new(settings->max_connections_per_address);
    }
    note_sockets(server);
    later_start();
    provide_status(server);
    start_threads(server);
    trace_begin_samples(server->trace);
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

static bool is_empty(struct server *server)
{
    return atomic_load(&server->connections) == 0 && atomic_load(&server->listening) == 0;
}

void server_signal_empty(struct server *server)
{
    lock_take(&server->ending.lock);
    condition_broadcast(&server->ending.empty);
    lock_release(&server->ending.lock);
    int signal = atomic_load(&server->empty_signal);
    if (signal != 0 && is_empty(server)) {
        CHECK(kill(getpid(), signal) == 0);
    }
}

void server_stopped_listening(struct server *server)
{
    atomic_fetch_sub(&server->listening, 1);
    server_signal_empty(server);
}

bool server_wait_empty(struct server *server, uint64_t until_ns)
{
    bool in_time = true;
    lock_take(&server->ending.lock);
    while (!is_empty(server) && in_time) {
        in_time = condition_wait(&server->ending.empty, &server->ending.lock, until_ns);
    }
    bool empty = is_empty(server);
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
    interval_sets_deinit(&server->interval_sets);
    free_mailboxes(server);
    close_files(server);
    crowd_free(server->crowd);
    for (unsigned i = 0; i < server->group_count; i++) {
        recall_free(server->groups[i].recall);
        condition_deinit(&server->groups[i].changed);
        lock_deinit(&server->groups[i].lock);
    }
    held_deinit(&server->held);
    condition_deinit(&server->ending.empty);
    lock_deinit(&server->ending.lock);
    free(server->listening_fds);
    free(server->workers);
}
