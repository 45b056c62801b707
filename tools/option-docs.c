/* option-docs.c: runs at build time; writes what is installed about the server's options.
 *
 *   option-docs man quartet.1.in     the manual page: the text, with the table's options at the
 * line @OPTIONS@ option-docs completion           the completion for bash
 *
 * To stdout, so that the build decides where it goes.
 */
#include "core/check.h"
#include "core/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_page(FILE *page)
{
    char line[1024];
    printf(".TH QUARTET 1 \"\" \"quartet %s\" \"User Commands\"\n", QUARTET_VERSION);
    while (fgets(line, sizeof(line), page) != NULL) {
        if (strcmp(line, "@OPTIONS@\n") == 0) {
            options_print_man(stdout);
        } else {
            fputs(line, stdout);
        }
    }
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "completion") == 0) {
        options_print_completion(stdout);
    } else if (argc == 3 && strcmp(argv[1], "man") == 0) {
        FILE *page = fopen(argv[2], "r");
        if (page == NULL) {
            die(EXIT_WORLD, "%s cannot be opened: %s", argv[2], strerror(errno));
        }
        print_page(page);
        (void)fclose(page); /* only read from */
    } else {
        die(EXIT_USAGE, "usage: option-docs man PAGE | completion");
    }
    if (fflush(stdout) != 0) {
        die(EXIT_WORLD, "stdout cannot be written: %s", strerror(errno));
    }
    return EXIT_SUCCESS;
}
