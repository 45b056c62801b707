/* test_layout.c: what follows from a wiring: groups, workers, queues, and what is decided once for
 * the whole server. Nothing is started here. */
#include "stages/life/layout.h"

#include "core/options/options.h"
#include "stages/engine/worker.h"
#include "stages/model/model.h"
#include "tests/stages/life.h"

#include <sched.h>

enum { CPUS = 2 };

/* One engine, laid out, and the settings that it refers to. */
struct plan {
    struct settings settings;
    struct engine engine;
};

static void plan_begin(struct plan *plan)
{
    memset(plan, 0, sizeof *plan);
    option_set_defaults(&plan->settings);
    plan->engine.settings = &plan->settings;
}

/* A preset's name, or a wiring. */
static void plan_end(struct plan *plan, const char *wiring)
{
    char error[WIRING_ERROR];
    bool preset = preset_wiring(wiring) != NULL;
    plan->settings.model = preset ? wiring : NULL;
    plan->settings.wiring = preset ? NULL : wiring;
    expect_msg(model_choose(&plan->engine.wiring, &plan->settings, CPUS, error), "%s", error);
    layout_groups(&plan->engine);
    layout_mailboxes(&plan->engine);
}

static void lay_out(struct plan *plan, const char *wiring)
{
    plan_begin(plan);
    plan_end(plan, wiring);
}

static void tear_down(struct plan *plan)
{
    struct engine *engine = &plan->engine;
    for (unsigned i = 0; i < engine->mailbox_count; i++) {
        mailbox_deinit(&engine->mailboxes[i]);
    }
    free(engine->mailboxes);
    free(engine->mailbox_groups);
    layout_free(engine);
}

/* --- groups and workers --- */

TEST(layout, each_group_has_its_threads_in_the_order_of_the_wiring)
{
    static const struct {
        const char *name;
        unsigned group, seat;
        enum stage stage;
        enum group_kind kind;
    } expected[] = {
        {"q-L", 0, 0, STAGE_LISTENER, GROUP_LOOP},    {"q-R/0", 1, 0, STAGE_READER, GROUP_LOOP},
        {"q-R/1", 1, 1, STAGE_READER, GROUP_LOOP},    {"q-P/0", 2, 0, STAGE_PROCESSOR, GROUP_POOL},
        {"q-P/1", 2, 1, STAGE_PROCESSOR, GROUP_POOL}, {"q-W", 3, 0, STAGE_WRITER, GROUP_LOOP},
    };
    static struct plan plan;
    lay_out(&plan, "L | R*2 | P*2 | W");
    expect_int(plan.engine.group_count, 4);
    expect_int(plan.engine.worker_count, sizeof expected / sizeof *expected);
    for (unsigned i = 0; i < plan.engine.worker_count; i++) {
        const struct worker *worker = &plan.engine.workers[i];
        expect_text(worker->name, expected[i].name);
        expect_int(worker->number, i);
        expect_int(worker->group, expected[i].group);
        expect_int(worker->seat, expected[i].seat);
        expect_int(worker->stages, 1u << expected[i].stage);
        expect_int(worker->kind, expected[i].kind);
        expect(worker == &plan.engine.groups[worker->group].workers[worker->seat]);
        expect(worker->engine == &plan.engine && worker->pool.loop == NULL);
        expect_int(worker->cpu, -1);
    }
    tear_down(&plan);
}

TEST(layout, every_stage_has_its_entry_points)
{
    static struct plan plan;
    lay_out(&plan, "L | K | R | P*2 | W");
    for (unsigned stage = 0; stage < STAGE_COUNT; stage++) {
        expect(plan.engine.stages[stage] != NULL);
    }
    expect(plan.engine.stages[STAGE_LISTENER]->refused != NULL);
    expect(plan.engine.stages[STAGE_POLLER]->readable != NULL);
    expect(plan.engine.stages[STAGE_READER]->readable != NULL);
    expect(plan.engine.stages[STAGE_PROCESSOR]->complete != NULL);
    expect(plan.engine.stages[STAGE_WRITER]->writable != NULL);
    tear_down(&plan);
}

