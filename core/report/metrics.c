/* metrics.c: a report as families of figures. See metrics.h. */
#include "core/report/metrics.h"

#include "core/base/check.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

enum { NAME = 64 };

/* What a counter is called where its word in counters.def would not do; the others are called by
 * that word, in small letters. "": left out, another family has it. */
static const struct {
    const char *name, *unit;
} counter_names[COUNTER_COUNT] = {
    [COUNTER_ACCEPTED] = {"connections_accepted", ""},
    [COUNTER_CLOSED] = {"", ""}, /* the close reasons add up to it */
    [COUNTER_BEGUN] = {"requests_begun", ""},
    [COUNTER_WHOLE] = {"requests_whole", ""},
    [COUNTER_STARTED] = {"requests_started", ""},
    [COUNTER_HANDED] = {"requests_handed", ""},
    [COUNTER_REQUESTS] = {"requests", ""},
    [COUNTER_ABANDONED] = {"requests_abandoned", ""},
    [COUNTER_REFUSED] = {"requests_refused", ""},
    [COUNTER_ABORTED] = {"responses_aborted", ""},
    [COUNTER_LENGTH_BROKEN] = {"responses_length_broken", ""},
    [COUNTER_BYTES_SENT] = {"sent", "bytes"},
    [COUNTER_BYTES_RECEIVED] = {"received", "bytes"},
};

/* A family with a sample for each queue or thread, or two, distinguished by `kind`; where the
 * figure lies in its struct. */
struct column {
    enum metric_type type;
    const char *name, *unit, *help;
    struct {
        const char *kind; /* NULL: there is one */
        size_t offset;
    } parts[2];
};

#define QUEUE(member)  offsetof(struct queue_report, member)
#define THREAD(member) offsetof(struct thread_report, member)

static const struct column queue_depths[] = {
    {METRIC_GAUGE,
     "quartet_queue_depth",
     "",
     "Connections that wait in the queue",
     {{NULL, QUEUE(depth)}}},
    {METRIC_GAUGE,
     "quartet_queue_depth_max",
     "",
     "The most that have waited at a time",
     {{NULL, QUEUE(depth_max)}}},
    {METRIC_GAUGE, "quartet_queue_bound", "", "How many may wait", {{NULL, QUEUE(bound)}}},
};

static const struct column queue_figures[] = {
    {METRIC_COUNTER, "quartet_queue_put", "", "Connections put in", {{NULL, QUEUE(put)}}},
    {METRIC_COUNTER,
     "quartet_queue_refused",
     "",
     "Puts refused because it was full",
     {{NULL, QUEUE(refused)}}},
    {METRIC_COUNTER,
     "quartet_queue_inlined",
     "",
     "Requests that were not put, because a loop ran the stage itself",
     {{NULL, QUEUE(inlined)}}},
    {METRIC_COUNTER,
     "quartet_queue_wakeups",
     "",
     "Doorbells rung for a taker that slept, and puts that needed to ring none",
     {{"rung", QUEUE(rung)}, {"elided", QUEUE(elided)}}},
    {METRIC_HISTOGRAM, "quartet_queue_wait", "seconds", "From put to take", {{NULL, QUEUE(wait)}}},
    {METRIC_HISTOGRAM,
     "quartet_queue_wakeup",
     "seconds",
     "From the ring of a doorbell to the first take after it",
     {{NULL, QUEUE(wakeup)}}},
    {METRIC_HISTOGRAM,
     "quartet_queue_sampled_wait",
     "seconds",
     "The wait of a sample of what was taken",
     {{NULL, QUEUE(sampled_wait)}}},
    {METRIC_HISTOGRAM,
     "quartet_queue_cpu_wait",
     "seconds",
     "Of the same sample, the part in which the taker waited for a CPU",
     {{NULL, QUEUE(cpu_wait)}}},
};

static const struct column loop_figures[] = {
    {METRIC_HISTOGRAM,
     "quartet_loop_round",
     "seconds",
     "From a poll's return until the next poll of a poll loop",
     {{NULL, offsetof(struct loop_report, round_ns)}}},
};

