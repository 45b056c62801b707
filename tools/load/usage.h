/* usage.h: what this thread has used of the machine. */
#ifndef TOOLS_LOAD_USAGE_H
#define TOOLS_LOAD_USAGE_H

#include <stdint.h>

/* User and system time of the process. */
uint64_t usage_cpu_ns(void);
/* Time in which this thread could run and no CPU was free; 0 where the kernel does not tell. */
uint64_t usage_runqueue_ns(void);
/* The wall clock. */
double usage_unix_s(void);

#endif