TEST(layout, a_loop_that_is_run_in_turn_is_one_and_belongs_to_the_pool_behind_it)
{
    static struct plan plan;
    lay_out(&plan, "LRPW@3");
    expect_int(plan.engine.group_count, 2);
    const struct group *loop = &plan.engine.groups[0], *pool = &plan.engine.groups[1];
    expect(loop->in_turn && loop->count == 1 && loop->kind == GROUP_LOOP);
    expect(!pool->in_turn && pool->count == 3 && pool->kind == GROUP_POOL);
    for (unsigned i = 0; i < pool->count; i++) {
        expect(pool->workers[i].pool.loop == loop->workers);
    }
    expect(loop->workers[0].pool.loop == NULL);
    const struct mailbox *box = pool->workers[0].mailbox;
    expect(box->config.turn_bell == &loop->workers[0].taker.bell);
    expect(loop->workers[0].mailbox->config.turn_bell == NULL);
    tear_down(&plan);
}

TEST(layout, on_demand_some_threads_stay_and_the_queue_asks_for_more)
{
    static struct plan plan;
    plan_begin(&plan);
    plan.settings.min_threads = 2;
    plan.settings.idle_thread_timeout_ns = NS_PER_S;
    plan_end(&plan, "L | R | P*5 | W");
    const struct group *pool = &plan.engine.groups[2];
    expect_int(pool->count, 5);
    expect_int(pool->least, 2);
    expect_int(pool->workers[0].mailbox->config.takers, 2);
    expect_int(pool->workers[0].mailbox->config.takers_most, 5);
    expect_int(pool->workers[0].mailbox->config.idle_ns, NS_PER_S);
    expect_int(plan.engine.groups[1].least, 1); /* a loop is never on demand */
    tear_down(&plan);
}

TEST(layout, without_that_all_threads_stay)
{
    static struct plan plan;
    lay_out(&plan, "L | R | P*5 | W");
    expect_int(plan.engine.groups[2].least, 5);
    expect_int(plan.engine.groups[2].workers[0].mailbox->config.takers, 5);
    tear_down(&plan);
}

static unsigned usable_cpu(void)
{
    cpu_set_t usable;
    unsigned cpu = 0;
    CHECK(sched_getaffinity(0, sizeof usable, &usable) == 0);
    while (!CPU_ISSET(cpu, &usable)) {
        cpu++;
    }
    return cpu;
}

/* However many CPUs there are: loops on all of them leave one for the pool. */
TEST(layout, a_pool_is_awake_on_the_cpus_that_loops_leave)
{
    static struct plan plan;
    lay_out(&plan, "L | RW*255 | P*8");
    expect_int(plan.engine.groups[2].awake_most, 1);
    tear_down(&plan);
    unsigned cpus = layout_usable_cpus();
    lay_out(&plan, "LRPW@8"); /* its loop has no thread */
    expect_int(plan.engine.groups[1].awake_most, cpus > 1 ? cpus : 1);
    tear_down(&plan);
}

static void limit_to_one_cpu(const char *wiring)
{
    static struct plan plan;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(usable_cpu(), &one);
    CHECK(sched_setaffinity(0, sizeof one, &one) == 0);
    expect_int(layout_usable_cpus(), 1);
    lay_out(&plan, wiring);
    expect_int(plan.engine.groups[1].awake_most, 1);
    tear_down(&plan);
}

TEST(layout, the_cpus_are_those_that_the_process_may_use)
{
    in_child(limit_to_one_cpu, "LRPW@8");
}

/* --- queues --- */

TEST(layout, threads_of_a_pool_share_a_queue_and_each_loop_has_its_own)
{
    static const char *const names[] = {"L", "R/0", "R/1", "P", "W"};
    static const unsigned groups[] = {0, 1, 1, 2, 3}, boxes[] = {0, 1, 2, 3, 3, 3, 4};
    static struct plan plan;
    lay_out(&plan, "L | R*2 | P*3 | W");
    expect_int(plan.engine.mailbox_count, 5);
    for (unsigned i = 0; i < 5; i++) {
        expect_text(plan.engine.mailboxes[i].config.name, names[i]);
        expect_int(plan.engine.mailbox_groups[i], groups[i]);
        expect_int(plan.engine.mailboxes[i].config.gives_back, groups[i] == 2);
        expect_int(plan.engine.mailboxes[i].config.takers, groups[i] == 2 ? 3 : 1);
    }
    for (unsigned i = 0; i < plan.engine.worker_count; i++) {
        expect_int(plan.engine.workers[i].mailbox_number, boxes[i]);
        expect(plan.engine.workers[i].mailbox == &plan.engine.mailboxes[boxes[i]]);
    }
    tear_down(&plan);
}

