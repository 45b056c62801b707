/* seconds.h: the latencies of each second of the window, taken from histograms that only grow: what
 * is new in them since the second before. The watching thread's. */
#ifndef TOOLS_LOAD_SECONDS_H
#define TOOLS_LOAD_SECONDS_H

#include "tools/load/crew.h"

struct seconds {
    struct histogram before; /* all until the last second's end */
    struct histogram latest; /* of the last second */
    uint64_t window_ns;      /* 0: it has not begun */
    uint64_t end_ns;         /* of the last second; at first the window's beginning */
};

/* When the next second ends; at the latest in a while, where the window's beginning is not known. */
uint64_t seconds_next_ns(struct seconds *seconds, const struct crew *crew);

/* A second, or what came behind the last one, ends now: `latest` is new. */
void seconds_end(struct seconds *seconds, const struct crew *crew, uint64_t now_ns);

#endif
