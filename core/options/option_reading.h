/* option_reading.h: from the command line and a configuration file to the values of a table of
 * options (option_table.h).
 *
 * Use: once, before threads start; a struct option_source starts as zeroes. GNU conventions,
 * without abbreviations: --name value, --name=value, -n value, -nvalue, and "--" ends the options.
 * Words without a dash are values of the table's `arguments`, or refused. An option given twice
 * takes its last value; one that is repeatable adds to those before it. Within a source its first
 * replaces what was set before: the default, or the file's.
 *
 * A configuration file (of tables that have an option "config") has one long option a line: "name
 * value", "name=value" or "name = value"; a flag stands alone. Double quotes may stand around a
 * value, '#' begins a comment at the start of a line or behind white space. The options of the
 * group "This program" do not belong into a file.
 */
#ifndef CORE_OPTIONS_OPTION_READING_H
#define CORE_OPTIONS_OPTION_READING_H

#include "core/options/option_table.h"

enum { OPTION_ERROR_MAX = 512, OPTION_FILE_MAX = 1 << 20, OPTIONS_MAX = 128 };

/* The options that were given: distinguishes "unset" from "set to the default". */
struct option_source {
    bool given[OPTIONS_MAX]; /* by index in the table */
};
/* The index of an option by its long name, or -1. */
int option_table_index(const struct option_table *table, const char *long_name);

/* Sets defaults, reads --config first where given, then the command line, which wins. False:
 * `error` holds one line naming the flag, its value and what is accepted (and file:line for the
 * configuration file). Strings point into argv or into memory that lives as long as the program. */
bool option_read_arguments(const struct option_table *table, void *values,
                           struct option_source *source, int argc, char **argv,
                           char error[OPTION_ERROR_MAX]);

/* One configuration text, over what `values` holds already; `from` names it in errors. `text` is
 * written to, has room for a byte behind `len`, and must live as long as the values. */
bool option_read_text(const struct option_table *table, void *values, struct option_source *source,
                      char *text, size_t len, const char *from, char error[OPTION_ERROR_MAX]);

/* Control characters become '?': an error that quotes foreign text stays one line. */
void option_make_one_line(char *text);

#endif
