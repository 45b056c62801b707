/* server.c: starting the thread groups, draining, cutting and ending them. See server.h. */
#include "stages/life/server.h"

#include "core/base/chaos.h"
#include "core/base/log.h"
#include "core/exchange/response.h"
#include "core/handlers/files.h"
#include "core/handlers/later.h"
#include "core/handlers/patience.h"
#include "core/handlers/status.h"
#include "stages/engine/worker.h"
#include "stages/life/layout.h"
#include "stages/life/loop_group.h"
#include "stages/life/pool_group.h"
#include "stages/life/server_report.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool open_trace(struct engine *engine, const struct process *process, char *error)
{
    if (process->trace == NULL) {
        return true;
    }
    unsigned threads = engine->worker_count, queues = 1 + engine->mailbox_count;
    const char **names = must_calloc(threads + queues, sizeof *names);
    for (unsigned i = 0; i < threads; i++) {
        names[i] = engine->workers[i].name;
    }
    server_queue_names(engine, names + threads);
    const struct trace_plan plan = {
        .path = process->trace,
        .config_json = process->config_json,
        .thread_count = threads,
        .thread_names = names,
        .queue_count = queues,
        .queue_names = names + threads,
        .sample = server_sample,
        .report = server_moment,
        .arg = engine,
    };
    engine->trace = trace_start(&plan);
    free(names);
    if (engine->trace == NULL) {
        snprintf(error, SERVER_ERROR_MAX, "--trace: cannot write '%.160s': %s", process->trace,
                 strerror(errno));
    }
    return engine->trace != NULL;
}

static bool open_access_log(struct engine *engine, char *error)
{
    const char *path = engine->settings->access_log;
    if (path == NULL) {
        return true;
    }
    engine->access_log = access_log_open(path);
    if (engine->access_log == NULL) {
        snprintf(error, SERVER_ERROR_MAX, "--access-log: cannot open '%.160s': %s", path,
                 access_log_error(errno));
    }
    return engine->access_log != NULL;
}

static void close_files(struct engine *engine)
{
    if (engine->access_log != NULL) {
        access_log_close(engine->access_log);
    }
    files_deinit();
}

static void free_mailboxes(struct engine *engine)
{
    for (unsigned i = 0; i < engine->mailbox_count; i++) {
        mailbox_deinit(&engine->mailboxes[i]);
    }
    free(engine->mailboxes);
    free(engine->mailbox_groups);
}

static ino_t socket_number(int fd)
{
    struct stat found;
    if (fstat(fd, &found) != 0) {
        die(EXIT_WORLD, "cannot look at a listening socket: fstat: %s", strerror(errno));
    }
    return found.st_ino;
}

static bool is_noted(const struct engine *engine, ino_t number)
{
    for (unsigned i = 0; i < engine->listening_count; i++) {
        if (socket_number(engine->listening_fds[i]) == number) {
            return true;
        }
    }
    return false;
}

/* A copy, since each listener strikes out those that it closes; of a socket that they share one
 * descriptor is enough. */