TEST(layout, queues_have_the_limits_of_the_settings)
{
    static struct plan plan;
    plan_begin(&plan);
    plan.settings.queue_size = 17;
    plan.settings.batch = 5;
    plan.engine.measured = true;
    plan_end(&plan, "L | R | P*2 | W");
    for (unsigned i = 0; i < plan.engine.mailbox_count; i++) {
        expect_int(plan.engine.mailboxes[i].config.bound, 17);
        expect_int(plan.engine.mailboxes[i].config.share, 5);
        expect(plan.engine.mailboxes[i].config.measured);
    }
    tear_down(&plan);
}

/* Only a listener that does nothing else turns away what is refused. */
TEST(layout, only_the_queue_behind_a_mere_listener_is_strict)
{
    static struct plan plan;
    lay_out(&plan, "worker-stack");
    expect(plan.engine.groups[1].workers[0].mailbox->config.direct);
    expect(plan.engine.groups[1].workers[0].mailbox->config.strict);
    expect(!plan.engine.groups[0].workers[0].mailbox->config.direct);
    tear_down(&plan);
    plan_begin(&plan);
    plan.settings.dispatch = DISPATCH_LIFO;
    plan.settings.overload = OVERLOAD_REJECT;
    plan_end(&plan, "LR | P*2 | W");
    expect(plan.engine.groups[1].workers[0].mailbox->config.direct);
    expect(!plan.engine.groups[1].workers[0].mailbox->config.strict);
    tear_down(&plan);
    plan_begin(&plan);
    plan.settings.dispatch = DISPATCH_LIFO;
    plan_end(&plan, "L | rpw*4");
    expect(!plan.engine.groups[1].workers[0].mailbox->config.strict);
    tear_down(&plan);
}

/* --- the server as a whole --- */

TEST(layout, says_where_connections_go_first_where_they_idle_and_where_they_linger)
{
    static const struct {
        const char *wiring;
        enum stage first, idle;
        unsigned linger_group;
    } expected[] = {
        {"L | R | P*2 | W", STAGE_READER, STAGE_READER, 3},
        {"LRPW*2", STAGE_READER, STAGE_READER, 0},
        {"L | rpw*4 | K", STAGE_READER, STAGE_POLLER, 2},
        {"L | K | rpw*4", STAGE_POLLER, STAGE_POLLER, 1},
        {"L | rpw*4 | W", STAGE_READER, STAGE_READER, 2},
        {"L | rpw*4", STAGE_READER, STAGE_READER, 0},
        {"lrpw*4", STAGE_READER, STAGE_READER, 0},
    };
    static struct plan plan;
    for (unsigned i = 0; i < sizeof expected / sizeof *expected; i++) {
        lay_out(&plan, expected[i].wiring);
        expect_msg(plan.engine.first_stage == expected[i].first, "%s", expected[i].wiring);
        expect_msg(plan.engine.idle_stage == expected[i].idle, "%s", expected[i].wiring);
        expect_msg(plan.engine.linger_group == expected[i].linger_group, "%s", expected[i].wiring);
        expect(plan.engine.groups[plan.engine.linger_group].kind == GROUP_LOOP);
        tear_down(&plan);
    }
}

/* Its bell is what recalls a session from an idle client. */
TEST(layout, sockets_block_and_pools_are_recalled_only_where_sessions_wait_for_idle_clients)
{
    static const struct {
        const char *wiring;
        bool blocking, recalled;
    } expected[] = {
        {"lrpw*4", true, true},
        {"L | rpw*4", true, true},
        {"L | rpw*4 | K", false, false},
        {"L | K | rpw*4", false, false},
        {"L | rpw*4 | W", false, true},
        {"L | r*4 | P*2 | w*4", true, true},
        {"L | R | P*2 | W", false, false},
        {"LRPW*2", false, false},
    };
    static struct plan plan;
    for (unsigned i = 0; i < sizeof expected / sizeof *expected; i++) {
        lay_out(&plan, expected[i].wiring);
        const struct wiring *wiring = &plan.engine.wiring;
        bool recalled = plan.engine.groups[wiring->group_of[STAGE_READER]].recall != NULL;
        expect_msg(plan.engine.blocking_sockets == expected[i].blocking, "%s", expected[i].wiring);
        expect_msg(recalled == expected[i].recalled, "%s", expected[i].wiring);
        tear_down(&plan);
    }
}

