/* test_deadlines.c: deadlines by a coarse clock that stands still between two ticks of the kernel,
 * of 1, 4 and 10 ms (HZ of 1000, 250 and 100). The test turns the clocks by hand: the linker puts
 * its functions in the place of the C library's.
 */
#include "stages/engine/deadlines.h"

#include "core/base/clock.h"
#include "tests/test.h"

static uint64_t fake_now_ns, fake_tick_ns;

static void fill(struct timespec *time, uint64_t ns)
{
    *time = (struct timespec){.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
    bool coarse = clock == CLOCK_MONOTONIC_COARSE;
    fill(time, coarse ? fake_now_ns - fake_now_ns % fake_tick_ns : fake_now_ns);
    return 0;
}

int __wrap_clock_getres(clockid_t clock, struct timespec *tick);
int __wrap_clock_getres(clockid_t clock, struct timespec *tick)
{
    fill(tick, clock == CLOCK_MONOTONIC_COARSE ? fake_tick_ns : 1);
    return 0;
}

static void note_fired(void *arg, struct deadline *deadline)
{
    (void)deadline;
    *(unsigned *)arg += 1;
}

enum { AFTER_NS = 25000000 };
static const uint64_t fine_ns = NS_PER_MS / 4, step_ns = 1ull << WHEEL_STEP_SHIFT;

/* How long after `begin_ns` a deadline of AFTER_NS fires, seen every `fine_ns`. */
static uint64_t fires_after_ns(uint64_t begin_ns)
{
    unsigned fired = 0;
    struct deadlines deadlines;
    struct deadline deadline = {0};
    struct loop *loop = loop_new();
    fake_now_ns = begin_ns;
    deadlines_start(&deadlines, loop, note_fired, &fired);
    deadlines_set(&deadlines, &deadline, AFTER_NS);
    while (fired == 0) {
        fake_now_ns += fine_ns;
        deadlines_advance(&deadlines);
    }
    expect_int(fired, 1);
    deadlines_end(&deadlines);
    loop_free(loop);
    return fake_now_ns - begin_ns;
}

/* From every phase of a tick and of the wheel's step. */
TEST(deadlines, are_never_early_and_late_by_two_ticks_and_a_step_at_most)
{
    static const uint64_t ticks_ns[] = {NS_PER_MS, 4 * NS_PER_MS, 10 * NS_PER_MS};
    for (unsigned i = 0; i < sizeof ticks_ns / sizeof *ticks_ns; i++) {
        fake_tick_ns = ticks_ns[i];
        for (uint64_t phase_ns = 0; phase_ns < 10 * step_ns; phase_ns += 3 * fine_ns) {
            uint64_t after_ns = fires_after_ns(1000 * NS_PER_S + phase_ns);
            expect(after_ns >= AFTER_NS);
            expect(after_ns <= AFTER_NS + 2 * fake_tick_ns + step_ns + fine_ns);
        }
    }
}

TEST(deadlines, that_move_or_are_cleared_do_not_fire_at_their_old_time)
{
    unsigned fired = 0;
    struct deadlines deadlines;
    struct deadline moved = {0}, cleared = {0};
    struct loop *loop = loop_new();
    fake_tick_ns = 4 * NS_PER_MS;
    fake_now_ns = 1000 * NS_PER_S;
    deadlines_start(&deadlines, loop, note_fired, &fired);
    deadlines_set(&deadlines, &moved, AFTER_NS);
    deadlines_set(&deadlines, &cleared, AFTER_NS);
    deadlines_set(&deadlines, &moved, 10ull * AFTER_NS);
    deadlines_clear(&deadlines, &cleared);
    fake_now_ns += 9ull * AFTER_NS;
    deadlines_advance(&deadlines);
    expect_int(fired, 0);
    expect(deadline_is_set(&moved) && !deadline_is_set(&cleared));
    fake_now_ns += 3ull * AFTER_NS;
    deadlines_advance(&deadlines);
    expect_int(fired, 1);
    deadlines_end(&deadlines);
    loop_free(loop);
}
