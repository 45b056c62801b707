/* records.h: what a thread writes of requests into the trace (core/trace/trace.h), if there is one.
 *
 * A thread writes a request's record when its answer has ended. Where the connection goes back to
 * the reader by a direct call, the record has the time of that too. Where it goes through a queue,
 * the thread that takes it writes that time in a second record.
 */
#ifndef STAGES_ENGINE_RECORDS_H
#define STAGES_ENGINE_RECORDS_H

#include "stages/engine/worker.h"

/* The writer: the answer has ended and the exchange is still whole. If the connection stays in this
 * thread, its record waits until the stage that waits for the next request has it. */
void record_ended(struct worker *worker, struct client *client);

/* That stage has it, at `requeued_ns`, after the last byte at `answered_ns`; nothing has been read
 * since. */
void record_requeued(struct worker *worker, struct client *client, uint64_t answered_ns,
                     uint64_t requeued_ns);

#endif
