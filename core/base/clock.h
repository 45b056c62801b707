/* clock.h: the two clocks. Every time that reaches a report is clock_ns. Any thread. */
#ifndef CORE_BASE_CLOCK_H
#define CORE_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_US 1000ull
#define NS_PER_MS 1000000ull
#define NS_PER_S  1000000000ull

/* Monotonic nanoseconds (CLOCK_MONOTONIC; about 22 ns a call through the vDSO). */
static inline uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* The same clock as of the kernel's last tick, for deadlines: four times as cheap. */
static inline uint64_t clock_coarse_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* The time between two ticks of this kernel, 1 to 10 ms. The difference of two readings of
 * clock_coarse_ns may be wrong by about as much. A single reading may be behind by more: by 7.3 ms
 * where a tick is 4 ms. */
static inline uint64_t clock_coarse_tick_ns(void)
{
    struct timespec tick;
    clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
    return (uint64_t)tick.tv_sec * NS_PER_S + (uint64_t)tick.tv_nsec;
}

/* Seconds of wall time as of the kernel's last tick: good enough for Date, and cheaper. */
static inline time_t clock_wall_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return now.tv_sec;
}

#endif
