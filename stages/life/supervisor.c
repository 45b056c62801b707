/* supervisor.c: the parent's one loop. See supervisor.h.
 *
 * Every turn starts the children that are due, waits for one signal or for the time of the next
 * start, and checks all children: a signal says only that some child has changed, since several
 * signals of the same kind are one. SIGCHLD: a child ended. SIGUSR2: a child is ready, as its share
 * says.
 */
#include "stages/life/supervisor.h"

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/log.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint64_t backoff_first_ns = 100 * NS_PER_MS, backoff_most_ns = 5 * NS_PER_S,
                      long_life_ns = 10 * NS_PER_S;

struct child {
    pid_t pid;           /* 0: none runs */
    uint64_t started_ns; /* 0: never yet */
    uint64_t backoff_ns; /* before the last replacement */
    uint64_t due_ns;     /* of the replacement, while none runs */
};

struct supervisor {
    const struct supervisor_plan *plan;
    sigset_t mask_before, signals;
    unsigned started; /* children, ever */
    bool up;          /* all have been ready at the same time */
    bool ending;
    int status;
    struct child children[SUPERVISOR_PROCESSES_MAX];
};

uint64_t supervisor_backoff_ns(uint64_t last_ns, uint64_t lived_ns)
{
    if (last_ns == 0 || lived_ns >= long_life_ns) {
        return backoff_first_ns;
    }
    return last_ns * 2 < backoff_most_ns ? last_ns * 2 : backoff_most_ns;
}

void supervisor_ready(struct process_share *share)
{
    atomic_store(&share->ready, true);
    (void)kill(getppid(), SIGUSR2); /* the kernel kills us when the parent dies */
}

/* --- starting --- */

static void block_signals(struct supervisor *supervisor)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD};
    sigemptyset(&supervisor->signals);
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        sigaddset(&supervisor->signals, numbers[i]);
    }
    CHECK(sigprocmask(SIG_BLOCK, &supervisor->signals, &supervisor->mask_before) == 0);
    /* Our parent may have ignored it, and then there would be no status to wait for. */
    (void)signal(SIGCHLD, SIG_DFL);
}

/* SIGUSR2 and SIGCHLD mean nothing to a child; the others stay blocked until it waits for them. */
static void unblock_parents_signals(const struct supervisor *supervisor)
{
    sigset_t own = supervisor->mask_before;
    sigaddset(&own, SIGTERM);
    sigaddset(&own, SIGINT);
    sigaddset(&own, SIGHUP);
    sigaddset(&own, SIGUSR1);
    CHECK(sigprocmask(SIG_SETMASK, &own, NULL) == 0);
}

/* The parent may have died before prctl was called: then no signal would end this child. */
_Noreturn static void be_child(const struct supervisor *supervisor, unsigned number, pid_t parent)
{
    CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
    if (getppid() != parent) {
        _exit(EXIT_WORLD);
    }
    CHECK(setpgid(0, 0) == 0);
    unblock_parents_signals(supervisor);
    const struct supervisor_plan *plan = supervisor->plan;
    /* By the child, so that a process that sees it ready sees its pid. */
    atomic_store(&plan->shares[number - 1].pid, getpid());
    exit(plan->run(plan->arg, number, supervisor->started));
}

static void begin_ending(struct supervisor *supervisor)
{
    if (!supervisor->ending) {
        supervisor->ending = true;
        supervisor->plan->ending(supervisor->plan->arg);
    }
}

static void pass_on_signal(const struct supervisor *supervisor, int number)
{
    for (unsigned i = 0; i < supervisor->plan->processes; i++) {
        if (supervisor->children[i].pid > 0) {
            /* One that has just died is not waited for yet, so the pid is still its own. */
            CHECK(kill(supervisor->children[i].pid, number) == 0);
        }
    }
}

static void end_in_failure(struct supervisor *supervisor)
{
    supervisor->status = EXIT_WORLD;
    begin_ending(supervisor);
    pass_on_signal(supervisor, SIGTERM);
}

/* Sets the time of the next start; says how many milliseconds there are until then. */
static unsigned schedule_start(struct child *child)
{
    uint64_t now_ns = clock_ns();
    child->backoff_ns = supervisor_backoff_ns(child->backoff_ns, now_ns - child->started_ns);
    child->due_ns = now_ns + child->backoff_ns;
    return (unsigned)(child->backoff_ns / NS_PER_MS);
}

static void start_child(struct supervisor *supervisor, unsigned number)
{
    struct child *child = &supervisor->children[number - 1];
    pid_t parent = getpid();
    supervisor->started++;
    child->started_ns = clock_ns();
    child->pid = fork();
    if (child->pid == 0) {
        be_child(supervisor, number, parent);
    }
    if (child->pid < 0) {
        int error = errno;
        child->pid = 0;
        log_line(LOG_ERROR, "cannot start process %u: %s; the next try is in %u ms", number,
                 strerror(error), schedule_start(child));
        return;
    }
}

