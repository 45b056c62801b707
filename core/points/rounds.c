/* rounds.c: a round is counted at its end. See rounds.h. */
#include "core/points/rounds.h"

void rounds_begin(struct rounds *rounds, uint64_t now_ns)
{
    rounds->began_ns = now_ns;
}

void rounds_end(struct rounds *rounds, uint64_t now_ns, unsigned events)
{
    if (rounds->began_ns == 0) {
        return;
    }
    histogram_record(&rounds->length_ns, now_ns > rounds->began_ns ? now_ns - rounds->began_ns : 0);
    histogram_record(&rounds->events, events);
    rounds->began_ns = 0;
}
