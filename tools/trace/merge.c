/* merge.c: adding reports up. See merge.h. */
#include "tools/trace/merge.h"

#include "core/base/check.h"

#include <stdlib.h>
#include <string.h>

static unsigned take_groups(struct report *to, struct report *from);
static void take_ways(struct report *to, const struct report *from, unsigned first_group);
static bool same_wiring(const struct report *a, const struct report *b);
static void take_queues(struct report *to, struct report *from, const char *prefix,
                        unsigned first_group);
static void take_threads(struct report *to, struct report *from, const char *prefix,
                         unsigned first_group);
static void take_machine(struct machine_report *to, const struct machine_report *from);
static void take_loops(struct report *to, struct report *from, const char *prefix,
                       unsigned first_group);
static void rename_with(char name[REPORT_NAME], const char *prefix);

void report_merge(struct report *to, struct report *from, const char *prefix)
{
    if (prefix[0] == '\0') {
        *to = *from; /* the only one */
        *from = (struct report){0};
        return;
    }
    to->wall_ns = from->wall_ns > to->wall_ns ? from->wall_ns : to->wall_ns;
    to->connections += from->connections;
    take_machine(&to->machine, &from->machine);
    to->threads_unused += from->threads_unused;
    to->tally.measures = true;
    tally_merge(&to->tally, &from->tally);
    unsigned first_group = take_groups(to, from);
    take_queues(to, from, prefix, first_group);
    take_loops(to, from, prefix, first_group);
    take_threads(to, from, prefix, first_group);
}

/* Processes of one server have the same groups: those of the first stand for all, with the threads
 * of all, and so do its ways. Groups of another wiring stand behind them. Returns by how much the
 * numbers of `from`'s groups grow. */
static unsigned take_groups(struct report *to, struct report *from)
{
    unsigned before = to->group_count, count = before + from->group_count;
    if (before > 0 && same_wiring(to, from)) {
        for (unsigned i = 0; i < before; i++) {
            to->groups[i].threads += from->groups[i].threads;
        }
        return 0;
    }
    if (from->group_count > 0) {
        to->groups = must_realloc(to->groups, count * sizeof *to->groups);
        memcpy(&to->groups[before], from->groups, from->group_count * sizeof *to->groups);
        to->group_count = count;
    }
    take_ways(to, from, before);
    return before;
}

static void take_ways(struct report *to, const struct report *from, unsigned first_group)
{
    unsigned count = to->way_count + from->way_count;
    if (from->way_count == 0) {
        return;
    }
    to->ways = must_realloc(to->ways, count * sizeof *to->ways);
    memcpy(&to->ways[to->way_count], from->ways, from->way_count * sizeof *to->ways);
    for (unsigned i = to->way_count; i < count; i++) {
        to->ways[i].from += first_group;
        to->ways[i].to += first_group;
    }
    to->way_count = count;
}

static bool same_wiring(const struct report *a, const struct report *b)
{
    bool same = a->group_count == b->group_count;
    for (unsigned i = 0; same && i < a->group_count; i++) {
        same = strcmp(a->groups[i].letters, b->groups[i].letters) == 0;
    }
    return same;
}

static void take_queues(struct report *to, struct report *from, const char *prefix,
                        unsigned first_group)
{
    unsigned count = to->queue_count + from->queue_count;
    if (from->queue_count == 0) {
        return;
    }
    to->queues = must_realloc(to->queues, count * sizeof *to->queues);
    memcpy(&to->queues[to->queue_count], from->queues, from->queue_count * sizeof *to->queues);
    for (unsigned i = to->queue_count; i < count; i++) {
        rename_with(to->queues[i].name, prefix);
        to->queues[i].group += first_group;
    }
    to->queue_count = count;
    free(from->queues);
    from->queues = NULL;
    from->queue_count = 0;
}

static void take_threads(struct report *to, struct report *from, const char *prefix,
                         unsigned first_group)
{
    unsigned count = to->thread_count + from->thread_count;
    if (from->thread_count == 0) {
        return;
    }
    to->threads = must_realloc(to->threads, count * sizeof *to->threads);
    memcpy(&to->threads[to->thread_count], from->threads, from->thread_count * sizeof *to->threads);
    for (unsigned i = to->thread_count; i < count; i++) {
        rename_with(to->threads[i].name, prefix);
        to->threads[i].group += first_group;
    }
    to->thread_count = count;
    free(from->threads);
    from->threads = NULL;
    from->thread_count = 0;
}

static void take_loops(struct report *to, struct report *from, const char *prefix,
                       unsigned first_group)
{
    unsigned count = to->loop_count + from->loop_count;
    if (from->loop_count == 0) {
        return;
    }
    to->loops = must_realloc(to->loops, count * sizeof *to->loops);
    memcpy(&to->loops[to->loop_count], from->loops, from->loop_count * sizeof *to->loops);
    for (unsigned i = to->loop_count; i < count; i++) {
        rename_with(to->loops[i].name, prefix);
        to->loops[i].group += first_group;
    }
    to->loop_count = count;
}

/* Processes of one machine have the same CPUs, and see the same work on them. */
static void take_machine(struct machine_report *to, const struct machine_report *from)
{
    to->cpus = from->cpus > to->cpus ? from->cpus : to->cpus;
    to->busy_ns = from->busy_ns > to->busy_ns ? from->busy_ns : to->busy_ns;
    to->server_ns += from->server_ns;
}

/* A name that becomes too long loses its end. */
static void rename_with(char name[REPORT_NAME], const char *prefix)
{
    char old[REPORT_NAME];
    memcpy(old, name, sizeof old);
    (void)snprintf(name, REPORT_NAME, "%s%s", prefix, old);
}
