/* cpu_wait.c: when to read the figures, and the difference since. See cpu_wait.h. */
#include "queues/cpu_wait.h"

#include "core/base/clock.h"
#include "core/report/report.h"

static const uint64_t every_ns = 10 * NS_PER_MS;
enum { LOOKS_MOST = 5 };

uint64_t cpu_wait_look(struct cpu_wait *cpu_wait, uint64_t now_ns)
{
    uint64_t runqueue_ns, before_ns = cpu_wait->before_ns;
    bool begun = cpu_wait->looks > 0 && pthread_equal(cpu_wait->of, pthread_self());
    if ((cpu_wait->looks == 0 && now_ns < cpu_wait->due_ns) || !thread_runqueue_ns(&runqueue_ns)) {
        return CPU_WAIT_UNKNOWN;
    }
    cpu_wait->looks++;
    cpu_wait->of = pthread_self();
    cpu_wait->before_ns = runqueue_ns;
    return begun ? runqueue_ns - before_ns : CPU_WAIT_UNKNOWN;
}

void cpu_wait_end(struct cpu_wait *cpu_wait, uint64_t looked_ns, unsigned taken, uint64_t now_ns)
{
    bool found = looked_ns != CPU_WAIT_UNKNOWN && taken > 0;
    if (found || cpu_wait->looks >= LOOKS_MOST) {
        cpu_wait->looks = 0;
        cpu_wait->due_ns = now_ns + every_ns;
    }
}
