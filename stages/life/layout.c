/* layout.c: groups, workers and queues of a wiring. See layout.h. */
#include "stages/life/layout.h"

#include "stages/engine/places.h"
#include "stages/engine/worker.h"
#include "stages/model/model.h"
#include "stages/stage/listener.h"
#include "stages/stage/poller.h"
#include "stages/stage/processor.h"
#include "stages/stage/reader.h"
#include "stages/stage/writer.h"

#include <ctype.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* Do sessions serve their clients for life? */
static bool sessions_serve_for_life(const struct engine *engine)
{
    return engine->idle_stage == STAGE_READER &&
           engine->groups[engine->wiring.group_of[STAGE_READER]].kind == GROUP_POOL;
}

/* A loop has its poll set, what libuv keeps beside it, and its bell; a pool's thread a bell. */
static uint64_t descriptors_of_threads(const struct engine *engine)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < engine->group_count; i++) {
        const struct group *group = &engine->groups[i];
        count += (uint64_t)group->count * (group->kind == GROUP_POOL ? 2 : 6);
    }
    return count;
}

/* Descriptors that are not connections: standard streams, logs, loops, bells, listening sockets and
 * a quarter for cached files. */
static uint64_t connection_limit(const struct engine *engine)
{
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* more is better, what there is will do */
        CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    }
    if (engine->settings->max_connections != 0) {
        return engine->settings->max_connections;
    }
    if (model_has_budget(&engine->wiring)) {
        return model_budget(&engine->wiring);
    }
    uint64_t ours = 32 + descriptors_of_threads(engine) + limit.rlim_cur / 4;
    return limit.rlim_cur > ours + 16 ? limit.rlim_cur - ours : 16;
}

/* --- mailboxes --- */

static void on_room(void *arg)
{
    workers_nudge(arg);
}

/* Only a listener that does nothing else can turn away all that is refused: behind others work
 * waits. */
static bool follows_listener(const struct engine *engine, unsigned index)
{
    const struct wiring *wiring = &engine->wiring;
    return wiring->group_of[engine->first_stage] == (int)index &&
           wiring->groups[wiring->group_of[STAGE_LISTENER]].stages == 1u << STAGE_LISTENER;
}

bool layout_is_strict(const struct engine *engine, unsigned index)
{
    const struct policies *policies = &engine->wiring.policies;
    return engine->groups[index].kind == GROUP_POOL && policies->dispatch == DISPATCH_LIFO &&
           policies->overload == OVERLOAD_REJECT && follows_listener(engine, index);
}

static void init_mailbox(struct engine *engine, unsigned number, unsigned index, const char *name)
{
    const struct group *group = &engine->groups[index];
    const struct policies *policies = &engine->wiring.policies;
    bool pool = group->kind == GROUP_POOL;
    const struct settings *settings = engine->settings;
    struct mailbox_config config = {
        .name = name,
        .bound = settings->queue_size,
        .takers = pool ? group->least : 1,
        .takers_most = pool ? group->count : 1,
        .idle_ns = settings->idle_thread_timeout_ns,
        .direct = pool && policies->dispatch == DISPATCH_LIFO,
        .strict = layout_is_strict(engine, index),
        .gives_back = pool,
        .turn_bell = pool && group[-1].in_turn ? &group[-1].workers[0].taker.bell : NULL,
        .wakeup = (int)settings->wakeup,
        .spin_ns = settings->wakeup_spin_ns,
        .share = (unsigned)settings->batch,
        .awake_most = group->awake_most,
        .measured = engine->measured,
    };
    mailbox_init(&engine->mailboxes[number], &config);
    mailbox_on_room(&engine->mailboxes[number], on_room, engine);
    engine->mailbox_groups[number] = index;
}

