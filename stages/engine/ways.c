/* ways.c: the walk. See ways.h. */
#include "stages/engine/ways.h"

#include "core/base/check.h"
#include "stages/engine/route.h"

#include <string.h>

enum { INTERVAL_NONE = WAY_NO_WAIT };

static const struct leaving {
    struct way way; /* without its groups */
    enum stage stage;
    enum verdict verdict;
    bool more;
} leavings[] = {
#define WAY(kind, when, stage, verdict, more, wait, what)                                          \
    {{kind, what, WAY_##when, (enum interval)INTERVAL_##wait, 0, 0}, stage, verdict, more},
#include "stages/engine/ways.def"
#undef WAY
};

struct walk {
    const struct engine *engine;
    unsigned seen[WIRING_GROUPS_MAX]; /* stages that have been walked, as in struct wiring_group */
    unsigned count;
    struct way *ways;
};

static void ways_visit(struct walk *walk, enum stage stage, unsigned group);

static bool is_known(const struct walk *walk, unsigned from, unsigned to, const char *kind)
{
    for (unsigned i = 0; i < walk->count; i++) {
        const struct way *way = &walk->ways[i];
        if (way->from == from && way->to == to && strcmp(way->kind, kind) == 0) {
            return true;
        }
    }
    return false;
}

static void ways_add(struct walk *walk, unsigned from, unsigned to, const struct leaving *leaving)
{
    if (is_known(walk, from, to, leaving->way.kind)) {
        return;
    }
    CHECK(walk->count < WAYS_MAX);
    struct way *way = &walk->ways[walk->count++];
    *way = leaving->way;
    way->from = from;
    way->to = to;
}

static struct route_goal ways_goal_of(const struct worker *worker, const struct leaving *leaving)
{
    return leaving->verdict == VERDICT_KEPT ? route_goal_kept(worker, leaving->more)
                                            : route_goal(worker, leaving->verdict, leaving->more);
}

static void ways_leave(struct walk *walk, const struct worker *worker,
                       const struct leaving *leaving)
{
    struct route_goal to = ways_goal_of(worker, leaving);
    bool loop = walk->engine->groups[to.group].kind == GROUP_LOOP;
    if (leaving->verdict == VERDICT_CLOSE && !loop) {
        return; /* without a home it is closed where it is */
    }
    ways_add(walk, worker->group, to.group, leaving);
    if (leaving->verdict == VERDICT_REQUEST_READY && worker_stands_in(worker, STAGE_PROCESSOR)) {
        ways_add(walk, worker->group, worker->group, leaving); /* the loop may run it itself */
        ways_visit(walk, STAGE_PROCESSOR, worker->group);
    }
    if (leaving->verdict != VERDICT_CLOSE && leaving->verdict != VERDICT_LINGER) {
        ways_visit(walk, to.stage, to.group); /* the others end there */
    }
}

static void ways_visit(struct walk *walk, enum stage stage, unsigned group)
{
    if ((walk->seen[group] >> stage & 1) != 0) {
        return;
    }
    walk->seen[group] |= 1u << stage;
    for (unsigned i = 0; i < sizeof leavings / sizeof *leavings; i++) {
        if (leavings[i].stage == stage) {
            ways_leave(walk, walk->engine->groups[group].workers, &leavings[i]);
        }
    }
}

unsigned ways_walk(const struct engine *engine, struct way ways[WAYS_MAX])
{
    struct walk walk = {.engine = engine, .ways = ways};
    ways_visit(&walk, STAGE_LISTENER, (unsigned)engine->wiring.group_of[STAGE_LISTENER]);
    return walk.count;
}

unsigned ways_list(const struct engine *engine, struct way_report ways[WAYS_MAX])
{
    struct way all[WAYS_MAX];
    unsigned count = 0, walked = ways_walk(engine, all);
    for (unsigned i = 0; i < walked; i++) {
        if (all[i].from != all[i].to || strcmp(all[i].kind, "kept") == 0) {
            struct way_report *way = &ways[count++];
            *way = (struct way_report){.from = all[i].from, .to = all[i].to};
            (void)snprintf(way->kind, sizeof way->kind, "%s", all[i].kind);
        }
    }
    return count;
}
