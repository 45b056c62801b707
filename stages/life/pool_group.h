/* pool_group.h: a thread group that waits on its queue only: processors, which wait for nothing
 * else, and sessions, which block for the client that they hold.
 *
 * Where the group stands behind a loop that has no thread of its own ('LRPW@n', 'lrpw*n'), its idle
 * threads take turns at running that loop: the one that has the turn does everything that its poll
 * brings, until that puts work into this group's queue; then it gives the turn up and takes the
 * work itself, and whoever does so calls another thread to the loop (leader and followers). libuv
 * promises nothing about a loop that threads run in turn; stages/README.md says how that was
 * decided.
 *
 * With --spawn on-demand, threads come when the mailbox asks for one and end when they were idle
 * for long.
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
