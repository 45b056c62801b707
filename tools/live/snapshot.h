/* snapshot.h: a running server at one moment, as /server-status?json reports it, and what happened
 * between two such moments.
 *
 * The text need not be trusted: what is missing or of another kind stays zero or empty. One thread.
 */
#ifndef TOOLS_LIVE_SNAPSHOT_H
#define TOOLS_LIVE_SNAPSHOT_H

#include "core/report/report.h"

enum { SNAPSHOT_WORD = 32, SNAPSHOT_WIRING = 96 };

struct snapshot {
    char version[SNAPSHOT_WORD], phase[SNAPSHOT_WORD], model[SNAPSHOT_WORD];
    char wiring[SNAPSHOT_WIRING];
    uint64_t pid, started_s, process, processes;
    uint64_t now_ns, uptime_ns;
    bool measured;        /* there are stage times */
    struct report report; /* since the start, or since an earlier moment */
    uint64_t over_ns;     /* how long that is */
    bool since_start;
};

/* False: the text is not what a server says of itself. It wants snapshot_deinit either way. */
bool snapshot_read(struct snapshot *snapshot, struct bytes json);
void snapshot_deinit(struct snapshot *snapshot);

/* Are both of one process? Another one has counted from nothing. */
bool snapshot_same_server(const struct snapshot *a, const struct snapshot *b);

/* Makes `now` what has happened since `before`, of the same server (report_since). */
void snapshot_since(struct snapshot *now, const struct snapshot *before);

#endif
