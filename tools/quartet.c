/* quartet.c: the server's main: options, what all processes share, and either one process or the
 * parent of several. Everything else is in stages/.
 */
#include "core/base/chaos.h"
#include "core/base/json.h"
#include "core/base/libraries.h"
#include "core/base/log.h"
#include "core/options/option_text.h"
#include "core/options/options.h"
#include "core/report/environment.h"
#include "stages/life/explain.h"
#include "stages/life/layout.h"
#include "stages/life/process.h"
#include "stages/life/server.h"
#include "stages/life/supervisor.h"
#include "stages/model/model.h"
#include "stages/stage/accept_turn.h"

#include <stdlib.h>
#include <string.h>

/* --- before the start --- */

static void choose_wiring(const struct settings *settings, struct wiring *wiring)
{
    char error[WIRING_ERROR];
    if (!model_choose(wiring, settings, layout_usable_cpus(), error)) {
        die(EXIT_USAGE, "%s", error);
    }
}

static void print_config(FILE *out, const struct settings *settings, const struct wiring *wiring)
{
    char text[WIRING_TEXT], policies[POLICIES_TEXT];
    wiring_format(wiring, text);
    policies_format(&wiring->policies, policies);
    fputs("{\"model\": ", out);
    struct json json;
    json_begin(&json, out);
    json_text(&json, NULL, settings->model);
    fputs(", \"wiring\": ", out);
    json_begin(&json, out);
    json_text(&json, NULL, text);
    fputs(", \"policies\": ", out);
    json_begin(&json, out);
    json_text(&json, NULL, policies);
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

static void main_print_version(void)
{
    char libraries[LIBRARIES_TEXT];
    libraries_format(libraries);
    printf("quartet %s (%s; %s)\n", QUARTET_VERSION, build_features(), libraries);
}

/* Options that are questions: answered, and done. */
static void main_answer(const struct settings *settings)
{
    if (settings->help) {
        option_text_help(stdout, &server_options);
    } else if (settings->version) {
        main_print_version();
    } else if (settings->list_models) {
        presets_print(stdout);
    } else {
        return;
    }
    exit(fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_WORLD);
}

/* What the options make, without a server. */
static int main_show(const struct settings *settings, const struct wiring *wiring)
{
    if (settings->print_config) {
        print_config(stdout, settings, wiring);
    } else {
        explain_print(stdout, settings, wiring);
    }
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_WORLD;
}

/* --- processes --- */

static void say_listening(const struct process *process)
{
    chaos_announce();
    sockets_print(process->sockets, stdout);
}

static void tell_parent(const struct process *process)
{
    supervisor_ready(&process->shares[process->number - 1]);
}

static unsigned listeners_of(const struct process *process)
{
    return process->wiring->groups[process->wiring->group_of[STAGE_LISTENER]].count;
}

/* What the supervisor's plan says; `arg` is the parent's struct process, which says of a child all
 * but its number, its sockets and its trace. */
static int run_child(void *arg, unsigned number, unsigned nth)
{
    struct process *process = arg;
    unsigned listeners = listeners_of(process);
    char *trace = NULL;
    if (process->trace != NULL) {
        CHECK(asprintf(&trace, "%s.%u", process->trace, nth) > 0);
    }
    process->trace = trace;
    process->number = number;
    sockets_keep(process->sockets, (number - 1) * listeners, listeners);
    process_run(process, tell_parent);
    sockets_close(process->sockets);
    free(trace);
    return EXIT_SUCCESS;
}

static void on_all_ready(void *arg)
{
    say_listening(arg);
}

/* Closed here and in the children, they are closed for the kernel: new clients are refused. */
static void on_ending(void *arg)
{
    const struct process *process = arg;
    sockets_close(process->sockets);
}

static int run_several(struct process *process)
{
    const struct supervisor_plan plan = {
        .processes = process->count,
        .shares = process->shares,
        .run = run_child,
        .all_ready = on_all_ready,
        .ending = on_ending,
        .arg = process,
    };
    return supervise(&plan);
}

static int main_run(struct process *process)
{
    process_block_signals(); /* from the first moment on they are waited for */
    if (process->count > 1) {
        return run_several(process);
    }
    process_run(process, say_listening);
    sockets_close(process->sockets);
    return EXIT_SUCCESS;
}

/* What is made before there is any other process. */
static int main_serve(const struct settings *settings, const struct wiring *wiring)
{
    char error[SERVER_ERROR_MAX];
    struct sockets sockets;
    char *config = config_text(settings, wiring);
    struct process process = {
        .settings = settings,
        .wiring = wiring,
        .config_json = config,
        .trace = settings->trace,
        .sockets = &sockets,
        .count = (unsigned)settings->processes,
        .number = 1,
    };
    if (!sockets_open(&sockets, settings, process.count * listeners_of(&process), error)) {
        die(EXIT_WORLD, "%s", error);
    }
    process.shares = process_shares_new(process.count);
    process.turn = settings->accept_mutex == SWITCH_ON ? accept_turn_new() : NULL;
    int status = main_run(&process);
    accept_turn_free(process.turn);
    process_shares_free(process.shares, process.count);
    free(config);
    return status;
}

int main(int argc, char **argv)
{
    static struct settings settings;
    static struct option_source source;
    struct wiring wiring;
    char error[OPTION_ERROR_MAX];

    if (!options_parse(&settings, &source, argc, argv, error)) {
        die(EXIT_USAGE, "%s", error);
    }
    main_answer(&settings);
    choose_wiring(&settings, &wiring);
    if (!layout_check_pin(settings.pin, error)) {
        die(EXIT_USAGE, "%s", error);
    }
    if (settings.print_config || settings.check) {
        return main_show(&settings, &wiring);
    }
    log_set_level(settings.log_level);
    return main_serve(&settings, &wiring);
}
