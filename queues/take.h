/* take.h: how long what a taker takes has waited, and how much it takes at a time.
 *
 * A taker that may give slips back notes their waits first, and counts them at its next take, or
 * when it gives back: an item that goes back goes on waiting, so its wait ends with the take that
 * keeps it. Other takers count at once.
 *
 * Thread-safety: under the lock of the mailbox, which guards the figures. So histograms have one
 * writer at a time.
 */
#ifndef QUEUES_TAKE_H
#define QUEUES_TAKE_H

#include "core/report/queue_report.h"
#include "queues/chain.h"

/* The waits of one take, in order: `slips` of them were put together and waited equally long.
 * When there are more runs than fit, the last run holds the rest, which waited a little less. */
enum { TAKE_RUNS = 64 };
struct take {
    struct take_run {
        uint64_t wait_ns;
        unsigned slips;
    } run[TAKE_RUNS];
    unsigned runs, slips; /* noted and not counted yet */
    uint64_t cpu_wait_ns;
};

/* Notes the waits of the chain, which has been taken at `now_ns`. That stamp is from before the taker
 * had the lock: what was put in between has not waited. `cpu_wait_ns`: how long the taker has waited
 * for a CPU since its last take, or CPU_WAIT_UNKNOWN. */
void take_note(struct take *take, const struct chain *chain, uint64_t now_ns, uint64_t cpu_wait_ns);

/* Forgets the last `slips` of those noted: they are given back. */
void take_forget(struct take *take, unsigned slips);

/* Counts what is noted. */
void take_count(struct take *take, struct queue_report *stats);

/* Counts the waits of the chain at once: of a taker that gives nothing back. */
void take_count_now(struct queue_report *stats, const struct chain *chain, uint64_t now_ns,
                    uint64_t cpu_wait_ns);

#endif
