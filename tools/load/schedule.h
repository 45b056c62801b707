/* schedule.h: when requests are due: in an open loop as the arrivals say, in a closed one when a
 * user has thought. One thread.
 *
 * Think times are exponential, and so are the times from the start to the first requests: as if the
 * users had asked and thought long before.
 */
#ifndef TOOLS_LOAD_SCHEDULE_H
#define TOOLS_LOAD_SCHEDULE_H

#include "tools/load/arrivals.h"
#include "tools/load/plan.h"
#include "tools/load/thinking.h"

struct schedule {
    bool open;
    struct arrivals arrivals;
    uint64_t next_ns; /* of the open loop */
    struct thinking thinking;
    struct random_source random;
    double think_ns; /* the mean */
};

/* `users` of the closed loop, those of this seat. */
void schedule_init(struct schedule *schedule, const struct plan *plan, uint64_t users);
void schedule_deinit(struct schedule *schedule);

/* The run begins: all users are there. */
void schedule_begin(struct schedule *schedule, const struct plan *plan, struct seat seat,
                    uint64_t start_ns);
/* A user of the closed loop thinks from now on. */
void schedule_think(struct schedule *schedule, uint64_t now_ns);

/* When the next request is due; UINT64_MAX: none is. */
uint64_t schedule_next_ns(const struct schedule *schedule);
/* The next one, where it is due at `until_ns`; false: none is. */
bool schedule_take(struct schedule *schedule, uint64_t until_ns, uint64_t *due_ns);

#endif
