/* test_pool_group.c: how the threads of a pool come, work and go. The pool is real; its one stage is a
 * function of the test, and whoever puts is the test. Nothing waits by time: a test goes on when a
 * thread has said that it is where the test wants it. A thread that hangs is ended by an alarm.
 */
#include "stages/life/pool_group.h"

#include "stages/life/loop_group.h"
#include "tests/stages/fake.h"

#include <sched.h>
#include <semaphore.h>
#include <unistd.h>

enum { PATIENCE_S = 60, CLIENTS = 100 };

/* What the stage does with a client. */
enum manner {
    COUNT,   /* it is done */
    BLOCK,   /* away until the test lets it go */
    HAND_ON, /* the writer is to go on */
};

static struct {
    struct group *group;
    struct client *clients[CLIENTS];
    unsigned made;
    enum manner manner;
    _Atomic unsigned entered[CLIENTS]; /* how often each was run */
    _Atomic unsigned entered_total;
    sem_t begun, go_on;
} pool;

static enum verdict enter(struct worker *worker, struct client *client, enum verdict verdict,
                          bool direct)
{
    CHECK(verdict == VERDICT_REQUEST_READY && !direct);
    atomic_fetch_add(&pool.entered[client->conn.requests], 1);
    atomic_fetch_add(&pool.entered_total, 1);
    if (pool.manner == BLOCK) {
        worker_go_away(worker);
        sem_post(&pool.begun);
        while (sem_wait(&pool.go_on) != 0) {
        }
    }
    return pool.manner == HAND_ON ? VERDICT_WANT_WRITE : VERDICT_NONE;
}

/* --- the pool --- */

/* `wiring` has a pool with P in it. Settings may be changed before begin(). */
static void set_up(const char *wiring, enum manner manner)
{
    static const struct stage_entry stage = {.enter = enter};
    alarm(PATIENCE_S);
    memset(&pool, 0, sizeof pool);
    pool.manner = manner;
    CHECK(sem_init(&pool.begun, 0, 0) == 0 && sem_init(&pool.go_on, 0, 0) == 0);
    fake_set_up(wiring);
    fake.stages[STAGE_PROCESSOR] = &stage;
}

static void lay_out(void)
{
    fake_start();
    pool.group = &fake.engine.groups[fake.engine.wiring.group_of[STAGE_PROCESSOR]];
}

static void begin(void)
{
    lay_out();
    pool_group_start(pool.group);
}

static void tear_down(void)
{
    for (unsigned i = 0; i < pool.made; i++) {
        client_free(pool.clients[i]);
    }
    fake_stop();
    alarm(0);
}

static struct mailbox *queue(void)
{
    return pool.group->workers[0].mailbox;
}

/* So many new clients, one after the other. */
static void put(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct chain chain = {0};
        struct client *client = client_new(-1, &(struct peer){0}, 1);
        struct ticket *ticket = client_ticket(client, STAGE_PROCESSOR);
        client->conn.requests = pool.made; /* its number here */
        ticket->stage = STAGE_PROCESSOR;
        ticket->verdict = VERDICT_REQUEST_READY;
        pool.clients[pool.made++] = client;
        chain_append(&chain, &ticket->slip);
        expect(mailbox_put(queue(), &chain, PUT_ADMITTED));
    }
}

static void wait_begun(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        while (sem_wait(&pool.begun) != 0) {
        }
    }
}

static void let_go(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        sem_post(&pool.go_on);
    }
}

static unsigned count_lives(enum thread_life life)
{
    unsigned count = 0;
    for (unsigned i = 0; i < pool.group->count; i++) {
        count += atomic_load(&pool.group->workers[i].pool.life) == (int)life;
    }
    return count;
}

static void wait_for_lives(enum thread_life life, unsigned count)
{
    while (count_lives(life) != count) {
        sched_yield();
    }
}

static void end(void)
{
    mailbox_close(queue());
    pool_group_join(pool.group);
    expect_int(count_lives(THREAD_NONE), pool.group->count);
}

/* --- the tests --- */

TEST(pool_group, runs_what_is_put_once_each_and_ends_when_its_queue_is_closed_and_empty)
{
    set_up("L | R | P*4 | W", COUNT);
    lay_out();
    put(CLIENTS / 2);
    pool_group_start(pool.group);
    expect_int(count_lives(THREAD_RUNS), 4);
    put(CLIENTS / 2);
    end();
    for (unsigned i = 0; i < CLIENTS; i++) {
        expect_int(pool.entered[i], 1);
    }
    uint64_t turns = 0;
    for (unsigned i = 0; i < 4; i++) {
        turns += atomic_load(&pool.group->workers[i].turns);
        expect_int(atomic_load(&pool.group->workers[i].tid), 0);
    }
    expect(turns > 0 && turns <= CLIENTS);
    expect_int(atomic_load(&pool.group->started), 0); /* none on demand */
    tear_down();
}

