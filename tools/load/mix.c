/* mix.c: a weighted choice. See mix.h. */
#include "tools/load/mix.h"

#include "core/base/check.h"

void mix_begin(struct mix *mix, uint64_t seed, struct seat seat)
{
    *mix = (struct mix){0};
    random_seed(&mix->random, seed, RANDOM_MIX, seat);
}

void mix_add(struct mix *mix, unsigned weight)
{
    CHECK(mix->count < MIX_MAX && weight > 0);
    uint64_t before = mix->count > 0 ? mix->below[mix->count - 1] : 0;
    mix->below[mix->count++] = before + weight;
}

/* The high half of a product: without the bias of a remainder that a user could see. */
unsigned mix_next(struct mix *mix)
{
    if (mix->count == 1) {
        return 0;
    }
    uint64_t draw = (random_next(&mix->random) >> 32) * mix->below[mix->count - 1] >> 32;
    unsigned i = 0;
    while (draw >= mix->below[i]) {
        i++;
    }
    return i;
}
