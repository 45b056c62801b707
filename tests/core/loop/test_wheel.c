/* test_wheel.c: deadlines fire late by up to one step, never early and never twice. The clock is
 * handed in, so no test waits. */
#include "core/loop/wheel.h"

#include "tests/test.h"

enum { MANY = 400 };
static const uint64_t step_ns = 1ull << WHEEL_STEP_SHIFT;
/* Not a whole number of steps or revolutions. */
static const uint64_t start_ns = 1234567890123456ull;

struct clockwork {
    struct wheel wheel;
    struct deadline deadlines[MANY];
    unsigned fired[MANY]; /* how often */
    unsigned fired_all;
    uint64_t now_ns;
    void (*also)(struct clockwork *clockwork, unsigned number); /* done in the callback, or NULL */
};

static void on_due(void *arg, struct deadline *deadline)
{
    struct clockwork *clockwork = arg;
    unsigned number = (unsigned)(deadline - clockwork->deadlines);
    expect(number < MANY);
    expect(deadline->next == NULL && deadline->prev == NULL);
    clockwork->fired[number]++;
    clockwork->fired_all++;
    if (clockwork->also != NULL) {
        clockwork->also(clockwork, number);
    }
}

static void wind(struct clockwork *clockwork)
{
    *clockwork = (struct clockwork){.now_ns = start_ns};
    wheel_init(&clockwork->wheel, start_ns, on_due, clockwork);
}

static void set(struct clockwork *clockwork, unsigned number, uint64_t due_ns)
{
    wheel_set(&clockwork->wheel, &clockwork->deadlines[number], due_ns);
}

static void advance(struct clockwork *clockwork, uint64_t now_ns)
{
    clockwork->now_ns = now_ns;
    wheel_advance(&clockwork->wheel, now_ns);
}

TEST(wheel, fires_when_the_step_of_the_deadline_is_over_and_not_before)
{
    static struct clockwork clockwork;
    wind(&clockwork);
    uint64_t due_ns = start_ns + 10 * step_ns;
    uint64_t over_ns = (due_ns / step_ns + 1) * step_ns;
    set(&clockwork, 0, due_ns);
    advance(&clockwork, due_ns - 1);
    expect_int(clockwork.fired[0], 0);
    advance(&clockwork, over_ns - 1);
    expect_int(clockwork.fired[0], 0);
    advance(&clockwork, over_ns);
    expect_int(clockwork.fired[0], 1);
    advance(&clockwork, over_ns + 1000 * step_ns);
    expect_int(clockwork.fired[0], 1);
    expect_int(clockwork.wheel.count, 0);
}

TEST(wheel, a_deadline_in_the_past_fires_within_a_step)
{
    static struct clockwork clockwork;
    wind(&clockwork);
    set(&clockwork, 0, start_ns - 5 * step_ns);
    set(&clockwork, 1, 0);
    advance(&clockwork, start_ns + step_ns);
    expect_int(clockwork.fired[0], 1);
    expect_int(clockwork.fired[1], 1);
}

TEST(wheel, a_deadline_of_a_later_revolution_waits_for_it)
{
    static struct clockwork clockwork;
    wind(&clockwork);
    uint64_t revolution_ns = WHEEL_SLOTS * step_ns;
    set(&clockwork, 0, start_ns + step_ns);
    set(&clockwork, 1, start_ns + step_ns + revolution_ns);
    set(&clockwork, 2, start_ns + step_ns + 3 * revolution_ns);
    advance(&clockwork, start_ns + 3 * step_ns);
    expect_int(clockwork.fired_all, 1);
    advance(&clockwork, start_ns + 3 * step_ns + revolution_ns);
    expect_int(clockwork.fired_all, 2);
    expect_int(clockwork.fired[1], 1);
    advance(&clockwork, start_ns + 3 * revolution_ns);
    expect_int(clockwork.fired_all, 2);
    advance(&clockwork, start_ns + 3 * step_ns + 3 * revolution_ns);
    expect_int(clockwork.fired[2], 1);
}

