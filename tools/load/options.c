/* options.c: the table. See options.h. */
#include "tools/load/options.h"

#include "core/options/option_reading.h"

#include <stdio.h>

static bool options_settle(void *values, struct option_source *all, const struct option_source *own,
                           const char *dashes, char *words);

static const struct option_row rows[] = {
#define OPTION(...) OPTION_ROW(load_settings, __VA_ARGS__),
#include "tools/load/options.def"
#undef OPTION
};

const struct option_table load_options = {
    .program = "quartet-load",
    .usage = "Usage: quartet-load [OPTION]... URL...\n"
             "Drives load at an HTTP/1.1 server and says how long its answers took.\n\n"
             "  quartet-load --rate 20000 -c 256 -d 30s http://127.0.0.1:8080/tiny.txt\n"
             "  quartet-load -c 64 http://127.0.0.1:8080/a 3,http://127.0.0.1:8080/b\n\n"
             "With --rate it is an open loop: latency runs from the moment a request was due.\n"
             "Times are written 10s, 250ms or 100us, sizes 4096, 64K or 1M.\n"
             "Exit status: 0; 1 without a connection; 2 for a wrong command line; 3 when the\n"
             "run is INVALID or an objective (--slo) is missed.\n",
    .rows = rows,
    .count = sizeof rows / sizeof rows[0],
    .values_size = sizeof(struct load_settings),
    .arguments = "url",
    .settle = options_settle,
};

/* Options that would be without effect are refused: a run that ignores what was asked misleads. */
static bool options_settle(void *values, struct option_source *all, const struct option_source *own,
                           const char *dashes, char *words)
{
    const struct load_settings *settings = values;
    (void)own;
    (void)dashes;
    if (settings->help || settings->version) {
        return true;
    }
    const char *wrong = NULL;
    if (settings->url.count == 0) {
        wrong = "a URL is missing: http://HOST[:PORT]/TARGET or unix:PATH:/TARGET";
    } else if (settings->rate != NULL && settings->think_ns != 0) {
        wrong = "--think is for the closed loop, --rate is given: choose one";
    } else if (settings->rate == NULL && settings->grow_to != 0) {
        wrong = "--grow-to is for the open loop, --rate is missing";
    } else if (settings->grow_to != 0 && settings->grow_to < settings->connections) {
        wrong = "--grow-to is less than --connections";
    } else if (settings->rate == NULL &&
               all->given[option_table_index(&load_options, "arrivals")]) {
        wrong = "--arrivals is for the open loop, --rate is missing";
    } else if (settings->rate == NULL && settings->think_ns == 0 &&
               all->given[option_table_index(&load_options, "dispatch")]) {
        wrong = "--dispatch is for the open loop or --think: other users keep their connection";
    } else if (settings->requests_per_connection != 0 &&
               settings->requests_per_connection < settings->pipeline) {
        wrong = "--pipeline is more than --requests-per-connection";
    } else if (settings->spin && settings->no_spin) {
        wrong = "--spin and --no-spin are opposites: choose one";
    }
    if (wrong != NULL) {
        snprintf(words, OPTION_ERROR_MAX, "%s", wrong);
    }
    return wrong == NULL;
}
