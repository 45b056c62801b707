/* alarm.c: a timerfd watched by a loop. See alarm.h. */
#include "tools/load/alarm.h"

#include "core/base/check.h"
#include "core/base/clock.h"

#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

static void alarm_on_timer(struct watch *watch, unsigned ready);
static void alarm_on_closed(struct watch *watch);

void alarm_open(struct alarm_clock *alarm, struct loop *loop, alarm_fn *fn, void *arg)
{
    alarm->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    alarm->at_ns = 0;
    alarm->fn = fn;
    alarm->arg = arg;
    if (alarm->fd < 0 || !watch_open(loop, &alarm->watch, alarm->fd, alarm_on_timer)) {
        die(EXIT_WORLD, "cannot make a timer: %s", strerror(errno));
    }
    watch_set(&alarm->watch, WATCH_READ);
}

void alarm_set(struct alarm_clock *alarm, uint64_t at_ns)
{
    if (at_ns == alarm->at_ns && !alarm->fired) {
        return;
    }
    struct itimerspec spec = {
        .it_value = {.tv_sec = (time_t)(at_ns / NS_PER_S), .tv_nsec = (long)(at_ns % NS_PER_S)}};
    CHECK(timerfd_settime(alarm->fd, TFD_TIMER_ABSTIME, &spec, NULL) == 0);
    alarm->at_ns = at_ns;
    alarm->fired = false;
}

void alarm_close(struct alarm_clock *alarm)
{
    watch_close(&alarm->watch, alarm_on_closed);
    (void)close(alarm->fd); /* a timer has nothing to lose */
}

static void alarm_on_timer(struct watch *watch, unsigned ready)
{
    struct alarm_clock *alarm = (struct alarm_clock *)(void *)watch;
    (void)ready;
    alarm->fired = true;
    alarm->fn(alarm->arg);
}

static void alarm_on_closed(struct watch *watch)
{
    (void)watch; /* the owner's memory, freed after the loop */
}
