/* options.h: the server's options: options.def as a table (option_table.h), read (option_reading.h)
 * and printed (option_text.h) as all programs here do it. Before threads start.
 */
#ifndef CORE_OPTIONS_OPTIONS_H
#define CORE_OPTIONS_OPTIONS_H

#include "core/options/option_reading.h"
#include "core/options/settings.h"

#include <stdio.h>

extern const struct option_table server_options;

/* The index of one of the server's options by its long name, or -1. */
int option_index(const char *long_name);
void option_set_defaults(struct settings *settings);

/* option_read_arguments, for the server. Afterwards settings->model is NULL where --wiring was
 * given (one source may not give both, and the command line's choice displaces the file's), and
 * trace_level and socket_times are never unset. */
bool options_parse(struct settings *settings, struct option_source *source, int argc, char **argv,
                   char error[OPTION_ERROR_MAX]);
/* option_read_text, for the server: for tests and the fuzzer. */
bool options_parse_text(struct settings *settings, struct option_source *source, char *text,
                        size_t len, const char *from, char error[OPTION_ERROR_MAX]);

void options_print_json(FILE *out, const struct settings *settings);

#endif
