/* option_table.h: a program's options as one table, and the one way from a value's text into the
 * struct that holds them and back.
 *
 * A table is made of a .def list (core/options/options.def shows the columns) and a struct with a
 * member for each row. From it come the command line and the configuration file (option_reading.h),
 * --help, JSON, the man page's list and completion (option_text.h). The server's is in options.h.
 * Read-only data; the setters run before threads start.
 */
#ifndef CORE_OPTIONS_OPTION_TABLE_H
#define CORE_OPTIONS_OPTION_TABLE_H

#include "core/base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OPTION_TEXTS_MAX = 16 };

/* What an option that may be given several times has collected. */
struct option_texts {
    unsigned count;
    const char *at[OPTION_TEXTS_MAX];
};

typedef struct option_texts option_type_ADDRS;
typedef struct option_texts option_type_TEXTS;
typedef const char *option_type_PATH;
typedef const char *option_type_TEXT;
typedef unsigned option_type_CHOICE;
typedef uint64_t option_type_COUNT;
typedef uint64_t option_type_TIME;
typedef uint64_t option_type_SIZE;
typedef bool option_type_FLAG;

enum option_kind {
    OPTION_ADDRS, /* repeatable, each an address to listen on */
    OPTION_TEXTS, /* repeatable, any text */
    OPTION_PATH,
    OPTION_TEXT,
    OPTION_CHOICE,
    OPTION_COUNT,
    OPTION_TIME,
    OPTION_SIZE,
    OPTION_FLAG,
};

struct option_row {
    enum option_kind kind;
    char letter; /* or 0 */
    const char *name, *metavar;
    const char *fallback; /* the default; "" is unset */
    const char *minimum;  /* CHOICE: the words */
    const char *maximum;
    const char *group, *help;
    size_t offset; /* of the field in the struct of values */
};

/* A row out of a line of a .def list, whose fields are those of struct `values`. */
#define OPTION_ROW(values, kind, field, letter, name, metavar, fallback, min, max, group, help)    \
    {                                                                                              \
        OPTION_##kind, letter, name, metavar, fallback, min, max, group, help,                     \
            offsetof(struct values, field)                                                         \
    }

struct option_source;

struct option_table {
    const char *program; /* as it is called */
    const char *usage;   /* what --help says above the list */
    const struct option_row *rows;
    size_t count, values_size;
    /* Where the number of a CHOICE's "word:USEC" goes, as a uint64_t of nanoseconds. */
    size_t number_offset;
    /* The TEXTS option that words without a dash are values of, or NULL: they are refused. */
    const char *arguments;
    /* What options have to do with each other, at the end of a source. `all` is what was given so
     * far, `own` by this source; `words` (OPTION_ERROR_MAX) says what is wrong. May be NULL. */
    bool (*settle)(void *values, struct option_source *all, const struct option_source *own,
                   const char *dashes, char *words);
};

/* Options about this run of the program; a configuration file cannot hold them. */
bool option_is_action(const struct option_row *row);

/* Every option unset, or at its default. */
void option_table_defaults(const struct option_table *table, void *values);
/* Back to unset. */
void option_clear(const struct option_row *row, void *values);

/* Parses `text` into the row's field; what is repeatable is appended. False: `accepted` says what
 * would have been right, to stand behind "is not accepted: ". Text is kept as a pointer. Not for
 * FLAG. */
enum { OPTION_ACCEPTED_MAX = 200 };
bool option_set_value(const struct option_table *table, const struct option_row *row, void *values,
                      const char *text, char accepted[OPTION_ACCEPTED_MAX]);
void option_set_flag(const struct option_row *row, void *values);

/* The value of a field. */
const struct option_texts *option_texts(const struct option_row *row, const void *values);
const char *option_text(const struct option_row *row, const void *values);
uint64_t option_number(const struct option_row *row, const void *values);
bool option_flag(const struct option_row *row, const void *values);
/* The number of a CHOICE's "word:USEC", in nanoseconds. */
uint64_t option_choice_number(const struct option_table *table, const void *values);

/* Cuts the next word off a CHOICE's "a|b|c". */
bool option_next_word(struct bytes *words, struct bytes *word);

/* Values with units: "10s" "250ms" "100us" "0s" into ns (also m, h and ns); "64K" "1M" "4096" into
 * bytes. False when malformed or too large. A bare number is bytes for sizes and refused for times,
 * except 0. */
bool option_parse_time(const char *text, uint64_t *ns);
bool option_parse_size(const char *text, uint64_t *bytes);

/* "5s", "250ms": the largest unit that loses nothing; option_parse_time reads it back. */
enum { OPTION_TIME_TEXT = 32 };
void option_format_time(uint64_t ns, char out[OPTION_TIME_TEXT]);

#endif
