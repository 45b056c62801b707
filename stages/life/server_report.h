/* server_report.h: the state of a running server as data.
 *
 * Thread-safety: any thread while the server's threads run (what the workers count is read with
 * atomics, the queues under their locks); not while it is started or stopped.
 */
#ifndef STAGES_LIFE_SERVER_REPORT_H
#define STAGES_LIFE_SERVER_REPORT_H

#include "core/report/report.h"
#include "core/trace/trace.h"
#include "stages/engine/engine.h"

/* Remembers the bound of the kernel's accept queue for all reports, so that also the last one has
 * it, which is made when the sockets are closed. Once, by server_start. */
void server_note_backlog(struct engine *engine);

/* Fills `report`; free it with report_deinit. */
void server_report(struct engine *engine, struct report *report);

/* What the tracer asks for every few ms: `arg` is the server. The first queue is the kernel's
 * accept queue, the mailboxes follow; see core/trace/trace_format.h. */
void server_sample(void *arg, struct trace_sample *sample, struct trace_sample_queue *queues,
                   uint64_t *awake_ns);
/* A report for the trace, at the same time. False: threads are ending, and with them their CPU
 * time, which the report made before that has. */
bool server_moment(void *arg, struct report *report);
/* The names of those queues: one more than there are mailboxes. They stay the server's. */
void server_queue_names(const struct engine *engine, const char **names);

#endif
