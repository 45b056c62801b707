/* schedule.h: when requests are due: in an open loop as the arrivals say, in a closed one when a
 * user has thought. One thread.
 */
#ifndef TOOLS_LOAD_SCHEDULE_H
#define TOOLS_LOAD_SCHEDULE_H

#include "tools/load/arrivals.h"
#include "tools/load/pending.h"
#include "tools/load/plan.h"

struct schedule {
    bool open;
    struct arrivals arrivals;
    uint64_t next_ns;        /* of the open loop */
    struct pending thinking; /* closed loop: due later */
};

/* `users` of the closed loop that may think at a time. */
void schedule_init(struct schedule *schedule, const struct plan *plan, uint64_t users);
void schedule_deinit(struct schedule *schedule);

/* The run begins. */
void schedule_begin(struct schedule *schedule, const struct plan *plan, uint64_t start_ns);
/* A user of the closed loop asks again at that time. */
void schedule_think(struct schedule *schedule, uint64_t due_ns);

/* When the next request is due; UINT64_MAX: none is. */
uint64_t schedule_next_ns(const struct schedule *schedule);
/* The next one, where it is due at `until_ns`; false: none is. */
bool schedule_take(struct schedule *schedule, uint64_t until_ns, uint64_t *due_ns);

#endif