static const struct column thread_figures[] = {
    {METRIC_COUNTER,
     "quartet_thread_wall",
     "seconds",
     "Time since the thread started",
     {{NULL, THREAD(wall_ns)}}},
    {METRIC_COUNTER,
     "quartet_thread_busy",
     "seconds",
     "Time in which it did not wait for work: on a CPU, waiting for one, or blocked",
     {{NULL, THREAD(busy_ns)}}},
    {METRIC_COUNTER,
     "quartet_thread_awake",
     "seconds",
     "Of its busy time, that from waking until it waits for work again",
     {{NULL, THREAD(awake_ns)}}},
    {METRIC_COUNTER, "quartet_thread_cpu", "seconds", "Time on a CPU", {{NULL, THREAD(cpu_ns)}}},
    {METRIC_COUNTER,
     "quartet_thread_runqueue_wait",
     "seconds",
     "Time in which it could run and had no CPU",
     {{NULL, THREAD(runqueue_ns)}}},
    {METRIC_COUNTER,
     "quartet_thread_context_switches",
     "",
     "Context switches",
     {{"voluntary", THREAD(voluntary)}, {"involuntary", THREAD(involuntary)}}},
    {METRIC_COUNTER,
     "quartet_thread_turns",
     "",
     "Rounds of its loop, or takes from its queue",
     {{NULL, THREAD(turns)}}},
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

static void print_facts(struct exposition *e, const struct status_facts *facts)
{
    char process[16];
    (void)snprintf(process, sizeof process, "%u", facts->process);
    exposition_family(e, METRIC_INFO, "quartet_build", "", "The program");
    exposition_number(e, LABELS({"version", QUARTET_VERSION}), 1);
    exposition_family(e, METRIC_INFO, "quartet_server", "", "How this process is set up");
    exposition_number(
        e, LABELS({"model", facts->model}, {"wiring", facts->wiring}, {"process", process}), 1);
    exposition_family(e, METRIC_GAUGE, "quartet_start_time", "seconds",
                      "When the server started, in seconds since 1970");
    exposition_number(e, NO_LABELS, (uint64_t)facts->started_s);
    exposition_family(e, METRIC_GAUGE, "quartet_draining", "", "1 while the server is stopping");
    exposition_number(e, NO_LABELS, facts->draining);
    exposition_family(e, METRIC_COUNTER, "quartet_cpu", "seconds", "CPU time of the process");
    exposition_time(e, LABELS({"mode", "user"}), facts->cpu_user_ns);
    exposition_time(e, LABELS({"mode", "system"}), facts->cpu_system_ns);
}

static uint64_t read_cell(const _Atomic uint64_t *cell)
{
    return atomic_load_explicit(cell, memory_order_relaxed);
}

static const char *lower_word(const char *word, char out[NAME])
{
    size_t len = strlen(word);
    CHECK(len < NAME);
    for (size_t i = 0; i <= len; i++) {
        out[i] = (char)tolower((unsigned char)word[i]);
    }
    return out;
}

static void print_connections(struct exposition *e, const struct report *report)
{
    char reason[NAME];
    exposition_family(e, METRIC_GAUGE, "quartet_connections", "", "Connections open now");
    exposition_number(e, NO_LABELS, report->connections);
    exposition_family(e, METRIC_COUNTER, "quartet_connections_closed", "",
                      "Connections closed, by reason");
    for (unsigned i = CLOSE_NONE + 1; i < CLOSE_REASON_COUNT; i++) {
        exposition_number(e, LABELS({"reason", lower_word(close_reason_name(i), reason)}),
                          read_cell(&report->tally.closed[i]));
    }
}

static void print_responses(struct exposition *e, const struct tally *tally)
{
    static const char *const classes[] = {"other", "1xx", "2xx", "3xx", "4xx", "5xx"};
    exposition_family(e, METRIC_COUNTER, "quartet_responses", "", "Answers, by class of status");
    for (unsigned i = 0; i < COUNT(classes); i++) {
        exposition_number(e, LABELS({"class", classes[i]}), read_cell(&tally->statuses[i]));
    }
}

/* The texts of counters.def begin with a small letter. */
static void print_counters(struct exposition *e, const struct tally *tally)
{
    for (unsigned i = 0; i < COUNTER_COUNT; i++) {
        char word[NAME], name[2 * NAME], help[256];
        const char *given = counter_names[i].name, *unit = counter_names[i].unit;
        if (given != NULL && given[0] == '\0') {
            continue;
        }
        (void)snprintf(name, sizeof name, "quartet_%s",
                       given != NULL ? given : lower_word(counter_name(i), word));
        (void)snprintf(help, sizeof help, "%s", counter_text(i));
        help[0] = (char)toupper((unsigned char)help[0]);
        exposition_family(e, METRIC_COUNTER, name, unit != NULL ? unit : "", help);
        exposition_number(e, NO_LABELS, read_cell(&tally->counters[i]));
    }
}

/* --- intervals --- */

/* Intervals that share a family are distinguished by `stage`. */
struct interval_sample {
    enum interval interval;
    const char *stage;
};

static void print_staged(struct exposition *e, const struct histogram *intervals,
                         const struct interval_sample *samples, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        exposition_times(e, LABELS({"stage", samples[i].stage}), &intervals[samples[i].interval]);
    }
}