TEST(wheel, sleeping_for_more_than_a_revolution_loses_nothing)
{
    static struct clockwork clockwork;
    wind(&clockwork);
    for (unsigned i = 0; i < MANY; i++) {
        set(&clockwork, i, start_ns + i * 7 * step_ns);
    }
    uint64_t now_ns = start_ns + 1000 * step_ns;
    advance(&clockwork, now_ns);
    for (unsigned i = 0; i < MANY; i++) {
        uint64_t due_ns = start_ns + i * 7 * step_ns;
        if (due_ns + step_ns <= now_ns || due_ns > now_ns) {
            expect_int(clockwork.fired[i], due_ns <= now_ns);
        }
    }
    advance(&clockwork, start_ns + 100000 * step_ns);
    expect_int(clockwork.fired_all, MANY);
}

TEST(wheel, moving_later_is_a_plain_store_and_the_new_time_counts)
{
    static struct clockwork clockwork;
    wind(&clockwork);
    set(&clockwork, 0, start_ns + 5 * step_ns);
    uint64_t step = clockwork.deadlines[0].step;
    set(&clockwork, 0, start_ns + 50 * step_ns);
    expect_int(clockwork.deadlines[0].step, step);
    advance(&clockwork, start_ns + 49 * step_ns);
    expect_int(clockwork.fired[0], 0);
    expect_int(clockwork.wheel.count, 1);
    advance(&clockwork, start_ns + 51 * step_ns);
    expect_int(clockwork.fired[0], 1);
}

TEST(wheel, moving_earlier_is_obeyed)
{
    static struct clockwork clockwork;
    wind(&clockwork);
    set(&clockwork, 0, start_ns + 5000 * step_ns);
    set(&clockwork, 0, start_ns + 5 * step_ns);
    advance(&clockwork, start_ns + 4 * step_ns);
    expect_int(clockwork.fired[0], 0);
    advance(&clockwork, start_ns + 6 * step_ns);
    expect_int(clockwork.fired[0], 1);
    advance(&clockwork, start_ns + 6000 * step_ns);
    expect_int(clockwork.fired[0], 1);
}

TEST(wheel, what_is_cleared_does_not_fire)
{
    static struct clockwork clockwork;
    wind(&clockwork);
    set(&clockwork, 0, start_ns + 5 * step_ns);
    set(&clockwork, 1, start_ns + 5 * step_ns);
    wheel_clear(&clockwork.wheel, &clockwork.deadlines[0]);
    wheel_clear(&clockwork.wheel, &clockwork.deadlines[0]);
    wheel_clear(&clockwork.wheel, &clockwork.deadlines[2]);
    advance(&clockwork, start_ns + 10 * step_ns);
    expect_int(clockwork.fired[0], 0);
    expect_int(clockwork.fired[1], 1);
    set(&clockwork, 0, start_ns + 20 * step_ns);
    advance(&clockwork, start_ns + 30 * step_ns);
    expect_int(clockwork.fired[0], 1);
}

/* --- callbacks that change the wheel --- */

static void clear_neighbours(struct clockwork *clockwork, unsigned number)
{
    wheel_clear(&clockwork->wheel, &clockwork->deadlines[number + 1]);
    if (number > 0) {
        wheel_clear(&clockwork->wheel, &clockwork->deadlines[number - 1]);
    }
}

TEST(wheel, a_callback_may_clear_others_of_the_same_step)
{
    static struct clockwork clockwork;
    wind(&clockwork);
    clockwork.also = clear_neighbours;
    for (unsigned i = 0; i < 6; i++) {
        set(&clockwork, i, start_ns + 5 * step_ns);
    }
    advance(&clockwork, start_ns + 10 * step_ns);
    for (unsigned i = 0; i < 6; i++) {
        expect_int(clockwork.fired[i], i % 2 == 0);
    }
    expect_int(clockwork.wheel.count, 0);
}

