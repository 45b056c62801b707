/* server_timing.c: making Server-Timing values. See server_timing.h. */
#include "core/exchange/server_timing.h"

#include "core/base/check.h"

#include <stdio.h>
#include <string.h>

/* What is over when the head is made. */
static const struct {
    enum interval interval;
    const char *name;
} known_at_head[] = {
    {INTERVAL_ACCEPT_WAIT, "accept"},
    {INTERVAL_SOCKET_WAIT, "socket"},
    {INTERVAL_READ, "read"},
    {INTERVAL_PROCESS_WAIT, "process-wait"},
};

/* Appends one metric to out[0 .. len); returns the new length. */
static size_t put_metric(char *out, size_t len, const char *name, uint64_t ns)
{
    int added = snprintf(out + len, SERVER_TIMING_MAX - len, "%s%s;dur=%llu.%06llu",
                         len > 0 ? ", " : "", name, ns / NS_PER_MS, ns % NS_PER_MS);
    CHECK(added > 0 && len + (size_t)added < SERVER_TIMING_MAX);
    len += (size_t)added;
    while (out[len - 1] == '0') {
        len--; /* behind the point: it stops them */
    }
    len -= out[len - 1] == '.';
    out[len] = '\0';
    return len;
}

size_t server_timing_head(const struct stamps *stamps, char out[SERVER_TIMING_MAX])
{
    int64_t intervals[INTERVAL_COUNT];
    size_t len = 0;
    out[0] = '\0';
    stamps_intervals(stamps, intervals);
    for (unsigned i = 0; i < sizeof known_at_head / sizeof *known_at_head; i++) {
        int64_t ns = intervals[known_at_head[i].interval];
        if (ns >= 0) {
            len = put_metric(out, len, known_at_head[i].name, (uint64_t)ns);
        }
    }
    return len;
}

size_t server_timing_trailer(const struct stamps *stamps, uint64_t now_ns,
                             char out[SERVER_TIMING_MAX])
{
    return put_metric(out, 0, "process", now_ns - stamps->started_ns);
}
