/* report_since.c: what has happened between two reports of a process. See report.h. */
#include "core/report/report.h"

#include <stddef.h>
#include <string.h>

/* What only grows can seem to fall: reports are gathered while threads count. */
static void subtract_or_zero(uint64_t *now, uint64_t before)
{
    *now = *now > before ? *now - before : 0;
}

static void subtract_cells(_Atomic uint64_t *now, const _Atomic uint64_t *before, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint64_t value = now[i];
        subtract_or_zero(&value, before[i]);
        now[i] = value;
    }
}

/* Queues, loops and threads begin with their name. The search goes on behind the place where the last one
 * was found, because both lists have the same order: it is found at once. */
static const void *find_named(const void *list, unsigned count, size_t size, const char *name,
                              unsigned *at)
{
    for (unsigned tried = 0; tried < count; tried++, (*at)++) {
        *at = *at < count ? *at : 0;
        const char *one = (const char *)list + *at * size;
        if (strcmp(one, name) == 0) {
            (*at)++;
            return one;
        }
    }
    return NULL;
}

static void tally_since(struct tally *now, const struct tally *before)
{
    subtract_cells(now->counters, before->counters, COUNTER_COUNT);
    subtract_cells(now->closed, before->closed, CLOSE_REASON_COUNT);
    subtract_cells(now->statuses, before->statuses, 6);
    struct histogram *intervals = now->intervals, *old = before->intervals;
    for (unsigned i = 0; intervals != NULL && old != NULL && i < INTERVAL_COUNT; i++) {
        histogram_subtract(&intervals[i], &old[i]);
    }
}

static void queue_since(struct queue_report *now, const struct queue_report *before)
{
    subtract_or_zero(&now->put, before->put);
    subtract_or_zero(&now->refused, before->refused);
    subtract_or_zero(&now->inlined, before->inlined);
    subtract_or_zero(&now->rung, before->rung);
    subtract_or_zero(&now->elided, before->elided);
    histogram_subtract(&now->wait, &before->wait);
    histogram_subtract(&now->wakeup, &before->wakeup);
    histogram_subtract(&now->batch, &before->batch);
    histogram_subtract(&now->sampled_wait, &before->sampled_wait);
    histogram_subtract(&now->cpu_wait, &before->cpu_wait);
}

/* The server counts awake time over all threads that stood in a place, the kernel counts each one
 * from zero: where its figures fell, another thread has come, and they are all of the time since.
 */
static void thread_since(struct thread_report *now, const struct thread_report *before)
{
    subtract_or_zero(&now->wall_ns, before->wall_ns);
    subtract_or_zero(&now->awake_ns, before->awake_ns);
    subtract_or_zero(&now->turns, before->turns);
    if (now->cpu_ns >= before->cpu_ns) {
        subtract_or_zero(&now->cpu_ns, before->cpu_ns);
        subtract_or_zero(&now->runqueue_ns, before->runqueue_ns);
        subtract_or_zero(&now->voluntary, before->voluntary);
        subtract_or_zero(&now->involuntary, before->involuntary);
    }
    thread_report_busy(now);
}

void thread_reports_since(struct thread_report *now, unsigned count,
                          const struct thread_report *before, unsigned before_count)
{
    _Static_assert(offsetof(struct thread_report, name) == 0, "find_named");
    for (unsigned i = 0, at = 0; i < count; i++) {
        const struct thread_report *old =
            find_named(before, before_count, sizeof *before, now[i].name, &at);
        if (old != NULL) {
            thread_since(&now[i], old);
        }
    }
}

static void queues_since(struct report *now, const struct report *before)
{
    _Static_assert(offsetof(struct queue_report, name) == 0, "find_named");
    for (unsigned i = 0, at = 0; i < now->queue_count; i++) {
        const struct queue_report *old = find_named(
            before->queues, before->queue_count, sizeof *before->queues, now->queues[i].name, &at);
        if (old != NULL) {
            queue_since(&now->queues[i], old);
        }
    }
}

static void loops_since(struct report *now, const struct report *before)
{
    _Static_assert(offsetof(struct loop_report, name) == 0, "find_named");
    for (unsigned i = 0, at = 0; i < now->loop_count; i++) {
        const struct loop_report *old = find_named(before->loops, before->loop_count,
                                                   sizeof *before->loops, now->loops[i].name, &at);
        if (old != NULL) {
            histogram_subtract(&now->loops[i].round_ns, &old->round_ns);
            histogram_subtract(&now->loops[i].events, &old->events);
        }
    }
}

void report_since(struct report *now, const struct report *before)
{
    subtract_or_zero(&now->wall_ns, before->wall_ns);
    machine_since(&now->machine, &before->machine);
    tally_since(&now->tally, &before->tally);
    queues_since(now, before);
    loops_since(now, before);
    thread_reports_since(now->threads, now->thread_count, before->threads, before->thread_count);
}