void layout_mailboxes(struct engine *engine)
{
    for (unsigned i = 0; i < engine->group_count; i++) {
        engine->mailbox_count += engine->groups[i].kind == GROUP_POOL ? 1 : engine->groups[i].count;
    }
    engine->mailboxes = must_calloc(engine->mailbox_count, sizeof *engine->mailboxes);
    engine->mailbox_groups = must_calloc(engine->mailbox_count, sizeof *engine->mailbox_groups);
    unsigned number = 0;
    for (unsigned i = 0; i < engine->group_count; i++) {
        struct group *group = &engine->groups[i];
        unsigned boxes = group->kind == GROUP_POOL ? 1 : group->count;
        for (unsigned j = 0; j < group->count; j++) {
            unsigned box = number + (group->kind == GROUP_POOL ? 0 : j);
            group->workers[j].mailbox = &engine->mailboxes[box];
            group->workers[j].mailbox_number = box;
        }
        for (unsigned j = 0; j < boxes; j++) {
            char name[REPORT_NAME], letters[GROUP_LETTERS];
            group_letters(&engine->wiring.groups[i], letters);
            snprintf(name, sizeof name, boxes > 1 ? "%s/%u" : "%s", letters, j);
            init_mailbox(engine, number + j, i, name);
        }
        number += boxes;
    }
}

/* --- workers --- */

/* The processor a stage is pinned to by --pin, or -1. The text has been checked by
 * layout_check_pin. */
static int pinned_cpu(const char *pin, unsigned stages)
{
    for (const char *at = pin; at != NULL && *at != '\0'; at++) {
        const char *letter = strchr(stage_letters, *at);
        if (letter != NULL && (stages >> (letter - stage_letters) & 1) != 0) {
            return atoi(at + 2);
        }
        at = strchr(at, ',');
        if (at == NULL) {
            break;
        }
    }
    return -1;
}

static void get_usable_cpus(cpu_set_t *usable)
{
    CPU_ZERO(usable);
    CHECK(sched_getaffinity(0, sizeof *usable, usable) == 0);
}

unsigned layout_usable_cpus(void)
{
    cpu_set_t usable;
    get_usable_cpus(&usable);
    return (unsigned)CPU_COUNT(&usable);
}

static bool is_usable_cpu(long cpu)
{
    cpu_set_t usable;
    get_usable_cpus(&usable);
    return cpu >= 0 && cpu < CPU_SETSIZE && CPU_ISSET((size_t)cpu, &usable);
}

bool layout_check_pin(const char *pin, char error[SERVER_ERROR_MAX])
{
    for (const char *at = pin; at != NULL;) {
        char *end = NULL;
        bool named = *at != '\0' && strchr(stage_letters, *at) != NULL && at[1] == '=' &&
                     isdigit((unsigned char)at[2]);
        long cpu = named ? strtol(at + 2, &end, 10) : -1;
        if (!is_usable_cpu(cpu) || (*end != ',' && *end != '\0')) {
            snprintf(error, SERVER_ERROR_MAX,
                     "--pin: '%.60s' is not accepted: STAGE=CPU[,...], a stage is one of %s, a CPU "
                     "one that this process may use",
                     pin, stage_letters);
            return false;
        }
        at = *end == ',' ? end + 1 : NULL;
    }
    return true;
}

static void name_worker(struct worker *worker, const struct wiring_group *group)
{
    char letters[GROUP_LETTERS];
    group_letters(group, letters);
    snprintf(worker->name, sizeof worker->name, group->count > 1 ? "q-%s/%u" : "q-%s", letters,
             worker->seat);
}

/* A pool's threads share the CPUs with the loops: waking more of them than there are CPUs left
 * makes nothing faster. */
static void size_pools(struct engine *engine)
{
    unsigned loops = 0;
    for (unsigned i = 0; i < engine->group_count; i++) {
        bool busy = engine->groups[i].kind == GROUP_LOOP && !engine->groups[i].in_turn;
        loops += busy ? engine->groups[i].count : 0;
    }
    unsigned cpus = (unsigned)CPU_COUNT(&engine->cpus);
    for (unsigned i = 0; i < engine->group_count; i++) {
        bool pool = engine->groups[i].kind == GROUP_POOL;
        engine->groups[i].awake_most = pool && cpus > loops + 1 ? cpus - loops : 1;
    }
}

static unsigned least_threads(const struct wiring *wiring, const struct wiring_group *group)
{
    bool on_demand = group->kind == GROUP_POOL && wiring->policies.spawn == SPAWN_ON_DEMAND;
    unsigned least = wiring->policies.min_threads;
    return on_demand && least < group->count ? least : group->count;
}

