/* clock_offset.c: the difference of the two clocks, and how far it can be believed. See
 * clock_offset.h. */
#include "core/base/clock_offset.h"

#include "core/base/clock.h"

#include <stdbool.h>

/* A clock that is set by less than DOUBT is not noticed before the next check: daemons that keep
 * the time set it by more (ntpd: 128 ms), and slew it otherwise. */
#define CHECK_EVERY_NS NS_PER_MS
#define DOUBT_NS       (100 * NS_PER_MS)

/* A narrow reading takes 50 ns; an interrupted one is repeated. */
enum { NARROW_NS = 5000, READINGS = 4 };

static struct clock_reading read_clocks(void)
{
    struct clock_reading reading = {.before_ns = clock_ns()};
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    reading.after_ns = clock_ns();
    reading.wall_ns = (uint64_t)wall.tv_sec * NS_PER_S + (uint64_t)wall.tv_nsec;
    return reading;
}

/* Bounds that exclude those known replace them: the clock was set, unless they differ by what the
 * clocks of two CPUs may. */
static void learn_offset(struct clock_offset *offset, struct clock_reading reading)
{
    int64_t least_ns = (int64_t)(reading.wall_ns - reading.after_ns);
    int64_t most_ns = (int64_t)(reading.wall_ns - reading.before_ns);
    if (offset->checked_ns == 0 || least_ns > offset->most_ns || most_ns < offset->least_ns) {
        bool known = offset->checked_ns != 0;
        if (known && (least_ns - offset->most_ns > CLOCK_OFFSET_SLACK_NS ||
                      offset->least_ns - most_ns > CLOCK_OFFSET_SLACK_NS)) {
            offset->since_ns = reading.after_ns;
        }
        offset->least_ns = least_ns;
        offset->most_ns = most_ns;
    } else {
        offset->least_ns = least_ns > offset->least_ns ? least_ns : offset->least_ns;
        offset->most_ns = most_ns < offset->most_ns ? most_ns : offset->most_ns;
    }
    offset->checked_ns = reading.after_ns;
}

static void check_offset(struct clock_offset *offset)
{
    for (unsigned i = 0; i < READINGS; i++) {
        learn_offset(offset, offset->read != NULL ? offset->read() : read_clocks());
        if (offset->most_ns - offset->least_ns <= NARROW_NS) {
            return;
        }
    }
}

static uint64_t offset_monotonic_ns(const struct clock_offset *offset, uint64_t wall_ns)
{
    int64_t middle_ns = offset->least_ns + (offset->most_ns - offset->least_ns) / 2;
    return wall_ns - (uint64_t)middle_ns;
}

uint64_t clock_offset_apply(struct clock_offset *offset, uint64_t wall_ns, uint64_t now_ns)
{
    if (offset->checked_ns == 0 || now_ns - offset->checked_ns >= CHECK_EVERY_NS) {
        check_offset(offset);
    }
    uint64_t at_ns = offset_monotonic_ns(offset, wall_ns);
    bool late = at_ns > now_ns, doubtful = late || now_ns - at_ns > DOUBT_NS;
    if (doubtful && offset->checked_ns < now_ns) {
        check_offset(offset);
        at_ns = offset_monotonic_ns(offset, wall_ns);
    }
    return at_ns < offset->since_ns || at_ns > now_ns + CLOCK_OFFSET_SLACK_NS ? 0 : at_ns;
}
