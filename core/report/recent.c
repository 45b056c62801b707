/* recent.c: the earlier moments. See recent.h. */
#include "core/report/recent.h"

#include "core/base/clock.h"

#include <string.h>

void recent_init(struct recent *recent)
{
    memset(recent, 0, sizeof *recent);
    lock_init(&recent->shared.lock, RANK_RECENT);
}

void recent_deinit(struct recent *recent) NO_ANALYSIS
{
    bottleneck_deinit(&recent->shared.older.figures);
    bottleneck_deinit(&recent->shared.newer.figures);
    lock_deinit(&recent->shared.lock);
}

/* The latest moment that lies a second back. */
static const struct bottleneck_figures *base_locked(const struct recent *recent, uint64_t now_ns)
    REQUIRES(recent->shared.lock)
{
    bool newer = now_ns >= recent->shared.newer.at_ns + NS_PER_S;
    return newer ? &recent->shared.newer.figures : &recent->shared.older.figures;
}

/* Takes `now` over when it is time, and leaves the oldest moment in it, which the caller frees. */
static void note_locked(struct recent *recent, struct recent_moment *now)
    REQUIRES(recent->shared.lock)
{
    if (now->at_ns >= recent->shared.newer.at_ns + NS_PER_S) {
        struct recent_moment oldest = recent->shared.older;
        recent->shared.older = recent->shared.newer;
        recent->shared.newer = *now;
        *now = oldest;
    }
}

void recent_judge(struct recent *recent, const struct report *report, uint64_t now_ns,
                  struct bottleneck *verdict, uint64_t *since_ns)
{
    struct recent_moment now = {.at_ns = now_ns};
    struct bottleneck_figures judged;
    bottleneck_read(&now.figures, report);
    bottleneck_read(&judged, report);
    lock_take(&recent->shared.lock);
    bottleneck_since(&judged, base_locked(recent, now_ns));
    note_locked(recent, &now);
    lock_release(&recent->shared.lock);
    bottleneck_deinit(&now.figures);
    *since_ns = judged.wall_ns;
    bottleneck_judge(verdict, &judged);
    bottleneck_deinit(&judged);
}
