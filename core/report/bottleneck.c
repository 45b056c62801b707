/* bottleneck.c: figures by group, and the rules. See bottleneck.h. */
#include "core/report/bottleneck.h"

#include "core/base/cell.h"
#include "core/base/check.h"
#include "core/base/clock.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Where a group counts as full. Below 1, since neither arrivals nor our clocks are even. */
static const double full_share = 0.8;
/* Mean number of requests in front of a group from which on they count as waiting for it. */
static const double waiting_least = 1.0;
/* Busy share up to which sessions count as held rather than at work. */
static const double held_share = 0.5;
static const double clients_share = 0.5;
/* Part of a group's busy time spent waiting for a CPU from which on this is reported. */
static const double starved_share = 0.25;

/* --- reading --- */

static void read_queue(struct bottleneck_figures *figures, const struct queue_report *queue)
{
    if (queue->accept) {
        figures->accept_depth += queue->depth;
    }
}

/* A report's busy time begins when a thread runs again: the wait for a CPU before that, after it
 * was woken, is not in it, but what waits for the thread waits then, too. */
static uint64_t wanted_ns(const struct thread_report *thread)
{
    uint64_t ready_ns = thread->cpu_ns + thread->runqueue_ns;
    return thread->busy_ns > ready_ns ? thread->busy_ns : ready_ns;
}

static void bottleneck_add_thread(struct bottleneck_group *group,
                                  const struct thread_report *thread)
{
    uint64_t busy_ns = wanted_ns(thread);
    group->used++;
    group->busy_ns += busy_ns;
    group->cpu_ns += thread->cpu_ns;
    group->runqueue_ns += thread->runqueue_ns;
    if (busy_ns > group->busiest_ns) {
        group->busiest_ns = busy_ns;
    }
}

static void sum_threads(struct bottleneck_figures *figures)
{
    for (unsigned i = 0; i < figures->group_count; i++) {
        struct bottleneck_group *group = &figures->groups[i];
        group->used = 0;
        group->busy_ns = group->cpu_ns = group->runqueue_ns = group->busiest_ns = 0;
    }
    for (unsigned i = 0; i < figures->thread_count; i++) {
        const struct thread_report *thread = &figures->threads[i];
        if (thread->group < figures->group_count) {
            bottleneck_add_thread(&figures->groups[thread->group], thread);
        }
    }
}

void bottleneck_read(struct bottleneck_figures *figures, const struct report *report)
{
    const struct histogram *intervals = report->tally.intervals;
    *figures = (struct bottleneck_figures){
        .wall_ns = report->wall_ns,
        .accepted = report->tally.counters[COUNTER_ACCEPTED],
        .begun = report->tally.counters[COUNTER_BEGUN],
        .requests = report->tally.counters[COUNTER_REQUESTS],
    };
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
    figures->thread_count = report->thread_count;
    figures->threads = must_alloc((report->thread_count + 1) * sizeof *figures->threads);
    for (unsigned i = 0; i < report->thread_count; i++) {
        figures->threads[i] = report->threads[i];
    }
    sum_threads(figures);
}

void bottleneck_deinit(struct bottleneck_figures *figures)
{
    free(figures->threads);
    *figures = (struct bottleneck_figures){0};
}

/* What has been counted can seem to fall: a report is gathered while threads count. */
static uint64_t minus_or_zero(uint64_t now, uint64_t before)
{
    return now > before ? now - before : 0;
}

void bottleneck_since(struct bottleneck_figures *now, const struct bottleneck_figures *before)
{
    now->wall_ns = minus_or_zero(now->wall_ns, before->wall_ns);
    now->accepted = minus_or_zero(now->accepted, before->accepted);
    now->begun = minus_or_zero(now->begun, before->begun);
    now->room_waits = minus_or_zero(now->room_waits, before->room_waits);
    now->requests = minus_or_zero(now->requests, before->requests);
    for (unsigned i = 0; i < INTERVAL_COUNT; i++) {
        now->interval_ns[i] = minus_or_zero(now->interval_ns[i], before->interval_ns[i]);
    }
    thread_reports_since(now->threads, now->thread_count, before->threads, before->thread_count);
    sum_threads(now);
}

/* --- words --- */

__attribute__((format(printf, 2, 3))) static void say_words(struct bottleneck *verdict,
                                                            const char *fmt, ...)
{
    size_t len = strlen(verdict->text);
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(verdict->text + len, sizeof verdict->text - len, fmt, args);
    va_end(args);
}

