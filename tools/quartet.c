/* quartet.c: the server's main: options, signals, start and end. Everything else is in stages/.
 *
 * The main thread starts the server and then only waits for signals; all of them are blocked in
 * every other thread. SIGTERM, SIGINT: drain, and a second one cuts; SIGHUP: reopen the access log;
 * SIGUSR1: the stage table on stderr.
 */
#include "core/log.h"
#include "core/options.h"
#include "core/json.h"
#include "stages/model.h"
#include "stages/server.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void block_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGUSR1);
    CHECK(pthread_sigmask(SIG_BLOCK, set, NULL) == 0);
    (void)signal(SIGPIPE, SIG_IGN); /* a client that is gone is told by EPIPE */
}

/* --- before the start --- */

static void choose_wiring(const struct settings *settings, struct wiring *wiring)
{
    char error[WIRING_ERROR];
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    if (!model_choose(wiring, settings, cpus > 0 ? (unsigned)cpus : 1, error)) {
        die(EXIT_USAGE, "%s", error);
    }
}

static void print_config(FILE *out, const struct settings *settings, const struct wiring *wiring)
{
    char text[WIRING_TEXT];
    wiring_format(wiring, text);
    fputs("{\"model\": ", out);
    struct json json;
    json_begin(&json, out);
    json_text(&json, NULL, settings->model);
    fputs(", \"wiring\": ", out);
    json_begin(&json, out);
    json_text(&json, NULL, text);
    fputs(", \"options\": ", out);
    options_print_json(out, settings);
    fputs("}\n", out);
}

/* The configuration as text, for the trace's head. */
static char *config_text(const struct settings *settings, const struct wiring *wiring)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    CHECK(out != NULL);
    print_config(out, settings, wiring);
    CHECK(fclose(out) == 0);
    return text;
}

/* Options that are questions: answered, and done. */
static void answer(const struct settings *settings)
{
    if (settings->help) {
        options_print_help(stdout);
    } else if (settings->version) {
        puts("quartet " QUARTET_VERSION);
    } else if (settings->list_models) {
        presets_print(stdout);
    } else {
        return;
    }
    exit(fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_WORLD);
}

/* --- while it runs --- */

static void print_stages(struct server *server)
{
    struct report report;
    server_report(server, &report);
    report_print(stderr, &report);
    fflush(stderr);
    report_deinit(&report);
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

static void say_ready(const struct server *server)
{
    for (unsigned i = 0; i < server->sockets.addresses; i++) {
        printf("listening on %s\n", server->sockets.names[i]);
    }
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static struct settings settings;
    static struct option_source source;
    static struct server server;
    struct wiring wiring;
    char error[OPTION_ERROR_MAX];
    sigset_t signals;

    if (!options_parse(&settings, &source, argc, argv, error)) {
        die(EXIT_USAGE, "%s", error);
    }
    answer(&settings);
    choose_wiring(&settings, &wiring);
    if (!server_check_pin(settings.pin, error)) {
        die(EXIT_USAGE, "%s", error);
    }
    if (settings.print_config) {
        print_config(stdout, &settings, &wiring);
    }
    if (settings.print_config || settings.check) {
        return EXIT_SUCCESS;
    }
    log_set_level(settings.log_level);
    block_signals(&signals);
    char *config = config_text(&settings, &wiring);
    if (!server_start(&server, &settings, &wiring, config, error)) {
        die(EXIT_WORLD, "%s", error);
    }
    free(config);
    say_ready(&server);
    (void)next_end_signal(&server, &signals);
    shut_down(&server, &signals);
    return EXIT_SUCCESS;
}
