/* options.h: from the command line and a configuration file to struct settings. See options.def.
 *
 * Use: once, before threads start; a struct option_source starts as zeroes. GNU conventions,
 * without abbreviations: --name value, --name=value, -n value, -nvalue, and "--" ends the options.
 * Nothing but options is accepted. An option given twice takes its last value; --listen adds to the
 * --listen before it. Within a source the first --listen replaces what was set before: the default,
 * or the file's addresses.
 *
 * A configuration file has one long option a line: "name value", "name=value" or "name = value"; a
 * flag stands alone. Double quotes may stand around a value, '#' begins a comment at the start of a
 * line or behind white space. The options of the group "This program" do not belong into a file.
 */
#ifndef CORE_OPTIONS_H
#define CORE_OPTIONS_H

#include "core/settings.h"

#include <stddef.h>
#include <stdio.h>

enum { OPTION_ERROR_MAX = 512, OPTION_FILE_MAX = 1 << 20 };

/* Which options were given, by whom; needed to tell "unset" from "set to the default". */
struct option_source {
    bool given[128]; /* by index in options.def */
};
/* The index of an option by its long name, or -1. */
int option_index(const char *long_name);

/* Sets defaults, reads --config first where given, then the command line, which wins. False:
 * `error` holds one line naming the flag, its value and what is accepted (and file:line for the
 * configuration file). Strings point into argv or into memory that lives as long as the program.
 *
 * Afterwards settings->model is NULL where --wiring was given (one source may not give both, and
 * the command line's choice displaces the file's), and trace_level is never unset. */
bool options_parse(struct settings *settings, struct option_source *source, int argc, char **argv,
                   char error[OPTION_ERROR_MAX]);

/* One configuration text, over what `settings` holds already; `from` names it in errors. For
 * --config and the fuzzer. `text` is written to, has room for a byte behind `len`, and must live as
 * long as the settings. */
bool options_parse_text(struct settings *settings, struct option_source *source, char *text,
                        size_t len, const char *from, char error[OPTION_ERROR_MAX]);

/* Values with units: "10s" "250ms" "100us" "0s" into ns (also m, h and ns); "64K" "1M" "4096" into
 * bytes. False when malformed or too large. A bare number is bytes for sizes and refused for times,
 * except 0. */
bool option_parse_time(const char *text, uint64_t *ns);
bool option_parse_size(const char *text, uint64_t *bytes);

/* options_text.c: what is made from the table for people. */
void options_print_help(FILE *out);
/* One object with the effective values in the order of the table, without the group "This program".
 */
void options_print_json(FILE *out, const struct settings *settings);
void options_print_man(FILE *out);        /* the OPTIONS section of quartet.1, in man(7) */
void options_print_completion(FILE *out); /* a bash completion function for quartet */

#endif