static double percent_of(double part, double whole)
{
    return whole > 0 ? 100 * part / whole : 0;
}

static bool group_has_stage(const struct bottleneck_group *group, char stage)
{
    return strpbrk(group->letters, (char[]){stage, (char)(stage + 'a' - 'A'), '\0'}) != NULL;
}

/* --- shares --- */

static double capacity_ns(const struct bottleneck_figures *figures,
                          const struct bottleneck_group *group)
{
    return (double)figures->wall_ns * (group->threads > 0 ? group->threads : 1);
}

static double share_of(double part_ns, double whole_ns)
{
    double share = whole_ns > 0 ? part_ns / whole_ns : 0;
    return share < 1 ? share : 1;
}

static double busy_share(const struct bottleneck_figures *figures,
                         const struct bottleneck_group *group)
{
    return share_of((double)group->busy_ns, capacity_ns(figures, group));
}

/* The interval that a request spends in front of this group. What waits for a reader lies in the
 * kernel, where we do not see it; only a new connection waits for it in a queue of ours. */
static int wait_before(const struct bottleneck_group *group)
{
    if (group_has_stage(group, 'R')) {
        return group_has_stage(group, 'L') ? -1 : INTERVAL_ACCEPT_WAIT;
    }
    return group_has_stage(group, 'P')   ? INTERVAL_PROCESS_WAIT
           : group_has_stage(group, 'W') ? INTERVAL_WRITE_WAIT
                                         : -1;
}

/* Requests in front of it, in the mean over the time (Little's law). */
static double requests_waiting(const struct bottleneck_figures *figures,
                               const struct bottleneck_group *group)
{
    int interval = wait_before(group);
    double mean = 0;
    if (interval >= 0 && figures->wall_ns > 0) {
        mean = (double)figures->interval_ns[interval] / (double)figures->wall_ns;
    }
    return group_has_stage(group, 'L') ? mean + (double)figures->accept_depth : mean;
}

/* The share that decides whether it is full: of all its threads, or of one that others do not
 * help. */
static double queue_fullness(const struct bottleneck_figures *figures,
                             const struct bottleneck_group *group)
{
    double all = busy_share(figures, group);
    double one = share_of((double)group->busiest_ns, (double)figures->wall_ns);
    bool alone = group->loop || requests_waiting(figures, group) >= waiting_least;
    return alone && one > all ? one : all;
}

static double work_ns(const struct bottleneck_group *group)
{
    return (double)minus_or_zero(group->busy_ns, group->runqueue_ns) /
           (group->used > 0 ? group->used : 1);
}

/* --- a group is busy --- */

/* Where stages share threads: which of them their time goes to. */
static void say_which_stage(struct bottleneck *verdict, const struct bottleneck_figures *figures,
                            const struct bottleneck_group *group)
{
    const uint64_t *ns = figures->interval_ns;
    const struct {
        char stage;
        double ns;
    } parts[] = {
        {'R', (double)minus_or_zero(ns[INTERVAL_READ], ns[INTERVAL_READ_BLOCKED])},
        {'P', (double)ns[INTERVAL_PROCESS]},
        {'W', (double)minus_or_zero(ns[INTERVAL_WRITE], ns[INTERVAL_WRITE_BLOCKED])},
    };
    double sum = 0, most = 0;
    char which = '\0';
    for (unsigned i = 0; i < 3; i++) {
        double mine = group_has_stage(group, parts[i].stage) ? parts[i].ns : 0;
        sum += mine;
        if (mine > most) {
            most = mine;
            which = parts[i].stage;
        }
    }
    if (most > 0 && most < sum) {
        say_words(verdict, " Of the time that its stages spent on requests, %c took %.0f %%.",
                  which, percent_of(most, sum));
    }
}

static void bottleneck_say_waiting(struct bottleneck *verdict,
                                   const struct bottleneck_figures *figures,
                                   const struct bottleneck_group *group)
{
    int interval = wait_before(group);
    bool accepts = strcmp(group->letters, "L") == 0;
    uint64_t count = accepts ? figures->accepted : figures->requests;
    double requests = count > 0 ? (double)count : 1;
    if (interval >= 0 && interval != INTERVAL_ACCEPT_WAIT) {
        double wait_ns = (double)figures->interval_ns[interval] / requests;
        say_words(verdict, "; %.1f requests waited in front of it in the mean, each %s",
                  requests_waiting(figures, group), cell_time(wait_ns).text);
    }
    if (group_has_stage(group, 'L') && figures->accept_depth > 0) {
        say_words(verdict, "; %" PRIu64 " connections wait to be accepted", figures->accept_depth);
    }
    if (group->depth_late > 2 * group->depth_early && group->depth_late > 8) {
        say_words(verdict, "; its queue grew from %.0f to %.0f", group->depth_early,
                  group->depth_late);
    }
    say_words(verdict, "; it was busy %s for a %s.",
              cell_time((double)group->busy_ns / requests).text,
              accepts ? "connection" : "request");
}

