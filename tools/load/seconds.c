/* seconds.c: see seconds.h. */
#include "tools/load/seconds.h"

#include "core/base/clock.h"

#include <string.h>

enum { WAIT_NS = 20000000 };

uint64_t seconds_next_ns(struct seconds *seconds, const struct crew *crew)
{
    const struct load_settings *settings = crew->plan->settings;
    if (seconds->window_ns == 0) {
        seconds->end_ns = seconds->window_ns = crew_window_ns(crew);
    }
    if (seconds->window_ns == 0) {
        return clock_ns() + WAIT_NS;
    }
    uint64_t whole = (seconds->end_ns - seconds->window_ns) / NS_PER_S;
    uint64_t next_ns = seconds->window_ns + (whole + 1) * NS_PER_S;
    return next_ns < seconds->window_ns + settings->duration_ns ? next_ns : UINT64_MAX;
}

void seconds_end(struct seconds *seconds, const struct crew *crew, uint64_t now_ns)
{
    memset(&seconds->latest, 0, sizeof seconds->latest);
    crew_latencies(crew, &seconds->latest);
    struct histogram *all = &seconds->before;
    histogram_subtract(&seconds->latest, all);
    histogram_merge(all, &seconds->latest);
    seconds->end_ns = now_ns;
}
