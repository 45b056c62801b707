/* option-docs.c: runs at build time; writes what is installed about a program's options.
 *
 *   option-docs quartet man quartet.1.in   the manual page: the text, with the table's options at
 *                                          the line @OPTIONS@
 *   option-docs quartet completion         the completion for bash
 *
 * To stdout, so that the build decides where it goes.
 */
#include "core/base/check.h"
#include "core/options/option_text.h"
#include "core/options/options.h"
#include "tools/load/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option_table *const tables[] = {&server_options, &load_options};

static const struct option_table *table_of(const char *program)
{
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        if (strcmp(tables[i]->program, program) == 0) {
            return tables[i];
        }
    }
    die(EXIT_USAGE, "option-docs: no program %s has a table of options", program);
}

/* A title in capitals, as man pages have them. */
static void print_title(const char *program)
{
    fputs(".TH ", stdout);
    for (; *program != '\0'; program++) {
        putchar(toupper((unsigned char)*program));
    }
    printf(" 1 \"\" \"quartet %s\" \"User Commands\"\n", QUARTET_VERSION);
}

static void print_page(const struct option_table *table, FILE *page)
{
    char line[1024];
    print_title(table->program);
    while (fgets(line, sizeof(line), page) != NULL) {
        if (strcmp(line, "@OPTIONS@\n") == 0) {
            option_text_man(stdout, table);
        } else {
            fputs(line, stdout);
        }
    }
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[2], "completion") == 0) {
        option_text_completion(stdout, table_of(argv[1]));
    } else if (argc == 4 && strcmp(argv[2], "man") == 0) {
        FILE *page = fopen(argv[3], "r");
        if (page == NULL) {
            die(EXIT_WORLD, "%s cannot be opened: %s", argv[3], strerror(errno));
        }
        print_page(table_of(argv[1]), page);
        (void)fclose(page); /* only read from */
    } else {
        die(EXIT_USAGE, "usage: option-docs PROGRAM man PAGE | option-docs PROGRAM completion");
    }
    if (fflush(stdout) != 0) {
        die(EXIT_WORLD, "stdout cannot be written: %s", strerror(errno));
    }
    return EXIT_SUCCESS;
}
