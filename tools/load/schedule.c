/* schedule.c: see schedule.h. */
#include "tools/load/schedule.h"

#include <math.h>

void schedule_init(struct schedule *schedule, const struct plan *plan, uint64_t users)
{
    *schedule = (struct schedule){.open = plan_is_open(plan),
                                  .next_ns = UINT64_MAX,
                                  .think_ns = (double)plan->settings->think_ns};
    thinking_init(&schedule->thinking, schedule->open ? 0 : users);
}

void schedule_deinit(struct schedule *schedule)
{
    thinking_deinit(&schedule->thinking);
}

void schedule_begin(struct schedule *schedule, const struct plan *plan, struct seat seat,
                    uint64_t start_ns)
{
    const struct load_settings *settings = plan->settings;
    if (schedule->open) {
        arrivals_begin(&schedule->arrivals, plan->arrivals, &plan->curve, settings->seed, seat,
                       start_ns);
        schedule->next_ns = arrivals_next(&schedule->arrivals);
        return;
    }
    random_seed(&schedule->random, settings->seed, RANDOM_THINK, seat);
    while (schedule->thinking.count < schedule->thinking.most) {
        schedule_think(schedule, start_ns);
    }
}

void schedule_think(struct schedule *schedule, uint64_t now_ns)
{
    double think_ns = schedule->think_ns;
    think_ns *= think_ns > 0 ? -log(random_unit(&schedule->random)) : 0;
    thinking_put(&schedule->thinking, now_ns + (uint64_t)think_ns);
}

uint64_t schedule_next_ns(const struct schedule *schedule)
{
    return schedule->open ? schedule->next_ns : thinking_first(&schedule->thinking);
}

bool schedule_take(struct schedule *schedule, uint64_t until_ns, uint64_t *due_ns)
{
    *due_ns = schedule_next_ns(schedule);
    if (*due_ns > until_ns) {
        return false;
    }
    if (schedule->open) {
        schedule->next_ns = arrivals_next(&schedule->arrivals);
    } else {
        (void)thinking_take(&schedule->thinking); /* it is this one */
    }
    return true;
}
