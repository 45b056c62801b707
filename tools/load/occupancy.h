/* occupancy.h: how many requests are between their release and their end, on average over the
 * window: one side of Little's law. The other is the rate times the time in between.
 *
 * Both are made of the same stamps, in different ways: an event that is lost, or comes twice, and a
 * figure that is not merged make them differ. A request that is only partly inside of the window,
 * or was due and released on different sides of one of its ends, is only partly in one of the two:
 * its time bounds how far they may differ otherwise. One thread.
 */
#ifndef TOOLS_LOAD_OCCUPANCY_H
#define TOOLS_LOAD_OCCUPANCY_H

#include "tools/load/window.h"

struct occupancy {
    uint64_t now;
    uint64_t at_ns;    /* the last event */
    double area_ns;    /* their number, summed up over the window's time */
    uint64_t apart_ns; /* of what may be in only one of the two */
};

/* One more (1), one less (-1), or a mere passing of time (0). Times may go back a little, as an
 * answer is stamped before its reader comes to it. */
void occupancy_change(struct occupancy *occupancy, const struct window *window, int change,
                      uint64_t at_ns);

/* A request has ended; `measured`: its time goes into the latencies. */
void occupancy_end(struct occupancy *occupancy, const struct window *window, bool measured,
                   uint64_t released_ns, uint64_t ended_ns);

#endif
