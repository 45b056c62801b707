/* occupancy.c: see occupancy.h. */
#include "tools/load/occupancy.h"

static uint64_t clip_to_window(const struct window *window, uint64_t ns)
{
    return ns < window->start_ns ? window->start_ns : ns > window->end_ns ? window->end_ns : ns;
}

void occupancy_change(struct occupancy *occupancy, const struct window *window, int change,
                      uint64_t at_ns)
{
    double from_ns = (double)(clip_to_window(window, occupancy->at_ns) - window->start_ns);
    double to_ns = (double)(clip_to_window(window, at_ns) - window->start_ns);
    occupancy->area_ns += (double)occupancy->now * (to_ns - from_ns);
    if (occupancy->at_ns < window->start_ns && at_ns >= window->start_ns) {
        occupancy->at_start = occupancy->now;
    }
    if (occupancy->at_ns < window->end_ns && at_ns >= window->end_ns) {
        occupancy->at_end = occupancy->now;
    }
    occupancy->now += (uint64_t)(int64_t)change;
    occupancy->at_ns = at_ns;
}