static void say_busy(struct bottleneck *verdict, const struct bottleneck_figures *figures,
                     const struct bottleneck_group *group)
{
    double busy_ns = (double)group->busy_ns, capacity = capacity_ns(figures, group);
    say_words(verdict, "%s limits: ", group->letters);
    if (busy_share(figures, group) >= full_share) {
        say_words(verdict, "its %u thread%s busy %.0f %% of the time", group->threads,
                  group->threads == 1 ? " was" : "s were", 100 * share_of(busy_ns, capacity));
    } else {
        say_words(verdict,
                  "one of its %u threads was busy %.0f %% of the time, all together %.0f %%",
                  group->threads, percent_of((double)group->busiest_ns, (double)figures->wall_ns),
                  100 * share_of(busy_ns, capacity));
    }
    say_words(verdict, " (%.0f %% of that on a CPU, %.0f %% waiting for one)",
              percent_of((double)group->cpu_ns, busy_ns),
              percent_of((double)group->runqueue_ns, busy_ns));
    bottleneck_say_waiting(verdict, figures, group);
    say_which_stage(verdict, figures, group);
    if ((double)group->runqueue_ns >= starved_share * busy_ns) {
        say_words(verdict, " The CPUs are the limit behind it: more threads would not help.");
    }
}

static bool bottleneck_judge_busy(struct bottleneck *verdict,
                                  const struct bottleneck_figures *figures)
{
    int found = -1;
    for (unsigned i = 0; i < figures->group_count; i++) {
        const struct bottleneck_group *group = &figures->groups[i];
        if (queue_fullness(figures, group) >= full_share &&
            (found < 0 || work_ns(group) > work_ns(&figures->groups[found]))) {
            found = (int)i;
        }
    }
    if (found < 0) {
        return false;
    }
    verdict->cause = BOTTLENECK_BUSY;
    verdict->group = found;
    memcpy(verdict->limit, figures->groups[found].letters, sizeof verdict->limit);
    say_busy(verdict, figures, &figures->groups[found]);
    return true;
}

/* --- the CPUs --- */

static bool bottleneck_judge_cpu(struct bottleneck *verdict,
                                 const struct bottleneck_figures *figures)
{
    double wanting_ns = 0;
    unsigned most = 0;
    for (unsigned i = 0; i < figures->group_count; i++) {
        wanting_ns += (double)figures->groups[i].runqueue_ns;
        most = figures->groups[i].cpu_ns > figures->groups[most].cpu_ns ? i : most;
    }
    double wanting = wanting_ns / (double)figures->wall_ns;
    if (figures->group_count == 0 || wanting < waiting_least) {
        return false;
    }
    const struct bottleneck_group *group = &figures->groups[most];
    verdict->cause = BOTTLENECK_CPU;
    verdict->group = (int)most;
    memcpy(verdict->limit, group->letters, sizeof verdict->limit);
    say_words(
        verdict,
        "The CPUs limit: %.1f threads waited for one in the mean. %s used most, %.0f %% of one.",
        wanting, group->letters, percent_of((double)group->cpu_ns, (double)figures->wall_ns));
    say_which_stage(verdict, figures, group);
    return true;
}

/* --- clients --- */

static bool bottleneck_judge_sessions(struct bottleneck *verdict,
                                      const struct bottleneck_figures *figures)
{
    for (unsigned i = 0; i < figures->group_count; i++) {
        const struct bottleneck_group *group = &figures->groups[i];
        double front = requests_waiting(figures, group);
        if (!group->session || group->used < group->threads || front < waiting_least ||
            busy_share(figures, group) > held_share) {
            continue;
        }
        verdict->cause = BOTTLENECK_SESSIONS;
        verdict->group = (int)i;
        memcpy(verdict->limit, group->letters, sizeof verdict->limit);
        say_words(
            verdict,
            "%s limits: its %u sessions are held by clients that stall: %.1f waited in front of it "
            "in the "
            "mean while it was busy %.0f %% of the time.",
            group->letters, group->threads, front, 100 * busy_share(figures, group));
        return true;
    }
    return false;
}

