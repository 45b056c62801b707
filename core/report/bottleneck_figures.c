/* bottleneck_figures.c: figures by group, and the shares made of them. See bottleneck_figures.h. */
#include "core/report/bottleneck_figures.h"

#include <string.h>

/* Part of a group's busy time spent waiting for a CPU from which on the CPUs limit it. */
static const double starved_share = 0.25;
/* Of the CPUs' time. Below 1, since the kernel counts it in ticks. */
static const double machine_full_share = 0.9;
/* Of what all programs used, the server's part from which on it is its own CPU use that limits. */
static const double alone_share = 0.8;

/* A shorter time is too short for what is counted in ticks of 10 ms. */
static const uint64_t ticks_mean_ns = 200000000;

/* --- reading --- */

static void read_queue(struct bottleneck_figures *figures, const struct queue_report *queue)
{
    if (queue->accept) {
        figures->accept_depth += queue->depth;
    }
}

static void bottleneck_add_thread(struct bottleneck_group *group,
                                  const struct thread_report *thread)
{
    uint64_t work_ns = figures_minus(thread->busy_ns, thread->runqueue_ns);
    group->used++;
    group->busy_ns += thread->busy_ns;
    group->cpu_ns += thread->cpu_ns;
    group->runqueue_ns += thread->runqueue_ns;
    group->busiest_ns = thread->busy_ns > group->busiest_ns ? thread->busy_ns : group->busiest_ns;
    group->hardest_ns = work_ns > group->hardest_ns ? work_ns : group->hardest_ns;
}

void bottleneck_read(struct bottleneck_figures *figures, const struct report *report)
{
    const struct histogram *intervals = report->tally.intervals;
    *figures = (struct bottleneck_figures){
        .wall_ns = report->wall_ns,
        .accepted = report->tally.counters[COUNTER_ACCEPTED],
        .begun = report->tally.counters[COUNTER_BEGUN],
        .requests = report->tally.counters[COUNTER_REQUESTS],
        .connections = report->connections,
        .machine = report->machine,
    };
    if (report->wall_ns < ticks_mean_ns) {
        figures->machine = (struct machine_report){0};
    }
    figures->room_waits = report->tally.counters[COUNTER_ROOM_WAITS];
    for (unsigned i = 0; intervals != NULL && i < INTERVAL_COUNT; i++) {
        figures->interval_ns[i] = intervals[i].sum;
    }
    for (unsigned i = 0; i < report->group_count && i < BOTTLENECK_GROUPS_MAX; i++) {
        const struct group_report *from = &report->groups[i];
        struct bottleneck_group *group = &figures->groups[figures->group_count++];
        memcpy(group->letters, from->letters, sizeof group->letters);
        group->loop = strcmp(from->kind, "loop") == 0;
        group->session = strcmp(from->kind, "session") == 0;
        group->in_turn = from->in_turn;
        group->threads = from->threads;
    }
    for (unsigned i = 0; i < report->queue_count; i++) {
        read_queue(figures, &report->queues[i]);
    }
    for (unsigned i = 0; i < report->thread_count; i++) {
        const struct thread_report *thread = &report->threads[i];
        if (thread->group < figures->group_count) {
            bottleneck_add_thread(&figures->groups[thread->group], thread);
        }
    }
}

bool figures_has_stage(const struct bottleneck_group *group, char stage)
{
    return strpbrk(group->letters, (char[]){stage, (char)(stage + 'a' - 'A'), '\0'}) != NULL;
}

/* --- shares --- */

double figures_capacity_ns(const struct bottleneck_figures *figures,
                           const struct bottleneck_group *group)
{
    return (double)figures->wall_ns * (group->threads > 0 ? group->threads : 1);
}

double figures_share(double part_ns, double whole_ns)
{
    double share = whole_ns > 0 ? part_ns / whole_ns : 0;
    return share < 1 ? share : 1;
}

double figures_busy_share(const struct bottleneck_figures *figures,
                          const struct bottleneck_group *group)
{
    return figures_share((double)group->busy_ns, figures_capacity_ns(figures, group));
}