static bool waits_for_idle(const struct engine *engine, const struct group *group)
{
    return group->kind == GROUP_POOL && (group->stages >> STAGE_READER & 1) != 0 &&
           engine->idle_stage == STAGE_READER;
}

static void lay_out(struct engine *engine)
{
    const struct wiring *wiring = &engine->wiring;
    engine->group_count = wiring->group_count;
    for (unsigned i = 0; i < wiring->group_count; i++) {
        engine->worker_count += wiring->groups[i].count;
    }
    engine->workers = must_calloc(engine->worker_count, sizeof *engine->workers);
    unsigned number = 0;
    for (unsigned i = 0; i < wiring->group_count; i++) {
        const struct wiring_group *from = &wiring->groups[i];
        struct group *group = &engine->groups[i];
        *group = (struct group){.stages = from->stages,
                                .kind = from->kind,
                                .in_turn = from->in_turn,
                                .count = from->count,
                                .least = least_threads(wiring, from),
                                .workers = &engine->workers[number]};
        group->recall = waits_for_idle(engine, group) ? recall_new() : NULL;
        lock_init(&group->shared.lock, RANK_GROUP);
        condition_init(&group->changed);
        for (unsigned j = 0; j < from->count; j++) {
            struct worker *worker = &engine->workers[number];
            worker->engine = engine;
            worker->group = i;
            worker->seat = j;
            worker->number = number++;
            worker->stages = from->stages;
            worker->inlined = from->inlined;
            worker->kind = from->kind;
            worker->cpu = pinned_cpu(engine->settings->pin, from->stages);
            worker->pool.loop = i > 0 && from[-1].in_turn ? group[-1].workers : NULL;
            name_worker(worker, from);
        }
    }
}

/* What kind of group waits for a full socket. */
static enum group_kind waits_to_send(const struct engine *engine)
{
    return engine->groups[engine->wiring.group_of[STAGE_WRITER]].kind;
}

/* The writer's loop, else the poller's, else the listener's: L is always in one. */
static unsigned choose_linger_group(const struct engine *engine)
{
    static const enum stage order[] = {STAGE_WRITER, STAGE_POLLER, STAGE_LISTENER};
    for (unsigned i = 0; i < sizeof order / sizeof *order; i++) {
        int group = engine->wiring.group_of[order[i]];
        if (group >= 0 && engine->groups[group].kind == GROUP_LOOP) {
            return (unsigned)group;
        }
    }
    CHECK(false); /* wiring_parse makes a loop of every L */
}

static void enter_stages(struct engine *engine)
{
    engine->stages[STAGE_LISTENER] = &listener_stage;
    engine->stages[STAGE_POLLER] = &poller_stage;
    engine->stages[STAGE_READER] = &reader_stage;
    engine->stages[STAGE_PROCESSOR] = &processor_stage;
    engine->stages[STAGE_WRITER] = &writer_stage;
}

void layout_groups(struct engine *engine)
{
    enter_stages(engine);
    engine->first_stage = wiring_first_stage(&engine->wiring);
    engine->idle_stage = wiring_idle_stage(&engine->wiring);
    lay_out(engine);
    engine->linger_group = choose_linger_group(engine);
    engine->blocking_sockets =
        sessions_serve_for_life(engine) && waits_to_send(engine) == GROUP_POOL;
    get_usable_cpus(&engine->cpus);
    size_pools(engine);
    engine->max_connections = connection_limit(engine);
    /* Twice the CPUs: a thread may lose its CPU while it has one. */
    interval_sets_init(&engine->interval_sets, 2 * (unsigned)CPU_COUNT(&engine->cpus));
}

void layout_free(struct engine *engine)
{
    interval_sets_deinit(&engine->interval_sets);
    for (unsigned i = 0; i < engine->group_count; i++) {
        recall_free(engine->groups[i].recall);
        condition_deinit(&engine->groups[i].changed);
        lock_deinit(&engine->groups[i].shared.lock);
    }
    free(engine->workers);
}
