/* option_table.c: values from text into their fields and back. See option_table.h.
 *
 * Every value passes through option_set_value, whether it comes from the command line, from a
 * file or from the table's own default column, so that all three obey the same rules.
 */
#include "core/options/option_table.h"

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/options/address.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SPIN_US_MAX = 1000000 };

/* A word of a CHOICE that ends so takes a number behind its colon. */
#define NUMBER_SUFFIX "USEC"

struct unit {
    const char *name;
    uint64_t factor;
};
/* Largest first. */
static const struct unit time_units[] = {
    {"h", 3600 * NS_PER_S}, {"m", 60 * NS_PER_S}, {"s", NS_PER_S},
    {"ms", NS_PER_MS},      {"us", NS_PER_US},    {"ns", 1},
};
static const struct unit size_units[] = {
    {"G", 1ull << 30},
    {"M", 1ull << 20},
    {"K", 1ull << 10},
    {"", 1},
};
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

bool option_is_action(const struct option_row *row)
{
    return strcmp(row->group, "This program") == 0;
}

void option_table_defaults(const struct option_table *table, void *values)
{
    memset(values, 0, table->values_size); /* unset, for every kind */
    for (size_t i = 0; i < table->count; i++) {
        char accepted[OPTION_ACCEPTED_MAX];
        const struct option_row *row = &table->rows[i];
        bool good = row->fallback[0] == '\0' ||
                    option_set_value(table, row, values, row->fallback, accepted);
        CHECK(good);
    }
}

static void *field_of(const struct option_row *row, void *values)
{
    return (char *)values + row->offset;
}

void option_clear(const struct option_row *row, void *values)
{
    static const size_t field_sizes[] = {
#define FIELD_SIZE(kind) [OPTION_##kind] = sizeof(option_type_##kind)
        FIELD_SIZE(ADDRS), FIELD_SIZE(TEXTS),  FIELD_SIZE(PATH),
        FIELD_SIZE(TEXT),  FIELD_SIZE(CHOICE), FIELD_SIZE(COUNT),
        FIELD_SIZE(TIME),  FIELD_SIZE(SIZE),   FIELD_SIZE(FLAG),
#undef FIELD_SIZE
    };
    memset(field_of(row, values), 0, field_sizes[row->kind]);
}

static bool is_address(const char *text, char accepted[OPTION_ACCEPTED_MAX])
{
    struct sockaddr_storage address;
    socklen_t len;
    _Static_assert((int)OPTION_ACCEPTED_MAX >= (int)ADDRESS_ERROR_MAX, "accepted has room");
    return address_parse(text, &address, &len, accepted);
}

static bool append_text(const struct option_row *row, void *values, const char *text,
                        char accepted[OPTION_ACCEPTED_MAX])
{
    struct option_texts *list = field_of(row, values);
    if (list->count == OPTION_TEXTS_MAX) {
        snprintf(accepted, OPTION_ACCEPTED_MAX, "at most %d %s", OPTION_TEXTS_MAX,
                 row->kind == OPTION_ADDRS ? "addresses" : "of them");
        return false;
    }
    if (row->kind == OPTION_ADDRS && !is_address(text, accepted)) {
        return false;
    }
    list->at[list->count++] = text;
    return true;
}

static bool set_text(const struct option_row *row, void *values, const char *text,
                     char accepted[OPTION_ACCEPTED_MAX])
{
    if (text[0] == '\0') {
        snprintf(accepted, OPTION_ACCEPTED_MAX, "a %s that is not empty", row->metavar);
        return false;
    }
    *(option_type_TEXT *)field_of(row, values) = text;
    return true;
}

static bool parse_digits(struct bytes text, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned char)text.at[i] - (unsigned)'0';
        if (digit > 9 || __builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)digit, &value)) {
            return false;
        }
    }
    *out = value;
    return text.len > 0;
}

