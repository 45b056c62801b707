/* cpu_wait.h: of a queue's wait, the part in which its taker was ready and had no CPU.
 *
 * Why sampled: the kernel tells a thread's run-queue wait in a file in /proc, some 4 us a look (and
 * a descriptor for that long). Twice in ten milliseconds, at one take and at the next, costs at
 * most 2 parts in a thousand of a thread's time: a take that brings nothing is tried again a few
 * times, since a pool's thread takes in vain before it sleeps.
 *
 *   wait_ns = cpu_wait_look(&taker->cpu_wait, now_ns);   ahead of the lock: it asks the kernel
 *   ... take, and split what was taken unless wait_ns is CPU_WAIT_UNKNOWN ...
 *   cpu_wait_end(&taker->cpu_wait, wait_ns, taken, now_ns);
 *
 * Thread-safety: one thread at a time, and a loop that several run in turn changes threads: a
 * sample that one began is of no use to another. */
#ifndef QUEUES_CPU_WAIT_H
#define QUEUES_CPU_WAIT_H

#include <pthread.h>
#include <stdint.h>

#define CPU_WAIT_UNKNOWN UINT64_MAX

/* All zero to begin with. */
struct cpu_wait {
    unsigned looks;     /* of the sample under way; 0: there is none */
    pthread_t of;       /* whose figures the last look was at, and … */
    uint64_t before_ns; /* … how long that thread had waited for a CPU by then */
    uint64_t due_ns;    /* when the next sample begins */
};

/* How long this thread has waited for a CPU since its last take, where that was noted; else
 * CPU_WAIT_UNKNOWN. */
uint64_t cpu_wait_look(struct cpu_wait *cpu_wait, uint64_t now_ns);
/* What the look said, and how much was taken then. */
void cpu_wait_end(struct cpu_wait *cpu_wait, uint64_t looked_ns, unsigned taken, uint64_t now_ns);

#endif
