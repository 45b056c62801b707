/* clock_offset.h: from times of CLOCK_REALTIME, which the kernel stamps bytes with, to clock_ns.
 *
 * The two clocks are slewed together, so their difference is constant until the wall clock is set
 * (settimeofday, a leap second, a machine that has slept). A reading of the one between two readings
 * of the other bounds the difference. The bounds of all readings are intersected, so one that was
 * interrupted does no harm; readings that contradict each other show that the clock was set.
 * Source of the intersection: K. Marzullo, S. Owicki, "Maintaining the time in a distributed
 * system" (1983).
 *
 * One thread owns each of them.
 */
#ifndef CORE_BASE_CLOCK_OFFSET_H
#define CORE_BASE_CLOCK_OFFSET_H

#include <stdint.h>

/* The wall clock, in nanoseconds since 1970, between two readings of clock_ns. */
struct clock_reading {
    uint64_t before_ns, wall_ns, after_ns;
};

typedef struct clock_reading clock_read_fn(void);

/* Zero is a good beginning. */
struct clock_offset {
    clock_read_fn *read;       /* NULL: the machine's clocks; others are for tests */
    int64_t least_ns, most_ns; /* wall clock minus clock_ns lies between these */
    uint64_t checked_ns;       /* when it was last read; 0: never */
    uint64_t since_ns;         /* when the clock was found set; what is earlier is not known */
};

/* How late a time may seem to be, and how far readings may differ, by the clocks' own errors. */
enum { CLOCK_OFFSET_SLACK_NS = 10000 };

/* When it was `wall_ns`, by clock_ns; `now_ns` is a clock_ns after that. At most
 * CLOCK_OFFSET_SLACK_NS after it; 0 where that is not known, since the clock was set meanwhile.
 * Reads the clocks about once in a millisecond, and for times that are doubtful. */
uint64_t clock_offset_apply(struct clock_offset *offset, uint64_t wall_ns, uint64_t now_ns);

#endif
