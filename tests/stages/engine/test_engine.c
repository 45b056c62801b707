/* test_engine.c: who hears that the last connection has ended, and when. */
#include "stages/engine/engine.h"

#include "core/base/clock.h"
#include "tests/test.h"

#include <pthread.h>
#include <signal.h>

static struct engine engine;

/* The signal stays pending in this process until it is asked for. */
static void set_up(uint64_t connections, unsigned listening)
{
    sigset_t signals;
    memset(&engine, 0, sizeof engine);
    lock_init(&engine.ending.lock, RANK_SERVER);
    condition_init(&engine.ending.empty);
    atomic_store(&engine.connections, connections);
    atomic_store(&engine.listening, listening);
    atomic_store(&engine.empty_signal, SIGUSR2);
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR2);
    CHECK(pthread_sigmask(SIG_BLOCK, &signals, NULL) == 0);
}

static void tear_down(void)
{
    condition_deinit(&engine.ending.empty);
    lock_deinit(&engine.ending.lock);
}

static bool is_signalled(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR2);
    return sigtimedwait(&signals, NULL, &(struct timespec){0}) == SIGUSR2;
}

TEST(engine, is_empty_when_nothing_is_open_and_nothing_is_accepted)
{
    set_up(0, 0);
    expect(engine_is_empty(&engine));
    atomic_store(&engine.listening, 1);
    expect(!engine_is_empty(&engine));
    atomic_store(&engine.listening, 0);
    atomic_store(&engine.connections, 1);
    expect(!engine_is_empty(&engine));
    tear_down();
}

TEST(engine, is_in_the_phase_that_was_stored)
{
    set_up(0, 0);
    expect_int(engine_phase(&engine), PHASE_RUNNING);
    atomic_store(&engine.phase, PHASE_CUTTING);
    expect_int(engine_phase(&engine), PHASE_CUTTING);
    tear_down();
}

TEST(engine, signals_the_process_when_the_last_listener_has_stopped)
{
    set_up(0, 2);
    engine_stopped_listening(&engine);
    expect(!is_signalled());
    engine_stopped_listening(&engine);
    expect(is_signalled());
    tear_down();
}

TEST(engine, does_not_signal_while_a_connection_is_open)
{
    set_up(1, 1);
    engine_stopped_listening(&engine);
    expect(!is_signalled());
    atomic_store(&engine.connections, 0);
    engine_signal_empty(&engine);
    expect(is_signalled());
    tear_down();
}

TEST(engine, without_a_signal_to_send_sends_none)
{
    set_up(0, 1);
    atomic_store(&engine.empty_signal, 0);
    engine_stopped_listening(&engine);
    expect(engine_is_empty(&engine) && !is_signalled());
    tear_down();
}

/* Waits as server_wait_empty() does; notes whether it was woken, and not by its patience. */
static struct {
    bool waits, woken; /* under the engine's lock */
} waiter;

static void *wait_for_the_end(void *arg)
{
    (void)arg;
    bool in_time = true;
    lock_take(&engine.ending.lock);
    waiter.waits = true;
    while (!engine_is_empty(&engine) && in_time) {
        in_time =
            condition_wait(&engine.ending.empty, &engine.ending.lock, clock_ns() + 20 * NS_PER_S);
    }
    waiter.woken = in_time;
    lock_release(&engine.ending.lock);
    return NULL;
}

static bool is_waiting(void)
{
    lock_take(&engine.ending.lock);
    bool waits = waiter.waits;
    lock_release(&engine.ending.lock);
    return waits;
}

TEST(engine, wakes_who_waits_for_the_last_connection)
{
    pthread_t thread;
    set_up(1, 0);
    waiter.waits = waiter.woken = false;
    expect_int(pthread_create(&thread, NULL, wait_for_the_end, NULL), 0);
    while (!is_waiting()) {
        sched_yield();
    }
    atomic_store(&engine.connections, 0);
    engine_signal_empty(&engine);
    expect_int(pthread_join(thread, NULL), 0);
    expect(waiter.woken && is_signalled());
    tear_down();
}
