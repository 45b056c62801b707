/* From the wall clock to the monotonic one: with clocks that the test turns, and with the machine's. */
#include "core/base/clock_offset.h"

#include "core/base/clock.h"
#include "tests/test.h"

#include <stdbool.h>

/* The test's clocks: each reading takes `width_ns`, the wall clock's in its middle. */
static struct {
    uint64_t now_ns;
    int64_t offset_ns; /* wall clock minus monotonic */
    uint64_t width_ns;
    unsigned wide; /* so many readings are interrupted, for 4 ms before the wall clock is read */
    unsigned readings;
} clocks;

static const int64_t hour_ns = 3600 * (int64_t)NS_PER_S;

static uint64_t wall_at(uint64_t at_ns)
{
    return at_ns + (uint64_t)clocks.offset_ns;
}

static struct clock_reading turn_clocks(void)
{
    struct clock_reading reading = {.before_ns = clocks.now_ns};
    clocks.now_ns += clocks.wide > 0 ? 4 * NS_PER_MS : 0;
    clocks.wide -= clocks.wide > 0;
    reading.wall_ns = wall_at(clocks.now_ns + clocks.width_ns / 2);
    clocks.now_ns += clocks.width_ns;
    reading.after_ns = clocks.now_ns;
    clocks.readings++;
    return reading;
}

static struct clock_offset start_clocks(void)
{
    clocks.now_ns = 1000 * NS_PER_S;
    clocks.offset_ns = 1700000000 * (int64_t)NS_PER_S + 123456789;
    clocks.width_ns = 50;
    clocks.wide = clocks.readings = 0;
    return (struct clock_offset){.read = turn_clocks};
}

/* The time at which bytes came that are read `wait_ns` later, which is now. */
static uint64_t apply_after(struct clock_offset *offset, uint64_t wait_ns)
{
    uint64_t wall_ns = wall_at(clocks.now_ns);
    clocks.now_ns += wait_ns;
    return clock_offset_apply(offset, wall_ns, clocks.now_ns);
}

TEST(clock_offset, turns_a_wall_time_into_a_monotonic_one)
{
    struct clock_offset offset = start_clocks();
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t at_ns = clocks.now_ns;
        expect_int(apply_after(&offset, 700 * NS_PER_US), at_ns);
    }
}

TEST(clock_offset, reads_the_clocks_once_a_millisecond)
{
    struct clock_offset offset = start_clocks();
    for (unsigned i = 0; i < 10000; i++) { /* a second */
        (void)apply_after(&offset, 100 * NS_PER_US);
    }
    expect(clocks.readings > 900 && clocks.readings < 1100);
}

TEST(clock_offset, believes_a_long_wait_after_the_clocks_were_read_again)
{
    struct clock_offset offset = start_clocks();
    (void)apply_after(&offset, 0);
    for (unsigned i = 1; i <= 30; i++) {
        uint64_t at_ns = clocks.now_ns;
        expect_int(apply_after(&offset, i * NS_PER_S), at_ns);
    }
}

TEST(clock_offset, repeats_a_reading_that_was_interrupted)
{
    struct clock_offset offset = start_clocks();
    clocks.wide = 3;
    uint64_t at_ns = clocks.now_ns;
    expect_int(apply_after(&offset, 500), at_ns);
    expect_int(clocks.readings, 4);
}

TEST(clock_offset, keeps_the_best_reading_when_later_ones_are_interrupted)
{
    struct clock_offset offset = start_clocks();
    (void)apply_after(&offset, 0);
    for (unsigned i = 0; i < 10; i++) {
        uint64_t at_ns = clocks.now_ns;
        clocks.wide = 100;
        expect_int(apply_after(&offset, 2 * NS_PER_MS), at_ns);
    }
}

