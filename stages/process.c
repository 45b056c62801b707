/* process.c: the signals of a server process. See process.h.
 *
 * The first thread starts the server and then only waits for signals; all of them are blocked in
 * every other thread.
 */
#include "stages/process.h"

#include "core/log.h"
#include "stages/server.h"
#include "stages/server_report.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void fill_signals(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGHUP);
    sigaddset(signals, SIGUSR1);
}

void process_block_signals(void)
{
    sigset_t signals;
    fill_signals(&signals);
    CHECK(pthread_sigmask(SIG_BLOCK, &signals, NULL) == 0);
    (void)signal(SIGPIPE, SIG_IGN); /* a client that is gone is told by EPIPE */
}

/* Gathered first and written at once: other processes print theirs at the same time. */
static void print_stages(struct server *server)
{
    const struct process *process = server->process;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    CHECK(out != NULL);
    if (process->count > 1) {
        process_share_print(out, process->shares, process->count, process->number);
    }
    struct report report;
    server_report(server, &report);
    report_print(out, &report);
    report_deinit(&report);
    CHECK(fclose(out) == 0);
    (void)fwrite(text, 1, len, stderr); /* there is nowhere to report that it cannot be written */
    free(text);
}

static void reopen_log(struct server *server)
{
    if (server->access_log != NULL && !access_log_reopen(server->access_log)) {
        log_line(LOG_ERROR, "cannot reopen the access log, the old file stays in use: %s",
                 strerror(errno));
    }
}

/* The next signal that asks for the end; the others are carried out here. */
static int next_end_signal(struct server *server, const sigset_t *set)
{
    for (;;) {
        int number = 0;
        if (sigwait(set, &number) != 0) {
            continue;
        }
        if (number == SIGUSR1) {
            print_stages(server);
        } else if (number == SIGHUP) {
            reopen_log(server);
        } else {
            return number;
        }
    }
}

/* A thread waits for the last connection, so that this one can go on waiting for signals. */
struct drain {
    struct server *server;
    bool empty;
};

static void *wait_drained(void *arg)
{
    struct drain *drain = arg;
    uint64_t timeout_ns = drain->server->settings->drain_timeout_ns;
    drain->empty = server_wait_empty(drain->server, clock_ns() + timeout_ns);
    CHECK(kill(getpid(), SIGTERM) == 0);
    return NULL;
}

static void shut_down(struct server *server, const sigset_t *set)
{
    struct drain drain = {.server = server};
    pthread_t thread;
    log_line(LOG_INFO, "stopping: %llu connections open",
             (unsigned long long)atomic_load(&server->connections));
    server_drain(server);
    CHECK(pthread_create(&thread, NULL, wait_drained, &drain) == 0);
    /* The second signal is a person's, or the thread's own. */
    (void)next_end_signal(server, set);
    server_cut(server);
    CHECK(pthread_join(thread, NULL) == 0);
    (void)server_wait_empty(server, 0);
    server_stop(server);
    log_line(LOG_INFO, "stopped");
}

void process_run(const struct process *process, void (*ready)(const struct process *process))
{
    static struct server server;
    char error[SERVER_ERROR_MAX];
    sigset_t signals;
    fill_signals(&signals);
    if (!server_start(&server, process, error)) {
        die(EXIT_WORLD, "%s", error);
    }
    ready(process);
    (void)next_end_signal(&server, &signals);
    shut_down(&server, &signals);
}
