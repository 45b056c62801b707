/* occupancy.h: how many requests are between their release and their end, on average over the
 * window: one side of Little's law. The other is the rate times the time in between.
 *
 * Both are made of the same stamps, in different ways: an event that is lost, or comes twice, and a
 * figure that is not merged make them differ. What was under way at the ends of the window is only
 * in one of the two, which bounds how far they may differ otherwise. One thread.
 */
#ifndef TOOLS_LOAD_OCCUPANCY_H
#define TOOLS_LOAD_OCCUPANCY_H

#include "tools/load/window.h"

struct occupancy {
    uint64_t now;
    uint64_t at_ns;            /* the last event */
    double area_ns;            /* their number, summed up over the window's time */
    uint64_t at_start, at_end; /* their number at the ends of the window */
};

/* One more (1), one less (-1), or a mere passing of time (0). Times may go back a little, as an
 * answer is stamped before its reader comes to it. */
void occupancy_change(struct occupancy *occupancy, const struct window *window, int change,
                      uint64_t at_ns);

#endif
