/* flight.c: from a record to parts. See flight.h. */
#include "tools/trace/flight.h"

#include "tools/trace/record.h"
#include "tools/trace/summary.h"

static void add_part(struct flight *flight, struct part part);
static bool is_together(const struct trace_record *r);

void flight_fill(struct flight *flight, const struct trace_source *source,
                 const struct trace_record *r)
{
    int64_t intervals[INTERVAL_COUNT];
    record_intervals(r, intervals);
    uint64_t write_ns = r->writer_ns > r->handed_ns ? r->writer_ns : r->handed_ns;
    *flight = (struct flight){.source = source,
                              .request_id = r->request_id,
                              .connection_id = r->connection_id,
                              .bytes_sent = r->bytes_sent,
                              .method = record_method(r),
                              .status = r->status,
                              .socket_wait_ns = intervals[INTERVAL_SOCKET_WAIT],
                              .together = is_together(r)};
    add_part(flight, (struct part){"read", r->thread_read, r->read_blocked_us, r->first_byte_ns,
                                   r->whole_ns});
    add_part(flight, (struct part){"process", r->thread_process, 0, r->started_ns, r->handed_ns});
    add_part(flight, (struct part){"write", r->thread_write, r->write_blocked_us,
                                   r->writer_ns != 0 ? write_ns : 0, r->last_sent_ns});
}

struct part flight_whole(const struct flight *flight)
{
    struct part whole = flight->parts[0];
    whole.name = "request";
    whole.end_ns = flight->parts[flight->part_count - 1].end_ns;
    return whole;
}

/* A part that took no time is no slice: an arrow could not end in it. */
static void add_part(struct flight *flight, struct part part)
{
    if (part.begin_ns != 0 && part.end_ns > part.begin_ns) {
        flight->parts[flight->part_count++] = part;
    }
}

static bool is_together(const struct trace_record *r)
{
    return r->thread_read == r->thread_process && r->thread_process == r->thread_write &&
           r->read_blocked_us == 0 && r->write_blocked_us == 0 && r->first_byte_ns != 0 &&
           r->first_byte_ns < r->whole_ns && r->whole_ns == r->started_ns &&
           r->started_ns <= r->handed_ns && r->handed_ns == r->writer_ns &&
           r->writer_ns <= r->last_sent_ns;
}
