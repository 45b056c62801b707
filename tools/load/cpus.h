/* cpus.h: the CPUs that this process may use. */
#ifndef TOOLS_LOAD_CPUS_H
#define TOOLS_LOAD_CPUS_H

enum { CPUS_MAX = 1024 };

/* Their numbers, rising; how many there are, at least 1. Where the kernel does not say: one, of
 * number -1. */
unsigned cpus_allowed(int cpus[CPUS_MAX]);

#endif
