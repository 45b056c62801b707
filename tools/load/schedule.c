/* schedule.c: see schedule.h. */
#include "tools/load/schedule.h"

#include "core/base/check.h"

void schedule_init(struct schedule *schedule, const struct plan *plan, uint64_t users)
{
    *schedule = (struct schedule){.open = plan_is_open(plan), .next_ns = UINT64_MAX};
    pending_init(&schedule->thinking, users);
}

void schedule_deinit(struct schedule *schedule)
{
    pending_deinit(&schedule->thinking);
}

void schedule_begin(struct schedule *schedule, const struct plan *plan, uint64_t start_ns)
{
    const struct load_settings *settings = plan->settings;
    if (schedule->open) {
        arrivals_begin(&schedule->arrivals, settings->arrivals, (double)settings->rate,
                       settings->seed, start_ns);
        schedule->next_ns = arrivals_next(&schedule->arrivals);
    }
}

void schedule_think(struct schedule *schedule, uint64_t due_ns)
{
    CHECK(pending_put(&schedule->thinking, (struct due){due_ns, 0}));
}

uint64_t schedule_next_ns(const struct schedule *schedule)
{
    const struct due *thinker = pending_first(&schedule->thinking);
    return thinker != NULL ? thinker->due_ns : schedule->next_ns;
}

bool schedule_take(struct schedule *schedule, uint64_t until_ns, uint64_t *due_ns)
{
    struct due thinker;
    *due_ns = schedule_next_ns(schedule);
    if (*due_ns > until_ns) {
        return false;
    }
    if (schedule->open) {
        schedule->next_ns = arrivals_next(&schedule->arrivals);
    } else {
        (void)pending_take(&schedule->thinking, &thinker); /* there is one */
    }
    return true;
}
