/* random_source.h: repeatable random numbers: the same seed gives the same run, on any machine.
 *
 * xoshiro256**, seeded by splitmix64, as its authors advise. Source: D. Blackman and S. Vigna,
 * "Scrambled linear pseudorandom number generators" (2019). Not for secrets. One thread each.
 */
#ifndef TOOLS_LOAD_RANDOM_SOURCE_H
#define TOOLS_LOAD_RANDOM_SOURCE_H

#include "tools/load/seat.h"

#include <stdint.h>

struct random_source {
    uint64_t state[4];
};

/* What numbers are drawn for. Drawing from one source does not move the others of its seed, nor
 * those of other threads. */
enum random_stream {
    RANDOM_ARRIVALS = 1,
    RANDOM_MIX,
    RANDOM_THINK,
    RANDOM_DISPATCH,
    RANDOM_STREAMS = 16
};
void random_seed(struct random_source *source, uint64_t seed, enum random_stream stream,
                 struct seat seat);

uint64_t random_next(struct random_source *source);

/* From 0 to less than `limit`, which is above 0. */
unsigned random_below(struct random_source *source, unsigned limit);

/* Above 0, at most 1: its logarithm is finite. */
double random_unit(struct random_source *source);

#endif
