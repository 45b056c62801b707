/* usage.h: what this thread has used of the machine, and what it may have before others. */
#ifndef TOOLS_LOAD_USAGE_H
#define TOOLS_LOAD_USAGE_H

#include <stdbool.h>
#include <stdint.h>

/* User and system time of this thread. */
uint64_t usage_cpu_ns(void);
/* Time in which this thread could run and no CPU was free; 0 where the kernel does not report it. */
uint64_t usage_runqueue_ns(void);
/* How the kernel's scheduler treats this thread beside others. */
struct precedence {
    const char *policy; /* as sched(7) has it, in small letters: "other", "fifo", ... */
    bool realtime;      /* goes before all that are not */
    int nice;           /* -20 (first) to 19, among those of an ordinary policy */
};
struct precedence usage_precedence(void);
/* The wall clock. */
double usage_unix_s(void);

#endif
