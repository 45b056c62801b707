/* test_loop_group.c: the turn of a poll loop's thread, one by one. The stages are fakes, and nobody
 * takes what the loop hands on but the test. Before each turn that would wait for something its bell is
 * rung.
 */
#include "stages/life/loop_group.h"

#include "stages/engine/home.h"
#include "stages/stage/linger.h"
#include "stages/stage/writer.h"
#include "tests/stages/fake.h"

#include <pthread.h>

enum { TURNS_GATHERED = 8 };

static struct {
    struct worker *loop, *behind;
    struct client *client;
    int far;
} world;

/* The loop with the reader; what it hands on is for the processor. Settings may be changed before
 * begin(). */
static void set_up(const char *wiring)
{
    memset(&world, 0, sizeof world);
    fake_set_up(wiring);
    alarm(60);
}

/* fake_start() has made its deadlines, which loop_group_start() makes too. */
static void begin(void)
{
    fake_start();
    world.loop = fake_worker(STAGE_READER);
    world.behind = fake_worker(STAGE_PROCESSOR);
    deadlines_end(&world.loop->loop.deadlines);
    loop_group_start(world.loop);
    world.client = fake_client(fake_worker(STAGE_LISTENER), &world.far);
}

static void tear_down(void)
{
    if (atomic_load(&fake.engine.connections) > 0) {
        client_close(world.client->home.at != NULL ? world.client->home.at : world.loop,
                     world.client);
    }
    loop_group_end(world.loop);
    world.loop->loop.poll = NULL; /* is freed */
    fake_stop();
    alarm(0);
}

/* A turn that does not wait. */
static void turn(void)
{
    doorbell_ring(&world.loop->taker.bell);
    loop_group_turn(world.loop);
}

static void put(enum verdict verdict)
{
    struct chain chain = {0};
    struct ticket *ticket = client_ticket(world.client, STAGE_READER);
    ticket->stage = STAGE_READER;
    ticket->verdict = (unsigned char)verdict;
    chain_append(&chain, &ticket->slip);
    expect(mailbox_put(world.loop->mailbox, &chain, PUT_ADMITTED));
}

/* It waits at home. */
static void come_home(void)
{
    home_adopt(world.loop, world.client, HOME_WAITING);
    expect_int(home_wait(world.loop, world.client), VERDICT_NONE);
}

static void expect_closed(enum close_reason reason)
{
    expect_int(atomic_load(&fake.engine.connections), 0);
    expect_int(atomic_load(&world.loop->tally.closed[reason]), 1);
}

/* --- what a turn does --- */

TEST(loop_group, a_turn_runs_what_waits_in_the_mailbox)
{
    set_up("L | R | P*2 | W");
    begin();
    put(VERDICT_ACCEPTED);
    turn();
    expect_int(fake.call_count, 1);
    fake_expect_call(0, FAKE_ENTER, STAGE_READER, world.loop);
    expect_int(fake.calls[0].verdict, VERDICT_ACCEPTED);
    expect_int(atomic_load(&world.loop->turns), 1);
    tear_down();
}

TEST(loop_group, what_it_hands_on_is_gathered_for_some_turns_and_no_longer)
{
    set_up("L | R | P*2 | W");
    begin();
    fake_say(STAGE_READER, VERDICT_WANT_TIME); /* the processor's */
    put(VERDICT_ACCEPTED);
    unsigned turns = 0;
    while (mailbox_depth(world.behind->mailbox).put == 0) {
        turn();
        turns++;
        expect(turns <= TURNS_GATHERED + 1);
    }
    expect(turns > 1);
    expect_int(world.loop->dirty_count, 0);
    tear_down();
}

TEST(loop_group, a_turn_with_nothing_to_do_sleeps_until_its_bell_is_rung_and_is_idle_meanwhile)
{
    set_up("L | R | P*2 | W");
    begin();
    uint64_t before_ns = clock_ns();
    turn();
    uint64_t idle_ns = atomic_load(&world.loop->idle_ns);
    expect(idle_ns > 0 && idle_ns <= clock_ns() - before_ns);
    expect_int(atomic_load(&world.loop->idle_since_ns), 0);
    expect(mailbox_has_sleeper(world.loop->mailbox)); /* until it takes again */
    turn();
    put(VERDICT_ACCEPTED); /* rings */
    loop_group_turn(world.loop);
    expect_int(fake.call_count, 1);
    tear_down();
}

