/* pool_group.h: a thread group that waits on its queue only: processors, which wait for nothing
 * else, and sessions, which block for the client that they serve.
 *
 * Where the group stands behind a loop that has no thread of its own ('LRPW@n', 'lrpw*n'), its idle
 * threads take turns at running that loop (leader and followers). The thread that has the turn
 * handles all events of the loop until one of them puts work into this group's queue. Then it gives
 * the turn up and takes the work itself; a thread that takes work calls another one to the loop.
 * libuv promises nothing about a loop that threads run in turn; stages/README.md has the reasons of
 * this decision.
 *
 * With --spawn on-demand, the group starts a thread when the mailbox asks for one, and a thread
 * ends after a long idle time.
 */
#ifndef STAGES_LIFE_POOL_GROUP_H
#define STAGES_LIFE_POOL_GROUP_H

#include "stages/engine/worker.h"

struct group;

/* Starts the threads that are there from the beginning. Start-up. */
void pool_group_start(struct group *group);
/* Joins all threads; their queue is closed. */
void pool_group_join(struct group *group);

#endif
