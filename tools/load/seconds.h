/* seconds.h: the latencies of each second of the window, taken from histograms that only grow: what
 * is new in them since the second before. A request is in the second in which its answer came. The
 * watching thread's.
 */
#ifndef TOOLS_LOAD_SECONDS_H
#define TOOLS_LOAD_SECONDS_H

#include "tools/load/crew.h"

struct seconds {
    struct fine before;       /* all until the last second's end */
    struct fine latest;       /* of the last second */
    double start_s, length_s; /* of the last second, from the window's beginning */
    uint64_t window_ns;       /* 0: it has not begun */
    uint64_t end_ns;          /* of the last second; at first the window's beginning */
};

/* When the next one ends; UINT64_MAX: with the run. Where the window's beginning is not known: in a
 * while. */
uint64_t seconds_next_ns(struct seconds *seconds, const struct crew *crew);

/* One ends where it is time, or `last` says so: true, and `latest` is new. */
bool seconds_end(struct seconds *seconds, const struct crew *crew, uint64_t now_ns, bool last);

#endif
