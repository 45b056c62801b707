/* report.c: reading a thread's figures from /proc, and the table that people read. See report.h.
 *
 * A section without content is left out. Columns are aligned to the right and at most 120 wide.
 */
#include "core/report/report.h"

#include "core/base/cell.h"
#include "core/base/clock.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

void report_deinit(struct report *report)
{
    if (report == NULL) {
        return;
    }
    tally_deinit(&report->tally);
    free(report->groups);
    free(report->ways);
    free(report->queues);
    free(report->loops);
    free(report->threads);
    *report = (struct report){0};
}

/* schedstat: time on a CPU, time ready but waiting for one, time slices. */
static bool read_schedstat(const char *path, uint64_t *cpu_ns, uint64_t *runqueue_ns)
{
    char text[96];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t len = read(fd, text, sizeof text - 1);
    (void)close(fd); /* read only: nothing can be lost */
    text[len > 0 ? len : 0] = '\0';
    return sscanf(text, "%" SCNu64 " %" SCNu64, cpu_ns, runqueue_ns) == 2;
}

static void read_switches(struct thread_report *thread, int tid)
{
    char path[64], line[256];
    (void)snprintf(path, sizeof path, "/proc/self/task/%d/status", tid);
    FILE *in = fopen(path, "re");
    if (in == NULL) {
        return;
    }
    while (fgets(line, sizeof line, in) != NULL) {
        uint64_t n;
        if (sscanf(line, "voluntary_ctxt_switches: %" SCNu64, &n) == 1) {
            thread->voluntary = n;
        } else if (sscanf(line, "nonvoluntary_ctxt_switches: %" SCNu64, &n) == 1) {
            thread->involuntary = n;
        }
    }
    (void)fclose(in); /* read only: nothing can be lost */
}

void thread_report_read(struct thread_report *thread, int tid)
{
    char path[64];
    thread->cpu_ns = thread->runqueue_ns = 0;
    thread->voluntary = thread->involuntary = 0;
    (void)snprintf(path, sizeof path, "/proc/self/task/%d/schedstat", tid);
    (void)read_schedstat(path, &thread->cpu_ns, &thread->runqueue_ns); /* else zeros: see there */
    read_switches(thread, tid);
}

void thread_report_busy(struct thread_report *thread)
{
    uint64_t ready_ns = thread->cpu_ns + thread->runqueue_ns;
    thread->busy_ns = thread->awake_ns > ready_ns ? thread->awake_ns : ready_ns;
    if (thread->busy_ns > thread->wall_ns) {
        thread->busy_ns = thread->wall_ns; /* the two clocks are not read at the same moment */
    }
}

static double report_per_second(uint64_t n, uint64_t wall_ns)
{
    return wall_ns != 0 ? (double)n * (double)NS_PER_S / (double)wall_ns : 0;
}

static void report_print_totals(FILE *out, const struct report *report)
{
    uint64_t requests = report->tally.counters[COUNTER_REQUESTS];
    fprintf(out, "totals\n");
    fprintf(out, "  %" PRIu64 " requests in %s, %.0f a second; %s sent\n", requests,
            cell_time((double)report->wall_ns).text, report_per_second(requests, report->wall_ns),
            cell_size(report->tally.counters[COUNTER_BYTES_SENT]).text);
    fprintf(out, "  %" PRIu64 " connections accepted, %" PRIu64 " closed, %" PRIu64 " open\n",
            (uint64_t)report->tally.counters[COUNTER_ACCEPTED],
            (uint64_t)report->tally.counters[COUNTER_CLOSED], report->connections);
}

static void report_print_statuses(FILE *out, const struct tally *tally)
{
    const char *before = "  answers ";
    for (unsigned i = 1; i <= 6; i++) {
        unsigned digit = i % 6; /* what has no known first digit comes last */
        uint64_t n = tally->statuses[digit];
        if (n == 0) {
            continue;
        }
        if (digit == 0) {
            fprintf(out, "%sother: %" PRIu64, before, n);
        } else {
            fprintf(out, "%s%uxx: %" PRIu64, before, digit, n);
        }
        before = ", ";
    }
    if (before[0] == ',') {
        fputc('\n', out);
    }
}

static double report_percentile(const struct histogram *histogram, double share)
{
    return (double)histogram_percentile(histogram, share);
}