TEST(pool_group, hands_on_what_its_stage_has_done_before_it_sleeps)
{
    set_up("L | R | P*2 | W", HAND_ON);
    begin();
    struct worker *writer = fake_worker(STAGE_WRITER);
    put(3);
    while (mailbox_depth(writer->mailbox).put < 3) {
        sched_yield();
    }
    for (unsigned i = 0; i < 3; i++) {
        const struct ticket *ticket = fake_take(writer);
        expect(ticket != NULL);
        expect_int(ticket->stage, STAGE_WRITER);
        expect_int(ticket->verdict, VERDICT_WANT_WRITE);
    }
    end();
    tear_down();
}

/* A thread that is away does not keep others from the work, and is counted on again when it is
 * back. */
TEST(pool_group, goes_on_beside_a_thread_that_is_away_and_with_it_when_it_is_back)
{
    set_up("L | R | P*2 | W", BLOCK);
    begin();
    for (unsigned round = 0; round < 3; round++) {
        put(1);
        wait_begun(1);
        put(1);
        wait_begun(1);
        let_go(2);
    }
    end();
    expect_int(pool.entered_total, 6);
    expect(!pool.group->workers[0].pool.is_away && !pool.group->workers[1].pool.is_away);
    tear_down();
}

/* --- on demand --- */

static void begin_on_demand(enum manner manner, uint64_t idle_ns)
{
    set_up("L | R | P*3 | W", manner);
    fake.settings.min_threads = 1;
    fake.settings.idle_thread_timeout_ns = idle_ns;
    begin();
    expect_int(count_lives(THREAD_RUNS), 1);
}

TEST(pool_group, starts_a_thread_for_work_behind_those_that_are_away_and_no_more_than_its_count)
{
    begin_on_demand(BLOCK, 3600 * NS_PER_S);
    put(1);
    wait_begun(1);
    put(1);
    wait_begun(1);
    expect_int(atomic_load(&pool.group->started), 1);
    put(1);
    wait_begun(1);
    expect_int(atomic_load(&pool.group->started), 2);
    expect_int(count_lives(THREAD_RUNS), 3);
    put(1); /* it waits */
    expect_int(atomic_load(&pool.group->started), 2);
    expect_int(pool.entered_total, 3);
    let_go(1);
    wait_begun(1);
    let_go(3);
    end();
    expect_int(pool.entered_total, 4);
    tear_down();
}

TEST(pool_group, a_thread_that_is_idle_for_long_ends_and_its_place_is_taken_again)
{
    begin_on_demand(BLOCK, NS_PER_MS);
    for (unsigned round = 1; round <= 3; round++) {
        for (unsigned i = 0; i < 3; i++) {
            put(1);
            wait_begun(1);
        }
        expect_int(atomic_load(&pool.group->started), 2 * round);
        let_go(3);
        wait_for_lives(THREAD_ENDED, 2);
        expect_int(count_lives(THREAD_RUNS), 1); /* the last stays */
    }
    end();
    expect_int(pool.entered_total, 9);
    tear_down();
}

TEST(pool_group, starts_no_thread_when_it_has_ended)
{
    begin_on_demand(COUNT, 3600 * NS_PER_S);
    end();
    expect(!queue()->spawn_fn(queue()->spawn_arg));
    expect_int(atomic_load(&pool.group->started), 0);
    expect_int(count_lives(THREAD_NONE), 3);
    tear_down();
}

/* --- a loop that is run in turn --- */

/* fake_start() has made its deadlines, which loop_group_start() makes too. */
static struct worker *begin_in_turn(void)
{
    static struct sockets no_sockets = {.threads = 1};
    set_up("LRPW@3", BLOCK);
    lay_out();
    struct worker *loop = pool.group->workers[0].pool.loop;
    fake.engine.sockets = &no_sockets;
    fake.engine.listening = 1;
    deadlines_end(&loop->loop.deadlines);
    loop_group_start(loop);
    pool_group_start(pool.group);
    return loop;
}

static void end_in_turn(struct worker *loop)
{
    atomic_store(&fake.engine.ended_groups, 1);
    mailbox_close(loop->mailbox);
    atomic_store(&fake.engine.ended_groups, 2);
    end();
    loop_group_end(loop);
    loop->loop.poll = NULL; /* is freed */
}

static void wait_for_turn(struct worker *loop)
{
    uint64_t before = atomic_load(&loop->turns);
    while (atomic_load(&loop->turns) == before) {
        doorbell_ring(&loop->taker.bell);
        sched_yield();
    }
}

/* Whoever sleeps in the loop is woken for work, and another thread goes to the loop meanwhile. */
TEST(pool_group, one_idle_thread_runs_the_loop_in_turn_and_gives_the_turn_up_for_work)
{
    struct worker *loop = begin_in_turn();
    wait_for_turn(loop);
    for (unsigned i = 0; i < 3; i++) {
        put(1);
        wait_begun(1);
        if (i < 2) {
            wait_for_turn(loop); /* another thread's */
        }
    }
    let_go(3);
    wait_for_turn(loop);
    end_in_turn(loop);
    expect(loop->loop.runner == loop);
    tear_down();
}