/* "always" is matched by itself, "spin:USEC" by spin: and a number. */
static bool word_matches(struct bytes word, struct bytes text, uint64_t *spin_us)
{
    struct bytes suffix = BYTES(NUMBER_SUFFIX);
    if (word.len < suffix.len ||
        memcmp(word.at + word.len - suffix.len, suffix.at, suffix.len) != 0) {
        return bytes_equal(word, text);
    }
    struct bytes start = {word.at, word.len - suffix.len};
    if (!bytes_start_with(text, start)) {
        return false;
    }
    struct bytes digits = {text.at + start.len, text.len - start.len};
    uint64_t value;
    if (!parse_digits(digits, &value) || value < 1 || value > SPIN_US_MAX) {
        return false;
    }
    *spin_us = value;
    return true;
}

static void describe_choice(const struct option_row *row, char accepted[OPTION_ACCEPTED_MAX])
{
    struct bytes words = bytes_of(row->minimum);
    struct bytes word;
    size_t len = 0;
    accepted[0] = '\0';
    while (option_next_word(&words, &word) && len < OPTION_ACCEPTED_MAX) {
        const char *joint = len == 0 ? "" : words.len == 0 ? " or " : ", ";
        len += (size_t)snprintf(accepted + len, OPTION_ACCEPTED_MAX - len, "%s%.*s", joint,
                                (int)word.len, word.at);
    }
    if (strstr(row->minimum, NUMBER_SUFFIX) != NULL && len < OPTION_ACCEPTED_MAX) {
        snprintf(accepted + len, OPTION_ACCEPTED_MAX - len, " with " NUMBER_SUFFIX " from 1 to %d",
                 SPIN_US_MAX);
    }
}

static bool set_choice(const struct option_table *table, const struct option_row *row, void *values,
                       const char *text, char accepted[OPTION_ACCEPTED_MAX])
{
    struct bytes words = bytes_of(row->minimum);
    struct bytes word = {0};
    unsigned index = 0;
    uint64_t spin_us = 0;
    while (option_next_word(&words, &word) && !word_matches(word, bytes_of(text), &spin_us)) {
        index++;
        word.len = 0; /* so that the end of the words is not taken for a match */
    }
    if (word.len == 0) {
        describe_choice(row, accepted);
        return false;
    }
    *(option_type_CHOICE *)field_of(row, values) = index;
    if (strstr(row->minimum, NUMBER_SUFFIX) != NULL) {
        *(uint64_t *)(void *)((char *)values + table->number_offset) = spin_us * NS_PER_US;
    }
    return true;
}

static bool parse_as(enum option_kind kind, const char *text, uint64_t *out)
{
    switch (kind) {
    case OPTION_TIME:
        return option_parse_time(text, out);
    case OPTION_SIZE:
        return option_parse_size(text, out);
    default:
        return parse_digits(bytes_of(text), out);
    }
}

static bool set_number(const struct option_row *row, void *values, const char *text,
                       char accepted[OPTION_ACCEPTED_MAX])
{
    static const char *const whats[] = {
        [OPTION_COUNT] = "a number",
        [OPTION_TIME] = "a time such as 10s, 250ms or 100us,",
        [OPTION_SIZE] = "a size such as 64K, 1M or 4096,",
    };
    uint64_t value;
    uint64_t minimum;
    uint64_t maximum;
    bool bounds =
        parse_as(row->kind, row->minimum, &minimum) && parse_as(row->kind, row->maximum, &maximum);
    CHECK(bounds);
    if (!parse_as(row->kind, text, &value) || value < minimum || value > maximum) {
        snprintf(accepted, OPTION_ACCEPTED_MAX, "%s from %s to %s", whats[row->kind], row->minimum,
                 row->maximum);
        return false;
    }
    *(uint64_t *)field_of(row, values) = value;
    return true;
}

