/* test_bottleneck.c: the verdict follows the figures. */
#include "core/report/bottleneck.h"

#include "core/base/clock.h"
#include "tests/test.h"

/* One second of a pipeline in which nothing is busy and 1,000 requests were answered. */
static struct bottleneck_figures pipeline(void)
{
    struct bottleneck_figures figures = {
        .wall_ns = NS_PER_S, .begun = 1000, .requests = 1000, .connections = 64, .group_count = 4};
    static const char *const letters[] = {"L", "R", "P", "W"};
    for (unsigned i = 0; i < 4; i++) {
        struct bottleneck_group *group = &figures.groups[i];
        strcpy(group->letters, letters[i]);
        group->loop = i != 2;
        group->threads = i == 2 ? 4 : 1;
        group->used = group->threads;
        group->busy_ns = group->busiest_ns = 100 * NS_PER_MS;
        group->cpu_ns = 90 * NS_PER_MS;
        group->runqueue_ns = 10 * NS_PER_MS;
    }
    figures.interval_ns[INTERVAL_READ] = 10 * NS_PER_MS;
    figures.interval_ns[INTERVAL_PROCESS_WAIT] = 20 * NS_PER_MS;
    figures.interval_ns[INTERVAL_PROCESS] = 30 * NS_PER_MS;
    figures.interval_ns[INTERVAL_WRITE] = 40 * NS_PER_MS;
    figures.interval_ns[INTERVAL_TOTAL] = 100 * NS_PER_MS;
    return figures;
}

static void make_busy(struct bottleneck_group *group, unsigned percent_each)
{
    group->busiest_ns = percent_each * (NS_PER_S / 100);
    group->busy_ns = group->busiest_ns * group->threads;
    group->hardest_ns = group->busiest_ns;
    group->cpu_ns = group->busy_ns;
    group->runqueue_ns = 0;
}

static void make_machine(struct bottleneck_figures *figures, unsigned server_percent,
                         unsigned others_percent)
{
    figures->machine.cpus = 2;
    figures->machine.server_ns = server_percent * (NS_PER_S / 100);
    figures->machine.busy_ns = (server_percent + others_percent) * (NS_PER_S / 100);
}

static void expect_limit(const struct bottleneck_figures *figures, enum bottleneck_cause cause,
                         const char *limit, const char *words)
{
    struct bottleneck verdict;
    bottleneck_judge(&verdict, figures);
    expect_text(bottleneck_cause_name(verdict.cause), bottleneck_cause_name(cause));
    expect_text(verdict.limit, limit);
    expect_msg(strstr(verdict.text, words) != NULL, "'%s' is not in: %s", words, verdict.text);
}

TEST(bottleneck, names_each_group_that_is_busy)
{
    static const char *const limits[] = {"L", "R", "P", "W"};
    for (unsigned i = 0; i < 4; i++) {
        struct bottleneck_figures figures = pipeline();
        make_busy(&figures.groups[i], 95);
        expect_limit(&figures, BOTTLENECK_BUSY, limits[i], "busy 95 % of the time");
    }
}

TEST(bottleneck, says_that_none_does_and_which_is_the_busiest)
{
    struct bottleneck_figures figures = pipeline();
    make_busy(&figures.groups[3], 79);
    expect_limit(&figures, BOTTLENECK_NONE, "", "the busiest group, W, was busy 79 % of the time");
    expect_limit(&figures, BOTTLENECK_NONE, "", "20 % of the requests' time was waiting");
}

TEST(bottleneck, of_two_that_are_busy_names_the_one_with_most_work)
{
    struct bottleneck_figures figures = pipeline();
    make_busy(&figures.groups[1], 90);
    make_busy(&figures.groups[3], 95);
    figures.groups[3].cpu_ns = 500 * NS_PER_MS;
    figures.groups[3].runqueue_ns = 450 * NS_PER_MS;
    expect_limit(&figures, BOTTLENECK_BUSY, "R", "R limits");
    figures.groups[3].runqueue_ns = 0;
    expect_limit(&figures, BOTTLENECK_BUSY, "W", "W limits");
}

TEST(bottleneck, one_full_loop_of_several_limits)
{
    struct bottleneck_figures figures = pipeline();
    figures.groups[1].threads = 4;
    figures.groups[1].busiest_ns = 950 * NS_PER_MS;
    figures.groups[1].busy_ns = 1000 * NS_PER_MS;
    expect_limit(&figures, BOTTLENECK_BUSY, "R",
                 "one of its 4 threads was busy 95 % of the time, all together 25 %");
}

TEST(bottleneck, one_full_thread_of_a_pool_limits_only_where_requests_wait)
{
    struct bottleneck_figures figures = pipeline();
    figures.groups[2].busiest_ns = 950 * NS_PER_MS;
    figures.groups[2].busy_ns = 1000 * NS_PER_MS;
    expect_limit(&figures, BOTTLENECK_NONE, "", "No stage limits");
    figures.interval_ns[INTERVAL_PROCESS_WAIT] = 5 * NS_PER_S;
    expect_limit(&figures, BOTTLENECK_BUSY, "P", "5.0 requests waited in front of it");
}

