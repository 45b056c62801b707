/* queue_report.h: what a queue has counted and measured: kept by the queue itself, shown in every
 * report.
 */
#ifndef CORE_REPORT_QUEUE_REPORT_H
#define CORE_REPORT_QUEUE_REPORT_H

#include "core/base/histogram.h"

#include <stdbool.h>
#include <stdint.h>

enum { REPORT_NAME = 24 }; /* of a queue or a thread, with its NUL */

struct queue_report {
    char name[REPORT_NAME]; /* its takers: "P", or "R/1" for one thread's own */
    uint64_t depth, depth_max, bound;
    uint64_t put;            /* connections put in */
    uint64_t refused;        /* puts refused because it was full */
    uint64_t inlined;        /* not put: the thread that would have put ran the stage itself */
    uint64_t rung, elided;   /* doorbells rung, and puts that rang none */
    struct histogram wait;   /* ns from put to take */
    struct histogram wakeup; /* ns from ring to the first take after it */
    struct histogram batch;  /* connections taken at once */
    /* Of a sample of the takes: the wait of what was taken, and the part of it in which the taker
     * was ready to run and had no CPU. */
    struct histogram sampled_wait, cpu_wait;
    unsigned group; /* whose threads take from it */
    bool accept;    /* the kernel's accept queue: depth, peak and bound only */
};

#endif
