/* service_time.c: see service_time.h. */
#include "core/handlers/service_time.h"

#include <math.h>

#define GOLDEN_GAMMA 0x9e3779b97f4a7c15ull /* the step of splitmix64 */
enum { NUMBERS_OF_A_SEED = 2 };

bool service_dist_find(struct bytes name, enum service_dist *out)
{
    static const struct bytes names[] = {
        [SERVICE_CONSTANT] = {"constant", 8},
        [SERVICE_EXP] = {"exp", 3},
        [SERVICE_BIMODAL] = {"bimodal", 7},
        [SERVICE_LOGNORMAL] = {"lognormal", 9},
    };
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (bytes_equal(name, names[i])) {
            *out = (enum service_dist)i;
            return true;
        }
    }
    return false;
}

static uint64_t splitmix64_next(uint64_t *state)
{
    uint64_t z = (*state += GOLDEN_GAMMA);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

/* Uniform, above 0 and at most 1, so that its logarithm is finite: the 53 highest bits, which is
 * all that a double holds. */
static double service_unit(uint64_t *state)
{
    return (double)((splitmix64_next(state) >> 11) + 1) * 0x1p-53;
}

/* Mean 1, by inversion of the distribution function. */
static double draw_exp(uint64_t *state)
{
    return -log(service_unit(state));
}

/* Mean 1: short ones with the probability 1 - share, long ones of `ratio` times their length. */
static double draw_bimodal(const struct service_time *time, uint64_t *state)
{
    double share = (double)time->share / 100, ratio = (double)time->ratio;
    double shorter = 1 / (1 + share * (ratio - 1));
    return service_unit(state) <= share ? shorter * ratio : shorter;
}

/* Mean 1: e^(z - 1/2) of a standard normal z. Source: G. Box, M. Muller, "A note on the generation
 * of random normal deviates" (1958). */
static double draw_lognormal(uint64_t *state)
{
    double radius = sqrt(-2 * log(service_unit(state)));
    return exp(radius * cos(2 * M_PI * service_unit(state)) - 0.5);
}

uint64_t service_time_draw(const struct service_time *time, uint64_t seed)
{
    uint64_t state = seed * NUMBERS_OF_A_SEED * GOLDEN_GAMMA;
    double factor = 1;
    switch (time->dist) {
    case SERVICE_CONSTANT:
        break;
    case SERVICE_EXP:
        factor = draw_exp(&state);
        break;
    case SERVICE_BIMODAL:
        factor = draw_bimodal(time, &state);
        break;
    case SERVICE_LOGNORMAL:
        factor = draw_lognormal(&state);
        break;
    }
    return (uint64_t)fmin((double)time->mean_ns * factor + 0.5, (double)time->most_ns);
}