/* An answer above --output-highwater waits for its client before its end is handed over: within
 * `process`, which no thread is busy with then. */
static double waited_for_room_ns(const struct bottleneck_figures *figures)
{
    uint64_t busy_ns = 0;
    for (unsigned i = 0; i < figures->group_count; i++) {
        busy_ns += group_has_stage(&figures->groups[i], 'P') ? figures->groups[i].busy_ns : 0;
    }
    bool some = figures->room_waits > 0;
    return some ? (double)minus_or_zero(figures->interval_ns[INTERVAL_PROCESS], busy_ns) : 0;
}

static bool bottleneck_judge_clients(struct bottleneck *verdict,
                                     const struct bottleneck_figures *figures)
{
    const uint64_t *ns = figures->interval_ns;
    double total = (double)ns[INTERVAL_TOTAL], reading = (double)ns[INTERVAL_READ_BLOCKED];
    double room = waited_for_room_ns(figures);
    double writing = (double)ns[INTERVAL_WRITE_BLOCKED] + room;
    bool writes = writing >= reading;
    if (total <= 0 || reading + writing < clients_share * total) {
        return false;
    }
    verdict->cause = BOTTLENECK_CLIENTS;
    verdict->limit[0] = writes ? 'W' : 'R';
    for (unsigned i = 0; i < figures->group_count; i++) {
        verdict->group =
            group_has_stage(&figures->groups[i], verdict->limit[0]) ? (int)i : verdict->group;
    }
    say_words(
        verdict,
        "The clients limit: %c waited for them to %s during %.0f %% of the time of all requests "
        "(%s.blocked%s).",
        verdict->limit[0], writes ? "take their answers" : "send their requests",
        percent_of(writes ? writing : reading, total), writes ? "write" : "read",
        writes && room > 0 ? ", and process above --output-highwater" : "");
    return true;
}

/* --- nothing limits --- */

static void bottleneck_judge_none(struct bottleneck *verdict,
                                  const struct bottleneck_figures *figures)
{
    const struct bottleneck_group *busiest = NULL;
    for (unsigned i = 0; i < figures->group_count; i++) {
        const struct bottleneck_group *group = &figures->groups[i];
        if (!group->in_turn && (busiest == NULL || queue_fullness(figures, group) >
                                                       queue_fullness(figures, busiest))) {
            busiest = group;
        }
    }
    verdict->cause = BOTTLENECK_NONE;
    if (busiest == NULL) {
        say_words(verdict, "No stage limits.");
        return;
    }
    say_words(verdict, "No stage limits: the busiest group, %s, was busy %.0f %% of the time",
              busiest->letters, 100 * queue_fullness(figures, busiest));
    double total = (double)figures->interval_ns[INTERVAL_TOTAL];
    double waited = (double)figures->interval_ns[INTERVAL_PROCESS_WAIT] +
                    (double)figures->interval_ns[INTERVAL_WRITE_WAIT];
    if (total > 0) {
        say_words(verdict, "; %.0f %% of the requests' time was waiting between stages",
                  percent_of(waited, total));
    }
    say_words(verdict, ".");
}

/* --- the verdict --- */

void bottleneck_judge(struct bottleneck *verdict, const struct bottleneck_figures *figures)
{
    *verdict = (struct bottleneck){.group = -1};
    bool asked = figures->accepted > 0 || figures->begun > 0 || figures->requests > 0 ||
                 figures->accept_depth > 0;
    if (!asked || figures->wall_ns == 0) {
        verdict->cause = BOTTLENECK_IDLE;
        say_words(verdict, "Nothing was asked, so there is nothing to judge.");
        return;
    }
    if (!bottleneck_judge_busy(verdict, figures) && !bottleneck_judge_cpu(verdict, figures) &&
        !bottleneck_judge_sessions(verdict, figures) &&
        !bottleneck_judge_clients(verdict, figures)) {
        bottleneck_judge_none(verdict, figures);
    }
}

void bottleneck_to_json(struct json *json, const char *key, const struct bottleneck *verdict,
                        uint64_t since_ns)
{
    json_begin_object(json, key);
    json_text(json, "cause", bottleneck_cause_name(verdict->cause));
    json_signed(json, "group", verdict->group);
    json_text(json, "limit", verdict->limit);
    json_text(json, "text", verdict->text);
    json_number(json, "since_ns", since_ns);
    json_end(json);
}

const char *bottleneck_cause_name(enum bottleneck_cause cause)
{
    static const char *const names[] = {"idle", "none", "busy", "cpu", "sessions", "clients"};
    return names[cause];
}