static void print_intervals(struct exposition *e, const struct histogram *intervals)
{
    static const struct interval_sample stages[] = {
        {INTERVAL_ACCEPT_WAIT, "accept.wait"},
        {INTERVAL_SOCKET_WAIT, "socket.wait"},
        {INTERVAL_READ, "read"},
        {INTERVAL_PROCESS_WAIT, "process.wait"},
        {INTERVAL_PROCESS, "process"},
        {INTERVAL_WRITE_WAIT, "write.wait"},
        {INTERVAL_WRITE, "write"},
        {INTERVAL_REQUEUE_WAIT, "requeue.wait"},
    };
    static const struct interval_sample blocked[] = {{INTERVAL_READ_BLOCKED, "read"},
                                                     {INTERVAL_WRITE_BLOCKED, "write"}};
    exposition_family(e, METRIC_HISTOGRAM, "quartet_stage_duration", "seconds",
                      "Time of a request in each stage, and in the queues between them");
    print_staged(e, intervals, stages, COUNT(stages));
    exposition_family(e, METRIC_HISTOGRAM, "quartet_blocked_duration", "seconds",
                      "The part of a stage in which it waited for the client");
    print_staged(e, intervals, blocked, COUNT(blocked));
    exposition_family(e, METRIC_HISTOGRAM, "quartet_request_duration", "seconds",
                      "From a request's first received byte to its answer's last byte sent");
    exposition_times(e, NO_LABELS, &intervals[INTERVAL_TOTAL]);
    exposition_family(e, METRIC_HISTOGRAM, "quartet_request_sojourn", "seconds",
                      "From a request's first received byte in the kernel to its answer's last "
                      "byte sent; TCP only");
    exposition_times(e, NO_LABELS, &intervals[INTERVAL_SOJOURN]);
    exposition_family(e, METRIC_HISTOGRAM, "quartet_time_to_first_byte", "seconds",
                      "From a request's first received byte to its answer's first byte sent");
    exposition_times(e, NO_LABELS, &intervals[INTERVAL_TTFB]);
}

/* --- groups, queues, threads --- */

static void print_groups(struct exposition *e, const struct report *report)
{
    exposition_family(e, METRIC_GAUGE, "quartet_group_threads", "",
                      "Threads of each group of the wiring, at most");
    for (unsigned i = 0; i < report->group_count; i++) {
        const struct group_report *group = &report->groups[i];
        char index[16];
        (void)snprintf(index, sizeof index, "%u", i);
        exposition_number(
            e, LABELS({"group", index}, {"stages", group->letters}, {"kind", group->kind}),
            group->threads);
    }
}

