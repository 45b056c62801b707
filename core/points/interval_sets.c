/* interval_sets.c: taking turns at a few sets of histograms. See interval_sets.h. */
#include "core/points/interval_sets.h"

#include "core/base/check.h"

#include <sched.h>
#include <stdlib.h>

void interval_sets_init(struct interval_sets *sets, unsigned threads)
{
    sets->count = threads;
    sets->sets = must_calloc(threads, sizeof *sets->sets);
}

void interval_sets_deinit(struct interval_sets *sets)
{
    free(sets->sets);
    *sets = (struct interval_sets){0};
}

struct interval_set *interval_sets_take(struct interval_sets *sets, unsigned *last)
{
    for (unsigned tries = 1;; tries++) {
        struct interval_set *set = &sets->sets[*last % sets->count];
        if (!atomic_exchange_explicit(&set->taken, true, memory_order_acquire)) {
            return set;
        }
        *last = (*last + 1) % sets->count;
        if (tries % sets->count == 0) {
            sched_yield();
        }
    }
}
