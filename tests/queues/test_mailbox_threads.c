/* test_mailbox_threads.c: putters and takers against each other: nothing is lost, nothing comes
 * twice, and no wakeup goes missing.
 *
 * Each item is stamped with its putter, its place in that putter's sequence and a mark of who it
 * is; takers check the stamps and count each item. A lost wakeup shows as a standstill: an alarm
 * ends the program and names the run. Failures in other threads than the first abort by CHECK:
 * Criterion's own asserts are for the test's first thread only.
 *
 * Two kinds of putters wait for room in the two ways there are (a pool's thread in the mailbox, a
 * loop by its bell), two kinds of takers take. In step, a putter waits until its burst is taken
 * before it puts the next, so that takers go to sleep all the time; else it puts as fast as it can
 * against a small bound.
 *
 * A pool's takers may also come on demand and retire after a few microseconds (now and then one
 * cannot be started), be handed items directly, and take turns at a loop of their own that only
 * sleeps.
 */
#include "queues/mailbox.h"

#include "tests/test.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#if defined(__SANITIZE_THREAD__)
enum { ITEMS_EACH = 600 };
#elif defined(__SANITIZE_ADDRESS__)
enum { ITEMS_EACH = 3000 };
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
enum { ITEMS_EACH = 600 };
#else
enum { ITEMS_EACH = 8000 };
#endif
#else
enum { ITEMS_EACH = 8000 };
#endif

enum { PUTTERS = 3, POOL_TAKERS = 3, BURST_MOST = 9, MAGIC = 0x51a7e, HANG_S = 60 };

/* One run, and what names it when it hangs. */
struct plan {
    int wakeup, doorbell;
    bool pool; /* takers are a pool's threads, else one loop */
    bool in_step;
    uint64_t bound;
    uint32_t seed;
    bool on_demand, direct, strict, turns; /* of a pool */
};

struct item {
    struct slip slip; /* first: found by a cast */
    uint32_t magic;
    unsigned putter;
    uint64_t sequence;
    _Atomic unsigned taken;
};

struct putter {
    struct run *run;
    unsigned number;
    uint32_t random;
    struct doorbell room; /* rung by room_fn, for the putters that wait as a loop does */
    sem_t taken;          /* posted for each item of this putter that was taken, in step */
    struct item *items;
    uint64_t seen; /* by the one taker: the next sequence expected */
};

enum life { NONE, RUNS, ENDED };

/* A place for a taker's thread. */
struct pool_thread {
    struct run *run;
    unsigned number;
    uint32_t random;
    pthread_t id;
    enum life life; /* under the run's lock; ENDED is still to be joined */
};

struct run {
    const struct plan *plan;
    struct mailbox box;
    struct putter putters[PUTTERS];
    struct taker takers[POOL_TAKERS];
    struct pool_thread threads[POOL_TAKERS];
    pthread_mutex_t lock;
    unsigned spawns; /* asked for; under the lock */
    bool ending;     /* no thread is started any more; under the lock */
    struct doorbell turn_bell;
    _Atomic unsigned leaders; /* takers that have the turn */
    _Atomic uint64_t turns;
    _Atomic uint64_t taken;
};

/* --- standstill --- */

static char hang_text[200];

static void on_alarm(int number)
{
    (void)number;
    ssize_t written = write(STDERR_FILENO, hang_text, strlen(hang_text));
    (void)written;
    abort();
}

static void watch_for_hang(const struct plan *plan)
{
    static const char *const wakeups[] = {"elided", "always", "spin"};
    static const char *const doorbells[] = {"eventfd", "pipe", "condvar"};
    snprintf(hang_text, sizeof hang_text,
             "standstill: wakeup %s, doorbell %s, %s, %s, bound %llu, seed %u%s%s%s%s\n",
             wakeups[plan->wakeup], doorbells[plan->doorbell], plan->pool ? "pool" : "loop",
             plan->in_step ? "in step" : "flooded", (unsigned long long)plan->bound, plan->seed,
             plan->on_demand ? ", on demand" : "", plan->direct ? ", direct" : "",
             plan->strict ? ", strict" : "", plan->turns ? ", turns" : "");
    expect(signal(SIGALRM, on_alarm) != SIG_ERR);
    alarm(HANG_S);
}

static uint32_t next_random(uint32_t *random)
{
    *random = *random * 1664525 + 1013904223;
    return *random >> 16;
}