/* What a table of columns is printed from. A row's name is its first member. */
struct rows {
    const char *label;
    const void *at;
    unsigned count;
    size_t size;
};
_Static_assert(offsetof(struct queue_report, name) == 0, "a row begins with its name");
_Static_assert(offsetof(struct loop_report, name) == 0, "a row begins with its name");
_Static_assert(offsetof(struct thread_report, name) == 0, "a row begins with its name");

static void print_cell(struct exposition *e, const struct column *column,
                       const struct labels *labels, const void *at)
{
    if (column->type == METRIC_HISTOGRAM) {
        exposition_times(e, labels, at);
    } else if (column->unit[0] != '\0') {
        exposition_time(e, labels, *(const uint64_t *)at);
    } else {
        exposition_number(e, labels, *(const uint64_t *)at);
    }
}

static void print_row(struct exposition *e, const struct column *column, const char *label,
                      const char *row)
{
    if (column->parts[0].kind == NULL) {
        print_cell(e, column, LABELS({label, row}), row + column->parts[0].offset);
        return;
    }
    for (unsigned i = 0; i < 2; i++) {
        print_cell(e, column, LABELS({label, row}, {"kind", column->parts[i].kind}),
                   row + column->parts[i].offset);
    }
}

static void print_table(struct exposition *e, const struct column *columns, unsigned count,
                        struct rows rows)
{
    for (unsigned i = 0; i < count; i++) {
        exposition_family(e, columns[i].type, columns[i].name, columns[i].unit, columns[i].help);
        for (unsigned k = 0; k < rows.count; k++) {
            print_row(e, &columns[i], rows.label, (const char *)rows.at + k * rows.size);
        }
    }
}

/* The kernel's accept queue comes first, where it is there, and has a depth only. */
static void print_queues(struct exposition *e, const struct report *report)
{
    const struct queue_report *queues = report->queues;
    unsigned accept = report->queue_count > 0 && queues[0].accept;
    struct rows all = {"queue", queues, report->queue_count, sizeof *queues};
    struct rows ours = {"queue", queues + accept, report->queue_count - accept, sizeof *queues};
    print_table(e, queue_depths, COUNT(queue_depths), all);
    print_table(e, queue_figures, COUNT(queue_figures), ours);
    exposition_family(e, METRIC_HISTOGRAM, "quartet_queue_batch", "", "Connections taken at once");
    for (unsigned i = accept; i < report->queue_count; i++) {
        exposition_sizes(e, LABELS({"queue", queues[i].name}), &queues[i].batch);
    }
}

static void print_loops(struct exposition *e, const struct report *report)
{
    struct rows rows = {"loop", report->loops, report->loop_count, sizeof *report->loops};
    if (report->loop_count == 0) {
        return; /* not measured */
    }
    print_table(e, loop_figures, COUNT(loop_figures), rows);
    exposition_family(e, METRIC_HISTOGRAM, "quartet_loop_events", "",
                      "Watches and timers that were called back in a round");
    for (unsigned i = 0; i < report->loop_count; i++) {
        exposition_sizes(e, LABELS({"loop", report->loops[i].name}), &report->loops[i].events);
    }
}

static void print_threads(struct exposition *e, const struct report *report)
{
    struct rows rows = {"thread", report->threads, report->thread_count, sizeof *report->threads};
    print_table(e, thread_figures, COUNT(thread_figures), rows);
}

void metrics_print(FILE *out, enum exposition_format format, const struct report *report,
                   const struct status_facts *facts)
{
    struct exposition e;
    exposition_begin(&e, out, format);
    print_facts(&e, facts);
    print_connections(&e, report);
    print_responses(&e, &report->tally);
    print_counters(&e, &report->tally);
    if (facts->measured && report->tally.intervals != NULL) {
        print_intervals(&e, report->tally.intervals);
    }
    print_groups(&e, report);
    print_queues(&e, report);
    print_loops(&e, report);
    print_threads(&e, report);
    exposition_end(&e);
}
