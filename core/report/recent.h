/* recent.h: what limited the server lately, for reports while it runs.
 *
 * Figures since the start would hide what happens now. So the figures of two earlier moments are
 * kept, and the time since one of them is judged: at least a second, and not more than two where a
 * client asks every second.
 *
 * Thread-safety: recent_judge from any thread; the other functions while there is only one. */
#ifndef CORE_REPORT_RECENT_H
#define CORE_REPORT_RECENT_H

#include "core/base/lock.h"
#include "core/report/bottleneck.h"

struct recent_moment {
    uint64_t at_ns; /* 0: the start, when all figures were 0 */
    struct bottleneck_figures figures;
};

struct recent {
    struct {
        struct lock lock;
        struct recent_moment older GUARDED, newer GUARDED;
    } shared;
};

/* What it keeps lives until recent_deinit: some 200 bytes for each of the server's threads. */
void recent_init(struct recent *recent);
void recent_deinit(struct recent *recent);

/* Judges what happened until `report`, which is of `now_ns`; *since_ns is how long that is. */
void recent_judge(struct recent *recent, const struct report *report, uint64_t now_ns,
                  struct bottleneck *verdict, uint64_t *since_ns) EXCLUDES(recent->shared.lock);

#endif
