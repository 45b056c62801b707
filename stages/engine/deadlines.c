/* deadlines.c: a timing wheel, turned by a timer of its loop. See deadlines.h. */
#include "stages/engine/deadlines.h"

#include "core/base/clock.h"

static void arm_timer(struct deadlines *deadlines)
{
    uint64_t next_ns = wheel_next_ns(&deadlines->wheel);
    if (next_ns == 0 || (deadlines->armed_ns != 0 && deadlines->armed_ns <= next_ns)) {
        return;
    }
    uint64_t now_ns = clock_coarse_ns();
    deadlines->armed_ns = next_ns;
    loop_timer_start(deadlines->timer, next_ns > now_ns ? next_ns - now_ns : 0);
}

static void on_wheel_timer(void *arg)
{
    struct deadlines *deadlines = arg;
    deadlines->armed_ns = 0;
    deadlines_advance(deadlines);
    arm_timer(deadlines);
}

void deadlines_start(struct deadlines *deadlines, struct loop *loop, deadline_fn *fn, void *arg)
{
    deadlines->timer = loop_timer_new(loop, on_wheel_timer, deadlines);
    deadlines->armed_ns = 0;
    deadlines->tick_ns = clock_coarse_tick_ns();
    wheel_init(&deadlines->wheel, clock_coarse_ns(), fn, arg);
}

void deadlines_end(struct deadlines *deadlines)
{
    loop_timer_free(deadlines->timer);
}

uint64_t deadlines_due_ns(const struct deadlines *deadlines, uint64_t after_ns)
{
    return clock_coarse_ns() + after_ns + deadlines->tick_ns;
}

void deadlines_set_at(struct deadlines *deadlines, struct deadline *deadline, uint64_t due_ns)
{
    wheel_set(&deadlines->wheel, deadline, due_ns);
    uint64_t over_ns = (deadline->step + 1) << WHEEL_STEP_SHIFT; /* when that step is over */
    if (deadlines->armed_ns == 0 || over_ns < deadlines->armed_ns) {
        arm_timer(deadlines);
    }
}

void deadlines_set(struct deadlines *deadlines, struct deadline *deadline, uint64_t after_ns)
{
    deadlines_set_at(deadlines, deadline, deadlines_due_ns(deadlines, after_ns));
}

void deadlines_clear(struct deadlines *deadlines, struct deadline *deadline)
{
    wheel_clear(&deadlines->wheel, deadline);
}

void deadlines_advance(struct deadlines *deadlines)
{
    wheel_advance(&deadlines->wheel, clock_coarse_ns());
}

void deadlines_fire_all(struct deadlines *deadlines)
{
    wheel_fire_all(&deadlines->wheel);
}
