/* option_reading.c: walking the command line and the configuration file. See option_reading.h.
 *
 * Both are a list of (option, value); each is decoded in its own way and applied in the same.
 */
#include "core/options/option_reading.h"

#include "core/base/bytes.h"
#include "core/base/check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How far a mistyped name may be from the one that is suggested, and how long it may be. */
enum { TYPO_DISTANCE_MAX = 2, TYPO_LEN_MAX = 40 };

/* One pass over one source. */
struct reading {
    const struct option_table *table;
    void *values;
    struct option_source *source; /* all sources so far */
    struct option_source own;     /* this source alone */
    const char *dashes;           /* before a name: "--" on the command line */
    const char *from;             /* the file, or NULL */
    unsigned line;
    char *error;
};

/* The command line, and where in it we are. */
struct arguments {
    int count, next;
    bool ended; /* by "--" */
    char **at;
};

/* One option as it was found. */
struct found {
    const struct option_row *row;
    const char *value; /* NULL: none */
};

/* Configuration texts are kept for good, because the settings point into them. */
struct kept_text {
    struct kept_text *next;
    char text[OPTION_FILE_MAX + 1];
};
static struct kept_text *kept_texts;

static const struct option_row *row_by_name(const struct option_table *table, struct bytes name)
{
    for (size_t i = 0; i < table->count; i++) {
        if (bytes_equal(name, bytes_of(table->rows[i].name))) {
            return &table->rows[i];
        }
    }
    return NULL;
}

int option_table_index(const struct option_table *table, const char *long_name)
{
    const struct option_row *row = row_by_name(table, bytes_of(long_name));
    return row != NULL ? (int)(row - table->rows) : -1;
}

/* The error is one line, whatever the text it quotes. Always false, for `return
 * reading_fail(…)`. */
static bool reading_fail(struct reading *reading, const char *fmt, ...)
{
    size_t len = 0;
    if (reading->from != NULL) {
        snprintf(reading->error, OPTION_ERROR_MAX, "%.200s:%u: ", reading->from, reading->line);
        len = strlen(reading->error);
    }
    va_list args;
    va_start(args, fmt);
    vsnprintf(reading->error + len, OPTION_ERROR_MAX - len, fmt, args);
    va_end(args);
    option_make_one_line(reading->error);
    return false;
}

/* A word that is no option: a value of the option that the table names for them. */
static bool take_argument(struct reading *reading, const char *argument, struct found *found)
{
    const char *name = reading->table->arguments;
    if (name == NULL) {
        return reading_fail(
            reading, "'%.128s' is no option, and nothing but options is accepted (see --help)",
            argument);
    }
    found->row = row_by_name(reading->table, bytes_of(name));
    found->value = argument;
    return true;
}

static size_t least_of_three(size_t a, size_t b, size_t c)
{
    size_t smaller = a < b ? a : b;
    return smaller < c ? smaller : c;
}

/* Insertions, deletions and replacements (Levenshtein), row by row; a is at most TYPO_LEN_MAX
 * long. */
static size_t edit_distance(struct bytes a, struct bytes b)
{
    size_t row[TYPO_LEN_MAX + 1];
    CHECK(a.len <= TYPO_LEN_MAX);
    for (size_t i = 0; i <= a.len; i++) {
        row[i] = i;
    }
    for (size_t j = 1; j <= b.len; j++) {
        size_t diagonal = row[0];
        row[0] = j;
        for (size_t i = 1; i <= a.len; i++) {
            size_t replaced = diagonal + (a.at[i - 1] != b.at[j - 1]);
            diagonal = row[i];
            row[i] = least_of_three(replaced, row[i - 1] + 1, row[i] + 1);
        }
    }
    return row[a.len];
}

static const struct option_row *nearest_row(const struct option_table *table, struct bytes name)
{
    const struct option_row *near = NULL;
    size_t near_distance = TYPO_DISTANCE_MAX + 1;
    for (size_t i = 0; i < table->count && name.len <= TYPO_LEN_MAX; i++) {
        size_t distance = edit_distance(name, bytes_of(table->rows[i].name));
        if (distance < near_distance && distance < name.len) {
            near = &table->rows[i];
            near_distance = distance;
        }
    }
    return near;
}

static bool unknown_option(struct reading *reading, struct bytes name)
{
    const struct option_row *near = nearest_row(reading->table, name);
    int shown = name.len < 64 ? (int)name.len : 64;
    if (near == NULL) {
        return reading_fail(reading, "%s%.*s: no such option (see --help)", reading->dashes, shown,
                            name.at);
    }
    return reading_fail(reading, "%s%.*s: no such option (see --help), did you mean %s%s?",
                        reading->dashes, shown, name.at, reading->dashes, near->name);
}