bool option_set_value(const struct option_table *table, const struct option_row *row, void *values,
                      const char *text, char accepted[OPTION_ACCEPTED_MAX])
{
    switch (row->kind) {
    case OPTION_ADDRS:
    case OPTION_TEXTS:
        return append_text(row, values, text, accepted);
    case OPTION_PATH:
    case OPTION_TEXT:
        return set_text(row, values, text, accepted);
    case OPTION_CHOICE:
        return set_choice(table, row, values, text, accepted);
    case OPTION_COUNT:
    case OPTION_TIME:
    case OPTION_SIZE:
        return set_number(row, values, text, accepted);
    case OPTION_FLAG:
        break;
    }
    CHECK(row->kind != OPTION_FLAG);
    return false;
}

void option_set_flag(const struct option_row *row, void *values)
{
    CHECK(row->kind == OPTION_FLAG);
    *(option_type_FLAG *)field_of(row, values) = true;
}

static const void *field_in(const struct option_row *row, const void *values)
{
    return (const char *)values + row->offset;
}

const struct option_texts *option_texts(const struct option_row *row, const void *values)
{
    CHECK(row->kind == OPTION_ADDRS || row->kind == OPTION_TEXTS);
    return field_in(row, values);
}

const char *option_text(const struct option_row *row, const void *values)
{
    CHECK(row->kind == OPTION_PATH || row->kind == OPTION_TEXT);
    return *(const option_type_TEXT *)field_in(row, values);
}

uint64_t option_number(const struct option_row *row, const void *values)
{
    if (row->kind == OPTION_CHOICE) {
        return *(const option_type_CHOICE *)field_in(row, values);
    }
    CHECK(row->kind == OPTION_COUNT || row->kind == OPTION_TIME || row->kind == OPTION_SIZE);
    return *(const uint64_t *)field_in(row, values);
}

bool option_flag(const struct option_row *row, const void *values)
{
    CHECK(row->kind == OPTION_FLAG);
    return *(const option_type_FLAG *)field_in(row, values);
}

uint64_t option_choice_number(const struct option_table *table, const void *values)
{
    return *(const uint64_t *)(const void *)((const char *)values + table->number_offset);
}

bool option_next_word(struct bytes *words, struct bytes *word)
{
    if (words->len == 0) {
        return false;
    }
    const char *bar = memchr(words->at, '|', words->len);
    size_t len = bar != NULL ? (size_t)(bar - words->at) : words->len;
    *word = (struct bytes){words->at, len};
    size_t used = bar != NULL ? len + 1 : len;
    words->at += used;
    words->len -= used;
    return true;
}

/* Minutes are read but not printed: "60s" is how the table and people write it. */
void option_format_time(uint64_t ns, char out[OPTION_TIME_TEXT])
{
    for (size_t i = 0; i < COUNT_OF(time_units); i++) {
        const struct unit *unit = &time_units[i];
        if (ns > 0 && ns % unit->factor == 0 && strcmp(unit->name, "m") != 0) {
            snprintf(out, OPTION_TIME_TEXT, "%" PRIu64 "%s", ns / unit->factor, unit->name);
            return;
        }
    }
    snprintf(out, OPTION_TIME_TEXT, "0s");
}

/* Digits, then one of the units; zero needs no unit, since all are the same there. */
static bool parse_units(const char *text, const struct unit *units, size_t unit_count,
                        uint64_t *out)
{
    uint64_t value;
    size_t digits = strspn(text, "0123456789");
    if (!parse_digits((struct bytes){text, digits}, &value)) {
        return false;
    }
    if (value == 0 && text[digits] == '\0') {
        *out = 0;
        return true;
    }
    for (size_t i = 0; i < unit_count; i++) {
        if (strcmp(text + digits, units[i].name) == 0) {
            return !__builtin_mul_overflow(value, units[i].factor, out);
        }
    }
    return false;
}

bool option_parse_time(const char *text, uint64_t *ns)
{
    return parse_units(text, time_units, COUNT_OF(time_units), ns);
}

bool option_parse_size(const char *text, uint64_t *bytes)
{
    return parse_units(text, size_units, COUNT_OF(size_units), bytes);
}
