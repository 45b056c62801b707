/* merge.c: adding reports up. See merge.h. */
#include "tools/trace/merge.h"

#include "core/check.h"

#include <stdlib.h>
#include <string.h>

static void take_groups(struct report *to, struct report *from);
static void take_queues(struct report *to, struct report *from, const char *prefix);
static void take_threads(struct report *to, struct report *from, const char *prefix);
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
    to->threads_unused += from->threads_unused;
    to->tally.measures = true;
    tally_merge(&to->tally, &from->tally);
    take_groups(to, from);
    take_queues(to, from, prefix);
    take_threads(to, from, prefix);
}

/* Processes of one server have the same groups: those of the first stand for all, with the threads
 * of all. */
static void take_groups(struct report *to, struct report *from)
{
    if (to->groups == NULL) {
        to->groups = from->groups;
        to->group_count = from->group_count;
        from->groups = NULL;
        from->group_count = 0;
        return;
    }
    for (unsigned i = 0; i < from->group_count && i < to->group_count; i++) {
        to->groups[i].threads += from->groups[i].threads;
    }
}

static void take_queues(struct report *to, struct report *from, const char *prefix)
{
    unsigned count = to->queue_count + from->queue_count;
    if (from->queue_count == 0) {
        return;
    }
    to->queues = must_realloc(to->queues, count * sizeof *to->queues);
    memcpy(&to->queues[to->queue_count], from->queues, from->queue_count * sizeof *to->queues);
    for (unsigned i = to->queue_count; i < count; i++) {
        rename_with(to->queues[i].name, prefix);
    }
    to->queue_count = count;
    free(from->queues);
    from->queues = NULL;
    from->queue_count = 0;
}

static void take_threads(struct report *to, struct report *from, const char *prefix)
{
    unsigned count = to->thread_count + from->thread_count;
    if (from->thread_count == 0) {
        return;
    }
    to->threads = must_realloc(to->threads, count * sizeof *to->threads);
    memcpy(&to->threads[to->thread_count], from->threads, from->thread_count * sizeof *to->threads);
    for (unsigned i = to->thread_count; i < count; i++) {
        rename_with(to->threads[i].name, prefix);
    }
    to->thread_count = count;
    free(from->threads);
    from->threads = NULL;
    from->thread_count = 0;
}

/* A name that becomes too long loses its end. */
static void rename_with(char name[REPORT_NAME], const char *prefix)
{
    char old[REPORT_NAME];
    memcpy(old, name, sizeof old);
    (void)snprintf(name, REPORT_NAME, "%s%s", prefix, old);
}