/* The value is the next argument, even where it begins like an option. */
static bool take_value(struct reading *reading, struct arguments *arguments, struct found *found)
{
    if (found->row->kind == OPTION_FLAG) {
        return true;
    }
    if (arguments->next == arguments->count) {
        return reading_fail(reading, "--%s: a value is missing: --%s %s", found->row->name,
                            found->row->name, found->row->metavar);
    }
    found->value = arguments->at[arguments->next++];
    return true;
}

static bool decode_long(struct reading *reading, struct arguments *arguments, struct found *found)
{
    const char *name = arguments->at[arguments->next - 1] + 2;
    size_t name_len = strcspn(name, "=");
    found->row = row_by_name(reading->table, (struct bytes){name, name_len});
    if (found->row == NULL) {
        return unknown_option(reading, (struct bytes){name, name_len});
    }
    if (name[name_len] != '=') {
        return take_value(reading, arguments, found);
    }
    found->value = name + name_len + 1;
    return true;
}

static const struct option_row *row_by_letter(const struct option_table *table, char letter)
{
    for (size_t i = 0; i < table->count; i++) {
        if (table->rows[i].letter == letter && letter != 0) {
            return &table->rows[i];
        }
    }
    return NULL;
}

static bool decode_letter(struct reading *reading, struct arguments *arguments, struct found *found)
{
    const char *letter = arguments->at[arguments->next - 1] + 1;
    found->row = row_by_letter(reading->table, *letter);
    if (found->row == NULL) {
        return reading_fail(reading, "-%c: no such option (see --help)", *letter);
    }
    if (letter[1] == '\0') {
        return take_value(reading, arguments, found);
    }
    found->value = letter + 1;
    return true;
}

/* The next option of the command line; found->row is NULL for the "--" that ends them. */
static bool next_found(struct reading *reading, struct arguments *arguments, struct found *found)
{
    const char *argument = arguments->at[arguments->next++];
    *found = (struct found){0};
    if (arguments->ended || argument[0] != '-' || argument[1] == '\0') {
        return take_argument(reading, argument, found);
    }
    if (strcmp(argument, "--") == 0) {
        arguments->ended = true;
        return true;
    }
    return argument[1] == '-' ? decode_long(reading, arguments, found)
                              : decode_letter(reading, arguments, found);
}

static bool set_option(const struct reading *reading, const struct option_row *row,
                       const char *value, char accepted[OPTION_ACCEPTED_MAX])
{
    if (row->kind != OPTION_FLAG) {
        return option_set_value(reading->table, row, reading->values, value, accepted);
    }
    if (value != NULL) {
        snprintf(accepted, OPTION_ACCEPTED_MAX, "this option takes no value");
        return false;
    }
    option_set_flag(row, reading->values);
    return true;
}

static bool apply_option(struct reading *reading, const struct found *found)
{
    const struct option_row *row = found->row;
    bool *own = &reading->own.given[row - reading->table->rows];
    if ((row->kind == OPTION_ADDRS || row->kind == OPTION_TEXTS) && !*own) {
        option_clear(row, reading->values);
    }
    char accepted[OPTION_ACCEPTED_MAX];
    if (!set_option(reading, row, found->value, accepted)) {
        return reading_fail(reading, "%s%s: '%.128s' is not accepted: %s", reading->dashes,
                            row->name, found->value, accepted);
    }
    *own = true;
    reading->source->given[row - reading->table->rows] = true;
    return true;
}

static bool read_config(struct reading *reading, const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return reading_fail(reading, "--config: '%.200s' cannot be opened: %s", path,
                            strerror(errno));
    }
    struct kept_text *kept = must_alloc(sizeof(*kept));
    kept->next = kept_texts;
    kept_texts = kept;
    size_t len = fread(kept->text, 1, sizeof(kept->text), file);
    int error = ferror(file) ? errno : 0;
    (void)fclose(file); /* only read from: nothing can be lost */
    if (error != 0) {
        return reading_fail(reading, "--config: '%.200s' cannot be read: %s", path,
                            strerror(error));
    }
    if (len > OPTION_FILE_MAX) {
        return reading_fail(reading,
                            "--config: '%.200s' is not accepted: a file of at most %d bytes", path,
                            OPTION_FILE_MAX);
    }
    return option_read_text(reading->table, reading->values, reading->source, kept->text, len, path,
                            reading->error);
}

/* The file has to be read before the command line is applied over it. */
static bool find_config(struct reading *reading, struct arguments arguments)
{
    const struct option_row *config = row_by_name(reading->table, bytes_of("config"));
    while (config != NULL && arguments.next < arguments.count) {
        struct found found;
        if (!next_found(reading, &arguments, &found)) {
            return false;
        }
        if (found.row == config && !apply_option(reading, &found)) {
            return false;
        }
    }
    const char *path = config != NULL ? option_text(config, reading->values) : NULL;
    return path == NULL || read_config(reading, path);
}

static bool settle_options(struct reading *reading)
{
    char words[OPTION_ERROR_MAX];
    if (reading->table->settle == NULL ||
        reading->table->settle(reading->values, reading->source, &reading->own, reading->dashes,
                               words)) {
        return true;
    }
    return reading_fail(reading, "%s", words);
}

