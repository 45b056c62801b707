/* flight.h: a request as a viewer shows it: parts on threads. */
#ifndef TOOLS_TRACE_FLIGHT_H
#define TOOLS_TRACE_FLIGHT_H

#include "tools/trace/source.h"

enum { FLIGHT_PARTS = 3 };

/* What a thread did for it, from when to when. */
struct part {
    const char *name;
    unsigned thread;
    uint32_t blocked_us; /* of it, waiting for the client, while the thread did others' work */
    uint64_t begin_ns, end_ns; /* end > begin */
};

struct flight {
    const struct trace_source *source;
    uint64_t request_id, connection_id, bytes_sent;
    const char *method;
    uint16_t status;
    int64_t socket_wait_ns; /* before its first part; -1: not known */
    bool together; /* one thread did all parts back to back: they are decided as one, the first */
    uint8_t part_count;           /* those that were reached and took time, in order */
    uint8_t undecided;            /* parts of which it is not known yet whether they are … */
    bool exclusive[FLIGHT_PARTS]; /* … all that their thread did in that time */
    struct part parts[FLIGHT_PARTS];
};

void flight_fill(struct flight *flight, const struct trace_source *source,
                 const struct trace_record *record);

/* From the begin of the first part to the end of the last one, if there are any. */
struct part flight_whole(const struct flight *flight);

#endif
