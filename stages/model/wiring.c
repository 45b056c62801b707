/* wiring.c: reading, checking and printing the wiring notation. See wiring.h. */
#include "stages/model/wiring.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char stage_letters[STAGE_COUNT + 1] = "LKRPW";

static const char *const stage_names[STAGE_COUNT] = {"listener", "poller", "reader", "processor",
                                                     "writer"};

const char *stage_name(enum stage stage)
{
    return stage_names[stage];
}

enum { ONLY_L = 1u << STAGE_LISTENER, ONLY_P = 1u << STAGE_PROCESSOR, ONLY_W = 1u << STAGE_WRITER };

/* --- reading --- */

struct scan {
    const char *text;
    size_t at;
    char *error;
    unsigned written; /* groups as they stand in the text */
};

static bool scan_fail(const struct scan *scan, size_t at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static bool scan_fail(const struct scan *scan, size_t at, const char *fmt, ...)
{
    char why[160];
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    snprintf(scan->error, WIRING_ERROR, "wiring '%.60s', column %zu: %s", scan->text, at + 1, why);
    return false;
}

static void scan_skip_space(struct scan *scan)
{
    while (scan->text[scan->at] == ' ' || scan->text[scan->at] == '\t') {
        scan->at++;
    }
}

/* Is it a small letter in a group of capital ones? */
static bool is_inlined_letter(const struct wiring_group *group, char letter)
{
    return group->stages != 0 && !group->blocks && (letter == 'p' || letter == 'w');
}

/* May this letter stand in this group, after the letters before it? */
static bool check_letter(const struct scan *scan, const struct wiring_group *group,
                         enum stage stage)
{
    char letter = scan->text[scan->at];
    bool small = islower((unsigned char)letter);
    if (small && stage == STAGE_POLLER) {
        return scan_fail(scan, scan->at,
                         "k has no meaning: a poller never blocks for one connection");
    }
    if (group->stages != 0 && group->blocks != small && !is_inlined_letter(group, letter)) {
        return scan_fail(scan, scan->at,
                         "'%c' does not fit: beside capital letters p and w may be small, beside "
                         "small letters none is capital",
                         letter);
    }
    unsigned before = group->stages | group->inlined;
    if (before >> stage != 0) {
        return scan_fail(
            scan, scan->at,
            before >> stage & 1
                ? "%c stands twice in its group"
                : "%c stands behind a later stage of its group, write the letters in the "
                  "order LKRPW",
            letter);
    }
    return true;
}

static bool take_letter(struct scan *scan, struct wiring_group *group)
{
    char letter = scan->text[scan->at];
    const char *found = strchr(stage_letters, toupper((unsigned char)letter));
    if (found == NULL) {
        return scan_fail(scan, scan->at, "'%c' is no stage, the stages are L, K, R, P and W",
                         letter);
    }
    enum stage stage = (enum stage)(found - stage_letters);
    if (!check_letter(scan, group, stage)) {
        return false;
    }
    scan->at++;
    if (is_inlined_letter(group, letter)) {
        group->inlined |= 1u << stage;
        return true;
    }
    group->blocks = islower((unsigned char)letter);
    group->stages |= 1u << stage;
    return true;
}

static bool take_count(struct scan *scan, struct wiring_group *group)
{
    size_t at = ++scan->at;
    scan_skip_space(scan);
    if (scan->text[scan->at] == 'n') {
        scan->at++;
        group->scaled = true;
        return true;
    }
    unsigned count = 0;
    while (isdigit((unsigned char)scan->text[scan->at]) && count <= WIRING_THREADS_MAX) {
        count = count * 10 + (unsigned)(scan->text[scan->at++] - '0');
    }
    if (count < 1 || count > WIRING_THREADS_MAX) {
        return scan_fail(scan, at, "a count is 'n' or a number from 1 to %d", WIRING_THREADS_MAX);
    }
    group->count = count;
    return true;
}

/* --- from what is written to groups --- */

static bool place_stage(const struct scan *scan, struct wiring *wiring, enum stage stage,
                        unsigned index)
{
    const struct wiring_group *group = &wiring->groups[index];
    int before = wiring->group_of[stage];
    bool small = stage == STAGE_WRITER && group->kind == GROUP_POOL;
    bool pair = stage == STAGE_WRITER && before >= 0 && wiring->small_writer < 0 &&
                small != (wiring->groups[before].kind == GROUP_POOL);
    if (before >= 0 && !pair) {
        return scan_fail(scan, group->column - 1, "%c, the %s, stands a second time",
                         stage_letters[stage], stage_name(stage));
    }
    if (!pair) {
        wiring->group_of[stage] = (short)index;
    } else if (small) {
        wiring->small_writer = (short)index;
    } else {
        wiring->small_writer = (short)before;
        wiring->group_of[stage] = (short)index;
    }
    return true;
}

static bool add_group(const struct scan *scan, struct wiring *wiring, struct wiring_group group)
{
    unsigned index = wiring->group_count;
    if (index == WIRING_GROUPS_MAX) {
        return scan_fail(scan, group.column - 1, "more than %d groups", WIRING_GROUPS_MAX);
    }
    wiring->groups[index] = group;
    wiring->group_count++;
    for (enum stage stage = 0; stage < STAGE_COUNT; stage++) {
        if (group_runs(&group, stage) && !place_stage(scan, wiring, stage, index)) {
            return false;
        }
    }
    return true;
}

/* A loop that has no thread of its own, and the pool whose idle threads run it in turn. */
static bool add_in_turn(const struct scan *scan, struct wiring *wiring, struct wiring_group group,
                        unsigned loop_stages, unsigned pool_stages)
{
    struct wiring_group loop = {.stages = loop_stages,
                                .kind = GROUP_LOOP,
                                .in_turn = true,
                                .count = 1,
                                .column = group.column};
    group.stages = pool_stages;
    group.kind = GROUP_POOL;
    group.blocks = true;
    return add_group(scan, wiring, loop) && add_group(scan, wiring, group);
}

/* 'LRPW@n': P, and the first try of W, are the threads' own; all that waits for descriptors is the
 * loop's. */
static bool add_taking_turns(const struct scan *scan, struct wiring *wiring,
                             struct wiring_group group)
{
    if (group.blocks || group.inlined != 0 || !group_runs(&group, STAGE_PROCESSOR) ||
        group.stages == ONLY_P) {
        return scan_fail(scan, group.column - 1,
                         "'@' is for capital letters with P and another stage: threads take turns "
                         "at the loop and do P in between");
    }
    return add_in_turn(scan, wiring, group, group.stages & ~(unsigned)ONLY_P,
                       ONLY_P | (group.stages & ONLY_W));
}

/* A listener that does nothing else waits in the same way whether it blocks or polls. */
static bool add_written(const struct scan *scan, struct wiring *wiring, struct wiring_group group)
{
    if (group.stages == ONLY_L) {
        group.blocks = false;
    }
    if (group.blocks && group_runs(&group, STAGE_LISTENER)) {
        return add_in_turn(scan, wiring, group, ONLY_L, group.stages & ~(unsigned)ONLY_L);
    }
    if (group.stages == ONLY_P) {
        group.blocks = false; /* either case: it waits for no client */
        group.kind = GROUP_POOL;
    } else {
        group.kind = group.blocks ? GROUP_POOL : GROUP_LOOP;
    }
    return add_group(scan, wiring, group);
}

static bool take_group(struct scan *scan, struct wiring *wiring)
{
    scan_skip_space(scan);
    struct wiring_group group = {.column = (unsigned)scan->at + 1};
    while (isalpha((unsigned char)scan->text[scan->at])) {
        if (!take_letter(scan, &group)) {
            return false;
        }
    }
    scan->written++;
    if (group.stages == 0) {
        return scan_fail(scan, scan->at, "group %u has no stage", scan->written);
    }
    scan_skip_space(scan);
    char how = scan->text[scan->at];
    if ((how == '*' || how == '@') && !take_count(scan, &group)) {
        return false;
    }
    scan_skip_space(scan);
    return how == '@' ? add_taking_turns(scan, wiring, group) : add_written(scan, wiring, group);
}

/* --- checks of the whole wiring --- */

static bool check_complete(const struct scan *scan, const struct wiring *wiring)
{
    for (enum stage stage = 0; stage < STAGE_COUNT; stage++) {
        if (stage != STAGE_POLLER && wiring->group_of[stage] < 0) {
            return scan_fail(scan, scan->at, "no group runs %c, the %s", stage_letters[stage],
                             stage_name(stage));
        }
    }
    return true;
}

/* What a loop may run itself follows what it has just done, and needs a group where it goes when the
 * loop would have to wait. */
static bool check_inlined_stage(const struct scan *scan, const struct wiring *wiring,
                                const struct wiring_group *group, enum stage stage)
{
    bool reads = group_runs(group, STAGE_READER), processes = group_runs(group, STAGE_PROCESSOR);
    if (stage == STAGE_PROCESSOR && !reads) {
        return scan_fail(scan, group->column - 1, "p beside capital letters needs R in its group");
    }
    if (stage == STAGE_WRITER && !reads && !processes) {
        return scan_fail(scan, group->column - 1,
                         "w beside capital letters needs R or P in its group");
    }
    if (stage == STAGE_WRITER && wiring->groups[wiring->group_of[stage]].kind != GROUP_LOOP) {
        return scan_fail(scan, group->column - 1,
                         "w beside capital letters needs a W in another group, where a write that "
                         "would block goes");
    }
    return true;
}

static bool check_inlined(const struct scan *scan, const struct wiring *wiring)
{
    for (unsigned i = 0; i < wiring->group_count; i++) {
        const struct wiring_group *group = &wiring->groups[i];
        for (enum stage stage = 0; stage < STAGE_COUNT; stage++) {
            if ((group->inlined >> stage & 1) != 0 &&
                !check_inlined_stage(scan, wiring, group, stage)) {
                return false;
            }
        }
    }
    return true;
}

/* A new connection travels from group to group: each begins with a later stage than the one before.
 * A poller apart from the reader may stand before or behind it: that says whether a new connection
 * is polled first. Beside the reader it says nothing. */
static enum stage first_to_come(const struct wiring_group *group)
{
    unsigned poller = 1u << STAGE_POLLER;
    return (enum stage)__builtin_ctz(group_runs(group, STAGE_READER) ? group->stages & ~poller
                                                                     : group->stages);
}

static bool check_order(const struct scan *scan, const struct wiring *wiring)
{
    enum stage last = STAGE_LISTENER;
    for (unsigned i = 0; i < wiring->group_count; i++) {
        const struct wiring_group *group = &wiring->groups[i];
        enum stage first = first_to_come(group);
        bool of_pair = i > 0 && group[-1].in_turn;
        if (of_pair || (first == STAGE_POLLER && i > 0)) {
            continue;
        }
        if (first < last || (i == 0 && first != STAGE_LISTENER)) {
            char letters[GROUP_LETTERS];
            unsigned number = wiring_written(wiring, i, letters);
            return scan_fail(scan, group->column - 1,
                             "group %u, %s, comes too %s: a connection travels L, R, P, W", number,
                             letters, first < last ? "late" : "early");
        }
        last = first;
    }
    return true;
}

bool wiring_parse(struct wiring *wiring, const char *text, char error[WIRING_ERROR])
{
    struct scan scan = {.text = text, .error = error};
    *wiring = (struct wiring){.group_of = {-1, -1, -1, -1, -1}, .small_writer = -1};
    for (;;) {
        if (!take_group(&scan, wiring)) {
            return false;
        }
        char next = text[scan.at];
        if (next == '\0') {
            return check_complete(&scan, wiring) && check_inlined(&scan, wiring) &&
                   check_order(&scan, wiring);
        }
        if (next != '|') {
            return scan_fail(
                &scan, scan.at,
                "'%c' is not expected here: groups are joined by '|', a count follows '*' "
                "or '@'",
                isprint((unsigned char)next) ? next : '?');
        }
        scan.at++;
    }
}

/* --- what follows from it --- */

enum stage wiring_idle_stage(const struct wiring *wiring)
{
    int poller = wiring->group_of[STAGE_POLLER];
    return poller >= 0 && poller != wiring->group_of[STAGE_READER] ? STAGE_POLLER : STAGE_READER;
}

enum stage wiring_first_stage(const struct wiring *wiring)
{
    bool polled = wiring_idle_stage(wiring) == STAGE_POLLER;
    return polled && wiring->group_of[STAGE_POLLER] < wiring->group_of[STAGE_READER] ? STAGE_POLLER
                                                                                     : STAGE_READER;
}

/* --- printing --- */

/* A pool's P is the same in either case; beside another letter it takes that one's. */
void group_letters(const struct wiring_group *group, char out[GROUP_LETTERS])
{
    size_t len = 0;
    for (enum stage stage = 0; stage < STAGE_COUNT; stage++) {
        bool inlined = (group->inlined >> stage & 1) != 0;
        if (group_runs(group, stage) || inlined) {
            char letter = stage_letters[stage];
            bool small = group->blocks || inlined;
            out[len++] = small ? (char)tolower((unsigned char)letter) : letter;
        }
    }
    out[len] = '\0';
}

const char *group_kind_name(const struct wiring_group *group)
{
    if (group->kind == GROUP_LOOP) {
        return "loop";
    }
    return group->blocks ? "session" : "pool";
}

/* A count of one is left out where an open one means one: in a loop that runs no handlers. */
static size_t format_count(const struct wiring_group *group, char *out)
{
    bool one = group->kind == GROUP_LOOP && !group_runs(group, STAGE_PROCESSOR);
    if (group->count == 0 && group->scaled && (group->inlined >> STAGE_PROCESSOR & 1) != 0) {
        return (size_t)sprintf(out, "*n"); /* without it this loop has one thread */
    }
    return group->count > one ? (size_t)sprintf(out, "*%u", group->count) : 0;
}

/* The pair as it was written: the small letters of 'lrpw', or the capitals of 'LRPW@4'. */
static struct wiring_group join_pair(const struct wiring_group *loop)
{
    const struct wiring_group *pool = loop + 1;
    bool small_w = group_runs(pool, STAGE_WRITER) && !group_runs(loop, STAGE_WRITER);
    return (struct wiring_group){.stages = loop->stages | pool->stages,
                                 .blocks = small_w || group_runs(pool, STAGE_READER) ||
                                           !group_runs(pool, STAGE_PROCESSOR),
                                 .count = pool->count};
}

static size_t format_in_turn(const struct wiring_group *loop, char *out)
{
    struct wiring_group both = join_pair(loop);
    char letters[GROUP_LETTERS];
    group_letters(&both, letters);
    const char *how = both.blocks ? "*" : "@";
    return both.count == 0 ? (size_t)sprintf(out, "%s%sn", letters, how)
                           : (size_t)sprintf(out, "%s%s%u", letters, how, both.count);
}

unsigned wiring_written(const struct wiring *wiring, unsigned index, char letters[GROUP_LETTERS])
{
    unsigned number = 1;
    const struct wiring_group *group = &wiring->groups[index];
    group -= index > 0 && group[-1].in_turn;
    for (const struct wiring_group *at = wiring->groups; at < group; at++) {
        number += !at->in_turn;
    }
    struct wiring_group both = group->in_turn ? join_pair(group) : *group;
    group_letters(&both, letters);
    return number;
}

void wiring_format(const struct wiring *wiring, char out[WIRING_TEXT])
{
    size_t len = 0;
    for (unsigned i = 0; i < wiring->group_count; i++) {
        const struct wiring_group *group = &wiring->groups[i];
        len += (size_t)sprintf(out + len, "%s", i > 0 ? " | " : "");
        if (group->in_turn) {
            len += format_in_turn(group, out + len);
            i++;
            continue;
        }
        char letters[GROUP_LETTERS];
        group_letters(group, letters);
        len += (size_t)sprintf(out + len, "%s", letters);
        len += format_count(group, out + len);
    }
}
