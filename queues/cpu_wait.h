/* cpu_wait.h: of a queue's wait, the part in which its taker was ready and had no CPU.
 *
 * Why sampled: the kernel reports a thread's run-queue wait in a file in /proc. One read takes some
 * 4 us, and a descriptor for that long. Two reads in ten milliseconds, at one take and at the next,
 * cost at most 2 parts in a thousand of a thread's time. A pool's thread takes in vain before it
 * sleeps, so after a take that brings nothing the sample is tried again a few times.
 *
 *   wait_ns = cpu_wait_look(&taker->cpu_wait, now_ns);   before the lock: a system call
 *   ... take, and split what was taken unless wait_ns is CPU_WAIT_UNKNOWN ...
 *   cpu_wait_end(&taker->cpu_wait, wait_ns, taken, now_ns);
 *
 * Thread-safety: one thread at a time. Several threads may run a loop in turn: then a sample
 * that one of them began is of no use to the next. */
#ifndef QUEUES_CPU_WAIT_H
#define QUEUES_CPU_WAIT_H

#include <pthread.h>
#include <stdint.h>

#define CPU_WAIT_UNKNOWN UINT64_MAX

/* All zero to begin with. */
struct cpu_wait {
    unsigned looks;     /* of the sample under way; 0: there is none */
    pthread_t of;       /* whose figures were read last, and … */
    uint64_t before_ns; /* … how long that thread had waited for a CPU by then */
    uint64_t due_ns;    /* when the next sample begins */
};

/* How long this thread has waited for a CPU since its last take, where that was noted; else
 * CPU_WAIT_UNKNOWN. */
uint64_t cpu_wait_look(struct cpu_wait *cpu_wait, uint64_t now_ns);
/* The figures that were read, and how much was taken then. */
void cpu_wait_end(struct cpu_wait *cpu_wait, uint64_t looked_ns, unsigned taken, uint64_t now_ns);

#endif
