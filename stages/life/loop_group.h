/* loop_group.h: a thread group that runs poll loops: every group with more than P.
 *
 * The turn of one of its threads:
 *   1. take a batch from the mailbox and run each ticket's stage
 *   2. check the server's phase (draining, cutting) and shedding; unless a queue downstream is
 *      full, check the clients that were held back and those adopted in this turn
 *   3. if an outbox holds tickets: poll the loop and begin again, for some turns; bigger batches
 *      mean fewer wakeups
 *   4. put the outboxes; if that ended a refusal, begin again: clients may have been held back by it
 *   5. block in the loop if, under the mailbox's lock, the mailbox is empty and the thread is noted
 *      as asleep; else only poll. The loop calls watches and deadlines, which run stages
 */
#ifndef STAGES_LIFE_LOOP_GROUP_H
#define STAGES_LIFE_LOOP_GROUP_H

#include "stages/engine/worker.h"

/* The thread's function; `arg` is the worker. Returns when its group is to end. */
void *loop_group_main(void *arg);

/* The same in parts, for a loop that threads of a pool run in turn: set up and taken down by the
 * starting thread, the rest by the one that has the turn. */
void loop_group_start(struct worker *worker);
void loop_group_turn(struct worker *worker);
bool loop_group_is_over(const struct worker *worker);
void loop_group_end(struct worker *worker);

#endif
