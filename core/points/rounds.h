/* rounds.h: how long a poll loop takes from one poll to the next, and how many events it then has.
 *
 * A round runs from a poll's return until the next poll; a poll that does not wait is part of the
 * round that it begins. While a round lasts nobody sees what else becomes ready: so the length of
 * rounds is the wait that a loop adds to every connection it watches, and the number of events says
 * whether that is because much came at once or because one thing took long.
 *
 * Thread-safety: the loop's thread alone writes, one at a time; reports read at any time (the
 * histograms are relaxed atomics). */
#ifndef CORE_POINTS_ROUNDS_H
#define CORE_POINTS_ROUNDS_H

#include "core/base/histogram.h"

struct rounds {
    uint64_t began_ns; /* this one; 0: none has begun */
    struct histogram length_ns;
    struct histogram events; /* watches and timers that were called back in a round */
};

/* The poll has returned, at that time. */
void rounds_begin(struct rounds *rounds, uint64_t now_ns);
/* The next poll comes, after so many events; without a round that has begun, nothing is counted. */
void rounds_end(struct rounds *rounds, uint64_t now_ns, unsigned events);

#endif