/* --- putting --- */

static void on_room(void *arg)
{
    struct run *run = arg;
    for (unsigned i = 0; i < PUTTERS; i++) {
        doorbell_ring(&run->putters[i].room);
    }
}

/* A strict mailbox says nothing of room: who is refused there is turned away for good, or tries
 * again. */
static void wait_for_room(struct putter *putter)
{
    if (putter->run->plan->strict) {
        sched_yield();
        return;
    }
    if (putter->number % 2 == 0) {
        mailbox_wait_room(&putter->run->box);
    } else {
        doorbell_wait(&putter->room);
    }
}

static void put_all(struct putter *putter, struct chain *chain, enum put_how how)
{
    while (!mailbox_put(&putter->run->box, chain, how)) {
        CHECK(how == PUT_BOUNDED && chain->count > 0);
        wait_for_room(putter);
    }
}

/* Quiet puts are for the loop, which then hears of everything. */
static enum put_how choose_how(struct putter *putter)
{
    switch (next_random(&putter->random) % 8) {
    case 0:
        return PUT_ADMITTED;
    case 1:
        return putter->run->plan->pool ? PUT_ADMITTED : PUT_QUIET;
    default:
        return PUT_BOUNDED;
    }
}

static void wait_for_takers(struct putter *putter, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        int error;
        do {
            error = sem_wait(&putter->taken);
        } while (error != 0);
    }
}

static void *put_items(void *arg)
{
    struct putter *putter = arg;
    uint64_t made = 0;
    while (made < ITEMS_EACH) {
        struct chain chain = {0};
        unsigned burst = 1 + next_random(&putter->random) % BURST_MOST;
        for (unsigned i = 0; i < burst && made < ITEMS_EACH; i++, made++) {
            struct item *item = &putter->items[made];
            item->magic = MAGIC;
            item->putter = putter->number;
            item->sequence = made;
            chain_append(&chain, &item->slip);
        }
        unsigned count = chain.count;
        put_all(putter, &chain, choose_how(putter));
        if (putter->run->plan->turns && next_random(&putter->random) % 16 == 0) {
            doorbell_ring(&putter->run->turn_bell); /* something else wakes the loop */
        }
        if (putter->run->plan->in_step) {
            wait_for_takers(putter, count);
        }
    }
    return NULL;
}

/* --- taking --- */

static void take_item(struct run *run, struct slip *slip)
{
    struct item *item = (struct item *)slip;
    CHECK(item->magic == MAGIC && item->putter < PUTTERS && item->sequence < ITEMS_EACH);
    struct putter *putter = &run->putters[item->putter];
    CHECK(item == &putter->items[item->sequence]);
    CHECK(atomic_fetch_add(&item->taken, 1) == 0);
    if (!run->plan->pool) {
        CHECK(item->sequence == putter->seen);
        putter->seen++;
    }
    atomic_fetch_add(&run->taken, 1);
    if (run->plan->in_step) {
        CHECK(sem_post(&putter->taken) == 0);
    }
}

static void take_some(struct run *run, struct chain *chain, unsigned most)
{
    struct slip *slip;
    for (unsigned i = 0; i < most && (slip = chain_next(chain)) != NULL; i++) {
        take_item(run, slip);
    }
}

/* Now and then with a long handler in between, as a processor does: it gives back what it has not
 * begun and is away meanwhile. */
static void work(struct pool_thread *thread, struct chain *chain)
{
    struct run *run = thread->run;
    if (next_random(&thread->random) % 8 == 0) {
        take_some(run, chain, 1);
        mailbox_give_back(&run->box, &run->takers[thread->number], chain);
        mailbox_away(&run->box);
        sched_yield();
        mailbox_back(&run->box);
    }
    take_some(run, chain, UINT32_MAX);
}

/* Runs the loop, alone, until there is work. */
static void take_turn(struct run *run, struct taker *taker)
{
    struct pollfd bell = {.fd = doorbell_fd(&run->turn_bell), .events = POLLIN};
    CHECK(atomic_fetch_add(&run->leaders, 1) == 0);
    atomic_fetch_add(&run->turns, 1);
    while (!mailbox_wants(&run->box, taker)) {
        bool sleeps = mailbox_sleep(&run->box, taker, false);
        if (poll(&bell, 1, sleeps ? -1 : 0) > 0) {
            doorbell_silence(&run->turn_bell);
        }
        if (!sleeps) {
            break; /* work, or the end */
        }
    }
    CHECK(atomic_fetch_sub(&run->leaders, 1) == 1);
    mailbox_end_turn(&run->box, taker);
}

