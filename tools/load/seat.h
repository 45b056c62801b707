/* seat.h: which of the load's threads a thread is, and its share of what they divide. */
#ifndef TOOLS_LOAD_SEAT_H
#define TOOLS_LOAD_SEAT_H

#include <stdint.h>

struct seat {
    unsigned number, of; /* from 0; threads */
};

/* Whole parts that together are the total; the first ones are larger by one. */
static inline uint64_t seat_share(struct seat seat, uint64_t total)
{
    return total / seat.of + (seat.number < total % seat.of ? 1 : 0);
}

/* Of the total, what the threads before this one have. */
static inline uint64_t seat_share_before(struct seat seat, uint64_t total)
{
    uint64_t larger = total % seat.of;
    return seat.number * (total / seat.of) + (seat.number < larger ? seat.number : larger);
}

#endif
