/* status_facts.c: asking the system about this process. See status_facts.h. */
#include "core/report/status_facts.h"

#include "core/base/clock.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t ns_of(struct timeval time)
{
    return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_usec * NS_PER_US;
}

static void ask_cpu(struct status_facts *facts)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        facts->cpu_user_ns = ns_of(usage.ru_utime);
        facts->cpu_system_ns = ns_of(usage.ru_stime);
    }
}

/* The time at which the program's file was written. */
static void ask_built(struct status_facts *facts)
{
    struct stat file;
    facts->built_s = stat("/proc/self/exe", &file) == 0 ? file.st_mtime : 0;
}

static void ask_load(struct status_facts *facts)
{
    int known = getloadavg(facts->load, 3);
    for (int i = known > 0 ? known : 0; i < 3; i++) {
        facts->load[i] = -1;
    }
}

void status_facts_ask(struct status_facts *facts)
{
    facts->pid = getpid();
    facts->now_ns = clock_ns();
    facts->now_s = time(NULL);
    ask_cpu(facts);
    ask_built(facts);
    ask_load(facts);
}