/* --- rounds --- */

/* From the poll's return to the next poll; the bell is the only event of each. */
TEST(loop_group, counts_its_rounds_from_poll_to_poll)
{
    set_up("L | R | P*2 | W");
    begin();
    struct rounds *rounds = calloc(1, sizeof *rounds);
    world.loop->loop.rounds = rounds;
    uint64_t before_ns = clock_ns();
    turn();                                 /* ends in a poll that waited */
    expect_int(rounds->length_ns.count, 0); /* the round that it began goes on */
    expect(rounds->began_ns >= before_ns && rounds->began_ns <= clock_ns());
    turn();
    expect_int(rounds->length_ns.count, 1);
    expect(rounds->length_ns.sum <= clock_ns() - before_ns);
    expect_int(rounds->events.sum, 1);
    turn();
    expect_int(rounds->length_ns.count, 2);
    expect_int(rounds->events.sum, 2);
    tear_down();
}

/* --- deadlines --- */

TEST(loop_group, a_deadline_at_home_closes_the_client)
{
    set_up("L | R | P*2 | W");
    fake.settings.header_timeout_ns = NS_PER_MS;
    begin();
    come_home();
    while (atomic_load(&fake.engine.connections) > 0) {
        loop_group_turn(world.loop); /* its timer wakes it */
    }
    expect_closed(CLOSE_HEADER_TIMEOUT);
    tear_down();
}

TEST(loop_group, a_deadline_of_the_sending_end_is_the_writers)
{
    set_up("L | RW | P*2");
    fake.stages[STAGE_WRITER] = &writer_stage; /* it is called past its table */
    fake.settings.linger_timeout_ns = NS_PER_MS;
    begin();
    world.client->conn.close = CLOSE_TURNED_AWAY;
    expect_int(linger_begin(world.loop, world.client), VERDICT_NONE);
    while (atomic_load(&fake.engine.connections) > 0) {
        loop_group_turn(world.loop);
    }
    expect_int(atomic_load(&world.loop->tally.counters[COUNTER_LINGER_EXPIRED]), 1);
    expect_closed(CLOSE_TURNED_AWAY);
    tear_down();
}

/* --- memory --- */

TEST(loop_group, frees_the_exchanges_of_a_busy_spell_once_it_is_over)
{
    enum { SPELL = 20, AT_REST = 8 };
    struct exchange *taken[SPELL];
    set_up("L | R | P*2 | W");
    begin();
    struct exchange_pool *pool = &world.loop->exchanges;
    for (unsigned i = 0; i < SPELL; i++) {
        taken[i] = exchange_take(pool, &world.client->conn);
    }
    for (unsigned i = 0; i < SPELL; i++) {
        exchange_put(pool, taken[i]);
    }
    turn();
    expect_int(pool->kept, SPELL);
    while (pool->kept > AT_REST) {
        loop_group_turn(world.loop); /* a timer wakes it */
    }
    expect_int(pool->kept, AT_REST);
    turn();
    expect(!world.loop->loop.trimming);
    tear_down();
}

/* --- phases --- */

TEST(loop_group, idle_clients_are_closed_when_the_server_drains)
{
    set_up("L | R | P*2 | W");
    begin();
    come_home();
    turn();
    expect_int(atomic_load(&fake.engine.connections), 1);
    atomic_store(&fake.engine.phase, PHASE_DRAINING);
    turn();
    expect_closed(CLOSE_DRAINED);
    tear_down();
}

TEST(loop_group, one_that_is_away_stays_until_the_server_cuts_what_is_at_home)
{
    set_up("L | R | P*2 | W");
    begin();
    come_home();
    home_leave(world.loop, world.client);
    atomic_store(&fake.engine.phase, PHASE_DRAINING);
    turn();
    expect_int(atomic_load(&fake.engine.connections), 1);
    home_return(world.loop, world.client);
    atomic_store(&fake.engine.phase, PHASE_CUTTING);
    turn();
    expect_closed(CLOSE_CUT);
    tear_down();
}

/* --- making place --- */

