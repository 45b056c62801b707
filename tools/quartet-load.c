/* quartet-load.c: the load generator's main: options and plan. What it does is in tools/load/.
 *
 * Exit status: 0; 1 when no connection could be made or a file not be written; 2 for a wrong
 * command line; 3 when the run is INVALID or an objective is missed.
 */
#include "core/base/check.h"
#include "core/base/libraries.h"
#include "core/options/option_reading.h"
#include "core/options/option_text.h"
#include "tools/load/run.h"

#include <stdio.h>
#include <stdlib.h>

static void main_print_version(void)
{
    char libraries[LIBRARIES_TEXT];
    libraries_format(libraries);
    printf("quartet-load %s (%s)\n", QUARTET_VERSION, libraries);
}

/* Options that are questions: answered, and done. */
static void main_answer(const struct load_settings *settings)
{
    if (settings->help) {
        option_text_help(stdout, &load_options);
    } else if (settings->version) {
        main_print_version();
    } else {
        return;
    }
    exit(fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_WORLD);
}

int main(int argc, char **argv)
{
    static struct load_settings settings;
    static struct option_source source;
    static struct plan plan;
    char error[OPTION_ERROR_MAX];
    _Static_assert((int)OPTION_ERROR_MAX >= (int)PLAN_ERROR_MAX, "error has room");

    if (!option_read_arguments(&load_options, &settings, &source, argc, argv, error)) {
        die(EXIT_USAGE, "%s", error);
    }
    main_answer(&settings);
    if (!plan_make(&plan, &settings, error)) {
        option_make_one_line(error);
        die(EXIT_USAGE, "%s", error);
    }
    int status = run_load(&plan);
    plan_free(&plan);
    return status;
}
