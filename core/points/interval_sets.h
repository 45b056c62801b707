/* interval_sets.h: histograms that the many threads of a server's pools record into in turn.
 *
 * A histogram for each kind of interval touches about 90 KB once it is used. A thread of its own
 * kind (a loop) has them for itself; a thousand sessions would hold 90 MB for good after one busy
 * second. As many sets as there may be threads that run are enough: a thread takes one for the
 * moment of a record, mostly the one it had last. One locked instruction a record, and the caches
 * stay warm.
 *
 * Thread-safety: any thread takes and puts; between the two the set is its own to write. Reports
 * read all sets at any time, as they read a tally.
 */
#ifndef CORE_POINTS_INTERVAL_SETS_H
#define CORE_POINTS_INTERVAL_SETS_H

#include "core/base/histogram.h"
#include "core/points/stamps.h"

struct interval_set {
    _Atomic bool taken;
    struct histogram histograms[INTERVAL_COUNT];
};

struct interval_sets {
    unsigned count;
    struct interval_set *sets; /* memory is touched where it is recorded into only */
};

/* Sets for this many threads that run at the same time. */
void interval_sets_init(struct interval_sets *sets, unsigned threads);
void interval_sets_deinit(struct interval_sets *sets);

/* Takes a set: number `*last` if it is free, else another, which `*last` says then. Waits while all
 * are taken, which is as long as their takers are kept from the CPU in the middle of a record. */
struct interval_set *interval_sets_take(struct interval_sets *sets, unsigned *last);
static inline void interval_sets_put(struct interval_set *set)
{
    atomic_store_explicit(&set->taken, false, memory_order_release);
}

#endif