TEST(bottleneck, shows_a_queue_that_grew)
{
    struct bottleneck_figures figures = pipeline();
    make_busy(&figures.groups[2], 99);
    figures.groups[2].depth_early = 3;
    figures.groups[2].depth_late = 120;
    expect_limit(&figures, BOTTLENECK_BUSY, "P", "its queue grew from 3 to 120");
}

/* Without the wait it would not be full, so it is the CPUs that limit. */
TEST(bottleneck, names_the_cpus_where_a_group_is_full_of_waiting_for_one)
{
    struct bottleneck_figures figures = pipeline();
    make_busy(&figures.groups[1], 95);
    figures.groups[1].cpu_ns = 550 * NS_PER_MS;
    figures.groups[1].runqueue_ns = 400 * NS_PER_MS;
    figures.groups[1].hardest_ns = 550 * NS_PER_MS;
    expect_limit(&figures, BOTTLENECK_CPU, "R",
                 "R was busy 95 % of the time, 42 % of that waiting for a CPU");
    figures.groups[1].runqueue_ns = 100 * NS_PER_MS;
    figures.groups[1].hardest_ns = 850 * NS_PER_MS;
    expect_limit(&figures, BOTTLENECK_BUSY, "R", "R limits");
}

/* A stage is to blame only where the server itself uses the CPUs. */
TEST(bottleneck, says_who_has_the_cpus)
{
    struct bottleneck_figures figures = pipeline();
    figures.groups[1].runqueue_ns = 1200 * NS_PER_MS;
    figures.groups[1].cpu_ns = 500 * NS_PER_MS;
    make_machine(&figures, 85, 110);
    expect_limit(&figures, BOTTLENECK_CPU, "",
                 "The machine was full: the server used 0.85 of 2 CPUs, other programs 1.10.");
    expect_limit(&figures, BOTTLENECK_CPU, "", "R used most, 50 % of a CPU");
    make_machine(&figures, 185, 10);
    expect_limit(&figures, BOTTLENECK_CPU, "R",
                 "The machine was full: the server used 1.85 of 2 CPUs, other programs 0.10.");
    make_machine(&figures, 50, 10);
    expect_limit(&figures, BOTTLENECK_CPU, "R", "The machine was not full");
    expect_limit(&figures, BOTTLENECK_CPU, "R", "a pin or a quota");
}

TEST(bottleneck, says_with_every_verdict_that_the_machine_was_full)
{
    struct bottleneck_figures figures = pipeline();
    make_machine(&figures, 40, 155);
    expect_limit(&figures, BOTTLENECK_NONE, "", "other programs 1.55. No stage limits: ");
    struct bottleneck verdict;
    bottleneck_judge(&verdict, &figures);
    expect(strncmp(verdict.text, "The machine was full: ", 22) == 0);
    make_busy(&figures.groups[3], 95);
    expect_limit(&figures, BOTTLENECK_BUSY, "W", " The machine was full");
    make_machine(&figures, 40, 100);
    bottleneck_judge(&verdict, &figures);
    expect(strstr(verdict.text, "machine") == NULL);
}

/* 64 connections that are always in use, and threads that have time left. */
TEST(bottleneck, names_the_load_where_clients_send_at_once)
{
    struct bottleneck_figures figures = pipeline();
    figures.connections = 64;
    figures.requests = 20000;
    figures.interval_ns[INTERVAL_TOTAL] = 4 * NS_PER_S;
    expect_limit(&figures, BOTTLENECK_LOAD, "", "The load limits: no stage does");
    expect_limit(&figures, BOTTLENECK_LOAD, "",
                 "4.0 requests were in the server, over 64 connections, on which the next came "
                 "3.00ms after an answer");
    make_machine(&figures, 20, 170); /* nothing more could run */
    expect_limit(&figures, BOTTLENECK_CPU, "", "The CPUs limit");
    make_machine(&figures, 20, 100);
    expect_limit(&figures, BOTTLENECK_LOAD, "", "The load limits");
    figures.requests = 4000; /* 15 ms: they may think */
    expect_limit(&figures, BOTTLENECK_NONE, "", "4.00 requests were in the server");
    figures.requests = 20000;
    figures.interval_ns[INTERVAL_TOTAL] = 90 * NS_PER_MS; /* hardly used */
    expect_limit(&figures, BOTTLENECK_NONE, "", "No stage limits");
}

TEST(bottleneck, names_the_group_with_most_cpu_where_threads_wait_for_one)
{
    struct bottleneck_figures figures = pipeline();
    struct bottleneck_group *sessions = &figures.groups[2];
    *sessions = (struct bottleneck_group){.letters = "rpw",
                                          .session = true,
                                          .threads = 1024,
                                          .used = 64,
                                          .busy_ns = 12 * NS_PER_S,
                                          .cpu_ns = 2 * NS_PER_S,
                                          .runqueue_ns = 10 * NS_PER_S};
    expect_limit(&figures, BOTTLENECK_CPU, "rpw",
                 "The CPUs limit: 10.0 threads waited for one on average");
    expect_limit(&figures, BOTTLENECK_CPU, "rpw", "rpw used most, 200 % of a CPU");
    expect_limit(&figures, BOTTLENECK_CPU, "rpw", "W took 50 %");
}