static void note_sockets(struct engine *engine)
{
    const struct sockets *sockets = engine->sockets;
    unsigned count = sockets->threads * sockets->addresses;
    engine->listening_count = 0;
    engine->listening_fds = must_alloc(count * sizeof *engine->listening_fds);
    for (unsigned i = 0; i < count; i++) {
        if (!is_noted(engine, socket_number(sockets->at[i]))) {
            engine->listening_fds[engine->listening_count++] = sockets->at[i];
        }
    }
    server_note_backlog(engine);
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

static void start_threads(struct engine *engine)
{
    for (unsigned i = 0; i < engine->worker_count; i++) {
        worker_init(&engine->workers[i]);
    }
    /* Downstream first, so that each putter has a taker; but a loop run in turn before its pool. */
    for (unsigned i = engine->group_count; i-- > 0;) {
        struct group *group = &engine->groups[i];
        if (group->kind == GROUP_LOOP && !group->in_turn) {
            start_loops(group);
            continue;
        }
        if (i > 0 && engine->groups[i - 1].in_turn) {
            loop_group_start(engine->groups[i - 1].workers);
        }
        if (group->kind == GROUP_POOL) {
            pool_group_start(group);
        }
    }
}

/* --- what the handlers of /server-status get --- */

static void report_to_status(void *arg, struct report *report)
{
    server_report(arg, report);
}

static bool is_draining(void *arg)
{
    return engine_phase(arg) != PHASE_RUNNING;
}

static void provide_status(struct engine *engine, const struct process *process)
{
    static char wiring[WIRING_TEXT];
    wiring_format(&engine->wiring, wiring);
    const struct status_source source = {
        .report = report_to_status,
        .is_draining = is_draining,
        .arg = engine,
        .model = engine->settings->model != NULL ? engine->settings->model : "",
        .wiring = wiring,
        .config_json = process->config_json,
        .process = process->number,
        .processes = process->count,
        .measured = engine->measured,
    };
    status_provide(&source);
}

bool server_start(struct engine *engine, const struct process *process,
                  char error[SERVER_ERROR_MAX])
{
    const struct settings *settings = process->settings;
    *engine = (struct engine){
        .settings = settings,
        .wiring = *process->wiring,
        .sockets = process->sockets,
        .turn = process->turn,
        .share = &process->shares[process->number - 1],
    };
    engine->measured = settings->trace_level != TRACE_OFF;
#ifndef QUARTET_TRACE
    engine->measured = false;
#endif
    stamps_taken = engine->measured;
    engine->started_ns = clock_ns();
    (void)machine_read(&engine->machine); /* all zero then, and so in each report */
    lock_init(&engine->ending.lock, RANK_SERVER);
    session_list_init(&engine->session_list);
    condition_init(&engine->ending.empty);
    layout_groups(engine);
    const struct group *listening = &engine->groups[engine->wiring.group_of[STAGE_LISTENER]];
    engine->listening = listening->count;
    parse_init_process();
    if (!files_init(settings, error)) {
        return false;
    }
    layout_mailboxes(engine);
    if (!open_access_log(engine, error) || !open_trace(engine, process, error)) {
        free_mailboxes(engine);
        close_files(engine);
        return false;
    }
    if (settings->max_connections_per_address > 0) {
        engine->crowd = crowd_new(settings->max_connections_per_address);
    }
    note_sockets(engine);
    later_start();
    provide_status(engine, process);
    start_threads(engine);
    trace_begin_samples(engine->trace);
    return true;
}

/* --- the end --- */

static void enter_phase(struct engine *engine, enum phase phase)
{
    if (engine_phase(engine) < phase) {
        atomic_store(&engine->phase, phase);
        chaos_point();
        workers_nudge(engine);
    }
}

void server_drain(struct engine *engine)
{
    response_keep_no_connection();
    enter_phase(engine, PHASE_DRAINING);
    session_list_end_idle(&engine->session_list);
}

/* The phase is first: a handler whose pause ends here must find it, or it would make the rest of its
 * answer without any pause. */
void server_cut(struct engine *engine)
{
    enter_phase(engine, PHASE_CUTTING);
    patience_end();
    later_hurry();
    session_list_end_all(&engine->session_list);
}

bool server_wait_empty(struct engine *engine, uint64_t until_ns)
{
    bool in_time = true;
    lock_take(&engine->ending.lock);
    while (!engine_is_empty(engine) && in_time) {
        in_time = condition_wait(&engine->ending.empty, &engine->ending.lock, until_ns);
    }
    bool empty = engine_is_empty(engine);
    lock_release(&engine->ending.lock);
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
static void end_group(struct engine *engine, unsigned index)
{
    struct group *group = &engine->groups[index];
    atomic_store(&engine->ended_groups, index + 1);
    chaos_point();
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

void server_stop(struct engine *engine)
{
    struct report report;
    server_report(engine, &report); /* while the threads' own figures can still be read */
    later_stop();                   /* it puts, so it ends before the takers */
    for (unsigned i = 0; i < engine->group_count; i++) {
        end_group(engine, i);
    }
    trace_stop(engine->trace, &report);
    report_deinit(&report);
    for (unsigned i = 0; i < engine->worker_count; i++) {
        worker_deinit(&engine->workers[i]);
    }
    free_mailboxes(engine);
    close_files(engine);
    crowd_free(engine->crowd);
    session_list_deinit(&engine->session_list);
    condition_deinit(&engine->ending.empty);
    lock_deinit(&engine->ending.lock);
    free(engine->listening_fds);
    layout_free(engine);
}
