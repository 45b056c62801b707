/* test_later.c: calls put off until their time: order, times, bounds, the end. Exchanges are only
 * handed through, so any pointer will do for one. */
#include "core/handlers/later.h"

#include "core/base/clock.h"
#include "core/base/lock.h"
#include "tests/test.h"

enum { FAR = 3600 };

static struct exchange *exchange_numbered(uintptr_t number)
{
    return (struct exchange *)(number + 1); /* NOLINT(performance-no-int-to-ptr) */
}

static uintptr_t number_of(const struct exchange *x)
{
    return (uintptr_t)x - 1;
}

/* What was called, in order. */
static struct {
    struct lock lock;
    struct condition more;
    unsigned count;
    struct {
        uintptr_t number;
        uint64_t called_ns;
    } at[LATER_MOST + 1];
} seen;

static void begin(void)
{
    lock_init(&seen.lock, RANK_SERVER);
    condition_init(&seen.more);
    seen.count = 0;
    later_start();
}

static void end(void)
{
    later_stop();
    condition_deinit(&seen.more);
    lock_deinit(&seen.lock);
}

static void note(struct exchange *x)
{
    lock_take(&seen.lock);
    seen.at[seen.count].number = number_of(x);
    seen.at[seen.count++].called_ns = clock_ns();
    lock_release(&seen.lock);
    condition_signal(&seen.more);
}

static void wait_for(unsigned count)
{
    uint64_t until_ns = clock_ns() + 20 * NS_PER_S;
    lock_take(&seen.lock);
    while (seen.count < count && condition_wait(&seen.more, &seen.lock, until_ns)) {
    }
    expect_int(seen.count, count);
    lock_release(&seen.lock);
}

static uint64_t in_an_hour_ns(void)
{
    return clock_ns() + FAR * NS_PER_S;
}

TEST(later, calls_in_the_order_of_their_times_and_never_early)
{
    static const unsigned after_ms[] = {30, 10, 50, 20, 0, 40, 10, 60, 5};
    enum { COUNT = sizeof after_ms / sizeof *after_ms };
    uint64_t due_ns[COUNT];
    begin();
    for (unsigned i = 0; i < COUNT; i++) {
        due_ns[i] = clock_ns() + after_ms[i] * NS_PER_MS;
        expect(later_call(due_ns[i], note, exchange_numbered(i)));
    }
    wait_for(COUNT);
    for (unsigned i = 0; i < COUNT; i++) {
        expect(seen.at[i].called_ns >= due_ns[seen.at[i].number]);
    }
    for (unsigned i = 1; i < COUNT; i++) {
        expect(due_ns[seen.at[i - 1].number] <= due_ns[seen.at[i].number]);
    }
    end();
}

/* Again and again: sooner or later each finds the thread asleep until the first call's time. */
TEST(later, wakes_for_a_call_that_is_due_before_those_that_wait)
{
    enum { ROUNDS = 200 };
    begin();
    expect(later_call(in_an_hour_ns(), note, exchange_numbered(ROUNDS)));
    for (unsigned i = 0; i < ROUNDS; i++) {
        expect(later_call(clock_ns(), note, exchange_numbered(i)));
        wait_for(i + 1);
        expect_int(seen.at[i].number, i);
    }
    later_hurry();
    wait_for(ROUNDS + 1);
    end();
}

TEST(later, takes_so_many_and_no_more)
{
    begin();
    for (unsigned i = 0; i < LATER_MOST; i++) {
        /* The latest first: each is the first of the heap, and goes all the way up. */
        expect(later_call(in_an_hour_ns() - i, note, exchange_numbered(i)));
    }
    expect(!later_call(clock_ns(), note, exchange_numbered(LATER_MOST)));
    expect_int(seen.count, 0);
    later_hurry();
    wait_for(LATER_MOST);
    end();
}

TEST(later, calls_each_once_in_order_whatever_order_they_came_in)
{
    uint64_t base_ns = in_an_hour_ns();
    uint32_t random = 1;
    static uint64_t due_ns[5000];
    begin();
    for (unsigned i = 0; i < 5000; i++) {
        random = random * 1664525u + 1013904223u;
        due_ns[i] = base_ns + random % 1000;
        expect(later_call(due_ns[i], note, exchange_numbered(i)));
    }
    later_hurry();
    wait_for(5000);
    bool called[5000] = {false};
    for (unsigned i = 0; i < 5000; i++) {
        expect(!called[seen.at[i].number]);
        called[seen.at[i].number] = true;
        expect(i == 0 || due_ns[seen.at[i - 1].number] <= due_ns[seen.at[i].number]);
    }
    end();
}

TEST(later, once_hurried_what_comes_is_called_at_once)
{
    begin();
    later_hurry();
    expect(later_call(in_an_hour_ns(), note, exchange_numbered(0)));
    expect(later_call(in_an_hour_ns(), note, exchange_numbered(1)));
    wait_for(2);
    end();
}

static void call_again(struct exchange *x)
{
    if (number_of(x) > 0) {
        expect(later_call(clock_ns(), call_again, exchange_numbered(number_of(x) - 1)));
    }
    note(x);
}

TEST(later, a_call_may_ask_for_another)
{
    begin();
    expect(later_call(clock_ns(), call_again, exchange_numbered(9)));
    wait_for(10);
    end();
}

TEST(later, takes_nothing_without_its_thread_and_starts_again)
{
    expect(!later_call(clock_ns(), note, exchange_numbered(0)));
    begin();
    end();
    expect(!later_call(clock_ns(), note, exchange_numbered(0)));
    begin();
    expect(later_call(clock_ns(), note, exchange_numbered(3)));
    wait_for(1);
    end();
}