TEST(clock_offset, becomes_better_after_a_bad_beginning)
{
    struct clock_offset offset = start_clocks();
    clocks.wide = 4; /* all that are tried */
    uint64_t at_ns = clocks.now_ns, found_ns = apply_after(&offset, 10 * NS_PER_MS);
    expect(found_ns != at_ns && found_ns + 4 * NS_PER_MS > at_ns &&
           at_ns + 4 * NS_PER_MS > found_ns);
    at_ns = clocks.now_ns;
    expect_int(apply_after(&offset, 2 * NS_PER_MS), at_ns);
}

TEST(clock_offset, does_not_know_what_came_before_the_clock_was_set)
{
    const int64_t steps_ns[] = {hour_ns, -hour_ns, 200 * (int64_t)NS_PER_MS,
                                -200 * (int64_t)NS_PER_MS};
    for (unsigned i = 0; i < sizeof steps_ns / sizeof *steps_ns; i++) {
        struct clock_offset offset = start_clocks();
        (void)apply_after(&offset, 0);
        uint64_t before_ns = wall_at(clocks.now_ns);
        clocks.now_ns += 300 * NS_PER_US;
        clocks.offset_ns += steps_ns[i];
        clocks.now_ns += 50 * NS_PER_MS;
        expect_int(clock_offset_apply(&offset, before_ns, clocks.now_ns), 0);
        clocks.now_ns += NS_PER_MS;
        uint64_t at_ns = clocks.now_ns;
        expect_int(apply_after(&offset, 5 * NS_PER_MS), at_ns);
    }
}

/* Within the millisecond in which the old difference would be used without reading the clocks. */
TEST(clock_offset, is_not_deceived_by_a_clock_that_was_set_just_now)
{
    const int64_t steps_ns[] = {hour_ns, -hour_ns, 200 * (int64_t)NS_PER_MS,
                                -200 * (int64_t)NS_PER_MS};
    for (unsigned i = 0; i < sizeof steps_ns / sizeof *steps_ns; i++) {
        struct clock_offset offset = start_clocks();
        (void)apply_after(&offset, 0);
        clocks.offset_ns += steps_ns[i];
        clocks.now_ns += 100;
        expect_int(apply_after(&offset, 100 * NS_PER_US), 0);
        uint64_t at_ns = clocks.now_ns;
        expect_int(apply_after(&offset, 100 * NS_PER_US), at_ns);
    }
}

TEST(clock_offset, takes_what_two_cpus_differ_by_for_no_setting)
{
    struct clock_offset offset = start_clocks();
    for (unsigned i = 0; i < 10; i++) {
        uint64_t at_ns = clocks.now_ns;
        clocks.offset_ns += i % 2 == 0 ? 1000 : -1000;
        uint64_t found_ns = apply_after(&offset, 3 * NS_PER_MS);
        expect(found_ns + 1000 >= at_ns && found_ns <= at_ns + 1000);
    }
}

TEST(clock_offset, says_what_seems_late_by_little_and_does_not_believe_more)
{
    struct clock_offset offset = start_clocks();
    uint64_t now_ns = clocks.now_ns;
    expect_int(clock_offset_apply(&offset, wall_at(now_ns + 9000), now_ns), now_ns + 9000);
    expect_int(clock_offset_apply(&offset, wall_at(now_ns + 11000), now_ns), 0);
}

TEST(clock_offset, fits_the_clocks_of_this_machine)
{
    struct clock_offset offset = {0};
    for (unsigned i = 0; i < 1000; i++) {
        struct timespec wall;
        uint64_t before_ns = clock_ns();
        clock_gettime(CLOCK_REALTIME, &wall);
        uint64_t after_ns = clock_ns();
        uint64_t at_ns = clock_offset_apply(
            &offset, (uint64_t)wall.tv_sec * NS_PER_S + (uint64_t)wall.tv_nsec, after_ns);
        /* 0: this machine's clock was set just now. */
        expect(at_ns == 0 || (at_ns + CLOCK_OFFSET_SLACK_NS >= before_ns &&
                              at_ns <= after_ns + CLOCK_OFFSET_SLACK_NS));
    }
}