TEST(layout, as_many_connections_as_are_asked_for)
{
    static struct plan plan;
    plan_begin(&plan);
    plan.settings.max_connections = 77;
    plan_end(&plan, "staged");
    expect_int(plan.engine.max_connections, 77);
    tear_down(&plan);
}

TEST(layout, as_many_connections_as_sessions_can_hold_where_idle_ones_are_reaped)
{
    static struct plan plan;
    lay_out(&plan, "reaped-pool");
    expect_int(plan.engine.max_connections, 15);
    tear_down(&plan);
    plan_begin(&plan);
    plan.settings.overload = OVERLOAD_REAP;
    plan_end(&plan, "lrpw*8"); /* one of them has to be free to accept */
    expect_int(plan.engine.max_connections, 7);
    tear_down(&plan);
}

static void limit_descriptors(rlim_t soft, rlim_t hard)
{
    CHECK(setrlimit(RLIMIT_NOFILE, &(struct rlimit){soft, hard}) == 0);
}

static void count_by_descriptors(const char *wiring)
{
    static struct plan plan;
    struct rlimit limit;
    limit_descriptors(256, 2048);
    lay_out(&plan, wiring);
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK(limit.rlim_cur == 2048); /* more is better */
    uint64_t others = 2048 / 4;    /* of cached files */
    uint64_t one = plan.engine.max_connections;
    CHECK(one < 2048 - others && one > 1024);
    tear_down(&plan);
    plan_begin(&plan);
    plan.settings.readers = 41; /* each of the 40 more has descriptors of its own */
    plan_end(&plan, wiring);
    CHECK(plan.engine.max_connections == one - 40 * UINT64_C(6));
    tear_down(&plan);
    limit_descriptors(64, 64);
    lay_out(&plan, wiring);
    CHECK(plan.engine.max_connections == 16); /* never fewer */
    tear_down(&plan);
}

TEST(layout, else_as_many_connections_as_there_are_descriptors_left)
{
    in_child(count_by_descriptors, "L | R | P*2 | W");
}

/* --- pins --- */

TEST(layout, pins_the_threads_of_the_stages_that_are_named)
{
    static struct plan plan;
    char pin[40];
    unsigned cpu = usable_cpu();
    snprintf(pin, sizeof pin, "P=%u,L=%u", cpu, cpu);
    plan_begin(&plan);
    plan.settings.pin = pin;
    plan_end(&plan, "LR | P*2 | W");
    for (unsigned i = 0; i < plan.engine.worker_count; i++) {
        const struct worker *worker = &plan.engine.workers[i];
        expect_int(worker->cpu, worker_runs(worker, STAGE_WRITER) ? -1 : (int)cpu);
    }
    tear_down(&plan);
}

TEST(layout, a_pin_names_stages_and_cpus_that_this_process_may_use)
{
    static const char *const bad[] = {
        "",   "L",         "L=",    "X=0",  "L=0,", "L=0;R=0", "L=-1",  "L= 0",
        "=0", "L=1000000", "L=0x1", ",L=0", "l=0",  "L=0 ,",   "L:0,R", "L=99999999999999999999"};
    char good[40], error[SERVER_ERROR_MAX] = "";
    unsigned cpu = usable_cpu();
    expect(layout_check_pin(NULL, error));
    snprintf(good, sizeof good, "L=%u", cpu);
    expect(layout_check_pin(good, error));
    snprintf(good, sizeof good, "K=%u,R=%u,W=%u", cpu, cpu, cpu);
    expect(layout_check_pin(good, error));
    expect_text(error, "");
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        expect_msg(!layout_check_pin(bad[i], error), "'%s' was accepted", bad[i]);
        expect(strncmp(error, "--pin: '", 8) == 0 && strstr(error, bad[i]) != NULL);
    }
}