/* The interval that a request spends in front of this group. What waits for a reader lies in the
 * kernel, where we do not see it; only a new connection waits for it in a queue of ours. */
int figures_wait_before(const struct bottleneck_group *group)
{
    if (figures_has_stage(group, 'R')) {
        return figures_has_stage(group, 'L') ? -1 : INTERVAL_ACCEPT_WAIT;
    }
    return figures_has_stage(group, 'P')   ? INTERVAL_PROCESS_WAIT
           : figures_has_stage(group, 'W') ? INTERVAL_WRITE_WAIT
                                           : -1;
}

/* Requests in front of it, on average over the time (Little's law). */
double figures_waiting(const struct bottleneck_figures *figures,
                       const struct bottleneck_group *group)
{
    int interval = figures_wait_before(group);
    double mean = 0;
    if (interval >= 0 && figures->wall_ns > 0) {
        mean = (double)figures->interval_ns[interval] / (double)figures->wall_ns;
    }
    return figures_has_stage(group, 'L') ? mean + (double)figures->accept_depth : mean;
}

/* Does one thread of it that is full limit, because the others do not help it? */
static bool each_alone(const struct bottleneck_figures *figures,
                       const struct bottleneck_group *group)
{
    return group->loop || figures_waiting(figures, group) >= figures_waits;
}

static double larger_share(double a, double b)
{
    return a > b ? a : b;
}

/* The share that decides whether it is full: of all its threads, or of one that others do not
 * help. */
double figures_fullness(const struct bottleneck_figures *figures,
                        const struct bottleneck_group *group)
{
    double all = figures_busy_share(figures, group);
    double one = figures_share((double)group->busiest_ns, (double)figures->wall_ns);
    return each_alone(figures, group) ? larger_share(one, all) : all;
}

static double group_work_ns(const struct bottleneck_group *group)
{
    return (double)figures_minus(group->busy_ns, group->runqueue_ns);
}

/* Is it full only because it waits for a CPU? With more CPUs it would not be. */
bool figures_is_starved(const struct bottleneck_figures *figures,
                        const struct bottleneck_group *group)
{
    double all = figures_share(group_work_ns(group), figures_capacity_ns(figures, group));
    double one = figures_share((double)group->hardest_ns, (double)figures->wall_ns);
    double work = each_alone(figures, group) ? larger_share(one, all) : all;
    return work < figures_full &&
           (double)group->runqueue_ns >= starved_share * (double)group->busy_ns;
}

double figures_work_each_ns(const struct bottleneck_group *group)
{
    return group_work_ns(group) / (group->used > 0 ? group->used : 1);
}

/* --- the machine --- */

double figures_cpus_in_use(const struct bottleneck_figures *figures)
{
    return figures_share((double)figures->machine.busy_ns,
                         (double)figures->wall_ns * figures->machine.cpus) *
           figures->machine.cpus;
}

bool figures_machine_is_full(const struct bottleneck_figures *figures)
{
    unsigned cpus = figures->machine.cpus;
    return cpus > 0 && figures_cpus_in_use(figures) >= machine_full_share * cpus;
}

/* Is most of what is used of the CPUs used by the server? Also where that is not known. */
bool figures_server_is_alone(const struct bottleneck_figures *figures)
{
    double server = (double)figures->machine.server_ns / (double)figures->wall_ns;
    return figures->machine.cpus == 0 || server >= alone_share * figures_cpus_in_use(figures);
}

/* --- the load --- */

double figures_inside(const struct bottleneck_figures *figures)
{
    return (double)figures->interval_ns[INTERVAL_TOTAL] / (double)figures->wall_ns;
}

/* How long a connection is without a request from an answer to the next request, on average. */
double figures_pause_ns(const struct bottleneck_figures *figures)
{
    double connections = (double)figures->connections * (double)figures->wall_ns;
    double inside = (double)figures->interval_ns[INTERVAL_TOTAL];
    double requests = figures->requests > 0 ? (double)figures->requests : 1;
    return connections > inside ? (connections - inside) / requests : 0;
}
