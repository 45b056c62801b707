/* test_doorbell.c: a ring is remembered until it is answered, whatever kind of bell it is.
 *
 * Whether a thread still waits cannot be seen from outside without waiting too. So the waiter notes
 * what it finds when it comes back: an early return is seen by what had not yet been said.
 */
#include "queues/doorbell.h"

#include "core/base/clock.h"
#include "tests/test.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

static const int kinds[] = {DOORBELL_EVENTFD, DOORBELL_PIPE, DOORBELL_CONDVAR};
enum { KINDS = sizeof kinds / sizeof *kinds, POLLED_KINDS = 2 };

static bool is_readable(const struct doorbell *bell)
{
    struct pollfd ready = {.fd = doorbell_fd(bell), .events = POLLIN};
    int count = poll(&ready, 1, 0);
    expect(count >= 0);
    return count == 1 && (ready.revents & POLLIN) != 0;
}

TEST(doorbell, a_ring_before_the_wait_is_not_lost)
{
    for (unsigned i = 0; i < KINDS; i++) {
        struct doorbell bell;
        doorbell_init(&bell, kinds[i], false);
        doorbell_ring(&bell);
        doorbell_wait(&bell);
        doorbell_ring(&bell);
        doorbell_wait(&bell);
        doorbell_deinit(&bell);
    }
}

TEST(doorbell, a_polled_bell_is_readable_exactly_while_rung)
{
    for (unsigned i = 0; i < POLLED_KINDS; i++) {
        struct doorbell bell;
        doorbell_init(&bell, kinds[i], true);
        expect(!is_readable(&bell));
        doorbell_ring(&bell);
        expect(is_readable(&bell));
        expect(is_readable(&bell));
        doorbell_silence(&bell);
        expect(!is_readable(&bell));
        doorbell_ring(&bell);
        expect(is_readable(&bell));
        doorbell_silence(&bell);
        expect(!is_readable(&bell));
        doorbell_deinit(&bell);
    }
}

TEST(doorbell, silence_without_a_ring_does_nothing)
{
    for (unsigned i = 0; i < POLLED_KINDS; i++) {
        struct doorbell bell;
        doorbell_init(&bell, kinds[i], true);
        doorbell_silence(&bell);
        doorbell_silence(&bell);
        doorbell_ring(&bell);
        expect(is_readable(&bell));
        doorbell_deinit(&bell);
    }
}

/* More than a pipe holds: the ringer never blocks. */
enum { MANY_RINGS = 70000 };

TEST(doorbell, any_number_of_rings_merges_into_one)
{
    static const unsigned counts[] = {2, 127, 128, 129, 5000, MANY_RINGS};
    for (unsigned i = 0; i < POLLED_KINDS; i++) {
        for (unsigned j = 0; j < sizeof counts / sizeof *counts; j++) {
            struct doorbell bell;
            doorbell_init(&bell, kinds[i], true);
            for (unsigned ring = 0; ring < counts[j]; ring++) {
                doorbell_ring(&bell);
            }
            doorbell_silence(&bell);
            expect_msg(!is_readable(&bell), "kind %d still rings after %u rings and an answer",
                       kinds[i], counts[j]);
            doorbell_deinit(&bell);
        }
    }
}

/* --- two threads --- */

struct waiter {
    struct doorbell bell;
    _Atomic bool rung; /* set just before the ring that the waiter is to wait for */
    bool came_early;
};

static void *wait_for_ring(void *arg)
{
    struct waiter *waiter = arg;
    doorbell_wait(&waiter->bell);
    waiter->came_early = !atomic_load(&waiter->rung);
    return NULL;
}

/* Rings after the waiter has had a chance to run; true when it came back because of that. */
static bool waits_for_ring(struct waiter *waiter, void *(*wait)(void *))
{
    pthread_t thread;
    atomic_store(&waiter->rung, false);
    expect_int(pthread_create(&thread, NULL, wait, waiter), 0);
    for (unsigned i = 0; i < 50; i++) {
        sched_yield();
    }
    atomic_store(&waiter->rung, true);
    doorbell_ring(&waiter->bell);
    expect_int(pthread_join(thread, NULL), 0);
    return !waiter->came_early;
}

TEST(doorbell, a_waiter_sleeps_until_rung)
{
    for (unsigned i = 0; i < KINDS; i++) {
        for (unsigned round = 0; round < 20; round++) {
            struct waiter waiter;
            doorbell_init(&waiter.bell, kinds[i], false);
            expect_msg(waits_for_ring(&waiter, wait_for_ring), "kind %d, round %u: not rung",
                       kinds[i], round);
            doorbell_deinit(&waiter.bell);
        }
    }
}