static void *take_as_pool(void *arg)
{
    struct pool_thread *thread = arg;
    struct run *run = thread->run;
    struct taker *taker = &run->takers[thread->number];
    struct chain chain = {0};
    enum wait_end end;
    do {
        end = mailbox_wait(&run->box, taker, &chain, 1 + next_random(&thread->random) % 8);
        CHECK((end == WAIT_TOOK) == (chain.count > 0));
        if (end == WAIT_TOOK) {
            work(thread, &chain);
        } else if (end == WAIT_TURN) {
            take_turn(run, taker);
        }
    } while (end == WAIT_TOOK || end == WAIT_TURN);
    CHECK(end == WAIT_OVER || run->plan->on_demand);
    CHECK(pthread_mutex_lock(&run->lock) == 0);
    thread->life = ENDED;
    CHECK(pthread_mutex_unlock(&run->lock) == 0);
    return NULL;
}

/* The turn of a loop: take, run, say that it sleeps, block until the bell. */
static void *take_as_loop(void *arg)
{
    struct pool_thread *thread = arg;
    struct run *run = thread->run;
    struct taker *taker = &run->takers[0];
    struct pollfd bell = {.fd = doorbell_fd(&taker->bell), .events = POLLIN};
    while (atomic_load(&run->taken) < (uint64_t)PUTTERS * ITEMS_EACH) {
        struct chain chain = {0};
        mailbox_take(&run->box, taker, &chain, 1 + next_random(&thread->random) % 32);
        take_some(run, &chain, UINT32_MAX);
        if (atomic_load(&run->taken) == (uint64_t)PUTTERS * ITEMS_EACH) {
            break;
        }
        bool sleeps = mailbox_sleep(&run->box, taker, true);
        if (poll(&bell, 1, sleeps ? -1 : 0) > 0) {
            doorbell_silence(&taker->bell);
        }
    }
    return NULL;
}

/* --- takers come and go --- */

/* Under the lock, so that no thread is joined before it exists. */
static bool start_locked(struct run *run, struct pool_thread *thread)
{
    if (thread->life == ENDED) {
        CHECK(pthread_join(thread->id, NULL) == 0);
    }
    thread->life = RUNS;
    CHECK(pthread_create(&thread->id, NULL, run->plan->pool ? take_as_pool : take_as_loop,
                         thread) == 0);
    return true;
}

/* Every fifth fails, as does one while a retired thread has not quite ended. */
static bool spawn(void *arg)
{
    struct run *run = arg;
    bool started = false;
    CHECK(pthread_mutex_lock(&run->lock) == 0);
    bool fails = ++run->spawns % 5 == 0 || run->ending;
    for (unsigned i = 0; i < POOL_TAKERS && !started && !fails; i++) {
        started = run->threads[i].life != RUNS && start_locked(run, &run->threads[i]);
    }
    CHECK(pthread_mutex_unlock(&run->lock) == 0);
    return started;
}

static void start_takers(struct run *run)
{
    CHECK(pthread_mutex_lock(&run->lock) == 0);
    for (unsigned i = 0; i < run->box.config.takers; i++) {
        (void)start_locked(run, &run->threads[i]);
    }
    CHECK(pthread_mutex_unlock(&run->lock) == 0);
}

static bool was_started(struct run *run, unsigned number)
{
    CHECK(pthread_mutex_lock(&run->lock) == 0);
    bool started = run->threads[number].life != NONE;
    CHECK(pthread_mutex_unlock(&run->lock) == 0);
    return started;
}

static void join_takers(struct run *run)
{
    CHECK(pthread_mutex_lock(&run->lock) == 0);
    run->ending = true;
    CHECK(pthread_mutex_unlock(&run->lock) == 0);
    for (unsigned i = 0; i < POOL_TAKERS; i++) {
        if (was_started(run, i)) {
            expect_int(pthread_join(run->threads[i].id, NULL), 0);
        }
    }
}

/* --- a run --- */

