/* mix.h: which URL comes next: a weighted choice, repeatable by its seed. One thread. */
#ifndef TOOLS_LOAD_MIX_H
#define TOOLS_LOAD_MIX_H

#include "tools/load/random_source.h"

enum { MIX_MAX = 16 };

struct mix {
    struct random_source random;
    unsigned count;
    uint64_t below[MIX_MAX]; /* sums of the weights so far */
};

void mix_begin(struct mix *mix, uint64_t seed, struct seat seat);
void mix_add(struct mix *mix, unsigned weight);
/* An index in the order of mix_add. */
unsigned mix_next(struct mix *mix);

#endif
