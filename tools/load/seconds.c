/* seconds.c: see seconds.h. */
#include "tools/load/seconds.h"

#include "core/base/clock.h"

#include <string.h>

enum { WAIT_NS = 20000000 };

uint64_t seconds_next_ns(struct seconds *seconds, const struct crew *crew)
{
    if (seconds->window_ns == 0) {
        seconds->end_ns = seconds->window_ns = crew_window_ns(crew);
    }
    if (seconds->window_ns == 0) {
        return clock_ns() + WAIT_NS;
    }
    uint64_t whole = (seconds->end_ns - seconds->window_ns) / NS_PER_S;
    uint64_t next_ns = seconds->window_ns + (whole + 1) * NS_PER_S;
    uint64_t window_end_ns = seconds->window_ns + crew->plan->settings->duration_ns;
    return next_ns < window_end_ns ? next_ns : UINT64_MAX;
}

static double seconds_between(uint64_t from_ns, uint64_t to_ns)
{
    return to_ns > from_ns ? (double)(to_ns - from_ns) / (double)NS_PER_S : 0;
}

bool seconds_end(struct seconds *seconds, const struct crew *crew, uint64_t now_ns, bool last)
{
    bool due = seconds_next_ns(seconds, crew) <= now_ns || last;
    if (!due || seconds->window_ns == 0) {
        return false;
    }
    memset(&seconds->latest, 0, sizeof seconds->latest);
    crew_latencies(crew, &seconds->latest);
    fine_subtract(&seconds->latest, &seconds->before);
    fine_merge(&seconds->before, &seconds->latest);
    seconds->start_s = seconds_between(seconds->window_ns, seconds->end_ns);
    seconds->length_s = seconds_between(seconds->end_ns, now_ns);
    seconds->end_ns = now_ns;
    return true;
}