static void set_again(struct clockwork *clockwork, unsigned number)
{
    if (clockwork->fired[number] < 3) {
        set(clockwork, number, clockwork->now_ns + 10 * step_ns);
    }
}

TEST(wheel, a_callback_may_set_its_deadline_again)
{
    static struct clockwork clockwork;
    wind(&clockwork);
    clockwork.also = set_again;
    set(&clockwork, 0, start_ns + step_ns);
    for (unsigned i = 0; i < 100; i++) {
        advance(&clockwork, start_ns + i * step_ns);
        expect_int(clockwork.fired[0], i < 2 ? 0 : i < 13 ? 1 : i < 24 ? 2 : 3);
    }
    expect_int(clockwork.wheel.count, 0);
}

static void set_at_once(struct clockwork *clockwork, unsigned number)
{
    set(clockwork, number, clockwork->now_ns - step_ns);
}

TEST(wheel, a_callback_that_is_always_due_does_not_hold_the_wheel_for_ever)
{
    static struct clockwork clockwork;
    wind(&clockwork);
    clockwork.also = set_at_once;
    set(&clockwork, 0, start_ns);
    advance(&clockwork, start_ns + 10 * step_ns);
    expect(clockwork.fired[0] >= 1 && clockwork.fired[0] <= 10);
    expect_int(clockwork.wheel.count, 1);
    wheel_fire_all(&clockwork.wheel);
}

static void move_the_next(struct clockwork *clockwork, unsigned number)
{
    if (number == 0) {
        set(clockwork, 1, start_ns + 40 * step_ns);
        set(clockwork, 2, start_ns);
        set(clockwork, 3, start_ns + 5 * step_ns);
    }
}

TEST(wheel, a_callback_may_move_others)
{
    static struct clockwork clockwork;
    wind(&clockwork);
    clockwork.also = move_the_next;
    set(&clockwork, 0, start_ns + 5 * step_ns);
    set(&clockwork, 1, start_ns + 5 * step_ns);
    set(&clockwork, 2, start_ns + 30 * step_ns);
    advance(&clockwork, start_ns + 7 * step_ns);
    expect_int(clockwork.fired[1], 0);
    expect_int(clockwork.fired[2], 1);
    expect_int(clockwork.fired[3], 1);
    advance(&clockwork, start_ns + 50 * step_ns);
    expect_int(clockwork.fired[1], 1);
    expect_int(clockwork.fired_all, 4);
}

TEST(wheel, fire_all_fires_each_once_due_or_not)
{
    static struct clockwork clockwork;
    wind(&clockwork);
    for (unsigned i = 0; i < MANY; i++) {
        set(&clockwork, i, start_ns + i * i * step_ns);
    }
    wheel_fire_all(&clockwork.wheel);
    for (unsigned i = 0; i < MANY; i++) {
        expect_int(clockwork.fired[i], 1);
    }
    expect_int(clockwork.wheel.count, 0);
    expect_int(wheel_next_ns(&clockwork.wheel), 0);
}

static void set_for_ever(struct clockwork *clockwork, unsigned number)
{
    set(clockwork, number, clockwork->now_ns + 3 * step_ns);
}

TEST(wheel, fire_all_ends_though_its_callback_sets_deadlines)
{
    static struct clockwork clockwork;
    wind(&clockwork);
    clockwork.also = set_for_ever;
    for (unsigned i = 0; i < 10; i++) {
        set(&clockwork, i, start_ns + i * step_ns);
    }
    wheel_fire_all(&clockwork.wheel);
    for (unsigned i = 0; i < 10; i++) {
        expect(clockwork.fired[i] >= 1);
    }
    expect_int(clockwork.wheel.count, 10);
}

/* --- when to wake --- */

