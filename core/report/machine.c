/* machine.c: reading /proc/stat. See machine.h. */
#include "core/report/machine.h"

#include "core/base/clock.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* "cpu3 user nice system idle iowait irq softirq steal ...", in ticks. Guests are in user. */
static bool read_cpu(const char *line, unsigned *cpu, uint64_t *busy_ticks)
{
    uint64_t user, nice, system, idle, iowait, irq, softirq, steal;
    int read = sscanf(line,
                      "cpu%u %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
                      " %" SCNu64 " %" SCNu64,
                      cpu, &user, &nice, &system, &idle, &iowait, &irq, &softirq, &steal);
    *busy_ticks = read == 9 ? user + nice + system + irq + softirq + steal : 0;
    return read == 9;
}

/* The first line is the sum of all CPUs, and what follows the CPUs is not of interest. */
static void sum_cpus(FILE *in, const cpu_set_t *allowed, struct machine_report *machine)
{
    char line[256];
    uint64_t tick_ns = NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK);
    while (fgets(line, sizeof line, in) != NULL && line[0] == 'c') {
        unsigned cpu;
        uint64_t ticks;
        if (read_cpu(line, &cpu, &ticks) && cpu < CPU_SETSIZE && CPU_ISSET(cpu, allowed)) {
            machine->cpus++;
            machine->busy_ns += ticks * tick_ns;
        }
    }
}

bool machine_read(struct machine_report *machine)
{
    cpu_set_t allowed;
    struct timespec used;
    *machine = (struct machine_report){0};
    FILE *in = fopen("/proc/stat", "re");
    if (in == NULL) {
        return false;
    }
    /* Of the first thread, which is never pinned. */
    if (sched_getaffinity(getpid(), sizeof allowed, &allowed) == 0) {
        sum_cpus(in, &allowed, machine);
    }
    (void)fclose(in); /* read only: nothing can be lost */
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) == 0) {
        machine->server_ns = (uint64_t)used.tv_sec * NS_PER_S + (uint64_t)used.tv_nsec;
    }
    return machine->cpus > 0;
}

void machine_since(struct machine_report *now, const struct machine_report *before)
{
    now->busy_ns -= before->busy_ns < now->busy_ns ? before->busy_ns : now->busy_ns;
    now->server_ns -= before->server_ns < now->server_ns ? before->server_ns : now->server_ns;
}
