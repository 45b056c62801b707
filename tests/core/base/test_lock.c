/* test_lock.c: exclusion, conditions, and the rank check of checked builds.
 *
 * What must abort runs in a child of its own, so that this works as a Criterion suite and as a
 * plain program alike.
 */
#include "core/base/lock.h"

#include "core/base/clock.h"
#include "tests/aborts.h"

#include <pthread.h>

/* --- exclusion --- */

enum { THREADS = 4, ROUNDS = 5000 };

struct purse {
    struct lock lock;
    unsigned coins;
};

static void *add_coins(void *arg)
{
    struct purse *purse = arg;
    for (unsigned i = 0; i < ROUNDS; i++) {
        lock_take(&purse->lock);
        purse->coins++;
        lock_release(&purse->lock);
    }
    return NULL;
}

TEST(lock, lets_one_thread_in_at_a_time)
{
    struct purse purse = {.coins = 0};
    lock_init(&purse.lock, RANK_MAILBOX);
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        expect_int(pthread_create(&threads[i], NULL, add_coins, &purse), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        expect_int(pthread_join(threads[i], NULL), 0);
    }
    expect_int(purse.coins, THREADS * ROUNDS);
    lock_deinit(&purse.lock);
}

/* --- ranks --- */

/* Takes two locks of these ranks, one inside the other. */
static void take_two(enum lock_rank outer_rank, enum lock_rank inner_rank)
{
    struct lock outer, inner;
    lock_init(&outer, outer_rank);
    lock_init(&inner, inner_rank);
    lock_take(&outer);
    lock_take(&inner);
    lock_release(&inner);
    lock_release(&outer);
    lock_deinit(&inner);
    lock_deinit(&outer);
}

TEST(lock, ranks_may_rise)
{
    take_two(RANK_FILE_CACHE, RANK_OUTLET);
    take_two(RANK_FILE_CACHE, (enum lock_rank)(RANK_COUNT - 1));
}

TEST(lock, a_rank_is_free_again_after_release)
{
    take_two(RANK_OUTLET, RANK_MAILBOX);
    take_two(RANK_FILE_CACHE, RANK_OUTLET);
}

static void *take_lower_rank(void *arg)
{
    (void)arg;
    take_two(RANK_FILE_CACHE, RANK_OUTLET);
    return NULL;
}

TEST(lock, ranks_of_one_thread_are_nothing_to_another)
{
    struct lock high;
    lock_init(&high, RANK_PATIENCE);
    lock_take(&high);
    pthread_t thread;
    expect_int(pthread_create(&thread, NULL, take_lower_rank, NULL), 0);
    expect_int(pthread_join(thread, NULL), 0);
    lock_release(&high);
    lock_deinit(&high);
}

#ifdef QUARTET_CHECKED

static void take_falling_ranks(void)
{
    take_two(RANK_MAILBOX, RANK_OUTLET);
}

static void take_equal_ranks(void)
{
    take_two(RANK_MAILBOX, RANK_MAILBOX);
}

static void release_what_is_not_held(void)
{
    struct lock lock;
    lock_init(&lock, RANK_MAILBOX);
    lock_note_released(&lock);
}

TEST(lock, aborts_when_ranks_fall)
{
    expect(aborts(take_falling_ranks));
}

TEST(lock, aborts_when_ranks_are_equal)
{
    expect(aborts(take_equal_ranks));
}

TEST(lock, aborts_on_release_of_what_is_not_held)
{
    expect(aborts(release_what_is_not_held));
}

#endif

/* --- conditions --- */

/* Two threads take turns: each waits for its own colour and sets the other's. */
struct table_tennis {
    struct lock lock;
    struct condition turned;
    unsigned turn;
};

static void play(struct table_tennis *table, unsigned self)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        lock_take(&table->lock);
        while (table->turn % 2 != self) {
            condition_wait(&table->turned, &table->lock, 0);
        }
        table->turn++;
        lock_release(&table->lock);
        condition_signal(&table->turned);
    }
}

static void *play_second(void *arg)
{
    play(arg, 1);
    return NULL;
}

TEST(condition, signal_wakes_the_waiter)
{
    struct table_tennis table = {.turn = 0};
    lock_init(&table.lock, RANK_DOORBELL);
    condition_init(&table.turned);
    pthread_t second;
    expect_int(pthread_create(&second, NULL, play_second, &table), 0);
    play(&table, 0);
    expect_int(pthread_join(second, NULL), 0);
    expect_int(table.turn, 2 * ROUNDS);
    condition_deinit(&table.turned);
    lock_deinit(&table.lock);
}

struct gate {
    struct lock lock;
    struct condition opened;
    bool open;
    unsigned inside;
};

static void *pass_gate(void *arg)
{
    struct gate *gate = arg;
    lock_take(&gate->lock);
    while (!gate->open) {
        condition_wait(&gate->opened, &gate->lock, 0);
    }
    gate->inside++;
    lock_release(&gate->lock);
    return NULL;
}

TEST(condition, broadcast_wakes_all_waiters)
{
    struct gate gate = {.open = false};
    lock_init(&gate.lock, RANK_DOORBELL);
    condition_init(&gate.opened);
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        expect_int(pthread_create(&threads[i], NULL, pass_gate, &gate), 0);
    }
    lock_take(&gate.lock);
    gate.open = true;
    lock_release(&gate.lock);
    condition_broadcast(&gate.opened);
    for (unsigned i = 0; i < THREADS; i++) {
        expect_int(pthread_join(threads[i], NULL), 0);
    }
    expect_int(gate.inside, THREADS);
    condition_deinit(&gate.opened);
    lock_deinit(&gate.lock);
}

/* Waits for nothing until the time has come, over spurious returns. */
static void wait_until(uint64_t until_ns)
{
    struct lock lock;
    struct condition never;
    lock_init(&lock, RANK_DOORBELL);
    condition_init(&never);
    lock_take(&lock);
    while (condition_wait(&never, &lock, until_ns)) {
    }
    lock_release(&lock);
    condition_deinit(&never);
    lock_deinit(&lock);
}

TEST(condition, a_wait_ends_when_its_time_has_come)
{
    uint64_t until_ns = clock_ns() + 20 * NS_PER_MS;
    wait_until(until_ns);
    expect(clock_ns() >= until_ns);
}

TEST(condition, a_time_in_the_past_ends_the_wait_at_once)
{
    wait_until(1);
}
