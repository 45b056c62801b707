/* trace.h: one record a request into a file, without ever stopping a stage.
 *
 * Each stage thread has a ring of its own (one producer, one consumer, no lock); a thread of the tracer
 * empties the rings into the file. A full ring drops the record and counts it. The file is described in
 * core/trace_format.h, which tools/quartet-trace.c reads with.
 */
#ifndef CORE_TRACE_H
#define CORE_TRACE_H

#include "core/report.h"
#include "core/stamps.h"
#include "core/trace_format.h"

struct trace;
struct trace_ring;

/* Creates the file, writes its head (run configuration as JSON, environment) and starts the thread.
 * `threads` rings, with their names. NULL with errno when the file cannot be made. Start-up only. */
struct trace *trace_start(const char *path, const char *config_json, unsigned threads,
                          const char *const *thread_names);

struct trace_ring *trace_ring(struct trace *trace, unsigned thread);

/* The ring's own thread. False: the ring was full, the record is lost and counted. */
bool trace_put(struct trace_ring *ring, const struct trace_record *record);

/* Empties the rings, writes `report` as the trailer, closes the file. All producers have ended. */
void trace_stop(struct trace *trace, const struct report *report);

/* Records lost so far, over all rings. Any thread. */
uint64_t trace_lost(const struct trace *trace);

#endif
