/* errors.c: counting errors. See errors.h. */
#include "tools/load/errors.h"

#include <stdio.h>

static const char *const names[] = {
    "good",
#define ERROR(kind, name, text) name,
#include "tools/load/errors.def"
#undef ERROR
};

static const char *const texts[] = {
    "",
#define ERROR(kind, name, text) text,
#include "tools/load/errors.def"
#undef ERROR
};

const char *error_name(enum load_error error)
{
    return names[error];
}

const char *error_text(enum load_error error)
{
    return texts[error];
}

void errors_note(struct errors *errors, enum load_error error, const char *example)
{
    if (errors->count[error]++ == 0) {
        snprintf(errors->first[error], ERROR_EXAMPLE_MAX, "%s", example);
    }
}

uint64_t errors_total(const struct errors *errors)
{
    uint64_t total = 0;
    for (unsigned i = LOAD_GOOD + 1; i < LOAD_ERRORS; i++) {
        total += errors->count[i];
    }
    return total;
}
