/* stamps.h: when a request passed the points that the stage times are made of.
 *
 * Taken where core/README.md's table says and nowhere else; 0 is "not reached". Each member is
 * written by the one thread that has the exchange at that point; handing the exchange over
 * publishes it. A direct call from stage to stage passes the stamp on instead of taking another.
 */
#ifndef CORE_POINTS_STAMPS_H
#define CORE_POINTS_STAMPS_H

#include "core/base/clock.h"

#include <stdbool.h>
#include <stdint.h>

enum interval {
#define INTERVAL(id, name, from, to, part) INTERVAL_##id,
#include "core/points/trace_points.def"
#undef INTERVAL
    INTERVAL_COUNT
};

struct stamps {
    uint64_t accepted_ns;      /* first request of a connection only */
    uint64_t adopted_ns;       /* the first stage that reads has it; first request only */
    uint64_t arrived_ns;       /* the kernel had the newest byte of the read below; TCP only */
    uint64_t first_byte_ns;    /* the read that brought this request's first byte returned */
    uint64_t whole_ns;         /* the request is complete */
    uint64_t started_ns;       /* the handler starts */
    uint64_t handed_ns;        /* its last output was handed over */
    uint64_t writer_ns;        /* the writer first had it */
    uint64_t first_sent_ns;    /* the first send returned */
    uint64_t last_sent_ns;     /* the last send returned */
    uint64_t requeued_ns;      /* the stage that waits for the next request had the connection */
    uint64_t read_blocked_ns;  /* sum of the waits for the client while reading */
    uint64_t write_blocked_ns; /* and while writing */
};

/* Whether stamps are taken; set by the starting thread before the stages' threads start
 * (--trace-level off). */
extern bool stamps_taken;

/* False also where the trace points are not compiled in. */
static inline bool stamps_are_taken(void)
{
#ifdef QUARTET_TRACE
    return stamps_taken;
#else
    return false;
#endif
}

/* A stamp, or 0 where none are taken. */
static inline uint64_t stamp_now(void)
{
    return stamps_are_taken() ? clock_ns() : 0;
}

/* The intervals in nanoseconds; -1 where a phase was not reached. The five parts add up to TOTAL
 * exactly whenever TOTAL is not -1: they are differences of neighbouring stamps. So SOCKET_WAIT and
 * TOTAL add up to SOJOURN; both are -1 where it is not known when the request arrived. */
void stamps_intervals(const struct stamps *stamps, int64_t out[INTERVAL_COUNT]);

const char *interval_name(enum interval interval);

/* Is it one of the five that add up to TOTAL? Does it lie inside TOTAL, so that it has a share? */
bool interval_is_part(enum interval interval);
bool interval_inside_total(enum interval interval);

#endif
