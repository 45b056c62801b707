/* test_accept_turn.c: one holder at a time, in several threads and processes, and what becomes of a
 * turn whose holder dies. Processes notify each other through pipes, so nothing waits by time. */
#include "stages/stage/accept_turn.h"

#include "tests/test.h"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

TEST(accept_turn, is_taken_and_given_back)
{
    struct accept_turn *turn = accept_turn_new();
    for (unsigned i = 0; i < 3; i++) {
        expect_int(accept_turn_try(turn), ACCEPT_TRY_TAKEN);
        accept_turn_release(turn);
    }
    accept_turn_free(turn);
    accept_turn_free(NULL);
}

static void *try_once(void *arg)
{
    enum accept_try got = accept_turn_try(arg);
    return got == ACCEPT_TRY_BUSY ? arg : NULL;
}

static void *hold_for_ever(void *arg)
{
    return accept_turn_try(arg) == ACCEPT_TRY_TAKEN ? arg : NULL;
}

static void *in_a_thread(void *run(void *arg), void *arg)
{
    pthread_t thread;
    void *result;
    expect_int(pthread_create(&thread, NULL, run, arg), 0);
    expect_int(pthread_join(thread, &result), 0);
    return result;
}

TEST(accept_turn, is_busy_for_other_threads_and_waits_for_nobody)
{
    struct accept_turn *turn = accept_turn_new();
    expect_int(accept_turn_try(turn), ACCEPT_TRY_TAKEN);
    expect(in_a_thread(try_once, turn) != NULL);
    accept_turn_release(turn);
    expect(in_a_thread(try_once, turn) == NULL);
    accept_turn_free(turn);
}

TEST(accept_turn, of_a_thread_that_ended_is_inherited)
{
    struct accept_turn *turn = accept_turn_new();
    expect(in_a_thread(hold_for_ever, turn) != NULL);
    expect_int(accept_turn_try(turn), ACCEPT_TRY_INHERITED);
    accept_turn_release(turn);
    expect_int(accept_turn_try(turn), ACCEPT_TRY_TAKEN);
    accept_turn_release(turn);
    accept_turn_free(turn);
}

/* A child that has taken the turn when this returns, and keeps it until it is killed. */
static pid_t start_holder(struct accept_turn *turn)
{
    int ends[2];
    char byte;
    expect_int(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves no process behind */
        byte = accept_turn_try(turn) == ACCEPT_TRY_BUSY ? 'n' : 'y';
        (void)!write(ends[1], &byte, 1);
        for (;;) {
            pause();
        }
    }
    expect(child > 0);
    close(ends[1]);
    expect_int(read(ends[0], &byte, 1), 1);
    close(ends[0]);
    expect_int(byte, 'y');
    return child;
}

static void kill_and_bury(pid_t child)
{
    int status;
    expect_int(kill(child, SIGKILL), 0);
    expect_int(waitpid(child, &status, 0), child);
}

TEST(accept_turn, of_a_process_that_was_killed_is_inherited_each_time)
{
    struct accept_turn *turn = accept_turn_new();
    for (unsigned i = 0; i < 3; i++) {
        pid_t child = start_holder(turn);
        expect_int(accept_turn_try(turn), ACCEPT_TRY_BUSY);
        kill_and_bury(child);
        expect_int(accept_turn_try(turn), ACCEPT_TRY_INHERITED);
        accept_turn_release(turn);
    }
    expect_int(accept_turn_try(turn), ACCEPT_TRY_TAKEN);
    accept_turn_release(turn);
    accept_turn_free(turn);
}

TEST(accept_turn, passes_from_one_dead_process_to_the_next)
{
    struct accept_turn *turn = accept_turn_new();
    kill_and_bury(start_holder(turn));
    kill_and_bury(start_holder(turn));
    expect_int(accept_turn_try(turn), ACCEPT_TRY_INHERITED);
    accept_turn_release(turn);
    accept_turn_free(turn);
}
