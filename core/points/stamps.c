/* stamps.c: from stamps to intervals. See stamps.h. */
#include "core/points/stamps.h"

bool stamps_taken = true;

/* Every member is a stamp that has a probe by its name, but for the two sums of waits. */
#define PROBE_POINT(name, ...)
#define PROBE_STAMP(name, ...) sizeof((struct stamps *)0)->name##_ns +
_Static_assert(
#include "core/points/probes.def"
    2 * sizeof(uint64_t) == sizeof(struct stamps), "core/points/probes.def lacks a stamp");
#undef PROBE_STAMP
#undef PROBE_POINT

static const char *const names[] = {
#define INTERVAL(id, name, from, to, part) name,
#include "core/points/trace_points.def"
#undef INTERVAL
};

const char *interval_name(enum interval interval)
{
    return names[interval];
}

static const unsigned char parts[] = {
#define INTERVAL(id, name, from, to, part) part,
#include "core/points/trace_points.def"
#undef INTERVAL
};

bool interval_is_part(enum interval interval)
{
    return parts[interval] == 1;
}

bool interval_inside_total(enum interval interval)
{
    return parts[interval] != 0;
}

static int64_t ns_between(uint64_t from_ns, uint64_t to_ns)
{
    return from_ns != 0 && to_ns != 0 ? (int64_t)(to_ns - from_ns) : -1;
}

void stamps_intervals(const struct stamps *s, int64_t out[INTERVAL_COUNT])
{
    /* The writer may have begun while the handler still ran: then nothing waited for it. */
    uint64_t write_from_ns = 0;
    if (s->handed_ns != 0 && s->writer_ns != 0) {
        write_from_ns = s->writer_ns > s->handed_ns ? s->writer_ns : s->handed_ns;
    }
    out[INTERVAL_ACCEPT_WAIT] = ns_between(s->accepted_ns, s->adopted_ns);
    out[INTERVAL_SOCKET_WAIT] = ns_between(s->arrived_ns, s->first_byte_ns);
    out[INTERVAL_READ] = ns_between(s->first_byte_ns, s->whole_ns);
    out[INTERVAL_PROCESS_WAIT] = ns_between(s->whole_ns, s->started_ns);
    out[INTERVAL_PROCESS] = ns_between(s->started_ns, s->handed_ns);
    out[INTERVAL_WRITE_WAIT] = ns_between(s->handed_ns, write_from_ns);
    out[INTERVAL_WRITE] = ns_between(write_from_ns, s->last_sent_ns);
    out[INTERVAL_TOTAL] = ns_between(s->first_byte_ns, s->last_sent_ns);
    out[INTERVAL_SOJOURN] = ns_between(s->arrived_ns, s->last_sent_ns);
    out[INTERVAL_READ_BLOCKED] = s->whole_ns != 0 ? (int64_t)s->read_blocked_ns : -1;
    out[INTERVAL_WRITE_BLOCKED] = s->last_sent_ns != 0 ? (int64_t)s->write_blocked_ns : -1;
    out[INTERVAL_TTFB] = ns_between(s->first_byte_ns, s->first_sent_ns);
    out[INTERVAL_REQUEUE_WAIT] = ns_between(s->last_sent_ns, s->requeued_ns);
}
