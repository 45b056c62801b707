/* recent.c: the earlier moments. See recent.h. */
#include "core/recent.h"

#include "core/clock.h"

#include <string.h>

void recent_init(struct recent *recent)
{
    memset(recent, 0, sizeof *recent);
    lock_init(&recent->shared.lock, RANK_RECENT);
}

void recent_deinit(struct recent *recent)
{
    lock_deinit(&recent->shared.lock);
}

/* The latest moment that lies a second back. */
static void base_locked(struct recent *recent, uint64_t now_ns, struct recent_moment *base)
    REQUIRES(recent->shared.lock)
{
    bool newer = now_ns >= recent->shared.newer.at_ns + NS_PER_S;
    *base = newer ? recent->shared.newer : recent->shared.older;
}

static void note_locked(struct recent *recent, const struct recent_moment *now)
    REQUIRES(recent->shared.lock)
{
    if (now->at_ns >= recent->shared.newer.at_ns + NS_PER_S) {
        recent->shared.older = recent->shared.newer;
        recent->shared.newer = *now;
    }
}

void recent_judge(struct recent *recent, const struct report *report, uint64_t now_ns,
                  struct bottleneck *verdict, uint64_t *since_ns)
{
    struct recent_moment now = {.at_ns = now_ns}, base;
    bottleneck_read(&now.figures, report);
    lock_take(&recent->shared.lock);
    base_locked(recent, now_ns, &base);
    note_locked(recent, &now);
    lock_release(&recent->shared.lock);
    bottleneck_since(&now.figures, &base.figures);
    *since_ns = now.figures.wall_ns;
    bottleneck_judge(verdict, &now.figures);
}
