/* errors.h: what went wrong, counted by kind, with the first example of each in words. One
 * thread. */
#ifndef TOOLS_LOAD_ERRORS_H
#define TOOLS_LOAD_ERRORS_H

#include <stdint.h>

enum load_error {
    LOAD_GOOD,
#define ERROR(kind, name, text) LOAD_##kind,
#include "tools/load/errors.def"
#undef ERROR
    LOAD_ERRORS
};

enum { ERROR_EXAMPLE_MAX = 160 };

struct errors {
    uint64_t count[LOAD_ERRORS];
    char first[LOAD_ERRORS][ERROR_EXAMPLE_MAX];
};

const char *error_name(enum load_error error); /* "good" for LOAD_GOOD */
const char *error_text(enum load_error error);

void errors_note(struct errors *errors, enum load_error error, const char *example);
uint64_t errors_total(const struct errors *errors);

#endif
