/* test_recent.c: the verdict is of the last second or two, not of all the time before. */
#include "core/report/recent.h"

#include "core/base/clock.h"
#include "tests/test.h"

/* What a server with two loops has counted. */
struct moment {
    struct report report;
    struct group_report group;
    struct thread_report threads[2];
};

static void make_moment(struct moment *moment, uint64_t wall_ns, const uint64_t busy_ns[2])
{
    *moment = (struct moment){
        .group = {"LRPW", "loop", 2, false},
        .threads = {{"LRPW/1", .busy_ns = busy_ns[0]}, {"LRPW/2", .busy_ns = busy_ns[1]}}};
    moment->report = (struct report){.wall_ns = wall_ns,
                                     .group_count = 1,
                                     .groups = &moment->group,
                                     .thread_count = 2,
                                     .threads = moment->threads};
    moment->report.tally.counters[COUNTER_REQUESTS] = 1 + wall_ns / NS_PER_MS;
}

static uint64_t judge_two(struct recent *recent, uint64_t at_ms, uint64_t first_ms,
                          uint64_t second_ms, enum bottleneck_cause cause)
{
    struct moment moment;
    struct bottleneck verdict;
    uint64_t since_ns;
    const uint64_t busy_ns[] = {first_ms * NS_PER_MS, second_ms * NS_PER_MS};
    make_moment(&moment, at_ms * NS_PER_MS, busy_ns);
    recent_judge(recent, &moment.report, 1000 * NS_PER_S + at_ms * NS_PER_MS, &verdict, &since_ns);
    expect_msg(verdict.cause == cause, "at %lu ms: %s", (unsigned long)at_ms, verdict.text);
    return since_ns / NS_PER_MS;
}

static uint64_t judge(struct recent *recent, uint64_t at_ms, uint64_t busy_ms,
                      enum bottleneck_cause cause)
{
    return judge_two(recent, at_ms, busy_ms, 0, cause);
}

TEST(recent, judges_the_last_second_or_two)
{
    struct recent recent;
    recent_init(&recent);
    expect_int(judge(&recent, 10000, 100, BOTTLENECK_NONE), 10000); /* since the start */
    expect_int(judge(&recent, 11000, 1100, BOTTLENECK_BUSY), 1000);
    expect_int(judge(&recent, 11500, 1600, BOTTLENECK_BUSY), 1500); /* too soon after the last */
    expect_int(judge(&recent, 12000, 1600, BOTTLENECK_NONE), 1000);
    expect_int(judge(&recent, 12999, 2599, BOTTLENECK_NONE), 1999); /* 999 of 1999 ms */
    expect_int(judge(&recent, 13000, 2600, BOTTLENECK_BUSY), 1000);
    expect_int(judge(&recent, 73000, 2700, BOTTLENECK_NONE),
               60000); /* no client asked in between */
    recent_deinit(&recent);
}

/* The one that was busiest over all the time has nothing to do any more. */
TEST(recent, sees_which_thread_is_full_now)
{
    struct recent recent;
    recent_init(&recent);
    judge_two(&recent, 10000, 9000, 100, BOTTLENECK_BUSY); /* since the start */
    judge_two(&recent, 11000, 9010, 1090, BOTTLENECK_BUSY);
    judge_two(&recent, 12000, 9020, 1100, BOTTLENECK_NONE);
    recent_deinit(&recent);
}
