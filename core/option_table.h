/* option_table.h: options.def as an array, and the one way from a value's text into struct settings
 * and back.
 *
 * For options.c and options_text.c, which read the table from both ends; everybody else wants
 * options.h. Read-only data; the setters run before threads start.
 */
#ifndef CORE_OPTION_TABLE_H
#define CORE_OPTION_TABLE_H

#include "core/bytes.h"
#include "core/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_kind {
    OPTION_ADDRS,
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
    size_t offset; /* of the field in struct settings */
};

/* In the order of options.def; index as in option_source. */
extern const struct option_row option_table[];
extern const size_t option_count;

/* Options about this run of the program; a configuration file cannot hold them. */
bool option_is_action(const struct option_row *row);

/* Every option unset, or at its default. */
void option_set_defaults(struct settings *settings);
/* Back to unset. */
void option_clear(const struct option_row *row, struct settings *settings);

/* Parses `text` into the row's field; ADDRS are appended. False: `accepted` says what would have
 * been right, to stand behind "is not accepted: ". Text is kept as a pointer. Not for FLAG. */
enum { OPTION_ACCEPTED_MAX = 200 };
bool option_set_value(const struct option_row *row, struct settings *settings, const char *text,
                      char accepted[OPTION_ACCEPTED_MAX]);
void option_set_flag(const struct option_row *row, struct settings *settings);

/* The value of a field. */
const struct address_list *option_addresses(const struct option_row *row, const struct settings *s);
const char *option_text(const struct option_row *row, const struct settings *s);
uint64_t option_number(const struct option_row *row, const struct settings *s);
bool option_flag(const struct option_row *row, const struct settings *s);

/* Cuts the next word off a CHOICE's "a|b|c". */
bool option_next_word(struct bytes *words, struct bytes *word);

/* "5s", "250ms": the largest unit that loses nothing; option_parse_time reads it back. */
enum { OPTION_TIME_TEXT = 32 };
void option_format_time(uint64_t ns, char out[OPTION_TIME_TEXT]);

#endif
