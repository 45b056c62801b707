/* cpus.c: see cpus.h. */
#include "tools/load/cpus.h"

#include <sched.h>

_Static_assert((int)CPUS_MAX <= (int)CPU_SETSIZE, "a set holds them");

unsigned cpus_allowed(int cpus[CPUS_MAX])
{
    cpu_set_t set;
    unsigned count = 0;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        for (int cpu = 0; cpu < CPUS_MAX; cpu++) {
            if (CPU_ISSET((unsigned)cpu, &set)) {
                cpus[count++] = cpu;
            }
        }
    }
    if (count == 0) {
        cpus[count++] = -1;
    }
    return count;
}
