/* crew.c: see crew.h. */
#include "tools/load/crew.h"

#include "core/base/check.h"
#include "core/base/clock.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct crew *crew_new(const struct plan *plan, FILE *log)
{
    struct crew *crew = must_calloc(1, sizeof *crew);
    crew->plan = plan;
    crew->count = plan->threads;
    crew->running = plan->threads;
    crew->line.missing = plan->threads;
    crew->members = must_calloc(crew->count, sizeof *crew->members);
    crew->over_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    CHECK(crew->over_fd >= 0);
    for (unsigned i = 0; i < crew->count; i++) {
        struct crew_member *member = &crew->members[i];
        member->crew = crew;
        member->drive = (struct drive){
            .plan = plan,
            .seat = {i, crew->count},
            .line = &crew->line,
            .results = &member->results,
            .log = log != NULL ? request_log_new(log) : NULL,
        };
        drive_init(&member->drive);
        member->bystanders = bystanders_new(member->drive.loop, plan, member->drive.seat);
    }
    return crew;
}

void crew_free(struct crew *crew)
{
    for (unsigned i = 0; i < crew->count; i++) {
        bystanders_free(crew->members[i].bystanders);
        drive_deinit(&crew->members[i].drive);
    }
    (void)close(crew->over_fd); /* nothing to lose */
    free(crew->members);
    free(crew);
}

/* A CPU that was taken from this process meanwhile is no fault: the thread runs where it may. */
static void crew_settle_on_cpu(struct crew_member *member)
{
    int cpu = plan_cpu(member->crew->plan, member->drive.seat.number);
    cpu_set_t set;
    if (cpu >= 0) {
        CPU_ZERO(&set);
        CPU_SET((unsigned)cpu, &set);
        (void)pthread_setaffinity_np(pthread_self(), sizeof set, &set);
    }
}

static void *crew_drive(void *arg)
{
    struct crew_member *member = arg;
    char name[16];
    snprintf(name, sizeof name, "load/%u", member->drive.seat.number % 1000);
    (void)pthread_setname_np(pthread_self(), name); /* for whoever lists threads */
    crew_settle_on_cpu(member);
    drive_run(&member->drive);
    if (atomic_fetch_sub(&member->crew->running, 1) == 1) {
        CHECK(eventfd_write(member->crew->over_fd, 1) == 0);
    }
    return NULL;
}

void crew_start(struct crew *crew)
{
    for (unsigned i = 0; i < crew->count; i++) {
        int error = pthread_create(&crew->members[i].thread, NULL, crew_drive, &crew->members[i]);
        if (error != 0) {
            die(EXIT_WORLD, "cannot start a thread: %s", strerror(error));
        }
    }
}

void crew_interrupt(struct crew *crew)
{
    atomic_store(&crew->line.stop, true);
}

bool crew_join(struct crew *crew)
{
    uint64_t opened = 0;
    for (unsigned i = 0; i < crew->count; i++) {
        CHECK(pthread_join(crew->members[i].thread, NULL) == 0);
        opened += crew->members[i].results.opened;
    }
    return opened > 0;
}

const char *crew_refused(const struct crew *crew)
{
    return crew->members[0].drive.pool.refused;
}

int crew_log_error(const struct crew *crew)
{
    int error = 0;
    for (unsigned i = 0; i < crew->count; i++) {
        error = error != 0 ? error : crew->members[i].drive.log_error;
    }
    return error;
}

void crew_latencies(const struct crew *crew, struct fine *out)
{
    for (unsigned i = 0; i < crew->count; i++) {
        fine_merge(out, &crew->members[i].results.from_due);
    }
}

struct progress_counts crew_progress(const struct crew *crew)
{
    struct progress_counts sum = {0};
    for (unsigned i = 0; i < crew->count; i++) {
        const struct pulse *pulse = &crew->members[i].drive.pulse;
        sum.done += atomic_load_explicit(&pulse->done, memory_order_relaxed);
        sum.waiting += atomic_load_explicit(&pulse->waiting, memory_order_relaxed);
        sum.errors += atomic_load_explicit(&pulse->errors, memory_order_relaxed);
    }
    return sum;
}

uint64_t crew_window_ns(const struct crew *crew)
{
    uint64_t start_ns = atomic_load(&crew->line.start_ns);
    bool known = start_ns != 0 && start_ns != START_NEVER;
    return known ? start_ns + crew->plan->settings->warmup_ns : 0;
}

void crew_merge(const struct crew *crew, struct results *results)
{
    for (unsigned i = 0; i < crew->count; i++) {
        results_merge(results, &crew->members[i].results);
    }
}

struct bystander_counts crew_crowd(const struct crew *crew, enum bystander_kind kind)
{
    struct bystander_counts sum = {0};
    for (unsigned i = 0; i < crew->count; i++) {
        struct bystander_counts one = bystanders_count(crew->members[i].bystanders, kind);
        sum.wanted += one.wanted;
        sum.open += one.open;
        sum.opened += one.opened;
        sum.refused += one.refused;
        sum.ended += one.ended;
        sum.answers += one.answers;
        sum.bytes_sent += one.bytes_sent;
        sum.bytes_received += one.bytes_received;
    }
    return sum;
}