TEST(bottleneck, knows_sessions_that_are_held_by_clients)
{
    struct bottleneck_figures figures = pipeline();
    struct bottleneck_group *sessions = &figures.groups[2];
    *sessions = (struct bottleneck_group){
        .letters = "pw", .session = true, .threads = 8, .used = 8, .busy_ns = 100 * NS_PER_MS};
    figures.interval_ns[INTERVAL_PROCESS_WAIT] = 30 * NS_PER_S;
    expect_limit(&figures, BOTTLENECK_SESSIONS, "pw", "its 8 sessions are occupied by clients");
    sessions->used = 7; /* there is one left that has nothing to do */
    expect_limit(&figures, BOTTLENECK_NONE, "", "");
}

TEST(bottleneck, names_the_stage_that_waits_for_the_clients)
{
    struct bottleneck_figures figures = pipeline();
    figures.interval_ns[INTERVAL_TOTAL] = 10 * NS_PER_S;
    figures.interval_ns[INTERVAL_WRITE] = 9 * NS_PER_S;
    figures.interval_ns[INTERVAL_WRITE_BLOCKED] = 8 * NS_PER_S;
    expect_limit(&figures, BOTTLENECK_CLIENTS, "W", "take their answers during 80 %");
    figures.interval_ns[INTERVAL_WRITE_BLOCKED] = 0;
    figures.interval_ns[INTERVAL_READ_BLOCKED] = 6 * NS_PER_S;
    figures.connections = 9; /* always in use, on a machine that is full */
    make_machine(&figures, 20, 170);
    expect_limit(&figures, BOTTLENECK_CLIENTS, "R", "The machine was full");
    figures.connections = 64;
    figures.machine = (struct machine_report){0};
    expect_limit(&figures, BOTTLENECK_CLIENTS, "R", "send their requests during 60 %");
    figures.interval_ns[INTERVAL_READ_BLOCKED] = 0;
    figures.interval_ns[INTERVAL_PROCESS] = 7 * NS_PER_S; /* of which P was busy for 0.1 s */
    expect_limit(&figures, BOTTLENECK_NONE, "", "");
    figures.room_waits = 1;
    expect_limit(&figures, BOTTLENECK_CLIENTS, "W", "69 % of the time of all requests");
    make_busy(&figures.groups[2], 99); /* a group that is full comes first */
    expect_limit(&figures, BOTTLENECK_BUSY, "P", "P limits");
}

TEST(bottleneck, judges_nothing_where_nothing_was_asked)
{
    struct bottleneck_figures figures = pipeline();
    make_busy(&figures.groups[1], 99);
    figures.begun = figures.requests = 0;
    expect_limit(&figures, BOTTLENECK_IDLE, "", "Nothing was asked");
    figures.accept_depth = 5;
    expect_limit(&figures, BOTTLENECK_BUSY, "R", "R limits");
    figures.wall_ns = 0;
    expect_limit(&figures, BOTTLENECK_IDLE, "", "Nothing was asked");
}

/* Two loops R and a loop W, of a report. */
TEST(bottleneck, sums_the_threads_of_each_group_and_keeps_the_busiest)
{
    struct group_report groups[] = {{"R", "loop", 2, false}, {"W", "loop", 1, false}};
    struct thread_report threads[] = {
        {.group = 0, .busy_ns = 980 * NS_PER_MS, .cpu_ns = 950 * NS_PER_MS, .runqueue_ns = 5},
        {.group = 0, .busy_ns = 50 * NS_PER_MS, .cpu_ns = 40 * NS_PER_MS},
        {.group = 1, .busy_ns = 950 * NS_PER_MS, .runqueue_ns = 750 * NS_PER_MS},
        {.group = 7, .busy_ns = NS_PER_S}}; /* of no group */
    struct report report = {.wall_ns = NS_PER_S,
                            .group_count = 2,
                            .groups = groups,
                            .thread_count = 4,
                            .threads = threads};
    struct bottleneck_figures figures;
    report.machine = (struct machine_report){2, NS_PER_S, NS_PER_S};
    report.tally.counters[COUNTER_REQUESTS] = 1000;
    report.wall_ns = 100 * NS_PER_MS; /* too short for the clock of the machine's figures */
    bottleneck_read(&figures, &report);
    expect_int(figures.machine.cpus, 0);
    report.wall_ns = NS_PER_S;
    bottleneck_read(&figures, &report);
    expect_int(figures.machine.cpus, 2);
    expect_int(figures.groups[0].busy_ns, 1030 * NS_PER_MS);
    expect_int(figures.groups[0].busiest_ns, 980 * NS_PER_MS);
    expect_int(figures.groups[0].hardest_ns, 980 * NS_PER_MS - 5);
    expect_int(figures.groups[1].hardest_ns, 200 * NS_PER_MS);
    expect_limit(&figures, BOTTLENECK_BUSY, "R", "one of its 2 threads was busy 98 % of the time");
}
