/* wiring.c: reading, checking and printing the wiring notation, and the table of presets. See
 * wiring.h. */
#include "stages/wiring.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

const char stage_letters[STAGE_COUNT + 1] = "LKRPW";

static const char *const stage_names[STAGE_COUNT] = {"listener", "poller", "reader", "processor",
                                                     "writer"};

const char *stage_name(enum stage stage)
{
    return stage_names[stage];
}

/* --- reading --- */

struct scan {
    const char *text;
    size_t at;
    char *error;
};

static bool fail(const struct scan *scan, size_t at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static bool fail(const struct scan *scan, size_t at, const char *fmt, ...)
{
    char why[160];
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    snprintf(scan->error, WIRING_ERROR, "wiring '%.60s', column %zu: %s", scan->text, at + 1, why);
    return false;
}

static void skip_space(struct scan *scan)
{
    while (scan->text[scan->at] == ' ' || scan->text[scan->at] == '\t') {
        scan->at++;
    }
}

/* One letter into the group: known, non-blocking, not yet placed, in travelling order. */
static bool take_letter(struct scan *scan, struct wiring *wiring, struct wiring_group *group,
                        unsigned index)
{
    char letter = scan->text[scan->at];
    const char *found = strchr(stage_letters, toupper((unsigned char)letter));
    if (found == NULL) {
        return fail(scan, scan->at, "'%c' is no stage, the stages are L, K, R, P and W", letter);
    }
    enum stage stage = (enum stage)(found - stage_letters);
    if (islower((unsigned char)letter)) {
        return fail(scan, scan->at,
                    "blocking stages such as '%c' are not available in this version", letter);
    }
    if (stage == STAGE_POLLER) {
        return fail(scan, scan->at, "the keep-alive poller K is not available in this version");
    }
    if (wiring->group_of[stage] >= 0) {
        return fail(scan, scan->at, "%c, the %s, stands a second time", letter, stage_name(stage));
    }
    if (group->stages >> stage != 0) {
        return fail(
            scan, scan->at,
            "%c stands behind a later stage of its group, write the letters in the order LKRPW",
            letter);
    }
    group->stages |= 1u << stage;
    wiring->group_of[stage] = (signed char)index;
    scan->at++;
    return true;
}

static bool take_count(struct scan *scan, struct wiring_group *group)
{
    size_t at = ++scan->at;
    skip_space(scan);
    if (scan->text[scan->at] == 'n') {
        scan->at++;
        return true;
    }
    unsigned count = 0;
    while (isdigit((unsigned char)scan->text[scan->at]) && count <= WIRING_THREADS_MAX) {
        count = count * 10 + (unsigned)(scan->text[scan->at++] - '0');
    }
    if (count < 1 || count > WIRING_THREADS_MAX) {
        return fail(scan, at, "a count is 'n' or a number from 1 to %d", WIRING_THREADS_MAX);
    }
    group->count = count;
    return true;
}

static bool take_group(struct scan *scan, struct wiring *wiring)
{
    unsigned index = wiring->group_count;
    skip_space(scan);
    if (index == WIRING_GROUPS_MAX) {
        return fail(scan, scan->at, "more than %d groups", WIRING_GROUPS_MAX);
    }
    struct wiring_group *group = &wiring->groups[index];
    group->column = (unsigned)scan->at + 1;
    while (isalpha((unsigned char)scan->text[scan->at])) {
        if (!take_letter(scan, wiring, group, index)) {
            return false;
        }
    }
    if (group->stages == 0) {
        return fail(scan, scan->at, "group %u holds no stage", index + 1);
    }
    wiring->group_count++;
    group->kind = group->stages == 1u << STAGE_PROCESSOR ? GROUP_POOL : GROUP_LOOP;
    skip_space(scan);
    if (scan->text[scan->at] == '*' && !take_count(scan, group)) {
        return false;
    }
    skip_space(scan);
    return true;
}

/* --- checking what only the whole can tell --- */

static bool check_complete(const struct scan *scan, const struct wiring *wiring)
{
    for (enum stage stage = 0; stage < STAGE_COUNT; stage++) {
        if (stage != STAGE_POLLER && wiring->group_of[stage] < 0) {
            return fail(scan, scan->at, "no group holds %c, the %s", stage_letters[stage],
                        stage_name(stage));
        }
    }
    return true;
}

/* A new connection travels from group to group: each group must begin with a later stage than the
 * one before. */
static bool check_order(const struct scan *scan, const struct wiring *wiring)
{
    for (unsigned i = 1; i < wiring->group_count; i++) {
        const struct wiring_group *group = &wiring->groups[i];
        if (__builtin_ctz(group->stages) < __builtin_ctz(wiring->groups[i - 1].stages)) {
            char letters[STAGE_COUNT + 1];
            group_letters(group, letters);
            return fail(scan, group->column - 1,
                        "group %u, %s, comes too late: a connection travels L, R, P, W", i + 1,
                        letters);
        }
    }
    return true;
}

bool wiring_parse(struct wiring *wiring, const char *text, char error[WIRING_ERROR])
{
    struct scan scan = {.text = text, .error = error};
    *wiring = (struct wiring){.group_of = {-1, -1, -1, -1, -1}};
    for (;;) {
        if (!take_group(&scan, wiring)) {
            return false;
        }
        char next = text[scan.at];
        if (next == '\0') {
            return check_complete(&scan, wiring) && check_order(&scan, wiring);
        }
        if (next != '|') {
            return fail(&scan, scan.at,
                        "'%c' is not expected here: groups are joined by '|', a count follows '*'",
                        isprint((unsigned char)next) ? next : '?');
        }
        scan.at++;
    }
}

/* --- thread counts --- */

/* Threads nobody asked for by number. Handlers may block, so a pool has more threads than there are
 * CPUs; they cost nothing while they sleep. A loop that runs handlers gets a CPU each; the network
 * alone needs one thread. */
static unsigned default_count(const struct wiring_group *group, unsigned cpus)
{
    if (group->kind == GROUP_POOL) {
        return 4 * cpus;
    }
    return group_holds(group, STAGE_PROCESSOR) ? cpus : 1;
}

static bool size_by_flag(struct wiring_group *group, unsigned index, enum stage stage,
                         uint64_t asked, char *error)
{
    char letters[STAGE_COUNT + 1];
    if (asked == 0 || !group_holds(group, stage)) {
        return true;
    }
    if (group->count != 0 && group->count != asked) {
        group_letters(group, letters);
        snprintf(error, WIRING_ERROR, "--%ss %llu contradicts the %u threads of group %u, %s",
                 stage_name(stage), (unsigned long long)asked, group->count, index + 1, letters);
        return false;
    }
    group->count = (unsigned)asked;
    return true;
}

bool wiring_size(struct wiring *wiring, const struct settings *settings, unsigned cpus,
                 char error[WIRING_ERROR])
{
    const uint64_t asked[STAGE_COUNT] = {
        [STAGE_LISTENER] = settings->listeners,
        [STAGE_READER] = settings->readers,
        [STAGE_PROCESSOR] = settings->processors,
        [STAGE_WRITER] = settings->writers,
    };
    for (unsigned i = 0; i < wiring->group_count; i++) {
        struct wiring_group *group = &wiring->groups[i];
        for (enum stage stage = 0; stage < STAGE_COUNT; stage++) {
            if (!size_by_flag(group, i, stage, asked[stage], error)) {
                return false;
            }
        }
        if (group->count == 0) {
            group->count = default_count(group, cpus);
        }
    }
    return true;
}

/* --- printing --- */

void group_letters(const struct wiring_group *group, char out[STAGE_COUNT + 1])
{
    size_t len = 0;
    for (enum stage stage = 0; stage < STAGE_COUNT; stage++) {
        if (group_holds(group, stage)) {
            out[len++] = stage_letters[stage];
        }
    }
    out[len] = '\0';
}

void wiring_format(const struct wiring *wiring, char out[WIRING_TEXT])
{
    size_t len = 0;
    for (unsigned i = 0; i < wiring->group_count; i++) {
        char letters[STAGE_COUNT + 1];
        group_letters(&wiring->groups[i], letters);
        len += (size_t)snprintf(out + len, WIRING_TEXT - len, "%s%s", i > 0 ? " | " : "", letters);
        if (wiring->groups[i].count > 1) {
            len += (size_t)snprintf(out + len, WIRING_TEXT - len, "*%u", wiring->groups[i].count);
        }
    }
}

/* --- presets --- */

static const struct preset {
    const char *name, *wiring, *source, *what;
} presets[] = {
#define PRESET(name, wiring, source, what) {name, wiring, source, what},
#include "stages/presets.def"
#undef PRESET
};

enum { PRESET_COUNT = sizeof presets / sizeof *presets };

const char *preset_wiring(const char *name)
{
    for (size_t i = 0; i < PRESET_COUNT; i++) {
        if (strcmp(presets[i].name, name) == 0) {
            return presets[i].wiring;
        }
    }
    return NULL;
}

void presets_print(FILE *out)
{
    fprintf(out, "%-18s %-18s %-32s %s\n", "model", "wiring", "source", "what it is");
    for (size_t i = 0; i < PRESET_COUNT; i++) {
        fprintf(out, "%-18s %-18s %-32s %s\n", presets[i].name, presets[i].wiring,
                presets[i].source, presets[i].what);
    }
}

void presets_names(char *out, size_t size)
{
    size_t len = 0;
    for (size_t i = 0; i < PRESET_COUNT && len < size; i++) {
        len += (size_t)snprintf(out + len, size - len, "%s%s", i > 0 ? ", " : "", presets[i].name);
    }
}
