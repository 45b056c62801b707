/* recent.h: what happened lately, for whoever watches a server while it runs.
 *
 * Figures since the start would hide what happens now. So the reports that were given away are
 * kept as their JSON, about one a second and later one in five seconds, for five minutes; and a
 * window is the report of now less the one that is as old as the window is long (report_since).
 * A server that nobody watches keeps nothing.
 *
 * Thread-safety: recent_note and recent_window from any thread; the other functions while there is
 * only one. */
#ifndef CORE_REPORT_RECENT_H
#define CORE_REPORT_RECENT_H

#include "core/base/lock.h"
#include "core/report/report.h"

enum {
    RECENT_SECONDS_MAX = 300,
    RECENT_MOMENTS = 128,
    RECENT_BYTES_MAX = 16 << 20, /* of all texts; over it the oldest goes */
};

struct recent {
    struct {
        struct lock lock;
        unsigned count GUARDED;
        struct recent_moment *at[RECENT_MOMENTS] GUARDED; /* oldest first */
    } shared;
};

void recent_init(struct recent *recent);
void recent_deinit(struct recent *recent);

/* Keeps a copy of `json`, what report_to_json has made at `now_ns`, unless the last one is younger
 * than a second. */
void recent_note(struct recent *recent, struct bytes json, uint64_t now_ns)
    EXCLUDES(recent->shared.lock);

/* Sets `window` to what happened in the `seconds` until that report: since the youngest kept one
 * that is as old, or the oldest of them; since the start where `seconds` is 0 or none is a second
 * old. How long it is stands in its wall_ns. It wants report_deinit. */
void recent_window(struct recent *recent, struct bytes json, uint64_t now_ns, unsigned seconds,
                   struct report *window) EXCLUDES(recent->shared.lock);

#endif
