/* records.h: what a thread writes of requests into the trace (core/trace/trace.h), if there is one.
 *
 * A request has one record, with all its times: that of its requeue is the last, so the thread that
 * requeues the connection writes it. Where a session has put the exchange back before that, the
 * session writes the record when the answer has ended, and the thread that takes the connection
 * writes the last time in a second record.
 */
#ifndef STAGES_ENGINE_RECORDS_H
#define STAGES_ENGINE_RECORDS_H

#include "stages/engine/worker.h"

/* The writer: the answer has ended and the exchange is still whole. If the connection goes on with the
 * exchange, its record waits until the stage that waits for the next request has both. */
void record_ended(struct worker *worker, struct client *client);

/* That stage has it, at `requeued_ns`, after the last byte at `answered_ns`; nothing has been read
 * since. */
void record_requeued(struct worker *worker, struct client *client, uint64_t answered_ns,
                     uint64_t requeued_ns);

#endif