TEST(loop_group, sheds_as_many_idle_clients_as_it_is_asked_to)
{
    set_up("L | R | P*2 | W");
    begin();
    int far;
    struct client *younger = fake_client(fake_worker(STAGE_LISTENER), &far);
    come_home();
    home_adopt(world.loop, younger, HOME_WAITING);
    expect_int(home_wait(world.loop, younger), VERDICT_NONE);
    atomic_store(&world.loop->home.shed, 1);
    turn();
    expect_int(atomic_load(&fake.engine.connections), 1);
    expect_int(atomic_load(&world.loop->tally.closed[CLOSE_SHED]), 1);
    expect_int(atomic_load(&world.loop->home.shed), 0);
    world.client = younger; /* the oldest has gone */
    expect_int(younger->home.state, HOME_WAITING);
    tear_down();
}

TEST(loop_group, closes_an_idle_client_for_one_that_waits)
{
    set_up("L | R | P*2 | W");
    begin();
    come_home();
    places_reap(&fake.engine);
    turn();
    expect_closed(CLOSE_REAPED);
    expect(!atomic_load(&world.loop->home.reap));
    tear_down();
}

/* --- a full queue behind --- */

TEST(loop_group, takes_nothing_new_in_until_what_it_hands_on_is_taken)
{
    set_up("L | R | P*2 | W");
    fake.settings.queue_size = 1;
    begin();
    struct chain chain = {0};
    struct client *other = client_new(-1, &(struct peer){0}, 1);
    chain_append(&chain, &client_ticket(other, STAGE_PROCESSOR)->slip);
    expect(mailbox_put(world.behind->mailbox, &chain, PUT_ADMITTED)); /* it is full */
    come_home();
    home_hold_back(world.loop, world.client);
    struct client *third = client_new(-1, &(struct peer){0}, 1);
    struct ticket *ticket = client_ticket(third, STAGE_PROCESSOR);
    ticket->stage = STAGE_PROCESSOR;
    worker_post(world.loop, world.behind->mailbox_number, ticket, true);
    (void)worker_flush(world.loop);
    expect(worker_is_refused(world.loop));
    turn();
    expect_int(world.client->home.state, HOME_HELD_BACK);
    expect(fake_take(world.behind) != NULL);
    loop_group_turn(world.loop); /* ends the refusal, and does not wait */
    expect(!worker_is_refused(world.loop));
    turn();
    expect_int(world.client->home.state, HOME_WAITING);
    expect(fake_take(world.behind) == ticket);
    client_free(other);
    client_free(third);
    tear_down();
}

/* --- the thread --- */

TEST(loop_group, is_over_when_its_group_is_and_it_holds_nothing)
{
    set_up("L | R | P*2 | W");
    begin();
    expect(!loop_group_is_over(world.loop));
    atomic_store(&fake.engine.ended_groups, world.loop->group);
    expect(!loop_group_is_over(world.loop));
    atomic_store(&fake.engine.ended_groups, world.loop->group + 1);
    expect(loop_group_is_over(world.loop));
    world.loop->dirty_count = 1;
    expect(!loop_group_is_over(world.loop));
    world.loop->dirty_count = 0;
    tear_down();
}

TEST(loop_group, the_thread_serves_until_its_group_ends)
{
    set_up("L | R | P*2 | W");
    fake_start();
    pthread_t thread;
    world.loop = fake_worker(STAGE_READER);
    deadlines_end(&world.loop->loop.deadlines);
    world.client = fake_client(fake_worker(STAGE_LISTENER), &world.far);
    CHECK(pthread_create(&thread, NULL, loop_group_main, world.loop) == 0);
    put(VERDICT_ACCEPTED);
    while (mailbox_depth(world.loop->mailbox).depth > 0) {
        (void)poll(NULL, 0, 1);
    }
    atomic_store(&fake.engine.ended_groups, world.loop->group + 1);
    mailbox_close(world.loop->mailbox);
    doorbell_ring(&world.loop->taker.bell);
    CHECK(pthread_join(thread, NULL) == 0);
    expect_int(fake.call_count, 1);
    expect_int(atomic_load(&world.loop->tid), 0);
    expect(atomic_load(&world.loop->wall_before_ns) > 0);
    client_close(world.loop, world.client);
    world.loop->loop.poll = NULL; /* is freed */
    fake_stop();
    alarm(0);
}
