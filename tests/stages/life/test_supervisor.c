/* test_supervisor.c: a parent over children that are functions.
 *
 * Each supervisor runs in a process of its own; what it and its children do is noted in memory that
 * all share, and the test goes on when a note is there. A process that hangs is ended by its alarm.
 */
#include "stages/life/supervisor.h"

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "tests/test.h"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_S = 120, PROCESSES = 3, ORDERS = 64 };

/* What one child does when it has started. */
enum manner { SERVE, FAIL_AT_ONCE, SERVE_BUT_END_WITH_3 };

static struct {
    enum manner manner[PROCESSES];
    struct process_share *shares;
    struct supervisor_plan plan;
    pid_t parent;
    struct notes {
        _Atomic unsigned all_ready, ending;
        _Atomic unsigned started[PROCESSES], ready_before[PROCESSES];
        _Atomic unsigned nth_sum;
        _Atomic int signals[PROCESSES][ORDERS]; /* that each has heard, in order */
        _Atomic unsigned heard[PROCESSES];
    } * notes;
} stage;

static void wait_until(bool done(void))
{
    uint64_t until_ns = clock_ns() + PATIENCE_S * NS_PER_S;
    while (!done()) {
        expect(clock_ns() < until_ns);
        sched_yield();
    }
}

/* --- the children --- */

static unsigned ready_now(void)
{
    unsigned count = 0;
    for (unsigned i = 0; i < PROCESSES; i++) {
        count += atomic_load(&stage.shares[i].ready);
    }
    return count;
}

static int hear_signals(unsigned index)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    for (;;) {
        int number = 0;
        CHECK(sigwait(&set, &number) == 0);
        unsigned nth = atomic_load(&stage.notes->heard[index]);
        atomic_store(&stage.notes->signals[index][nth], number);
        atomic_store(&stage.notes->heard[index], nth + 1);
        if (number == SIGTERM) {
            return stage.manner[index] == SERVE ? 0 : 3;
        }
    }
}

static int run(void *arg, unsigned number, unsigned nth)
{
    unsigned index = number - 1;
    (void)arg;
    alarm(PATIENCE_S);
    atomic_store(&stage.notes->ready_before[index], ready_now());
    atomic_fetch_add(&stage.notes->started[index], 1);
    atomic_fetch_add(&stage.notes->nth_sum, nth);
    if (stage.manner[index] == FAIL_AT_ONCE) {
        _exit(1);
    }
    supervisor_ready(&stage.shares[index]);
    _exit(hear_signals(index)); /* nothing of the test's own is to be run at exit */
}

/* --- the parent --- */

static void note_all_ready(void *arg)
{
    (void)arg;
    atomic_fetch_add(&stage.notes->all_ready, 1);
}

static void note_ending(void *arg)
{
    (void)arg;
    atomic_fetch_add(&stage.notes->ending, 1);
}