static void start_run(struct run *run, const struct plan *plan)
{
    struct mailbox_config config = {.name = "stress",
                                    .bound = plan->bound,
                                    .takers = plan->pool && !plan->on_demand ? POOL_TAKERS : 1,
                                    .takers_most = plan->pool ? POOL_TAKERS : 1,
                                    .idle_ns = 5000,
                                    .direct = plan->direct,
                                    .strict = plan->strict,
                                    .gives_back = plan->pool,
                                    .turn_bell = plan->turns ? &run->turn_bell : NULL,
                                    .wakeup = plan->wakeup,
                                    .spin_ns = plan->wakeup == WAKEUP_SPIN ? 20000 : 0,
                                    .share = 2,
                                    .awake_most = plan->pool ? 2 : 1,
                                    .measured = true};
    run->plan = plan;
    run->spawns = 0;
    run->ending = false;
    atomic_init(&run->taken, 0);
    atomic_init(&run->leaders, 0);
    atomic_init(&run->turns, 0);
    CHECK(pthread_mutex_init(&run->lock, NULL) == 0);
    doorbell_init(&run->turn_bell, DOORBELL_EVENTFD, true);
    mailbox_init(&run->box, &config);
    mailbox_on_room(&run->box, on_room, run);
    mailbox_on_spawn(&run->box, spawn, run);
    for (unsigned i = 0; i < config.takers_most; i++) {
        taker_init(&run->takers[i], plan->doorbell, !plan->pool);
    }
    for (unsigned i = 0; i < POOL_TAKERS; i++) {
        run->threads[i] = (struct pool_thread){run, i, plan->seed + 100 + i, 0, NONE};
    }
    for (unsigned i = 0; i < PUTTERS; i++) {
        struct putter *putter = &run->putters[i];
        *putter = (struct putter){.run = run, .number = i, .random = plan->seed + i};
        putter->items = must_calloc(ITEMS_EACH, sizeof *putter->items);
        doorbell_init(&putter->room, DOORBELL_CONDVAR, false);
        expect_int(sem_init(&putter->taken, 0, 0), 0);
    }
}

static void end_run(struct run *run)
{
    for (unsigned i = 0; i < run->box.config.takers_most; i++) {
        taker_deinit(&run->takers[i]);
    }
    for (unsigned i = 0; i < PUTTERS; i++) {
        struct putter *putter = &run->putters[i];
        free(putter->items);
        doorbell_deinit(&putter->room);
        sem_destroy(&putter->taken);
    }
    mailbox_deinit(&run->box);
    doorbell_deinit(&run->turn_bell);
    CHECK(pthread_mutex_destroy(&run->lock) == 0);
}

static void expect_report(struct run *run)
{
    for (unsigned i = 0; i < PUTTERS * ITEMS_EACH; i++) {
        expect_int(run->putters[i % PUTTERS].items[i / PUTTERS].taken, 1);
    }
    static struct queue_report report;
    mailbox_report(&run->box, &report);
    expect_int(run->taken, PUTTERS * ITEMS_EACH);
    expect_int(report.put, PUTTERS * ITEMS_EACH);
    expect_int(report.depth, 0);
    expect_int(report.wait.count, PUTTERS * ITEMS_EACH);
    expect_int((uint64_t)report.batch.sum, PUTTERS * ITEMS_EACH);
    expect(report.depth_max > 0 || run->plan->direct);
    expect((run->spawns > 0) == run->plan->on_demand);
    expect((run->turns > 0) == run->plan->turns);
    if (!run->plan->in_step && !run->plan->direct) {
        expect_msg(report.refused > 0, "the bound of %llu was never reached",
                   (unsigned long long)run->plan->bound);
    }
}

static void run_plan(const struct plan *plan)
{
    static struct run run;
    pthread_t putters[PUTTERS] = {0};
    watch_for_hang(plan);
    start_run(&run, plan);
    start_takers(&run);
    for (unsigned i = 0; i < PUTTERS; i++) {
        expect_int(pthread_create(&putters[i], NULL, put_items, &run.putters[i]), 0);
    }
    for (unsigned i = 0; i < PUTTERS; i++) {
        expect_int(pthread_join(putters[i], NULL), 0);
    }
    mailbox_close(&run.box);
    join_takers(&run);
    expect_report(&run);
    end_run(&run);
    alarm(0);
}