static void report_print_interval(FILE *out, const struct histogram *all, enum interval interval)
{
    const struct histogram *h = &all[interval];
    if (h->count == 0) {
        fprintf(out, "  %-14s%12s\n", interval_name(interval), "0");
        return;
    }
    struct cell share = {"-"};
    if (interval_inside_total(interval)) {
        share = cell_percent((double)h->sum, (double)all[INTERVAL_TOTAL].sum);
    }
    fprintf(out, "  %-14s%12" PRIu64 "%10s%10s%10s%10s%10s%10s%9s\n", interval_name(interval),
            (uint64_t)h->count, cell_time(histogram_mean(h)).text,
            cell_time(report_percentile(h, 0.5)).text, cell_time(report_percentile(h, 0.9)).text,
            cell_time(report_percentile(h, 0.99)).text, cell_time(report_percentile(h, 0.999)).text,
            cell_time((double)h->max).text, share.text);
}

static void report_print_intervals(FILE *out, const struct tally *tally)
{
    if (tally->intervals == NULL) {
        fprintf(out, "\nintervals\n  not measured\n");
        return;
    }
    fprintf(out, "\n%-16s%12s%10s%10s%10s%10s%10s%10s%9s\n", "intervals", "count", "mean", "p50",
            "p90", "p99", "p99.9", "max", "share");
    for (unsigned i = 0; i < INTERVAL_COUNT; i++) {
        report_print_interval(out, tally->intervals, i);
    }
}

/* Of its accept queue the kernel reports only the depth and the bound. */
static void report_print_queues(FILE *out, const struct report *report)
{
    fprintf(out, "\n%-20s%12s%10s%8s%8s%9s%12s%9s%9s%9s%9s\n", "queues", "put", "refused", "depth",
            "peak", "bound", "takes", "batch", "p50", "p99", "largest");
    for (unsigned i = 0; i < report->queue_count; i++) {
        const struct queue_report *q = &report->queues[i];
        if (q->accept) {
            fprintf(out, "  %-18.18s%12s%10s%8" PRIu64 "%8" PRIu64 "%9" PRIu64 "\n", q->name, "-",
                    "-", q->depth, q->depth_max, q->bound);
            continue;
        }
        fprintf(out,
                "  %-18.18s%12" PRIu64 "%10" PRIu64 "%8" PRIu64 "%8" PRIu64 "%9" PRIu64 "%12" PRIu64
                "%9.1f%9.0f%9.0f%9" PRIu64 "\n",
                q->name, q->put, q->refused, q->depth, q->depth_max, q->bound,
                (uint64_t)q->batch.count, histogram_mean(&q->batch),
                report_percentile(&q->batch, 0.5), report_percentile(&q->batch, 0.99),
                (uint64_t)q->batch.max);
    }
}

/* What part of the wait was for a CPU is known of a sample of the takes. */
static void report_print_queue_waits(FILE *out, const struct report *report)
{
    fprintf(out, "\n%-20s%10s%10s%10s%10s%10s%9s%10s\n", "queue waits", "mean", "p50", "p90", "p99",
            "max", "for CPU", "sampled");
    for (unsigned i = 0; i < report->queue_count; i++) {
        const struct queue_report *q = &report->queues[i];
        if (q->accept) {
            continue;
        }
        fprintf(out, "  %-18.18s%10s%10s%10s%10s%10s%9s%10" PRIu64 "\n", q->name,
                cell_time(histogram_mean(&q->wait)).text,
                cell_time(report_percentile(&q->wait, 0.5)).text,
                cell_time(report_percentile(&q->wait, 0.9)).text,
                cell_time(report_percentile(&q->wait, 0.99)).text,
                cell_time((double)q->wait.max).text,
                cell_percent((double)q->cpu_wait.sum, (double)q->sampled_wait.sum).text,
                (uint64_t)q->sampled_wait.count);
    }
}

static void report_print_wakeups(FILE *out, const struct report *report)
{
    fprintf(out, "\n%-20s%12s%12s%12s%10s%10s%10s%10s%10s\n", "wakeups", "inlined", "rung",
            "elided", "mean", "p50", "p90", "p99", "max");
    for (unsigned i = 0; i < report->queue_count; i++) {
        const struct queue_report *q = &report->queues[i];
        if (q->accept) {
            continue;
        }
        fprintf(out, "  %-18.18s%12" PRIu64 "%12" PRIu64 "%12" PRIu64 "%10s%10s%10s%10s%10s\n",
                q->name, q->inlined, q->rung, q->elided, cell_time(histogram_mean(&q->wakeup)).text,
                cell_time(report_percentile(&q->wakeup, 0.5)).text,
                cell_time(report_percentile(&q->wakeup, 0.9)).text,
                cell_time(report_percentile(&q->wakeup, 0.99)).text,
                cell_time((double)q->wakeup.max).text);
    }
}