bool option_read_arguments(const struct option_table *table, void *values,
                           struct option_source *source, int argc, char **argv,
                           char error[OPTION_ERROR_MAX])
{
    CHECK(table->count <= OPTIONS_MAX);
    option_table_defaults(table, values);
    *source = (struct option_source){0};
    struct arguments arguments = {.count = argc, .next = 1, .at = argv};
    struct reading reading = {
        .table = table, .values = values, .source = source, .dashes = "--", .error = error};
    if (!find_config(&reading, arguments)) {
        return false;
    }
    while (arguments.next < arguments.count) {
        struct found found;
        if (!next_found(&reading, &arguments, &found) ||
            (found.row != NULL && !apply_option(&reading, &found))) {
            return false;
        }
    }
    return settle_options(&reading);
}

/* `rest` begins behind the opening quote. */
static bool parse_quoted(struct reading *reading, struct bytes rest, struct bytes *value)
{
    const char *close = memchr(rest.at, '"', rest.len);
    if (close == NULL) {
        return reading_fail(reading, "a closing quote is missing");
    }
    *value = (struct bytes){rest.at, (size_t)(close - rest.at)};
    struct bytes behind = bytes_trim((struct bytes){close + 1, rest.len - value->len - 1});
    if (behind.len > 0 && behind.at[0] != '#') {
        return reading_fail(reading, "only a comment is accepted behind the closing quote");
    }
    return true;
}

/* A '#' inside a word is part of it: "root /srv/c#" means that directory. */
static struct bytes without_comment(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '#' && (i == 0 || text.at[i - 1] == ' ' || text.at[i - 1] == '\t')) {
            return bytes_trim((struct bytes){text.at, i});
        }
    }
    return text;
}

/* What stands behind the name; `value` is left alone where nothing does. */
static bool parse_value(struct reading *reading, struct bytes rest, struct bytes *value)
{
    rest = bytes_trim(rest);
    if (rest.len > 0 && rest.at[0] == '=') {
        rest = bytes_trim((struct bytes){rest.at + 1, rest.len - 1});
    }
    if (rest.len > 0 && rest.at[0] == '"') {
        return parse_quoted(reading, (struct bytes){rest.at + 1, rest.len - 1}, value);
    }
    rest = without_comment(rest);
    if (rest.len > 0) {
        *value = rest;
    }
    return true;
}

/* Turns a view into a C string. Views here point into option_read_text's text, which is the
 * caller's to write and has a byte behind its end. */
static void terminate_text(struct bytes view)
{
    ((char *)view.at)[view.len] = '\0';
}

static bool apply_line(struct reading *reading, struct bytes name, struct bytes value)
{
    struct found found = {.row = row_by_name(reading->table, name)};
    if (found.row == NULL) {
        return unknown_option(reading, name);
    }
    if (option_is_action(found.row)) {
        return reading_fail(reading, "%s: accepted on the command line only", found.row->name);
    }
    if (value.at == NULL && found.row->kind != OPTION_FLAG) {
        return reading_fail(reading, "%s: a value is missing: %s %s", found.row->name,
                            found.row->name, found.row->metavar);
    }
    if (value.at != NULL) {
        terminate_text(value);
        found.value = value.at;
    }
    return apply_option(reading, &found);
}

static bool parse_line(struct reading *reading, struct bytes line)
{
    if (memchr(line.at, '\0', line.len) != NULL) {
        return reading_fail(reading, "a NUL byte, where only text is accepted");
    }
    if (line.len > 0 && line.at[line.len - 1] == '\r') {
        line.len--;
    }
    line = bytes_trim(line);
    if (line.len == 0 || line.at[0] == '#') {
        return true;
    }
    struct bytes name = {line.at, 0};
    while (name.len < line.len && strchr(" \t=", line.at[name.len]) == NULL) {
        name.len++;
    }
    struct bytes value = {NULL, 0};
    struct bytes rest = {line.at + name.len, line.len - name.len};
    return parse_value(reading, rest, &value) && apply_line(reading, name, value);
}

bool option_read_text(const struct option_table *table, void *values, struct option_source *source,
                      char *text, size_t len, const char *from, char error[OPTION_ERROR_MAX])
{
    struct reading reading = {.table = table,
                              .values = values,
                              .source = source,
                              .dashes = "",
                              .from = from,
                              .error = error};
    size_t at = 0;
    while (at < len) {
        char *end = memchr(text + at, '\n', len - at);
        size_t line_len = end != NULL ? (size_t)(end - (text + at)) : len - at;
        reading.line++;
        if (!parse_line(&reading, (struct bytes){text + at, line_len})) {
            return false;
        }
        at += line_len + 1;
    }
    return settle_options(&reading);
}

void option_make_one_line(char *text)
{
    for (char *at = text; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f) {
            *at = '?';
        }
    }
}