/* Every wakeup mode with every bell that such takers can have, flooded and in step. */
static void run_all(bool pool)
{
    static const uint64_t bounds[] = {1, 3, 16};
    uint32_t seed = 1;
    for (int wakeup = WAKEUP_ELIDED; wakeup <= WAKEUP_SPIN; wakeup++) {
        for (int doorbell = DOORBELL_EVENTFD; doorbell <= DOORBELL_CONDVAR; doorbell++) {
            if (!pool && doorbell == DOORBELL_CONDVAR) {
                continue;
            }
            for (int in_step = 0; in_step < 2; in_step++, seed++) {
                struct plan plan = {.wakeup = wakeup,
                                    .doorbell = doorbell,
                                    .pool = pool,
                                    .in_step = in_step == 1,
                                    .bound = bounds[seed % 3],
                                    .seed = seed};
                run_plan(&plan);
            }
        }
    }
}

TEST(mailbox, a_pool_takes_every_item_once)
{
    run_all(true);
}

TEST(mailbox, a_loop_takes_every_item_once_and_in_order)
{
    run_all(false);
}

/* Every mix of what a pool's mailbox can do besides, flooded and in step. */
static void run_mixes(bool direct, bool strict)
{
    static const uint64_t bounds[] = {1, 3, 16};
    for (unsigned mix = 0; mix < 8; mix++) {
        struct plan plan = {.pool = true, .direct = direct, .strict = strict, .seed = 500 + mix};
        plan.in_step = (mix & 1) != 0;
        plan.on_demand = (mix & 2) != 0;
        plan.turns = (mix & 4) != 0;
        plan.wakeup = (int)(mix % 3);
        plan.doorbell = (int)((mix + direct) % 3);
        plan.bound = bounds[mix / 2 % 3];
        run_plan(&plan);
    }
}

TEST(mailbox, takers_that_come_and_go_and_take_turns_take_every_item_once)
{
    run_mixes(false, false);
}

TEST(mailbox, items_that_are_handed_out_directly_are_taken_once)
{
    run_mixes(true, false);
}

TEST(mailbox, items_for_which_there_is_no_queue_are_taken_once)
{
    run_mixes(true, true);
}

/* --- closing --- */

static void *wait_until_closed(void *arg)
{
    struct pool_thread *thread = arg;
    struct chain chain = {0};
    CHECK(mailbox_wait(&thread->run->box, &thread->run->takers[thread->number], &chain, 1) ==
          WAIT_OVER);
    return NULL;
}

static void *wait_for_room_until_closed(void *arg)
{
    mailbox_wait_room(arg);
    return NULL;
}

TEST(mailbox, close_ends_all_who_wait_for_work)
{
    for (int doorbell = DOORBELL_EVENTFD; doorbell <= DOORBELL_CONDVAR; doorbell++) {
        static struct run run;
        struct plan plan = {.doorbell = doorbell, .pool = true, .bound = 4};
        pthread_t ids[POOL_TAKERS];
        watch_for_hang(&plan);
        start_run(&run, &plan);
        for (unsigned i = 0; i < POOL_TAKERS; i++) {
            expect_int(pthread_create(&ids[i], NULL, wait_until_closed, &run.threads[i]), 0);
        }
        mailbox_close(&run.box);
        for (unsigned i = 0; i < POOL_TAKERS; i++) {
            expect_int(pthread_join(ids[i], NULL), 0);
        }
        end_run(&run);
        alarm(0);
    }
}

TEST(mailbox, close_ends_those_who_wait_for_room)
{
    struct plan plan = {.doorbell = DOORBELL_CONDVAR, .pool = true, .bound = 1};
    struct mailbox_config config = {
        .name = "full", .bound = 1, .takers = 1, .share = 1, .awake_most = 1};
    static struct mailbox box;
    struct slip slip;
    struct chain chain = {0};
    pthread_t threads[2];
    watch_for_hang(&plan);
    mailbox_init(&box, &config);
    chain_append(&chain, &slip);
    expect(mailbox_put(&box, &chain, PUT_BOUNDED));
    for (unsigned i = 0; i < 2; i++) {
        expect_int(pthread_create(&threads[i], NULL, wait_for_room_until_closed, &box), 0);
    }
    mailbox_close(&box);
    for (unsigned i = 0; i < 2; i++) {
        expect_int(pthread_join(threads[i], NULL), 0);
    }
    mailbox_deinit(&box);
    alarm(0);
}
