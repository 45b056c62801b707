/* process.c: the signals of a server process. See process.h.
 *
 * The first thread starts the server and then only waits for signals; all of them are blocked in
 * every other thread.
 */
#include "stages/life/process.h"

#include "core/base/log.h"
#include "core/exchange/access_log.h"
#include "core/report/bottleneck.h"
#include "stages/life/server.h"
#include "stages/life/server_report.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
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
    (void)signal(SIGPIPE, SIG_IGN); /* EPIPE reports a client that has closed */
}

/* Of the table above it: since the start. */
static void print_limit(FILE *out, const struct report *report)
{
    struct bottleneck_figures figures;
    struct bottleneck verdict;
    bottleneck_read(&figures, report);
    bottleneck_judge(&verdict, &figures);
    fputc('\n', out);
    bottleneck_print(out, &verdict);
}

/* Gathered first and written at once: other processes print theirs at the same time. */
static void print_stages(struct engine *engine, const struct process *process)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    CHECK(out != NULL);
    if (process->count > 1) {
        process_share_print(out, process->shares, process->count, process->number);
    }
    struct report report;
    server_report(engine, &report);
    report_print(out, &report);
    print_limit(out, &report);
    report_deinit(&report);
    CHECK(fclose(out) == 0);
    (void)fwrite(text, 1, len, stderr); /* there is nowhere to report that it cannot be written */
    free(text);
}

static void reopen_log(struct engine *engine)
{
    if (engine->access_log != NULL && !access_log_reopen(engine->access_log)) {
        log_line(LOG_ERROR, "cannot reopen the access log, the old file stays in use: %s",
                 access_log_error(errno));
    }
}

/* The next of these signals; 0 when none comes until then (0: however long it takes). */
static int next_signal(const sigset_t *set, uint64_t until_ns)
{
    for (;;) {
        uint64_t now_ns = clock_ns();
        uint64_t left_ns = until_ns > now_ns ? until_ns - now_ns : 0;
        struct timespec left = {.tv_sec = (time_t)(left_ns / NS_PER_S),
                                .tv_nsec = (long)(left_ns % NS_PER_S)};
        int number = sigtimedwait(set, NULL, until_ns != 0 ? &left : NULL);
        if (number > 0 || errno == EAGAIN) {
            return number > 0 ? number : 0;
        }
    }
}

/* The next signal that asks for the end, or 0; the others are carried out here. */
static int next_end_signal(struct engine *engine, const struct process *process,
                           const sigset_t *set, uint64_t until_ns)
{
    for (;;) {
        int number = next_signal(set, until_ns);
        if (number == SIGUSR1) {
            print_stages(engine, process);
        } else if (number == SIGHUP) {
            reopen_log(engine);
        } else {
            return number;
        }
    }
}

/* The second signal is a person's, or the server's own: nothing is open any more. So this thread
 * waits for both at once, and a stop needs no other one, which the system might refuse to start. */
static void shut_down(struct engine *engine, const struct process *process, const sigset_t *set)
{
    unsigned long long open = atomic_load(&engine->connections);
    log_line(LOG_INFO, "stopping: %llu connection%s open", open, open == 1 ? "" : "s");
    atomic_store(&engine->empty_signal, SIGTERM);
    server_drain(engine);
    (void)next_end_signal(engine, process, set, clock_ns() + engine->settings->drain_timeout_ns);
    server_cut(engine);
    (void)server_wait_empty(engine, 0);
    server_stop(engine);
    log_line(LOG_INFO, "stopped");
}

void process_run(const struct process *process, void (*ready)(const struct process *process))
{
    static struct engine engine;
    char error[SERVER_ERROR_MAX];
    sigset_t signals;
    fill_signals(&signals);
    if (!server_start(&engine, process, error)) {
        die(EXIT_WORLD, "%s", error);
    }
    ready(process);
    (void)next_end_signal(&engine, process, &signals, 0);
    shut_down(&engine, process, &signals);
}