static void report_print_loops(FILE *out, const struct report *report)
{
    fprintf(out, "\n%-20s%12s%10s%10s%10s%10s%10s%9s%9s%9s\n", "loop rounds", "count", "mean",
            "p50", "p90", "p99", "max", "events", "p99", "most");
    for (unsigned i = 0; i < report->loop_count; i++) {
        const struct histogram *ns = &report->loops[i].round_ns, *n = &report->loops[i].events;
        fprintf(out, "  %-18.18s%12" PRIu64 "%10s%10s%10s%10s%10s%9.1f%9.0f%9" PRIu64 "\n",
                report->loops[i].name, (uint64_t)ns->count, cell_time(histogram_mean(ns)).text,
                cell_time(report_percentile(ns, 0.5)).text,
                cell_time(report_percentile(ns, 0.9)).text,
                cell_time(report_percentile(ns, 0.99)).text, cell_time((double)ns->max).text,
                histogram_mean(n), report_percentile(n, 0.99), (uint64_t)n->max);
    }
}

static void report_print_threads(FILE *out, const struct report *report)
{
    fprintf(out, "\n%-20s%10s%8s%10s%8s%10s%9s%12s%13s%12s\n", "threads", "wall", "busy", "cpu",
            "share", "run queue", "share", "voluntary", "involuntary", "turns");
    for (unsigned i = 0; i < report->thread_count; i++) {
        const struct thread_report *t = &report->threads[i];
        double wall = (double)t->wall_ns;
        fprintf(out, "  %-18.18s%10s%8s%10s%8s%10s%9s%12" PRIu64 "%13" PRIu64 "%12" PRIu64 "\n",
                t->name, cell_time(wall).text, cell_percent((double)t->busy_ns, wall).text,
                cell_time((double)t->cpu_ns).text, cell_percent((double)t->cpu_ns, wall).text,
                cell_time((double)t->runqueue_ns).text,
                cell_percent((double)t->runqueue_ns, wall).text, t->voluntary, t->involuntary,
                t->turns);
    }
    if (report->threads_unused > 0) {
        fprintf(out, "  %u more have had nothing to do\n", report->threads_unused);
    }
}

/* NONE, "still open", closes nothing. */
static void report_print_close_reasons(FILE *out, const struct tally *tally)
{
    bool some = false;
    for (unsigned i = 1; i < CLOSE_REASON_COUNT; i++) {
        if (tally->closed[i] == 0) {
            continue;
        }
        fprintf(out, "%s  %12" PRIu64 "  %s\n", some ? "" : "\nconnections closed because\n",
                (uint64_t)tally->closed[i], close_reason_text(i));
        some = true;
    }
}

static void report_print_counters(FILE *out, const struct tally *tally)
{
    bool some = false;
    for (unsigned i = 0; i < COUNTER_COUNT; i++) {
        if (tally->counters[i] == 0) {
            continue;
        }
        fprintf(out, "%s  %12" PRIu64 "  %s\n", some ? "" : "\ncounters\n",
                (uint64_t)tally->counters[i], counter_text(i));
        some = true;
    }
}

void report_print(FILE *out, const struct report *report)
{
    report_print_totals(out, report);
    report_print_statuses(out, &report->tally);
    report_print_intervals(out, &report->tally);
    if (report->queue_count > 0) {
        report_print_queues(out, report);
        report_print_queue_waits(out, report);
        report_print_wakeups(out, report);
    }
    if (report->loop_count > 0) {
        report_print_loops(out, report);
    }
    if (report->thread_count > 0) {
        report_print_threads(out, report);
    }
    report_print_close_reasons(out, &report->tally);
    report_print_counters(out, &report->tally);
}

void report_time(double ns, char text[REPORT_TIME])
{
    (void)snprintf(text, REPORT_TIME, "%s", cell_time(ns).text);
}

bool thread_runqueue_ns(uint64_t *ns)
{
    uint64_t cpu_ns;
    return read_schedstat("/proc/thread-self/schedstat", &cpu_ns, ns);
}
