/* model.c: presets, policies and thread counts. See model.h. */
#include "stages/model/model.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

static const struct preset {
    const char *name, *wiring;
    struct policies policies;
    const char *source, *what;
} presets[] = {
#define PRESET(name, wiring, dispatch, overload, spawn, inlining, source, what)                    \
    {name,                                                                                         \
     wiring,                                                                                       \
     {DISPATCH_##dispatch, OVERLOAD_##overload, SPAWN_##spawn, INLINE_##inlining, 0},              \
     source,                                                                                       \
     what},
#include "stages/model/presets.def"
#undef PRESET
};

enum { PRESET_COUNT = sizeof presets / sizeof *presets };

static const struct preset *preset_find(const char *name)
{
    for (size_t i = 0; i < PRESET_COUNT; i++) {
        if (strcmp(presets[i].name, name) == 0) {
            return &presets[i];
        }
    }
    return NULL;
}

static bool model_fail(char error[WIRING_ERROR], const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static bool model_fail(char error[WIRING_ERROR], const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(error, WIRING_ERROR, fmt, args);
    va_end(args);
    return false;
}

/* --- sessions that serve their clients for life --- */

bool model_has_budget(const struct wiring *wiring)
{
    return wiring->policies.overload == OVERLOAD_REAP &&
           wiring_idle_stage(wiring) == STAGE_READER &&
           wiring->groups[wiring->group_of[STAGE_READER]].kind == GROUP_POOL;
}

/* Sessions that take turns at accepting: one of them has to be free, or none sees that another
 * client waits. */
static unsigned accepting_sessions(const struct wiring *wiring)
{
    return wiring->groups[wiring->group_of[STAGE_LISTENER]].in_turn ? 1 : 0;
}

unsigned model_budget(const struct wiring *wiring)
{
    return wiring->groups[wiring->group_of[STAGE_READER]].count - accepting_sessions(wiring);
}

static unsigned sessions_of_budget(const struct wiring *wiring, uint64_t connections)
{
    uint64_t sessions = connections + accepting_sessions(wiring);
    return sessions < WIRING_THREADS_MAX ? (unsigned)sessions : WIRING_THREADS_MAX;
}

/* If there were more connections than sessions, those without a session would wait, and no idle one
 * would be closed for them. */
static bool check_budget(const struct wiring *wiring, const struct settings *settings, char *error)
{
    if (!model_has_budget(wiring)) {
        return true;
    }
    unsigned most = model_budget(wiring);
    if (most == 0) {
        return model_fail(error,
                          "--overload reap: the only session accepts too, so it could serve no "
                          "connection; two or more are needed");
    }
    if (settings->max_connections > most) {
        return model_fail(
            error,
            "--max-connections %llu: with --overload reap each connection has a session of "
            "its own, and %u session%s can serve only %u",
            (unsigned long long)settings->max_connections, most + accepting_sessions(wiring),
            most > 1 ? "s" : "", most);
    }
    return true;
}

/* --- thread counts --- */

bool model_is_stallable(const struct wiring *wiring, const struct wiring_group *group)
{
    return group->blocks && (group_runs(group, STAGE_READER) ||
                             (group_runs(group, STAGE_WRITER) && wiring->small_writer < 0));
}

static void give_count(struct wiring_group *group, unsigned count, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void give_count(struct wiring_group *group, unsigned count, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(group->why, sizeof group->why, fmt, args);
    va_end(args);
    group->count = count;
}

/* The number of threads where no option gives it. Each client that stalls occupies a thread that
 * blocks for it, so there are as many as there may be; asleep they cost little. Handlers may block
 * too, so a pool has more threads than there are CPUs. A loop that runs handlers gets a CPU each;
 * the network alone needs one thread. */
static void give_default_count(const struct wiring *wiring, const struct settings *settings,
                               struct wiring_group *group, unsigned cpus)
{
    const char *s = cpus > 1 ? "s" : "";
    if (model_has_budget(wiring) && group == &wiring->groups[wiring->group_of[STAGE_READER]] &&
        settings->max_connections != 0) {
        give_count(group, sessions_of_budget(wiring, settings->max_connections),
                   "from --max-connections");
    } else if (group->usual != 0) {
        give_count(group, group->usual, "the model's own number");
    } else if (model_is_stallable(wiring, group)) {
        give_count(group, WIRING_THREADS_MAX, "each stalled client may occupy one");
    } else if (group->kind == GROUP_POOL) {
        give_count(group, 4 * cpus, "four for each of %u CPU%s", cpus, s);
    } else if (group_runs(group, STAGE_PROCESSOR) ||
               (group->scaled && (group->inlined >> STAGE_PROCESSOR & 1) != 0)) {
        give_count(group, cpus, "one for each of %u CPU%s", cpus, s);
    } else {
        give_count(group, 1,
                   group->inlined != 0 ? "one, where no number is given"
                                       : "one, since it runs no handlers");
    }
}

/* The group whose threads a flag counts: that of the stage, where a loop run in turn has none of
 * its own. */
static int group_counted(const struct wiring *wiring, enum stage stage)
{
    int index = wiring->group_of[stage];
    return index >= 0 && wiring->groups[index].in_turn ? index + 1 : index;
}

/* The group of small letters that runs r, or else the first of them; -1. */
static int sessions_group(const struct wiring *wiring)
{
    int reader = wiring->group_of[STAGE_READER];
    if (wiring->groups[reader].blocks) {
        return reader;
    }
    for (unsigned i = 0; i < wiring->group_count; i++) {
        char letters[GROUP_LETTERS]; /* 'LRPW@4' has threads that block, and is no session */
        (void)wiring_written(wiring, i, letters);
        if (wiring->groups[i].blocks && islower((unsigned char)letters[0])) {
            return (int)i;
        }
    }
    return -1;
}

static bool set_count(struct wiring *wiring, int index, const char *flag, uint64_t asked,
                      char *error)
{
    if (asked == 0) {
        return true;
    }
    if (index < 0) {
        return model_fail(error, "--%s %llu: the wiring has no such group", flag,
                          (unsigned long long)asked);
    }
    struct wiring_group *group = &wiring->groups[index];
    if (group->count != 0 && group->count != asked) {
        char letters[GROUP_LETTERS];
        unsigned number = wiring_written(wiring, (unsigned)index, letters);
        return model_fail(error, "--%s %llu contradicts the %u thread%s of group %u, %s", flag,
                          (unsigned long long)asked, group->count, group->count > 1 ? "s" : "",
                          number, letters);
    }
    give_count(group, (unsigned)asked, "from --%s", flag);
    return true;
}

static bool set_counts(struct wiring *wiring, const struct settings *settings, char *error)
{
    const uint64_t asked[STAGE_COUNT] = {
        [STAGE_LISTENER] = settings->listeners, [STAGE_POLLER] = settings->pollers,
        [STAGE_READER] = settings->readers,     [STAGE_PROCESSOR] = settings->processors,
        [STAGE_WRITER] = settings->writers,
    };
    for (enum stage stage = 0; stage < STAGE_COUNT; stage++) {
        char flag[16];
        snprintf(flag, sizeof flag, "%ss", stage_name(stage));
        if (!set_count(wiring, group_counted(wiring, stage), flag, asked[stage], error)) {
            return false;
        }
    }
    return set_count(wiring, sessions_group(wiring), "sessions", settings->sessions, error);
}

/* --min-threads and --max-threads are for the group that runs the handlers, which must be one that
 * can grow. */
static bool set_bounds(struct wiring *wiring, const struct settings *settings, char *error)
{
    if (settings->min_threads == 0 && settings->max_threads == 0) {
        return true;
    }
    int index = wiring->group_of[STAGE_PROCESSOR];
    if (wiring->groups[index].kind != GROUP_POOL) {
        char letters[GROUP_LETTERS];
        unsigned number = wiring_written(wiring, (unsigned)index, letters);
        return model_fail(
            error,
            "--%s-threads: group %u, %s, is a poll loop; only the threads of pools and "
            "sessions come and go on demand",
            settings->max_threads != 0 ? "max" : "min", number, letters);
    }
    return set_count(wiring, index, "max-threads", settings->max_threads, error);
}

static bool set_least(struct wiring *wiring, const struct settings *settings, char *error)
{
    unsigned most = wiring->groups[wiring->group_of[STAGE_PROCESSOR]].count;
    if (settings->min_threads > most) {
        return model_fail(error, "--min-threads %llu is more than the %u thread%s there may be",
                          (unsigned long long)settings->min_threads, most, most > 1 ? "s" : "");
    }
    wiring->policies.min_threads = settings->min_threads != 0 ? (unsigned)settings->min_threads : 1;
    return true;
}

bool model_size(struct wiring *wiring, const struct settings *settings, unsigned cpus,
                char error[WIRING_ERROR])
{
    if (!set_counts(wiring, settings, error) || !set_bounds(wiring, settings, error)) {
        return false;
    }
    for (unsigned i = 0; i < wiring->group_count; i++) {
        struct wiring_group *group = &wiring->groups[i];
        if (group->count == 0) {
            give_default_count(wiring, settings, group, cpus);
        } else if (group->why[0] == '\0' && !group->in_turn) {
            give_count(group, group->count, "as the wiring says");
        }
    }
    return check_budget(wiring, settings, error) && set_least(wiring, settings, error);
}

/* --- policies --- */

/* A flag wins over the model. A least number of threads that is asked for says that the others come
 * on demand. */
static void set_policies(struct policies *policies, const struct settings *settings)
{
    if (settings->dispatch != DISPATCH_MODEL) {
        policies->dispatch = settings->dispatch;
    }
    if (settings->overload != OVERLOAD_MODEL) {
        policies->overload = settings->overload;
    }
    if (settings->spawn != SPAWN_MODEL) {
        policies->spawn = settings->spawn;
    } else if (settings->min_threads != 0) {
        policies->spawn = SPAWN_ON_DEMAND;
    }
    if (settings->inlining != INLINE_MODEL) {
        policies->inlining = settings->inlining;
    }
}

static bool has_inlined(const struct wiring *wiring)
{
    for (unsigned i = 0; i < wiring->group_count; i++) {
        if (wiring->groups[i].inlined != 0) {
            return true;
        }
    }
    return false;
}

static bool has_pool(const struct wiring *wiring)
{
    for (unsigned i = 0; i < wiring->group_count; i++) {
        if (wiring->groups[i].kind == GROUP_POOL) {
            return true;
        }
    }
    return false;
}

/* Poll loops take from their own queue and are always there: policies of pools say nothing about
 * them. */
static bool check_policies(const struct wiring *wiring, const struct settings *settings,
                           char *error)
{
    bool lifo = settings->dispatch == DISPATCH_LIFO;
    if (!has_pool(wiring) && (lifo || settings->spawn == SPAWN_ON_DEMAND)) {
        return model_fail(error, "--%s: the wiring has only poll loops, no pool and no sessions",
                          lifo ? "dispatch lifo" : "spawn on-demand");
    }
    if (settings->inlining != INLINE_MODEL && !has_inlined(wiring)) {
        return model_fail(error, "--inline: the wiring has no small letter beside capital ones");
    }
    if (settings->min_threads != 0 && settings->spawn == SPAWN_FIXED) {
        return model_fail(error,
                          "--min-threads contradicts --spawn fixed, which starts all threads");
    }
    return true;
}

/* The numbers of a preset are defaults, and not the user's choice. */
static void let_flags_win(struct wiring *wiring)
{
    for (unsigned i = 0; i < wiring->group_count; i++) {
        struct wiring_group *group = &wiring->groups[i];
        if (!group->in_turn) {
            group->usual = group->count;
            group->count = 0;
        }
    }
}

bool model_choose(struct wiring *wiring, const struct settings *settings, unsigned cpus,
                  char error[WIRING_ERROR])
{
    static const struct preset none = {
        .policies = {DISPATCH_FIFO, OVERLOAD_WAIT, SPAWN_FIXED, INLINE_NONE, 0}};
    const struct preset *preset = settings->wiring == NULL ? preset_find(settings->model) : &none;
    if (preset == NULL) {
        char names[WIRING_ERROR];
        presets_names(names, sizeof names);
        return model_fail(error, "--model: '%.40s' is not accepted: one of %s, or a --wiring",
                          settings->model, names);
    }
    if (!wiring_parse(wiring, settings->wiring != NULL ? settings->wiring : preset->wiring,
                      error)) {
        return false;
    }
    wiring->policies = preset->policies;
    if (preset != &none) {
        let_flags_win(wiring);
    }
    set_policies(&wiring->policies, settings);
    if (wiring->policies.inlining == INLINE_NONE && has_inlined(wiring)) {
        wiring->policies.inlining = INLINE_IDLE;
    }
    return model_size(wiring, settings, cpus, error) && check_policies(wiring, settings, error);
}

/* --- the table --- */

const char *preset_wiring(const char *name)
{
    const struct preset *preset = preset_find(name);
    return preset != NULL ? preset->wiring : NULL;
}

void policies_format(const struct policies *policies, char out[POLICIES_TEXT])
{
    static const char *const dispatch[] = {"", "fifo", "lifo"};
    static const char *const overload[] = {"", "wait", "reject", "reap"};
    static const char *const spawn[] = {"", "fixed", "on-demand"};
    static const char *const inlining[] = {"", ", idle", ", short", ", always"};
    snprintf(out, POLICIES_TEXT, "%s, %s, %s%s", dispatch[policies->dispatch],
             overload[policies->overload], spawn[policies->spawn], inlining[policies->inlining]);
}

void presets_print(FILE *out)
{
    fprintf(out, "%-18s %-18s %-25s %-49s %s\n", "model", "wiring", "policies", "source",
            "what it is");
    for (size_t i = 0; i < PRESET_COUNT; i++) {
        const struct preset *preset = &presets[i];
        char policies[POLICIES_TEXT];
        policies_format(&preset->policies, policies);
        fprintf(out, "%-18s %-18s %-25s %-49s %s\n", preset->name, preset->wiring, policies,
                preset->source, preset->what);
    }
}

void presets_names(char *out, size_t size)
{
    size_t len = 0;
    for (size_t i = 0; i < PRESET_COUNT && len < size; i++) {
        len += (size_t)snprintf(out + len, size - len, "%s%s", i > 0 ? ", " : "", presets[i].name);
    }
}
