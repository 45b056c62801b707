/* explain.c: the sections of the text. See explain.h. */
#include "stages/life/explain.h"

#include "stages/engine/route.h"
#include "stages/engine/ways.h"
#include "stages/life/layout.h"
#include "stages/model/model.h"

#include <string.h>

struct explained {
    FILE *out;
    const struct engine *engine;
    const struct wiring *wiring;
    struct way ways[WAYS_MAX];
    unsigned way_count;
    char letters[WIRING_GROUPS_MAX][GROUP_LETTERS];
};

static const char *letters_of(const struct explained *e, enum stage stage)
{
    return e->letters[e->wiring->group_of[stage]];
}

static const struct wiring_group *group_with(const struct explained *e, enum stage stage)
{
    return &e->wiring->groups[e->wiring->group_of[stage]];
}

static const char *plural_s(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* --- threads --- */

static void explain_header(const struct explained *e)
{
    const struct settings *settings = e->engine->settings;
    char text[WIRING_TEXT], policies[POLICIES_TEXT];
    wiring_format(e->wiring, text);
    policies_format(&e->wiring->policies, policies);
    if (settings->wiring == NULL) {
        fprintf(e->out, "model %s: ", settings->model);
    }
    fprintf(e->out, "wiring %s; policies %s\n", text, policies);
    if (settings->processes > 1) {
        fprintf(e->out, "%llu processes; what follows is true of each\n",
                (unsigned long long)settings->processes);
    }
}

static void explain_threads(const struct explained *e)
{
    fputs("\nthreads\n", e->out);
    for (unsigned i = 0; i < e->wiring->group_count; i++) {
        const struct wiring_group *group = &e->wiring->groups[i];
        if (group->in_turn) {
            fprintf(e->out, "  %-8s no thread of its own: idle threads of %s take turns at it\n",
                    e->letters[i], e->letters[i + 1]);
            continue;
        }
        fprintf(e->out, "  %-8s %4u  %-8s %s", e->letters[i], group->count, group_kind_name(group),
                group->why);
        if (e->engine->groups[i].least < group->count) {
            fprintf(e->out, "; %u at the start, the others on demand", e->engine->groups[i].least);
        }
        fputc('\n', e->out);
    }
}

/* --- hand-overs --- */

static const char *const when_texts[WAY_WHEN_COUNT] = {
    [WAY_FOR_REQUEST] = "for a request",
    [WAY_AFTERWARDS] = "after its answer",
    [WAY_IN_PARTS] = "for a request that comes in parts",
    [WAY_FULL_SOCKET] = "at a full socket",
};

static void explain_ways(const struct explained *e)
{
    fputs("\nhand-overs: '==>' through the queue of the group behind it, '-->' a call in one "
          "thread\n",
          e->out);
    for (enum way_when when = 0; when < WAY_WHEN_COUNT; when++) {
        fprintf(e->out, "  %s\n", when_texts[when]);
        for (unsigned i = 0; i < e->way_count; i++) {
            const struct way *way = &e->ways[i];
            if (way->when == when) {
                fprintf(e->out, "    %-10s %5s %s %-5s  %s\n", way->kind, e->letters[way->from],
                        way->from == way->to ? "-->" : "==>", e->letters[way->to], way->what);
            }
        }
    }
}

/* --- waits that are zero --- */

/* Has no way a queue in this interval? The group in which it is a call, or -1. */
static int group_of_call(const struct explained *e, enum interval wait)
{
    int group = -1;
    for (unsigned i = 0; i < e->way_count; i++) {
        if (e->ways[i].wait == wait && e->ways[i].from != e->ways[i].to) {
            return -1;
        }
        group = e->ways[i].wait == wait ? (int)e->ways[i].from : group;
    }
    return group;
}

/* Threads of loops that may run handlers in place of the group of P. */
static unsigned count_inlining(const struct explained *e)
{
    unsigned count = 0;
    for (unsigned i = 0; i < e->wiring->group_count; i++) {
        const struct wiring_group *group = &e->wiring->groups[i];
        count += (group->inlined >> STAGE_PROCESSOR & 1) != 0 ? group->count : 0;
    }
    return count;
}

static void explain_zeros(const struct explained *e)
{
    static const struct {
        enum interval wait;
        const char *why;
    } waits[] = {
        {INTERVAL_PROCESS_WAIT, "that has read a request runs its handler"},
        {INTERVAL_WRITE_WAIT, "that has run a handler sends the answer"},
        {INTERVAL_REQUEUE_WAIT, "that has sent an answer waits for the next request"},
    };
    unsigned zeros = 0;
    bool on_loop = false;
    fputs("\nwaits that are zero\n", e->out);
    for (unsigned i = 0; i < sizeof waits / sizeof *waits; i++) {
        int group = group_of_call(e, waits[i].wait);
        if (group >= 0) {
            fprintf(e->out, "  %s is 0: the thread of %s %s.\n", interval_name(waits[i].wait),
                    e->letters[group], waits[i].why);
            zeros++;
            on_loop = on_loop || e->wiring->groups[group].kind == GROUP_LOOP;
        }
    }
    if (zeros == 0) {
        fputs("  None: a queue lies in process.wait, in write.wait and in requeue.wait.\n", e->out);
    }
    if (count_inlining(e) > 0) {
        fputs("  Of a request that a loop runs itself, all that follows in this loop is a call: no "
              "queue "
              "lies in it.\n",
              e->out);
    }
    if (group_of_call(e, INTERVAL_WRITE_WAIT) >= 0) {
        fprintf(e->out,
                "  Exception: an answer that another thread completes goes through the queue of "
                "%s.\n",
                letters_of(e, STAGE_WRITER));
    }
    if (on_loop) {
        fprintf(
            e->out,
            "  Exception: after %d steps in a row for one client (a deep pipeline) the next one "
            "goes through\n  the queue of its own group.\n",
            ROUTE_ROUNDS_MOST);
    }
}

/* --- where requests wait unseen --- */

/* Stages that the reader's thread has to do besides. */
static void explain_readers_work(const struct explained *e)
{
    const char *letters = letters_of(e, STAGE_READER);
    fprintf(e->out,
            "  A request waits in its socket's receive buffer until a thread of %s reads it.",
            letters);
    if (group_with(e, STAGE_READER)->kind == GROUP_LOOP && letters[1] != '\0') {
        fprintf(e->out, " Until\n  then that thread does other work of %s%s.", letters,
                group_with(e, STAGE_READER)->stages >> STAGE_PROCESSOR & 1 ? ", handlers too" : "");
    }
    fputs("\n  total begins at that read, so this wait is in socket.wait and in no other "
          "interval.\n",
          e->out);
}

static void explain_unread(const struct explained *e)
{
    for (unsigned i = 0; i < e->way_count; i++) {
        const struct way *way = &e->ways[i];
        bool to_reader = strcmp(way->kind, "readable") == 0 || strcmp(way->kind, "new") == 0;
        if (to_reader && way->from != way->to &&
            (int)way->to == e->wiring->group_of[STAGE_READER]) {
            fprintf(
                e->out,
                "  A connection in the queue of %s (%s) may have sent its request already; total "
                "begins behind\n  this queue.\n",
                e->letters[way->to], way->kind);
        }
    }
}

static void explain_turns(const struct explained *e)
{
    for (unsigned i = 0; i < e->wiring->group_count; i++) {
        if (e->wiring->groups[i].in_turn) {
            fprintf(e->out, "  While all threads of %s are occupied, none runs the loop %s.\n",
                    e->letters[i + 1], e->letters[i]);
        }
    }
}

static void explain_unseen(const struct explained *e)
{
    const struct settings *settings = e->engine->settings;
    fputs("\nwhere requests wait before the server has read them\n", e->out);
    fprintf(
        e->out,
        "  A new connection waits in the kernel's accept queue: at most %llu in each listening "
        "socket\n"
        "  (--backlog). Reports show the depth of this queue; of the intervals only socket.wait\n"
        "  contains the wait, from the arrival of the request on.\n",
        (unsigned long long)settings->backlog);
    explain_readers_work(e);
    explain_unread(e);
    explain_turns(e);
}

/* --- limits --- */

/* Loops that run handlers in place of the group of P. */
static void explain_inlined(const struct explained *e)
{
    static const char *const when[] = {
        [INLINE_NONE] = "never",
        [INLINE_IDLE] = "while it has nothing else to do and a thread of the other group sleeps",
        [INLINE_SHORT] = "when the handler is not known to take long and its file is in the cache",
        [INLINE_ALWAYS] = "always",
    };
    for (unsigned i = 0; i < e->wiring->group_count; i++) {
        if ((e->wiring->groups[i].inlined >> STAGE_PROCESSOR & 1) != 0) {
            fprintf(e->out, "  A thread of %s runs a handler itself %s (--inline).\n",
                    e->letters[i], when[e->wiring->policies.inlining]);
        }
    }
}

static void explain_processing(const struct explained *e)
{
    const struct wiring_group *group = group_with(e, STAGE_PROCESSOR);
    const char *letters = letters_of(e, STAGE_PROCESSOR);
    unsigned most = group->count + count_inlining(e);
    fprintf(e->out, "  At most %u request%s %s processed at a time: one by each thread of %s", most,
            plural_s(most), most == 1 ? "is" : "are", letters);
    fputs(most > group->count ? ", and by each loop with p.\n" : ".\n", e->out);
    explain_inlined(e);
    if (group->kind == GROUP_LOOP) {
        fprintf(e->out, "  A handler that blocks stops all connections of its thread%s.\n",
                group_runs(group, STAGE_READER) ? "" : " that wait to be processed");
    }
}

/* What becomes of clients that no session is free for. */
static const char *fate_of_others(const struct explained *e)
{
    if (group_with(e, STAGE_LISTENER)->in_turn) {
        return "wait in the kernel's accept queue";
    }
    bool strict = layout_is_strict(e->engine, (unsigned)e->wiring->group_of[STAGE_READER]);
    return strict ? "get 503" : "wait in its queue";
}

static void explain_sessions(const struct explained *e)
{
    const struct wiring_group *group = group_with(e, STAGE_READER);
    const char *letters = letters_of(e, STAGE_READER);
    if (group->kind == GROUP_POOL && e->engine->idle_stage == STAGE_READER) {
        unsigned most = model_has_budget(e->wiring) ? model_budget(e->wiring) : group->count;
        fprintf(e->out,
                "  At most %u client%s %s served at a time, idle ones too: a session of %s serves "
                "its client until the\n  connection is closed. Others %s.\n",
                most, plural_s(most), most == 1 ? "is" : "are", letters,
                model_has_budget(e->wiring) ? "make the server close an idle one"
                                            : fate_of_others(e));
    }
}

/* Groups whose threads wait for one client inside its request. */
static void explain_stalls(const struct explained *e)
{
    for (unsigned i = 0; i < e->wiring->group_count; i++) {
        const struct wiring_group *group = &e->wiring->groups[i];
        if (!model_is_stallable(e->wiring, group)) {
            continue;
        }
        bool reads = group_runs(group, STAGE_READER);
        bool writes = group_runs(group, STAGE_WRITER) && e->wiring->small_writer < 0;
        fprintf(e->out, "  A client that stalls %s%s%s occupies one of the %u thread%s\n  of %s.\n",
                reads ? "inside its request" : "", reads && writes ? " or " : "",
                writes ? "before it takes its answer" : "", group->count, plural_s(group->count),
                e->letters[i]);
    }
}

static void explain_connections(const struct explained *e)
{
    static const char *const fates[] = {
        [OVERLOAD_MODEL] = "clients wait in the kernel's accept queue",
        [OVERLOAD_WAIT] = "clients wait in the kernel's accept queue",
        [OVERLOAD_REJECT] = "clients get 503",
        [OVERLOAD_REAP] = "an idle connection is closed for a new one",
    };
    const struct settings *settings = e->engine->settings;
    const char *from = settings->max_connections != 0 ? "--max-connections"
                       : model_has_budget(e->wiring)  ? "one for each session"
                                                      : "from the limit of descriptors";
    unsigned long long most = e->engine->max_connections;
    fprintf(e->out, "  At most %llu connection%s %s open at a time (%s).\n  Beyond that %s.\n",
            most, plural_s(most), most == 1 ? "is" : "are", from,
            fates[e->wiring->policies.overload]);
}

static void explain_limits(const struct explained *e)
{
    fputs("\nlimits\n", e->out);
    explain_processing(e);
    explain_sessions(e);
    explain_stalls(e);
    explain_connections(e);
    uint64_t size = e->engine->settings->queue_size;
    fprintf(e->out, "  Each queue holds at most %llu connection%s (--queue-size).\n",
            (unsigned long long)size, plural_s(size));
}

void explain_print(FILE *out, const struct settings *settings, const struct wiring *wiring)
{
    static struct engine engine; /* laid out, and never started */
    engine = (struct engine){.settings = settings, .wiring = *wiring};
    layout_groups(&engine);
    struct explained e = {.out = out, .engine = &engine, .wiring = wiring};
    e.way_count = ways_walk(&engine, e.ways);
    for (unsigned i = 0; i < wiring->group_count; i++) {
        group_letters(&wiring->groups[i], e.letters[i]);
    }
    explain_header(&e);
    explain_threads(&e);
    explain_ways(&e);
    explain_zeros(&e);
    explain_unseen(&e);
    explain_limits(&e);
    layout_free(&engine);
}
