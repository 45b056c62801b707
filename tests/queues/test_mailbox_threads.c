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

struct run {
    const struct plan *plan;
    struct mailbox box;
    struct putter putters[PUTTERS];
    struct taker takers[POOL_TAKERS];
    _Atomic uint64_t taken;
};

struct pool_thread {
    struct run *run;
    unsigned number;
    uint32_t random;
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
             "standstill: wakeup %s, doorbell %s, %s, %s, bound %llu, seed %u\n",
             wakeups[plan->wakeup], doorbells[plan->doorbell], plan->pool ? "pool" : "loop",
             plan->in_step ? "in step" : "flooded", (unsigned long long)plan->bound, plan->seed);
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

static void wait_for_room(struct putter *putter)
{
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
static void *take_as_pool(void *arg)
{
    struct pool_thread *thread = arg;
    struct run *run = thread->run;
    struct chain chain = {0};
    while (mailbox_wait(&run->box, &run->takers[thread->number], &chain,
                        1 + next_random(&thread->random) % 8) > 0) {
        if (next_random(&thread->random) % 8 == 0) {
            take_some(run, &chain, 1);
            mailbox_give_back(&run->box, &chain);
            mailbox_away(&run->box);
            sched_yield();
            mailbox_back(&run->box);
        }
        take_some(run, &chain, UINT32_MAX);
    }
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

/* --- a run --- */

static void start_run(struct run *run, const struct plan *plan)
{
    struct mailbox_config config = {.name = "stress",
                                    .bound = plan->bound,
                                    .takers = plan->pool ? POOL_TAKERS : 1,
                                    .wakeup = plan->wakeup,
                                    .spin_ns = plan->wakeup == WAKEUP_SPIN ? 20000 : 0,
                                    .share = 2,
                                    .awake_most = plan->pool ? 2 : 1,
                                    .measured = true};
    run->plan = plan;
    atomic_init(&run->taken, 0);
    mailbox_init(&run->box, &config);
    mailbox_on_room(&run->box, on_room, run);
    for (unsigned i = 0; i < config.takers; i++) {
        taker_init(&run->takers[i], plan->doorbell, !plan->pool);
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
    for (unsigned i = 0; i < run->box.config.takers; i++) {
        taker_deinit(&run->takers[i]);
    }
    for (unsigned i = 0; i < PUTTERS; i++) {
        struct putter *putter = &run->putters[i];
        for (unsigned j = 0; j < ITEMS_EACH; j++) {
            expect_int(putter->items[j].taken, 1);
        }
        free(putter->items);
        doorbell_deinit(&putter->room);
        sem_destroy(&putter->taken);
    }
    mailbox_deinit(&run->box);
}

static void expect_report(struct run *run)
{
    static struct queue_report report;
    mailbox_report(&run->box, &report);
    expect_int(run->taken, PUTTERS * ITEMS_EACH);
    expect_int(report.put, PUTTERS * ITEMS_EACH);
    expect_int(report.depth, 0);
    expect(report.depth_max > 0);
    if (!run->plan->in_step) {
        expect_msg(report.refused > 0, "the bound of %llu was never reached",
                   (unsigned long long)run->plan->bound);
    }
}

static void run_plan(const struct plan *plan)
{
    static struct run run;
    pthread_t putters[PUTTERS] = {0}, takers[POOL_TAKERS] = {0};
    struct pool_thread threads[POOL_TAKERS];
    watch_for_hang(plan);
    start_run(&run, plan);
    for (unsigned i = 0; i < run.box.config.takers; i++) {
        threads[i] = (struct pool_thread){&run, i, plan->seed + 100 + i};
        expect_int(
            pthread_create(&takers[i], NULL, plan->pool ? take_as_pool : take_as_loop, &threads[i]),
            0);
    }
    for (unsigned i = 0; i < PUTTERS; i++) {
        expect_int(pthread_create(&putters[i], NULL, put_items, &run.putters[i]), 0);
    }
    for (unsigned i = 0; i < PUTTERS; i++) {
        expect_int(pthread_join(putters[i], NULL), 0);
    }
    mailbox_close(&run.box);
    for (unsigned i = 0; i < run.box.config.takers; i++) {
        expect_int(pthread_join(takers[i], NULL), 0);
    }
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
                struct plan plan = {wakeup, doorbell, pool, in_step == 1, bounds[seed % 3], seed};
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

/* --- closing --- */

static void *wait_until_closed(void *arg)
{
    struct pool_thread *thread = arg;
    struct chain chain = {0};
    CHECK(mailbox_wait(&thread->run->box, &thread->run->takers[thread->number], &chain, 1) == 0);
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
        struct plan plan = {WAKEUP_ELIDED, doorbell, true, false, 4, 0};
        struct pool_thread threads[POOL_TAKERS];
        pthread_t ids[POOL_TAKERS];
        watch_for_hang(&plan);
        start_run(&run, &plan);
        for (unsigned i = 0; i < POOL_TAKERS; i++) {
            threads[i] = (struct pool_thread){&run, i, 0};
            expect_int(pthread_create(&ids[i], NULL, wait_until_closed, &threads[i]), 0);
        }
        mailbox_close(&run.box);
        for (unsigned i = 0; i < POOL_TAKERS; i++) {
            expect_int(pthread_join(ids[i], NULL), 0);
            taker_deinit(&run.takers[i]);
        }
        for (unsigned i = 0; i < PUTTERS; i++) {
            free(run.putters[i].items);
            doorbell_deinit(&run.putters[i].room);
            sem_destroy(&run.putters[i].taken);
        }
        mailbox_deinit(&run.box);
        alarm(0);
    }
}

TEST(mailbox, close_ends_those_who_wait_for_room)
{
    struct plan plan = {WAKEUP_ELIDED, DOORBELL_CONDVAR, true, false, 1, 0};
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
