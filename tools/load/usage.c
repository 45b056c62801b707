/* usage.c: asking the kernel. See usage.h. */
#include "tools/load/usage.h"

#include "core/base/clock.h"

#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>

static const struct {
    int number;
    const char *name;
    bool realtime;
} policies[] = {
    {SCHED_OTHER, "other", false}, {SCHED_BATCH, "batch", false},
    {SCHED_IDLE, "idle", false},   {SCHED_FIFO, "fifo", true},
    {SCHED_RR, "rr", true},        {SCHED_DEADLINE, "deadline", true},
};

static uint64_t read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t usage_cpu_ns(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t usage_runqueue_ns(void)
{
    unsigned long long ran = 0, waited = 0;
    FILE *in = fopen("/proc/thread-self/schedstat", "re");
    if (in == NULL) {
        return 0;
    }
    int found = fscanf(in, "%llu %llu", &ran, &waited);
    (void)fclose(in); /* only read from */
    return found == 2 ? waited : 0;
}

struct precedence usage_precedence(void)
{
    struct precedence found = {.policy = "unknown", .nice = getpriority(PRIO_PROCESS, 0)};
    int policy = sched_getscheduler(0) & ~SCHED_RESET_ON_FORK;
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
        if (policies[i].number == policy) {
            found.policy = policies[i].name;
            found.realtime = policies[i].realtime;
        }
    }
    return found;
}

double usage_unix_s(void)
{
    return (double)read_clock(CLOCK_REALTIME) / (double)NS_PER_S;
}
