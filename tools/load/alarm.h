/* alarm.h: a moment of CLOCK_MONOTONIC at which a loop wakes, to the microsecond.
 *
 * Why not the loop's own timers: they count milliseconds. A timerfd fires within microseconds and
 * is not subject to the slack that the kernel adds to the timeouts of polls. The loop's thread.
 */
#ifndef TOOLS_LOAD_ALARM_H
#define TOOLS_LOAD_ALARM_H

#include "core/loop/loop.h"

typedef void alarm_fn(void *arg);

struct alarm_clock {
    struct watch watch; /* first: a watch is its alarm */
    int fd;
    uint64_t at_ns; /* 0: not set */
    bool fired;     /* and not set since */
    alarm_fn *fn;
    void *arg;
};

void alarm_open(struct alarm_clock *alarm, struct loop *loop, alarm_fn *fn, void *arg);
/* Calls fn at that time or, where it has passed, at once; 0: not at all. Setting what is set costs
 * nothing. After it has fired it is set before the loop polls again: that silences it, without a
 * read for each time. */
void alarm_set(struct alarm_clock *alarm, uint64_t at_ns);
void alarm_close(struct alarm_clock *alarm);

#endif
