/* ways.c: the walk. See ways.h. */
#include "stages/engine/ways.h"

#include "core/base/check.h"
#include "stages/engine/route.h"

#include <string.h>

static const struct leaving {
    const char *kind;
    enum stage stage;
    enum verdict verdict;
    bool more;
} leavings[] = {
#define WAY(kind, stage, verdict, more, what) {kind, stage, verdict, more},
#include "stages/engine/ways.def"
#undef WAY
};

struct walk {
    const struct engine *engine;
    unsigned seen[WIRING_GROUPS_MAX]; /* stages that have been walked, as in struct wiring_group */
    unsigned count;
    struct way_report *ways;
};

static void ways_visit(struct walk *walk, enum stage stage, unsigned group);

static bool is_known(const struct walk *walk, unsigned from, unsigned to, const char *kind)
{
    for (unsigned i = 0; i < walk->count; i++) {
        const struct way_report *way = &walk->ways[i];
        if (way->from == from && way->to == to && strcmp(way->kind, kind) == 0) {
            return true;
        }
    }
    return false;
}

static void ways_add(struct walk *walk, unsigned from, unsigned to, const struct leaving *leaving)
{
    bool round = leaving->verdict == VERDICT_KEPT && !leaving->more;
    if ((from == to && !round) || is_known(walk, from, to, leaving->kind)) {
        return;
    }
    CHECK(walk->count < WAYS_MAX);
    struct way_report *way = &walk->ways[walk->count++];
    *way = (struct way_report){.from = from, .to = to};
    (void)snprintf(way->kind, sizeof way->kind, "%s", leaving->kind);
}

/* A session's own reader puts the exchange back before the connection goes on to a poller. */
static struct route_goal ways_goal_of(const struct worker *worker, const struct leaving *leaving)
{
    struct route_goal to = route_goal(worker, leaving->verdict, leaving->more);
    bool session = worker->kind == GROUP_POOL && to.group == worker->group;
    return leaving->verdict == VERDICT_KEPT && !leaving->more && session
               ? route_goal(worker, VERDICT_WANT_READ, false)
               : to;
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

unsigned ways_list(const struct engine *engine, struct way_report ways[WAYS_MAX])
{
    struct walk walk = {.engine = engine, .ways = ways};
    ways_visit(&walk, STAGE_LISTENER, (unsigned)engine->wiring.group_of[STAGE_LISTENER]);
    return walk.count;
}