TEST(doorbell, a_wait_answers_all_rings_so_far)
{
    for (unsigned i = 0; i < KINDS; i++) {
        for (unsigned round = 0; round < 20; round++) {
            struct waiter waiter;
            doorbell_init(&waiter.bell, kinds[i], false);
            for (unsigned ring = 0; ring < 200; ring++) {
                doorbell_ring(&waiter.bell);
            }
            doorbell_wait(&waiter.bell);
            expect_msg(waits_for_ring(&waiter, wait_for_ring),
                       "kind %d, round %u: an answered ring came again", kinds[i], round);
            doorbell_deinit(&waiter.bell);
        }
    }
}

/* --- with a deadline --- */

TEST(doorbell, a_wait_ends_at_its_deadline)
{
    for (unsigned i = 0; i < KINDS; i++) {
        struct doorbell bell;
        doorbell_init(&bell, kinds[i], false);
        uint64_t until_ns = clock_ns() + 3 * NS_PER_MS;
        expect(!doorbell_wait_until(&bell, until_ns));
        expect(clock_ns() >= until_ns);
        expect(!doorbell_wait_until(&bell, until_ns)); /* it is over: at once */
        doorbell_ring(&bell);
        doorbell_wait(&bell); /* a wait without one has none left over */
        doorbell_deinit(&bell);
    }
}

TEST(doorbell, a_ring_counts_even_when_the_deadline_is_over)
{
    for (unsigned i = 0; i < KINDS; i++) {
        struct doorbell bell;
        doorbell_init(&bell, kinds[i], false);
        doorbell_ring(&bell);
        doorbell_ring(&bell);
        expect_msg(doorbell_wait_until(&bell, 1), "kind %d: the ring was not seen", kinds[i]);
        expect_msg(!doorbell_wait_until(&bell, 1), "kind %d: not all were answered", kinds[i]);
        doorbell_deinit(&bell);
    }
}

static void *wait_long_for_ring(void *arg)
{
    struct waiter *waiter = arg;
    bool rung = doorbell_wait_until(&waiter->bell, clock_ns() + 60 * NS_PER_S);
    waiter->came_early = !rung || !atomic_load(&waiter->rung);
    return NULL;
}

TEST(doorbell, a_ring_ends_a_wait_before_its_deadline)
{
    for (unsigned i = 0; i < KINDS; i++) {
        for (unsigned round = 0; round < 20; round++) {
            struct waiter waiter;
            doorbell_init(&waiter.bell, kinds[i], false);
            uint64_t begin_ns = clock_ns();
            expect_msg(waits_for_ring(&waiter, wait_long_for_ring), "kind %d, round %u", kinds[i],
                       round);
            expect(clock_ns() - begin_ns < 30 * NS_PER_S);
            doorbell_deinit(&waiter.bell);
        }
    }
}

/* --- many ringers: the one who answers sees every count that was announced by a ring --- */

#if defined(__SANITIZE_THREAD__)
enum { RINGERS = 4, RINGS = 500 };
#else
enum { RINGERS = 4, RINGS = 5000 };
#endif

struct tower {
    struct doorbell bell;
    bool polled;
    _Atomic unsigned announced;
};

static void *ring_often(void *arg)
{
    struct tower *tower = arg;
    for (unsigned i = 0; i < RINGS; i++) {
        atomic_fetch_add(&tower->announced, 1);
        doorbell_ring(&tower->bell);
    }
    return NULL;
}

static void answer(struct tower *tower)
{
    if (!tower->polled) {
        doorbell_wait(&tower->bell);
        return;
    }
    struct pollfd ready = {.fd = doorbell_fd(&tower->bell), .events = POLLIN};
    expect_int(poll(&ready, 1, -1), 1);
    doorbell_silence(&tower->bell);
}

static void answer_many(int kind, bool polled)
{
    struct tower tower = {.polled = polled};
    pthread_t threads[RINGERS];
    unsigned answers = 0;
    doorbell_init(&tower.bell, kind, polled);
    for (unsigned i = 0; i < RINGERS; i++) {
        expect_int(pthread_create(&threads[i], NULL, ring_often, &tower), 0);
    }
    /* A lost ring leaves this waiting for ever. */
    while (atomic_load(&tower.announced) < RINGERS * RINGS) {
        answer(&tower);
        answers++;
    }
    for (unsigned i = 0; i < RINGERS; i++) {
        expect_int(pthread_join(threads[i], NULL), 0);
    }
    expect(answers <= RINGERS * RINGS);
    doorbell_deinit(&tower.bell);
}

TEST(doorbell, rings_of_many_threads_reach_the_one_who_answers)
{
    for (unsigned i = 0; i < KINDS; i++) {
        answer_many(kinds[i], false);
    }
    for (unsigned i = 0; i < POLLED_KINDS; i++) {
        answer_many(kinds[i], true);
    }
}
