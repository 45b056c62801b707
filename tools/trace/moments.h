/* moments.h: the part of a run that is judged.
 *
 * A trace has reports of moments while the server ran, and one of its end. A run begins with a
 * server that nobody asks, then a burst of new connections and cold caches, and ends with idle
 * threads: none of this says what limits it. So what is judged lies between two moments: from the
 * first that is a second behind the begin of the load to the last before which anything was asked
 * or under way.
 * Where that would be less than a second, the load's first second is in it, too.
 *
 * Three reports are kept, however long the run was. One thread. */
#ifndef TOOLS_TRACE_MOMENTS_H
#define TOOLS_TRACE_MOMENTS_H

#include "core/report/report.h"
#include "core/base/json_read.h"

struct moment {
    json_t *report; /* a reference of its own, or NULL */
    uint64_t at_ns; /* since the server's start */
    uint64_t asked; /* connections and requests until then */
    bool in_flight; /* some request has begun and not ended */
};

/* All zero is none. */
struct moments {
    struct moment idle;   /* the last before the load */
    struct moment steady; /* the first that is a second behind it */
    struct moment last;   /* the last before which anything was asked or under way */
    uint64_t asked;       /* until the newest */
    bool in_flight;       /* at the newest */
};

void moments_deinit(struct moments *moments);

/* The next report of the run, as report_to_json writes it; anything else, and NULL, is passed over. */
void moments_take(struct moments *moments, json_t *report);

/* Sets `window` to what happened in that part (report_since), which begins `*from_ns` behind the
 * server's start. False: there is none, since nothing was asked or the file has no moments.
 * `window` wants report_deinit either way. */
bool moments_window(const struct moments *moments, struct report *window, uint64_t *from_ns);

#endif
