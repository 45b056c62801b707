/* test_bottleneck.c: the verdict follows the figures. */
#include "core/report/bottleneck.h"

#include "core/base/clock.h"
#include "tests/test.h"

/* One second of a pipeline in which nothing is busy and 1,000 requests were answered. */
static struct bottleneck_figures pipeline(void)
{
    struct bottleneck_figures figures = {
        .wall_ns = NS_PER_S, .begun = 1000, .requests = 1000, .group_count = 4};
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
    group->cpu_ns = group->busy_ns;
    group->runqueue_ns = 0;
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

TEST(bottleneck, says_when_the_cpus_are_behind_it)
{
    struct bottleneck_figures figures = pipeline();
    make_busy(&figures.groups[1], 95);
    figures.groups[1].runqueue_ns = 400 * NS_PER_MS;
    expect_limit(&figures, BOTTLENECK_BUSY, "R", "The CPUs are the limit behind it");
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
                 "The CPUs limit: 10.0 threads waited for one in the mean. rpw used most");
    expect_limit(&figures, BOTTLENECK_CPU, "rpw", "W took 50 %");
}

TEST(bottleneck, knows_sessions_that_are_held_by_clients)
{
    struct bottleneck_figures figures = pipeline();
    struct bottleneck_group *sessions = &figures.groups[2];
    *sessions = (struct bottleneck_group){
        .letters = "pw", .session = true, .threads = 8, .used = 8, .busy_ns = 100 * NS_PER_MS};
    figures.interval_ns[INTERVAL_PROCESS_WAIT] = 30 * NS_PER_S;
    expect_limit(&figures, BOTTLENECK_SESSIONS, "pw", "its 8 sessions are held by clients");
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

TEST(bottleneck, counts_the_wait_of_a_thread_that_was_woken_as_busy)
{
    struct report report = {.wall_ns = NS_PER_S, .group_count = 1, .thread_count = 1};
    struct group_report group = {"L", "loop", 1, false};
    struct thread_report thread = {
        .busy_ns = 300 * NS_PER_MS, .cpu_ns = 200 * NS_PER_MS, .runqueue_ns = 750 * NS_PER_MS};
    struct bottleneck_figures figures;
    report.groups = &group;
    report.threads = &thread;
    report.tally.counters[COUNTER_ACCEPTED] = 1000;
    bottleneck_read(&figures, &report);
    expect_int(figures.groups[0].busy_ns, 950 * NS_PER_MS);
    expect_limit(&figures, BOTTLENECK_BUSY, "L", "it was busy 950us for a connection");
    bottleneck_deinit(&figures);
    thread.busy_ns = 980 * NS_PER_MS; /* blocked in a handler */
    bottleneck_read(&figures, &report);
    expect_int(figures.groups[0].busiest_ns, 980 * NS_PER_MS);
    bottleneck_deinit(&figures);
}

/* Two loops R and a loop W. */
struct moment {
    struct report report;
    struct group_report groups[2];
    struct thread_report threads[3];
};

static struct bottleneck_figures figures_at(uint64_t wall_ms, const uint64_t busy_ms[3])
{
    struct moment moment = {
        .groups = {{"R", "loop", 2, false}, {"W", "loop", 1, false}},
        .threads = {{"R/1", .group = 0}, {"R/2", .group = 0}, {"W", .group = 1}}};
    moment.report = (struct report){.wall_ns = wall_ms * NS_PER_MS,
                                    .group_count = 2,
                                    .groups = moment.groups,
                                    .thread_count = 3,
                                    .threads = moment.threads};
    moment.report.tally.counters[COUNTER_REQUESTS] = wall_ms;
    for (unsigned i = 0; i < 3; i++) {
        moment.threads[i].busy_ns = busy_ms[i] * NS_PER_MS;
    }
    struct bottleneck_figures figures;
    bottleneck_read(&figures, &moment.report);
    return figures;
}

TEST(bottleneck, of_two_moments_is_what_happened_between_them)
{
    struct bottleneck_figures before = figures_at(1000, (uint64_t[]){100, 0, 100});
    struct bottleneck_figures now = figures_at(2000, (uint64_t[]){1090, 0, 0});
    bottleneck_since(&now, &before);
    expect_int(now.wall_ns, NS_PER_S);
    expect_int(now.requests, 1000);
    expect_int(now.groups[0].busy_ns, 990 * NS_PER_MS);
    expect_int(now.groups[1].busy_ns, 0); /* what falls has done nothing */
    expect_limit(&now, BOTTLENECK_BUSY, "R", "busy 99 % of the time");
    bottleneck_deinit(&before);
    bottleneck_deinit(&now);
}

TEST(bottleneck, sees_the_thread_that_is_full_now_and_not_the_one_that_was)
{
    struct bottleneck_figures before = figures_at(10000, (uint64_t[]){9000, 100, 500});
    struct bottleneck_figures now = figures_at(11000, (uint64_t[]){9050, 1080, 550});
    bottleneck_since(&now, &before);
    expect_int(now.groups[0].busy_ns, 1030 * NS_PER_MS);
    expect_int(now.groups[0].busiest_ns, 980 * NS_PER_MS);
    expect_limit(&now, BOTTLENECK_BUSY, "R", "one of its 2 threads was busy 98 % of the time");
    bottleneck_deinit(&before);
    bottleneck_deinit(&now);
}

/* Blocked in handlers for long, and now woken late again and again. */
TEST(bottleneck, of_two_moments_compares_busy_time_and_cpu_time_of_the_window)
{
    struct bottleneck_figures before = figures_at(10000, (uint64_t[]){0, 0, 9000});
    struct bottleneck_figures now = figures_at(11000, (uint64_t[]){0, 0, 9100});
    now.threads[2].cpu_ns = 100 * NS_PER_MS;
    now.threads[2].runqueue_ns = 850 * NS_PER_MS;
    bottleneck_since(&now, &before);
    expect_int(now.groups[1].busiest_ns, 950 * NS_PER_MS);
    expect_limit(&now, BOTTLENECK_BUSY, "W", "busy 95 % of the time");
    bottleneck_deinit(&before);
    bottleneck_deinit(&now);
}
