/* trace.h: one record a request into a file, without ever stopping a stage.
 *
 * Each stage thread has a ring of its own (one producer, one consumer, no lock); a thread of the
 * tracer empties the rings into the file. A full ring drops the record and counts it. The file is
 * described in core/trace/trace_format.h, which the tools read with.
 *
 * A write that fails (disk full) is logged once, its records count as lost, and the next round
 * tries again at the same place, so that the file stays whole.
 */
#ifndef CORE_TRACE_TRACE_H
#define CORE_TRACE_TRACE_H

#include "core/points/stamps.h"
#include "core/report/report.h"
#include "core/trace/trace_format.h"

struct trace;
struct trace_ring;

/* Of one thread; 9 MiB, touched only as far as it fills. Many threads have shorter ones, so that
 * all together stay below TRACE_RECORDS_MOST while the least allows. */
enum { TRACE_RING_RECORDS = 65536, TRACE_RING_LEAST = 1024, TRACE_RECORDS_MOST = 1 << 23 };

/* Fills in a sample: `queues` and `busy_ns` have room for what the plan names. The tracer's thread,
 * between trace_begin_samples and trace_stop. */
typedef void trace_sample_fn(void *arg, struct trace_sample *sample,
                             struct trace_sample_queue *queues, uint64_t *busy_ns);

/* Fills in a report, which report_deinit frees either way; false: it is not to be written. The same
 * thread at the same time. */
typedef bool trace_report_fn(void *arg, struct report *report);

/* What trace_start wants to know; all of it stays the caller's, and but for `arg` is copied or used
 * up. */
struct trace_plan {
    const char *path;
    const char *config_json; /* one JSON object (effective options and wiring) or NULL; the
                                environment is added to it */
    unsigned thread_count;   /* a ring for each */
    const char *const *thread_names;
    unsigned queue_count;
    const char *const *queue_names;
    trace_sample_fn *sample; /* NULL: no samples */
    trace_report_fn *report; /* NULL: no moments */
    void *arg;
    unsigned ring_records; /* a power of two, for tests; 0: as many as are usual */
};

/* Creates the file, writes its head, configuration and names, and starts the thread. NULL with
 * errno when the file cannot be made or written. Start-up only. */
struct trace *trace_start(const struct trace_plan *plan);

/* From now on what the sample function reads is there. NULL is allowed. */
void trace_begin_samples(struct trace *trace);

struct trace_ring *trace_ring(struct trace *trace, unsigned thread);

/* The ring's own thread; never waits. False: the ring was full, the record is lost and counted. */
bool trace_put(struct trace_ring *ring, const struct trace_record *record);

/* Empties the rings, writes `report` as the trailer, closes the file. All producers have ended.
 * NULL is allowed. */
void trace_stop(struct trace *trace, const struct report *report);

/* Records lost so far: to full rings, over all of them, and to write errors. Any thread. */
uint64_t trace_lost(const struct trace *trace);

#endif
