/* arrivals.c: constant and exponential gaps. See arrivals.h. */
#include "tools/load/arrivals.h"

#include "core/base/clock.h"

#include <math.h>

void arrivals_begin(struct arrivals *arrivals, enum arrivals_kind kind, double rate, uint64_t seed,
                    struct seat seat, uint64_t start_ns)
{
    *arrivals = (struct arrivals){
        .kind = kind, .seat = seat, .mean_ns = (double)NS_PER_S / rate, .start_ns = start_ns};
    random_seed(&arrivals->random, seed, RANDOM_ARRIVALS, seat);
}

uint64_t arrivals_next(struct arrivals *arrivals)
{
    struct seat seat = arrivals->seat;
    if (arrivals->kind == ARRIVALS_CONSTANT) {
        arrivals->position = (double)(arrivals->count * seat.of + seat.number);
    } else {
        arrivals->position -= log(random_unit(&arrivals->random)) * seat.of;
    }
    arrivals->count++;
    return arrivals->start_ns + (uint64_t)(arrivals->position * arrivals->mean_ns);
}
