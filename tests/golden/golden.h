/* golden.h: comparing text with a picture of it in tests/golden/. A '~' in the picture stands for
 * any run of characters but a line feed: what differs between runs and machines is masked with it.
 * With GOLDEN_WRITE=1 in the environment the picture is written instead of compared. */
#ifndef TESTS_GOLDEN_GOLDEN_H
#define TESTS_GOLDEN_GOLDEN_H

#include "tests/test.h"

#include <stdbool.h>

static bool golden_line_fits(const char *picture, const char *text)
{
    for (; *picture != '\0' && *picture != '\n'; picture++) {
        if (*picture == '~') {
            do {
                if (golden_line_fits(picture + 1, text)) {
                    return true;
                }
            } while (*text != '\0' && *text++ != '\n');
            return false;
        }
        if (*picture != *text++) {
            return false;
        }
    }
    return *text == '\0' || *text == '\n';
}

static void golden_write(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");
    expect(out != NULL && fputs(text, out) >= 0 && fclose(out) == 0);
}

static void golden_expect(const char *name, const char *text)
{
    char path[512], line[512];
    (void)snprintf(path, sizeof path, "%s/%s", GOLDEN_DIR, name);
    if (getenv("GOLDEN_WRITE") != NULL) {
        golden_write(path, text);
    }
    FILE *in = fopen(path, "r");
    expect_msg(in != NULL, "no picture %s", path);
    for (unsigned number = 1; fgets(line, sizeof line, in) != NULL; number++) {
        int len = (int)strcspn(text, "\n");
        expect_msg(golden_line_fits(line, text), "%s line %u:\n  picture %s  text    %.*s", name,
                   number, line, len, text);
        bool table = strstr(name, ".txt") != NULL;
        expect_msg(!table || len <= 125, "%s line %u is wider than 125 columns", name, number);
        text += len + (text[len] == '\n');
    }
    expect_msg(*text == '\0', "%s ends before the text: %s", name, text);
    expect_int(fclose(in), 0);
}

#endif
