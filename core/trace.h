/* trace.h: one record a request into a file, without ever stopping a stage.
 *
 * Each stage thread has a ring of its own (one producer, one consumer, no lock); a thread of the
 * tracer empties the rings into the file. A full ring drops the record and counts it. The file is
 * described in core/trace_format.h, which the tools read with.
 *
 * A write that fails (disk full) is logged once, its records count as lost, and the next round
 * tries again at the same place, so that the file stays whole.
 */
#ifndef CORE_TRACE_H
#define CORE_TRACE_H

#include "core/report.h"
#include "core/stamps.h"
#include "core/trace_format.h"

struct trace;
struct trace_ring;

/* Of one thread; 8 MiB, touched only as far as it fills. Many threads have shorter ones, so that
 * all together stay below TRACE_RECORDS_MOST while the least allows. */
enum { TRACE_RING_RECORDS = 65536, TRACE_RING_LEAST = 1024, TRACE_RECORDS_MOST = 1 << 23 };

/* Creates the file, writes its head, configuration and names, and starts the thread. config_json is
 * one JSON object (the effective options and the wiring) or NULL; the environment is added here.
 * `threads` rings, with their names. NULL with errno when the file cannot be made or written.
 * Start-up only. */
struct trace *trace_start(const char *path, const char *config_json, unsigned threads,
                          const char *const *thread_names);

/* The same with smaller rings, a power of two. */
struct trace *trace_start_sized(const char *path, const char *config_json, unsigned threads,
                                const char *const *thread_names, unsigned ring_records);

struct trace_ring *trace_ring(struct trace *trace, unsigned thread);

/* The ring's own thread; never waits. False: the ring was full, the record is lost and counted. */
bool trace_put(struct trace_ring *ring, const struct trace_record *record);

/* Empties the rings, writes `report` as the trailer, closes the file. All producers have ended.
 * NULL is allowed. */
void trace_stop(struct trace *trace, const struct report *report);

/* Records lost so far: to full rings, over all of them, and to write errors. Any thread. */
uint64_t trace_lost(const struct trace *trace);

#endif
