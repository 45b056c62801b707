/* random_source.c: xoshiro256** and splitmix64. See random_source.h. */
#include "tools/load/random_source.h"

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static uint64_t rotate_left(uint64_t x, unsigned bits)
{
    return (x << bits) | (x >> (64 - bits));
}

void random_seed(struct random_source *source, uint64_t seed, enum random_stream stream,
                 struct seat seat)
{
    uint64_t state = (uint64_t)stream + (uint64_t)RANDOM_STREAMS * seat.number;
    state = seed ^ splitmix64(&state);
    for (unsigned i = 0; i < 4; i++) {
        source->state[i] = splitmix64(&state);
    }
}

uint64_t random_next(struct random_source *source)
{
    uint64_t *s = source->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate_left(s[3], 45);
    return result;
}

/* The high half of a product: without the bias of a remainder that a user could see. */
unsigned random_below(struct random_source *source, unsigned limit)
{
    return (unsigned)((random_next(source) >> 32) * limit >> 32);
}

/* The 53 highest bits, all a double holds. */
double random_unit(struct random_source *source)
{
    return (double)((random_next(source) >> 11) + 1) * 0x1p-53;
}
