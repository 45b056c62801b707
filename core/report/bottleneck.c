/* bottleneck.c: the rules, and the words of their verdicts. See bottleneck.h. */
#include "core/report/bottleneck.h"

#include "core/base/cell.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

/* Busy share up to which sessions count as occupied rather than at work. */
static const double occupied_share = 0.5;
static const double clients_share = 0.5;
/* A client that sends its next request so soon after an answer waited for that answer. */
static const double at_once_ns = 10e6;
/* Mean number of requests in the server from which on it is used at all. */
static const double used_least = 0.1;

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

/* Between two sentences. */
static const char *sentence_gap(const struct bottleneck *verdict)
{
    return verdict->text[0] != '\0' ? " " : "";
}

static void say_machine(struct bottleneck *verdict, const struct bottleneck_figures *figures)
{
    double server = (double)figures->machine.server_ns / (double)figures->wall_ns;
    double used = figures_cpus_in_use(figures), others = used > server ? used - server : 0;
    bool full = figures_machine_is_full(figures);
    say_words(verdict,
              "%sThe machine was %s: the server used %.2f of %u CPUs, other programs %.2f%s.",
              sentence_gap(verdict), full ? "full" : "not full", server, figures->machine.cpus,
              others, full ? "" : "; so a pin or a quota keeps the threads from the rest");
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
        {'R', (double)figures_minus(ns[INTERVAL_READ], ns[INTERVAL_READ_BLOCKED])},
        {'P', (double)ns[INTERVAL_PROCESS]},
        {'W', (double)figures_minus(ns[INTERVAL_WRITE], ns[INTERVAL_WRITE_BLOCKED])},
    };
    double sum = 0, most = 0;
    char which = '\0';
    for (unsigned i = 0; i < 3; i++) {
        double mine = figures_has_stage(group, parts[i].stage) ? parts[i].ns : 0;
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
    int interval = figures_wait_before(group);
    bool accepts = strcmp(group->letters, "L") == 0;
    uint64_t count = accepts ? figures->accepted : figures->requests;
    double requests = count > 0 ? (double)count : 1;
    if (interval >= 0 && interval != INTERVAL_ACCEPT_WAIT) {
        double wait_ns = (double)figures->interval_ns[interval] / requests;
        say_words(verdict, "; %.1f requests waited in front of it on average, each %s",
                  figures_waiting(figures, group), cell_time(wait_ns).text);
    }
    if (figures_has_stage(group, 'L') && figures->accept_depth > 0) {
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
    double busy_ns = (double)group->busy_ns, capacity = figures_capacity_ns(figures, group);
    say_words(verdict, "%s limits: ", group->letters);
    if (figures_busy_share(figures, group) >= figures_full) {
        say_words(verdict, "its %u thread%s busy %.0f %% of the time", group->threads,
                  group->threads == 1 ? " was" : "s were", 100 * figures_share(busy_ns, capacity));
    } else {
        say_words(verdict,
                  "one of its %u threads was busy %.0f %% of the time, all together %.0f %%",
                  group->threads, percent_of((double)group->busiest_ns, (double)figures->wall_ns),
                  100 * figures_share(busy_ns, capacity));
    }
    say_words(verdict, " (%.0f %% of that on a CPU, %.0f %% waiting for one)",
              percent_of((double)group->cpu_ns, busy_ns),
              percent_of((double)group->runqueue_ns, busy_ns));
    bottleneck_say_waiting(verdict, figures, group);
    say_which_stage(verdict, figures, group);
}

static bool bottleneck_judge_busy(struct bottleneck *verdict,
                                  const struct bottleneck_figures *figures)
{
    int found = -1;
    for (unsigned i = 0; i < figures->group_count; i++) {
        const struct bottleneck_group *group = &figures->groups[i];
        if (figures_fullness(figures, group) >= figures_full &&
            !figures_is_starved(figures, group) &&
            (found < 0 ||
             figures_work_each_ns(group) > figures_work_each_ns(&figures->groups[found]))) {
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

/* The group that is full because it waits for a CPU, or -1. */
static int find_starved(const struct bottleneck_figures *figures)
{
    for (unsigned i = 0; i < figures->group_count; i++) {
        const struct bottleneck_group *group = &figures->groups[i];
        if (figures_fullness(figures, group) >= figures_full &&
            figures_is_starved(figures, group)) {
            return (int)i;
        }
    }
    return -1;
}

/* The group that used most is to blame only where the server used most. */
static void blame_for_cpu(struct bottleneck *verdict, const struct bottleneck_figures *figures,
                          unsigned most)
{
    const struct bottleneck_group *group = &figures->groups[most];
    if (figures_server_is_alone(figures)) {
        verdict->group = (int)most;
        memcpy(verdict->limit, group->letters, sizeof verdict->limit);
    }
    say_words(verdict, " Of the server's threads %s used most, %.0f %% of a CPU.", group->letters,
              percent_of((double)group->cpu_ns, (double)figures->wall_ns));
    say_which_stage(verdict, figures, group);
}

static double wanting_cpu_ns(const struct bottleneck_figures *figures)
{
    double ns = 0;
    for (unsigned i = 0; i < figures->group_count; i++) {
        ns += (double)figures->groups[i].runqueue_ns;
    }
    return ns;
}

/* `starved`: the group that is full because of it, or -1. */
static void say_cpu(struct bottleneck *verdict, const struct bottleneck_figures *figures,
                    int starved)
{
    unsigned most = 0;
    for (unsigned i = 0; i < figures->group_count; i++) {
        most = figures->groups[i].cpu_ns > figures->groups[most].cpu_ns ? i : most;
    }
    verdict->cause = BOTTLENECK_CPU;
    say_words(verdict, "The CPUs limit: %.1f threads waited for one on average",
              wanting_cpu_ns(figures) / (double)figures->wall_ns);
    if (starved >= 0) {
        const struct bottleneck_group *group = &figures->groups[starved];
        say_words(verdict, "; %s was busy %.0f %% of the time, %.0f %% of that waiting for a CPU",
                  group->letters, 100 * figures_fullness(figures, group),
                  percent_of((double)group->runqueue_ns, (double)group->busy_ns));
    }
    say_words(verdict, ".");
    if (figures->machine.cpus > 0) {
        say_machine(verdict, figures);
    }
    blame_for_cpu(verdict, figures, most);
}

static bool bottleneck_judge_cpu(struct bottleneck *verdict,
                                 const struct bottleneck_figures *figures)
{
    int starved = find_starved(figures);
    bool wanted = wanting_cpu_ns(figures) >= figures_waits * (double)figures->wall_ns;
    if (figures->group_count > 0 && (starved >= 0 || wanted)) {
        say_cpu(verdict, figures, starved);
    }
    return verdict->cause == BOTTLENECK_CPU;
}

/* --- clients --- */

static bool bottleneck_judge_sessions(struct bottleneck *verdict,
                                      const struct bottleneck_figures *figures)
{
    for (unsigned i = 0; i < figures->group_count; i++) {
        const struct bottleneck_group *group = &figures->groups[i];
        double front = figures_waiting(figures, group);
        if (!group->session || group->used < group->threads || front < figures_waits ||
            figures_busy_share(figures, group) > occupied_share) {
            continue;
        }
        verdict->cause = BOTTLENECK_SESSIONS;
        verdict->group = (int)i;
        memcpy(verdict->limit, group->letters, sizeof verdict->limit);
        say_words(verdict,
                  "%s limits: its %u sessions are occupied by clients that stall: %.1f waited in "
                  "front of it on average while it was busy %.0f %% of the time.",
                  group->letters, group->threads, front, 100 * figures_busy_share(figures, group));
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
        busy_ns += figures_has_stage(&figures->groups[i], 'P') ? figures->groups[i].busy_ns : 0;
    }
    bool some = figures->room_waits > 0;
    return some ? (double)figures_minus(figures->interval_ns[INTERVAL_PROCESS], busy_ns) : 0;
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
            figures_has_stage(&figures->groups[i], verdict->limit[0]) ? (int)i : verdict->group;
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

/* --- no stage limits --- */

/* Do requests come as soon as earlier ones are answered? */
static bool load_is_closed(const struct bottleneck_figures *figures)
{
    return figures_inside(figures) >= used_least && figures_pause_ns(figures) <= at_once_ns;
}

static void say_busiest(struct bottleneck *verdict, const struct bottleneck_figures *figures)
{
    const struct bottleneck_group *busiest = NULL;
    for (unsigned i = 0; i < figures->group_count; i++) {
        const struct bottleneck_group *group = &figures->groups[i];
        if (!group->in_turn && (busiest == NULL || figures_fullness(figures, group) >
                                                       figures_fullness(figures, busiest))) {
            busiest = group;
        }
    }
    if (busiest != NULL) {
        say_words(verdict, "the busiest group, %s, was busy %.0f %% of the time", busiest->letters,
                  100 * figures_fullness(figures, busiest));
    }
    double total = (double)figures->interval_ns[INTERVAL_TOTAL];
    double waited = (double)figures->interval_ns[INTERVAL_PROCESS_WAIT] +
                    (double)figures->interval_ns[INTERVAL_WRITE_WAIT];
    if (total > 0) {
        say_words(verdict, "; %.0f %% of the requests' time was waiting between stages",
                  percent_of(waited, total));
    }
    say_words(verdict, ".");
}

static void bottleneck_judge_none(struct bottleneck *verdict,
                                  const struct bottleneck_figures *figures)
{
    bool closed = load_is_closed(figures), full = figures_machine_is_full(figures);
    if (closed && figures->group_count > 0 && full) {
        say_cpu(verdict, figures, -1); /* there is time left for no more load */
        return;
    }
    verdict->cause = closed ? BOTTLENECK_LOAD : BOTTLENECK_NONE;
    if (full) { /* nothing of the server limits, so this is what there is to know */
        say_machine(verdict, figures);
    }
    say_words(verdict, "%s%s", sentence_gap(verdict),
              closed ? "The load limits: no stage does; " : "No stage limits: ");
    say_busiest(verdict, figures);
    if (!closed) {
        say_words(verdict, " On average %.2f requests were in the server.",
                  figures_inside(figures));
    } else if (figures_pause_ns(figures) <= 0) {
        say_words(verdict,
                  " On average %.1f requests were in the server, and the next came at once: with "
                  "more load it would answer more.",
                  figures_inside(figures));
    } else {
        say_words(verdict,
                  " On average %.1f requests were in the server, over %" PRIu64
                  " connections, on which the next came %s after an answer: with more load (more "
                  "connections, a higher rate) it would answer more.",
                  figures_inside(figures), figures->connections,
                  cell_time(figures_pause_ns(figures)).text);
    }
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
    } else if (verdict->cause != BOTTLENECK_CPU && figures_machine_is_full(figures)) {
        say_machine(verdict, figures);
    }
}

/* Broken between words. */
void bottleneck_print(FILE *out, const struct bottleneck *verdict)
{
    const char *title = "verdict", *text = verdict->text;
    while (*text != '\0') {
        size_t len = strlen(text), room = BOTTLENECK_WIDTH - BOTTLENECK_TITLE;
        if (len > room) {
            len = room;
            while (len > 0 && text[len] != ' ') {
                len--;
            }
            len = len > 0 ? len : room; /* no space in it: it is cut where it must be */
        }
        fprintf(out, "%-*s%.*s\n", BOTTLENECK_TITLE, title, (int)len, text);
        title = "";
        text += len + (text[len] == ' ');
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
    static const char *const names[] = {"idle",     "none",    "busy", "cpu",
                                        "sessions", "clients", "load"};
    return names[cause];
}
