/* pool_group.c: the threads of a pool: what they do, how they come and go. See pool_group.h. */
#include "stages/life/pool_group.h"

#include "core/base/log.h"
#include "stages/life/loop_group.h"
#include "stages/engine/engine.h"
#include "stages/engine/route.h"

#include <string.h>

/* --- what a thread does --- */

/* One turn at the loop. While the thread that has it sleeps there it is asleep in the pool's mailbox
 * too, and a ring for it wakes the loop. */
static void take_turn(struct worker *worker)
{
    struct worker *loop = worker->pool.loop;
    loop->loop.runner = worker;
    do {
        loop_group_turn(loop);
    } while (!mailbox_wants(worker->mailbox, &worker->taker) && !loop_group_is_over(loop));
    loop->loop.runner = loop;
    mailbox_end_turn(worker->mailbox, &worker->taker);
}

static enum wait_end wait_for_work(struct worker *worker, unsigned batch)
{
    (void)worker_flush(worker);
    worker_begin_idle(worker);
    enum wait_end end = mailbox_wait(worker->mailbox, &worker->taker, &worker->pool.taken, batch);
    worker->woke_ns = clock_ns();
    worker_end_idle(worker);
    return end;
}

/* Work for this thread is in worker->pool.taken. False: it is to end. */
static bool find_work(struct worker *worker, unsigned batch)
{
    while (mailbox_take(worker->mailbox, &worker->taker, &worker->pool.taken, batch) == 0) {
        enum wait_end end = wait_for_work(worker, batch);
        if (end != WAIT_TURN) {
            return end == WAIT_TOOK;
        }
        take_turn(worker);
    }
    return true;
}

static void set_life(struct worker *worker, enum thread_life life)
{
    struct group *group = &worker->engine->groups[worker->group];
    lock_take(&group->shared.lock);
    atomic_store(&worker->pool.life, life);
    lock_release(&group->shared.lock);
    condition_broadcast(&group->changed);
}

static void *run_pool_thread(void *arg)
{
    struct worker *worker = arg;
    unsigned batch = (unsigned)worker->engine->settings->batch;
    worker_begin(worker);
    while (find_work(worker, batch)) {
        worker_count(&worker->turns, 1);
        route_run(worker, &worker->pool.taken);
        worker_come_back(worker);
        if (!worker_gathers(worker)) {
            (void)worker_flush(worker);
        }
    }
    (void)worker_flush(worker);
    worker_end(worker);
    set_life(worker, THREAD_ENDED);
    return NULL;
}

/* --- how threads come and go --- */

static bool start_pool_thread(struct worker *worker)
{
    int error = pthread_create(&worker->thread, NULL, run_pool_thread, worker);
    if (error != 0) {
        static struct log_rate rate;
        log_rated(&rate, NS_PER_S, LOG_WARN, "cannot start thread %s: %s", worker->name,
                  strerror(error));
        set_life(worker, THREAD_NONE);
    }
    return error == 0;
}

static struct worker *find_place_locked(struct group *group) REQUIRES(group->shared.lock)
{
    for (unsigned i = 0; i < group->count; i++) {
        if (atomic_load(&group->workers[i].pool.life) != THREAD_RUNS) {
            return &group->workers[i];
        }
    }
    return NULL;
}

/* A place where no thread runs. The mailbox counts takers, so there is one, but its thread may have
 * retired and not yet ended. Then this waits for its end, because the mailbox counts on one more
 * taker. NULL: the group ends. */
static struct worker *take_thread_place(struct group *group, enum thread_life *before)
    EXCLUDES(group->shared.lock)
{
    struct worker *worker = NULL;
    lock_take(&group->shared.lock);
    while (!group->shared.ending && (worker = find_place_locked(group)) == NULL) {
        (void)condition_wait(&group->changed, &group->shared.lock, 0);
    }
    if (worker != NULL) {
        *before = (enum thread_life)atomic_load(&worker->pool.life);
        atomic_store(&worker->pool.life, THREAD_RUNS);
        group->shared.starting++;
    }
    lock_release(&group->shared.lock);
    return worker;
}

static void place_taken(struct group *group) EXCLUDES(group->shared.lock)
{
    lock_take(&group->shared.lock);
    group->shared.starting--;
    lock_release(&group->shared.lock);
    condition_broadcast(&group->changed);
}

/* On the thread that puts work in, or takes some. */
static bool spawn_pool_thread(void *arg)
{
    struct group *group = arg;
    enum thread_life before = THREAD_NONE;
    struct worker *worker = take_thread_place(group, &before);
    if (worker == NULL) {
        return false;
    }
    if (before == THREAD_ENDED) {
        CHECK(pthread_join(worker->thread, NULL) == 0);
    }
    bool started = start_pool_thread(worker);
    place_taken(group);
    atomic_fetch_add(&group->started, started);
    return started;
}

void pool_group_start(struct group *group)
{
    mailbox_on_spawn(group->workers[0].mailbox, spawn_pool_thread, group);
    for (unsigned i = 0; i < group->least; i++) {
        struct worker *worker = &group->workers[i];
        atomic_store(&worker->pool.life, THREAD_RUNS);
        if (!start_pool_thread(worker)) {
            die(EXIT_WORLD, "cannot start %u threads: %u were started", group->least, i);
        }
    }
}

/* A thread may still be starting another one: from here on none begins to, and those that have
 * begun are waited for, so that every thread is joined once. */
static void end_starting(struct group *group) EXCLUDES(group->shared.lock)
{
    lock_take(&group->shared.lock);
    group->shared.ending = true;
    while (group->shared.starting > 0) {
        (void)condition_wait(&group->changed, &group->shared.lock, 0);
    }
    lock_release(&group->shared.lock);
    condition_broadcast(&group->changed);
}

void pool_group_join(struct group *group)
{
    end_starting(group);
    for (unsigned i = 0; i < group->count; i++) {
        struct worker *worker = &group->workers[i];
        if (atomic_load(&worker->pool.life) != THREAD_NONE) {
            CHECK(pthread_join(worker->thread, NULL) == 0);
            atomic_store(&worker->pool.life, THREAD_NONE);
        }
    }
}