static void start_parent(enum manner first, enum manner second, enum manner third)
{
    stage.manner[0] = first;
    stage.manner[1] = second;
    stage.manner[2] = third;
    stage.shares = process_shares_new(PROCESSES);
    stage.notes =
        mmap(NULL, sizeof *stage.notes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    expect(stage.notes != MAP_FAILED);
    stage.plan = (struct supervisor_plan){
        .processes = PROCESSES,
        .shares = stage.shares,
        .run = run,
        .all_ready = note_all_ready,
        .ending = note_ending,
    };
    fflush(NULL);
    stage.parent = fork();
    if (stage.parent == 0) {
        alarm(PATIENCE_S);
        log_set_level(LOG_ERROR);
        _exit(supervise(&stage.plan));
    }
    expect(stage.parent > 0);
}

static int end_of_parent(void)
{
    int status;
    expect_int(waitpid(stage.parent, &status, 0), stage.parent);
    expect(WIFEXITED(status));
    munmap(stage.notes, sizeof *stage.notes);
    process_shares_free(stage.shares, PROCESSES);
    return WEXITSTATUS(status);
}

static bool is_up(void)
{
    return atomic_load(&stage.notes->all_ready) > 0;
}

/* --- starting --- */

TEST(supervisor, starts_one_when_the_one_before_is_ready_and_says_once_that_all_are)
{
    start_parent(SERVE, SERVE, SERVE);
    wait_until(is_up);
    for (unsigned i = 0; i < PROCESSES; i++) {
        expect_int(stage.notes->started[i], 1);
        expect_int(stage.notes->ready_before[i], i);
        expect(stage.shares[i].pid > 0);
    }
    expect_int(stage.notes->nth_sum, 1 + 2 + 3);
    expect_int(stage.notes->all_ready, 1);
    kill(stage.parent, SIGTERM);
    expect_int(end_of_parent(), 0);
}

static bool is_over(void)
{
    siginfo_t info = {.si_pid = 0};
    return waitid(P_PID, (id_t)stage.parent, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == stage.parent;
}

TEST(supervisor, one_that_cannot_start_ends_the_others_and_everything_with_1)
{
    start_parent(SERVE, FAIL_AT_ONCE, SERVE);
    wait_until(is_over);
    expect_int(stage.notes->all_ready, 0);
    expect_int(stage.notes->ending, 1);
    expect_int(stage.notes->started[1], 1);
    expect_int(stage.notes->started[2], 0);
    expect_int(stage.notes->heard[0], 1);
    expect_int(stage.notes->signals[0][0], SIGTERM);
    expect_int(end_of_parent(), 1);
}

/* --- signals --- */

static bool all_have_heard_two(void)
{
    return stage.notes->heard[0] >= 2 && stage.notes->heard[1] >= 2 && stage.notes->heard[2] >= 2;
}

static bool all_have_heard_one(void)
{
    return stage.notes->heard[0] >= 1 && stage.notes->heard[1] >= 1 && stage.notes->heard[2] >= 1;
}

TEST(supervisor, passes_signals_on_to_all)
{
    start_parent(SERVE, SERVE, SERVE);
    wait_until(is_up);
    kill(stage.parent, SIGHUP);
    wait_until(all_have_heard_one);
    kill(stage.parent, SIGUSR1);
    wait_until(all_have_heard_two);
    expect_int(stage.notes->ending, 0);
    for (unsigned i = 0; i < PROCESSES; i++) {
        expect_int(stage.notes->signals[i][0], SIGHUP);
        expect_int(stage.notes->signals[i][1], SIGUSR1);
    }
    kill(stage.parent, SIGTERM);
    expect_int(end_of_parent(), 0);
}

TEST(supervisor, passes_a_second_signal_that_ends_on_too)
{
    start_parent(SERVE, SERVE, SERVE);
    wait_until(is_up);
    kill(stage.parent, SIGINT); /* these children go on after it */
    wait_until(all_have_heard_one);
    expect_int(stage.notes->ending, 1);
    kill(stage.parent, SIGTERM);
    wait_until(is_over);
    expect_int(stage.notes->ending, 1);
    for (unsigned i = 0; i < PROCESSES; i++) {
        expect_int(stage.notes->signals[i][0], SIGINT);
        expect_int(stage.notes->signals[i][1], SIGTERM);
    }
    expect_int(end_of_parent(), 0);
}

TEST(supervisor, says_when_a_child_did_not_end_as_it_was_asked)
{
    start_parent(SERVE, SERVE_BUT_END_WITH_3, SERVE);
    wait_until(is_up);
    kill(stage.parent, SIGTERM);
    expect_int(end_of_parent(), 1);
}

/* --- replacements --- */

static bool second_has_been_replaced(void)
{
    return stage.notes->started[1] >= 2 && atomic_load(&stage.shares[1].ready);
}

static bool second_has_been_replaced_twice(void)
{
    return stage.notes->started[1] >= 3 && atomic_load(&stage.shares[1].ready);
}

TEST(supervisor, replaces_one_that_dies_and_leaves_the_others_alone)
{
    start_parent(SERVE, SERVE, SERVE);
    wait_until(is_up);
    int first = stage.shares[0].pid, second = stage.shares[1].pid;
    uint64_t begin_ns = clock_ns();
    kill(second, SIGKILL);
    wait_until(second_has_been_replaced);
    expect(clock_ns() - begin_ns >= 100 * NS_PER_MS);
    expect(stage.shares[1].pid != second);
    expect_int(stage.shares[0].pid, first);
    kill(stage.shares[1].pid, SIGKILL);
    wait_until(second_has_been_replaced_twice);
    expect_int(stage.notes->started[0], 1);
    expect_int(stage.notes->started[2], 1);
    expect_int(stage.notes->nth_sum, 1 + 2 + 3 + 4 + 5); /* replacements go on counting */
    expect_int(stage.notes->all_ready, 1);
    kill(stage.parent, SIGTERM);
    expect_int(end_of_parent(), 0);
}

TEST(supervisor, replaces_one_that_ends_well_but_unasked)
{
    start_parent(SERVE, SERVE, SERVE);
    wait_until(is_up);
    kill(stage.shares[1].pid, SIGTERM);
    wait_until(second_has_been_replaced);
    kill(stage.parent, SIGTERM);
    expect_int(end_of_parent(), 0);
}

TEST(supervisor, replaces_nobody_once_it_ends)
{
    start_parent(SERVE, SERVE, SERVE);
    wait_until(is_up);
    kill(stage.parent, SIGINT);
    wait_until(all_have_heard_one);
    kill(stage.shares[0].pid, SIGKILL);
    kill(stage.parent, SIGTERM);
    wait_until(is_over);
    expect_int(stage.notes->started[0], 1);
    expect_int(end_of_parent(), 1); /* one did not end as asked */
}

TEST(supervisor, waits_twice_as_long_each_time_until_one_has_lived)
{
    uint64_t ms = NS_PER_MS;
    expect_int(supervisor_backoff_ns(0, 0), 100 * ms);
    expect_int(supervisor_backoff_ns(100 * ms, 0), 200 * ms);
    expect_int(supervisor_backoff_ns(3200 * ms, 9999 * ms), 5000 * ms);
    expect_int(supervisor_backoff_ns(5000 * ms, 0), 5000 * ms);
    expect_int(supervisor_backoff_ns(5000 * ms, 10000 * ms), 100 * ms);
}

/* --- the parent's end --- */

/* The pipe's other end is open in the parent and in its children: it ends when they all have. */
TEST(supervisor, takes_its_children_along_when_it_is_killed)
{
    int status, ends[2];
    char byte;
    expect_int(pipe(ends), 0);
    start_parent(SERVE, SERVE, SERVE);
    close(ends[1]);
    wait_until(is_up);
    uint64_t begin_ns = clock_ns();
    kill(stage.parent, SIGKILL);
    expect_int(waitpid(stage.parent, &status, 0), stage.parent);
    expect_int(read(ends[0], &byte, 1), 0);
    expect(clock_ns() - begin_ns < PATIENCE_S / 2 * NS_PER_S); /* before their alarm */
    close(ends[0]);
    munmap(stage.notes, sizeof *stage.notes);
    process_shares_free(stage.shares, PROCESSES);
}
