/* The table, the JSON and back, and what /proc reports on a thread. */
#include "core/report/report.h"

#include "tests/core/sample.h"
#include "tests/golden/golden.h"

#include <sys/wait.h>
#include <unistd.h>

TEST(report, looks_like_its_picture)
{
    struct report report;
    sample_report(&report);
    char *text = sample_text(report_print, &report);
    golden_expect("report.txt", text);
    free(text);
    report_deinit(&report);
}

TEST(report, an_empty_one_leaves_sections_out)
{
    struct report report = {0};
    char *text = sample_text(report_print, &report);
    golden_expect("report_empty.txt", text);
    free(text);
    report_deinit(&report);
    report_deinit(NULL);
}

TEST(report, reads_the_cpu_time_of_a_thread)
{
    struct thread_report thread = {.voluntary = 77};
    volatile uint64_t work = 0;
    do {
        for (unsigned i = 0; i < 1000000; i++) {
            work = work + i;
        }
        thread_report_read(&thread, gettid());
    } while (thread.cpu_ns == 0);
    expect(thread.cpu_ns > 0);
    thread_report_read(&thread, 0x7fffffff);
    expect_int(thread.cpu_ns, 0);
    expect_int(thread.voluntary, 0);
}

TEST(report, reads_the_switches_of_a_thread_that_waited)
{
    struct thread_report before = {0}, after = {0};
    int pipes[2];
    expect_int(pipe(pipes), 0);
    thread_report_read(&before, gettid());
    pid_t child = fork();
    if (child == 0) {
        _exit(write(pipes[1], "x", 1) == 1 ? 0 : 1);
    }
    char c;
    expect_int(read(pipes[0], &c, 1), 1);
    expect(waitpid(child, NULL, 0) == child);
    thread_report_read(&after, gettid());
    expect(after.voluntary >= before.voluntary);
    expect(after.voluntary + after.involuntary > 0);
    (void)close(pipes[0]);
    (void)close(pipes[1]);
}

/* Woken late a thread is busy longer than it is awake; blocked in a handler, longer than it has or
 * wants a CPU. */
TEST(report, a_thread_is_busy_while_it_waits_for_a_cpu_or_is_blocked)
{
    struct thread_report thread = {
        .wall_ns = 1000, .awake_ns = 300, .cpu_ns = 200, .runqueue_ns = 650};
    thread_report_busy(&thread);
    expect_int(thread.busy_ns, 850);
    thread.awake_ns = 900;
    thread_report_busy(&thread);
    expect_int(thread.busy_ns, 900);
    thread.runqueue_ns = 900; /* read a moment later than the wall time */
    thread_report_busy(&thread);
    expect_int(thread.busy_ns, 1000);
}

/* --- the machine --- */

/* The server's part is of the CPUs that all programs share. */
TEST(report, of_the_machine_knows_what_this_process_has_used)
{
    struct machine_report before, now;
    volatile uint64_t spun = 0;
    expect(machine_read(&before));
    expect(before.cpus > 0);
    do {
        for (unsigned i = 0; i < 1000000; i++) {
            spun = spun + i;
        }
        expect(machine_read(&now));
        machine_since(&now, &before);
    } while (now.server_ns < 50000000 || now.busy_ns == 0); /* the kernel counts in ticks */
    expect_int(now.cpus, before.cpus);
    struct machine_report none = {.cpus = 2};
    machine_since(&none, &before); /* what falls has done nothing */
    expect_int(none.busy_ns, 0);
}

/* --- the difference of two --- */

/* Blocked in handlers for long, and now woken late again and again. */
TEST(report, since_an_earlier_one_compares_awake_and_cpu_time_of_the_window)
{
    const struct thread_report before = {.name = "W", .wall_ns = 10000, .awake_ns = 9000};
    struct thread_report now = {
        .name = "W", .wall_ns = 11000, .awake_ns = 9100, .cpu_ns = 100, .runqueue_ns = 850};
    thread_reports_since(&now, 1, &before, 1);
    expect_int(now.awake_ns, 100);
    expect_int(now.busy_ns, 950);
}

TEST(report, since_an_earlier_one_is_what_grew)
{
    struct report before, now;
    sample_report(&before);
    sample_report(&now);
    now.wall_ns += 500;
    now.machine = (struct machine_report){2, before.machine.busy_ns + 900, 400};
    tally_add(&now.tally, COUNTER_REQUESTS, 7);
    tally_interval(&now.tally, INTERVAL_TOTAL, 1000);
    now.queues[1].put += 30;
    now.queues[1].depth_max += 5;
    histogram_record(&now.loops[1].round_ns, 77);
    now.threads[1].awake_ns += 20;
    now.threads[1].wall_ns += 500;
    report_since(&now, &before);
    expect_int(now.wall_ns, 500);
    expect_int(now.machine.busy_ns, 900);
    expect_int(now.tally.counters[COUNTER_REQUESTS], 7);
    expect_int(now.tally.intervals[INTERVAL_TOTAL].count, 1);
    expect_int(now.queues[1].put, 30);
    expect_int(now.queues[1].depth_max, before.queues[1].depth_max + 5);
    expect_int(now.queues[2].put, 0);
    expect_int(now.loops[0].events.count, 0);
    expect_int(now.loops[1].round_ns.count, 1);
    expect_int(now.threads[0].busy_ns, 0);
    expect_int(now.threads[1].busy_ns, 20);
    report_deinit(&before);
    report_deinit(&now);
}

/* A pool's threads come and go; the kernel counts each from zero, the server goes on. */
TEST(report, since_an_earlier_one_takes_threads_by_name_and_a_successor_as_new)
{
    const struct thread_report before[] = {
        {.name = "P/1", .awake_ns = 100},
        {.name = "P/3", .wall_ns = 900, .awake_ns = 500, .cpu_ns = 400, .runqueue_ns = 50}};
    struct thread_report now[] = {
        {.name = "P/2", .wall_ns = 90, .awake_ns = 30},
        {.name = "P/3", .wall_ns = 950, .awake_ns = 540, .cpu_ns = 35, .runqueue_ns = 3},
        {.name = "P/1", .wall_ns = 90, .awake_ns = 110}};
    thread_reports_since(now, 3, before, 2);
    expect_int(now[0].awake_ns, 30);
    expect_int(now[1].wall_ns, 50);
    expect_int(now[1].busy_ns, 40);
    expect_int(now[1].cpu_ns, 35);
    expect_int(now[1].runqueue_ns, 3);
    expect_int(now[2].busy_ns, 10);
}
