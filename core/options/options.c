/* options.c: the server's table of options, and what its options have to do with each other. See
 * options.h.
 */
#include "core/options/options.h"

#include "core/options/option_text.h"

static bool choose_model(void *values, struct option_source *all, const struct option_source *own,
                         const char *dashes, char *words);

static const struct option_row rows[] = {
#define OPTION(...) OPTION_ROW(settings, __VA_ARGS__),
#include "core/options/options.def"
#undef OPTION
};

const struct option_table server_options = {
    .program = "quartet",
    .usage = "Usage: quartet [OPTION]...\n"
             "An HTTP/1.1 origin server whose threading model is data.\n\n"
             "  quartet --root www --model staged --trace run.trace\n"
             "  quartet --listen '*:8080' --wiring 'L | RP*2 | W' --keepalive-timeout 15s\n\n"
             "Times are written 10s, 250ms or 100us, sizes 4096, 64K or 1M.\n",
    .rows = rows,
    .count = sizeof rows / sizeof rows[0],
    .values_size = sizeof(struct settings),
    .number_offset = offsetof(struct settings, wakeup_spin_ns),
    .settle = choose_model,
};

int option_index(const char *long_name)
{
    return option_table_index(&server_options, long_name);
}

void option_set_defaults(struct settings *settings)
{
    option_table_defaults(&server_options, settings);
}

/* The defaults of --trace-level and --socket-times hang on --trace, and a trace file holds nothing
 * at the lower levels. */
static bool settle_trace(struct settings *settings, const struct option_source *source,
                         char error[OPTION_ERROR_MAX])
{
    if (!source->given[option_index("trace-level")]) {
        settings->trace_level = settings->trace != NULL ? TRACE_FULL : TRACE_HISTOGRAM;
    }
    if (!source->given[option_index("socket-times")]) {
        settings->socket_times = settings->trace != NULL ? SOCKET_TIMES_ON : SOCKET_TIMES_SAMPLED;
    }
    if (settings->trace != NULL && settings->trace_level != TRACE_FULL) {
        snprintf(error, OPTION_ERROR_MAX,
                 "--trace: '%.128s' is not accepted: only with --trace-level full",
                 settings->trace);
        option_make_one_line(error);
        return false;
    }
    return true;
}

bool options_parse(struct settings *settings, struct option_source *source, int argc, char **argv,
                   char error[OPTION_ERROR_MAX])
{
    return option_read_arguments(&server_options, settings, source, argc, argv, error) &&
           settle_trace(settings, source, error);
}

bool options_parse_text(struct settings *settings, struct option_source *source, char *text,
                        size_t len, const char *from, char error[OPTION_ERROR_MAX])
{
    return option_read_text(&server_options, settings, source, text, len, from, error);
}

void options_print_json(FILE *out, const struct settings *settings)
{
    option_text_json(out, &server_options, settings);
}

/* A model and a wiring say the same thing in two ways. Within one source that is an error; between
 * the file and the command line, the later one displaces the earlier. */
static bool choose_model(void *values, struct option_source *all, const struct option_source *own,
                         const char *dashes, char *words)
{
    struct settings *settings = values;
    int model = option_index("model");
    int wiring = option_index("wiring");
    if (own->given[model] && own->given[wiring]) {
        snprintf(words, OPTION_ERROR_MAX, "%smodel and %swiring are both given: choose one", dashes,
                 dashes);
        return false;
    }
    if (own->given[wiring]) {
        all->given[model] = false;
        settings->model = NULL;
    }
    if (own->given[model]) {
        all->given[wiring] = false;
        settings->wiring = NULL;
    }
    return true;
}