/* A first start waits until the number before is ready; a replacement waits for its time. */
static bool is_due(const struct supervisor *supervisor, unsigned number)
{
    const struct child *child = &supervisor->children[number - 1];
    if (child->pid > 0) {
        return false;
    }
    if (child->started_ns == 0) {
        return number == 1 || atomic_load(&supervisor->plan->shares[number - 2].ready);
    }
    return clock_ns() >= child->due_ns;
}

static void start_due(struct supervisor *supervisor)
{
    for (unsigned i = 1; i <= supervisor->plan->processes && !supervisor->ending; i++) {
        if (is_due(supervisor, i)) {
            start_child(supervisor, i);
        }
    }
}

/* --- ends --- */

static const char *describe_end(int status, char text[80])
{
    if (WIFSIGNALED(status)) {
        snprintf(text, 80, "was ended by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    } else {
        snprintf(text, 80, "ended with status %d", WEXITSTATUS(status));
    }
    return text;
}

static void bury_child(struct supervisor *supervisor, unsigned number, int status)
{
    struct child *child = &supervisor->children[number - 1];
    struct process_share *share = &supervisor->plan->shares[number - 1];
    bool as_asked = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
    bool was_ready = atomic_load(&share->ready);
    pid_t pid = child->pid;
    char how[80];
    process_share_clear(share);
    child->pid = 0;
    describe_end(status, how);
    if (supervisor->ending) {
        supervisor->status = as_asked ? supervisor->status : EXIT_WORLD;
        log_line(as_asked ? LOG_DEBUG : LOG_ERROR, "process %u, pid %d, %s", number, pid, how);
    } else if (!supervisor->up && !was_ready) {
        log_line(LOG_ERROR, "process %u, pid %d, %s before it was ready: stopping", number, pid,
                 how);
        end_in_failure(supervisor);
    } else {
        unsigned ms = schedule_start(child);
        log_line(LOG_WARN, "process %u, pid %d, %s; the next starts in %u ms", number, pid, how,
                 ms);
    }
}

static void reap_children(struct supervisor *supervisor)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (unsigned i = 1; i <= supervisor->plan->processes; i++) {
            if (supervisor->children[i - 1].pid == pid) {
                bury_child(supervisor, i, status);
                break;
            }
        }
    }
}

/* --- the loop --- */

static bool is_over(const struct supervisor *supervisor)
{
    for (unsigned i = 0; i < supervisor->plan->processes; i++) {
        if (supervisor->children[i].pid > 0) {
            return false;
        }
    }
    return supervisor->ending;
}

/* When the next replacement is to be started, or UINT64_MAX. */
static uint64_t next_start_ns(const struct supervisor *supervisor)
{
    uint64_t next_ns = UINT64_MAX;
    for (unsigned i = 0; i < supervisor->plan->processes && !supervisor->ending; i++) {
        const struct child *child = &supervisor->children[i];
        if (child->pid == 0 && child->started_ns != 0 && child->due_ns < next_ns) {
            next_ns = child->due_ns;
        }
    }
    return next_ns;
}

/* The next signal, or 0 when it is time for a start. */
static int wait_for_signal(const struct supervisor *supervisor)
{
    uint64_t until_ns = next_start_ns(supervisor), now_ns = clock_ns();
    int number;
    if (until_ns == UINT64_MAX) {
        number = sigwaitinfo(&supervisor->signals, NULL);
    } else {
        uint64_t left_ns = until_ns > now_ns ? until_ns - now_ns : 0;
        struct timespec left = {.tv_sec = (time_t)(left_ns / NS_PER_S),
                                .tv_nsec = (long)(left_ns % NS_PER_S)};
        number = sigtimedwait(&supervisor->signals, NULL, &left);
    }
    return number > 0 ? number : 0;
}

static void carry_out_signal(struct supervisor *supervisor, int number)
{
    if (number == SIGTERM || number == SIGINT) {
        begin_ending(supervisor);
    }
    if (number != 0 && number != SIGCHLD && number != SIGUSR2) {
        pass_on_signal(supervisor, number);
    }
}

static void look_who_is_ready(struct supervisor *supervisor)
{
    for (unsigned i = 0; i < supervisor->plan->processes; i++) {
        if (!atomic_load(&supervisor->plan->shares[i].ready)) {
            return;
        }
    }
    if (!supervisor->up && !supervisor->ending) {
        supervisor->up = true;
        supervisor->plan->all_ready(supervisor->plan->arg);
    }
}

int supervise(const struct supervisor_plan *plan)
{
    struct supervisor supervisor = {.plan = plan, .status = EXIT_SUCCESS};
    CHECK(plan->processes >= 1 && plan->processes <= SUPERVISOR_PROCESSES_MAX);
    block_signals(&supervisor);
    while (!is_over(&supervisor)) {
        start_due(&supervisor);
        carry_out_signal(&supervisor, wait_for_signal(&supervisor));
        reap_children(&supervisor);
        look_who_is_ready(&supervisor);
    }
    return supervisor.status;
}