TEST(wheel, says_when_to_look_again)
{
    static struct clockwork clockwork;
    wind(&clockwork);
    expect_int(wheel_next_ns(&clockwork.wheel), 0);
    set(&clockwork, 0, start_ns + 20 * step_ns);
    set(&clockwork, 1, start_ns + 9 * step_ns);
    uint64_t next_ns = wheel_next_ns(&clockwork.wheel);
    expect(next_ns > start_ns + 9 * step_ns && next_ns <= start_ns + 10 * step_ns);
    advance(&clockwork, next_ns);
    expect_int(clockwork.fired[1], 1);
    next_ns = wheel_next_ns(&clockwork.wheel);
    expect(next_ns > start_ns + 20 * step_ns && next_ns <= start_ns + 21 * step_ns);
}

/* Following wheel_next_ns alone, a loop that sleeps in between is late by one step at most. */
TEST(wheel, a_loop_that_sleeps_until_told_is_never_more_than_a_step_late)
{
    static struct clockwork clockwork;
    wind(&clockwork);
    uint64_t due_ns = start_ns + 1000 * step_ns + 17;
    unsigned looks = 0;
    set(&clockwork, 0, due_ns);
    while (clockwork.fired_all == 0) {
        advance(&clockwork, wheel_next_ns(&clockwork.wheel));
        looks++;
        expect(looks < 20);
    }
    expect(clockwork.now_ns >= due_ns && clockwork.now_ns <= due_ns + step_ns);
}

/* --- against a model: an array of due times --- */

static uint32_t next_random(uint32_t *random)
{
    *random = *random * 1664525 + 1013904223;
    return *random >> 8;
}

struct model {
    uint64_t due_ns[MANY]; /* 0: not set */
};

/* Sets, moves or clears one at random. */
static void change_one(struct clockwork *clockwork, struct model *model, uint32_t *random)
{
    unsigned number = next_random(random) % MANY;
    if (next_random(random) % 4 == 0) {
        wheel_clear(&clockwork->wheel, &clockwork->deadlines[number]);
        model->due_ns[number] = 0;
        return;
    }
    uint64_t after_ns =
        next_random(random) % 3 == 0 ? next_random(random) * 600ull : next_random(random) * 20ull;
    model->due_ns[number] = clockwork->now_ns + after_ns;
    set(clockwork, number, model->due_ns[number]);
}

/* What is more than a step over must have fired, what is not due must not; between, either. */
static void compare(const struct clockwork *clockwork, struct model *model, unsigned before[MANY])
{
    uint64_t now_ns = clockwork->now_ns, set_count = 0;
    for (unsigned i = 0; i < MANY; i++) {
        unsigned fired = clockwork->fired[i] - before[i];
        bool was_set = model->due_ns[i] != 0;
        expect(fired <= 1);
        expect(fired == 0 || (was_set && model->due_ns[i] <= now_ns));
        expect(!was_set || fired == 1 || model->due_ns[i] + step_ns > now_ns);
        model->due_ns[i] = fired == 1 ? 0 : model->due_ns[i];
        set_count += model->due_ns[i] != 0;
        before[i] = clockwork->fired[i];
    }
    expect_int(clockwork->wheel.count, set_count);
}

TEST(wheel, agrees_with_a_plain_list_of_deadlines)
{
    static struct clockwork clockwork;
    static struct model model;
    static unsigned before[MANY];
    for (uint32_t seed = 1; seed <= 5; seed++) {
        uint32_t random = seed;
        wind(&clockwork);
        model = (struct model){{0}};
        memset(before, 0, sizeof before);
        for (unsigned round = 0; round < 2000; round++) {
            for (unsigned i = next_random(&random) % 20; i > 0; i--) {
                change_one(&clockwork, &model, &random);
            }
            uint64_t passed_ns = next_random(&random) % 50 == 0 ? next_random(&random) * 500ull
                                                                : next_random(&random) * 4ull;
            advance(&clockwork, clockwork.now_ns + passed_ns);
            compare(&clockwork, &model, before);
        }
        expect_msg(clockwork.fired_all > 1000, "seed %u: only %u fired", seed, clockwork.fired_all);
    }
}
