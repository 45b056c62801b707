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
    occupancy->now += (uint64_t)(int64_t)change;
    occupancy->at_ns = at_ns;
}

void occupancy_end(struct occupancy *occupancy, const struct window *window, bool measured,
                   uint64_t released_ns, uint64_t ended_ns)
{
    bool inside = released_ns >= window->start_ns && ended_ns <= window->end_ns;
    bool outside = released_ns >= window->end_ns || ended_ns <= window->start_ns;
    occupancy_change(occupancy, window, -1, ended_ns);
    if (measured ? !inside : !outside) {
        occupancy->apart_ns += ended_ns > released_ns ? ended_ns - released_ns : 0;
    }
}
