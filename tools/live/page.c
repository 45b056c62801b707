/* page.c: the lines. See page.h. */
#include "tools/live/page.h"

#include "core/base/cell.h"
#include "core/base/clock.h"
#include "core/report/bottleneck.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { RANK_ALWAYS, RANK_STAGES, RANK_GROUPS, RANK_QUEUES, RANK_EMPTY, RANK_THREADS };
enum { BAR = 20, QUEUES_MOST = 16, NUMBER = 16, COUNT_MOST = 999999999 };
/* Where lines of single threads end, so that there is room for what follows. */
enum { THREADS_UPTO = PAGE_ROWS - 16 };

struct number {
    char text[NUMBER];
};

static void page_put_head(struct page *page, const struct snapshot *s);
static void page_put_totals(struct page *page, const struct snapshot *s);
static void page_put_stages(struct page *page, const struct snapshot *s);
static void page_put_queues(struct page *page, const struct snapshot *s);
static void page_put_groups(struct page *page, const struct snapshot *s);
static void page_put_threads(struct page *page, const struct snapshot *s);
static void page_put_verdict(struct page *page, const struct report *report);

void page_make(struct page *page, const struct snapshot *snapshot)
{
    page->count = 0;
    page_put_head(page, snapshot);
    page_put_totals(page, snapshot);
    page_put_stages(page, snapshot);
    page_put_queues(page, snapshot);
    page_put_groups(page, snapshot);
    page_put_threads(page, snapshot);
    page_put_verdict(page, &snapshot->report);
}

/* The last of those that matter least. */
static unsigned page_least(const struct page *page)
{
    unsigned found = 0;
    for (unsigned i = 0; i < page->count; i++) {
        found = page->lines[i].rank >= page->lines[found].rank ? i : found;
    }
    return found;
}

void page_fit(struct page *page, unsigned rows, unsigned columns)
{
    while (page->count > rows) {
        unsigned line = page_least(page);
        page->count--;
        memmove(&page->lines[line], &page->lines[line + 1],
                (page->count - line) * sizeof page->lines[0]);
    }
    for (unsigned i = 0; i < page->count; i++) {
        page->lines[i].text[columns < PAGE_COLUMNS ? columns : PAGE_COLUMNS] = '\0';
    }
}

static void cut_spaces(char *text)
{
    size_t len = strlen(text);
    while (len > 0 && text[len - 1] == ' ') {
        len--;
    }
    text[len] = '\0';
}

__attribute__((format(printf, 3, 4))) static void page_put(struct page *page, unsigned rank,
                                                           const char *fmt, ...)
{
    if (page->count == (rank == RANK_THREADS ? THREADS_UPTO : PAGE_ROWS)) {
        return;
    }
    struct page_line *line = &page->lines[page->count++];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(line->text, sizeof line->text, fmt, args);
    va_end(args);
    cut_spaces(line->text);
    line->rank = rank;
}

static void page_put_empty(struct page *page)
{
    page_put(page, RANK_EMPTY, "%s", "");
}

static double page_per_second(uint64_t n, const struct snapshot *s)
{
    return s->over_ns > 0 ? (double)n * (double)NS_PER_S / (double)s->over_ns : 0;
}

/* "987", "12,345", "1,234,567" */
static struct number page_count(uint64_t n)
{
    struct number made;
    char digits[NUMBER];
    int len = 0;
    int all = snprintf(digits, sizeof digits, "%" PRIu64, n < COUNT_MOST ? n : COUNT_MOST);
    for (int i = 0; i < all; i++) {
        if (i > 0 && (all - i) % 3 == 0) {
            made.text[len++] = ',';
        }
        made.text[len++] = digits[i];
    }
    made.text[len] = '\0';
    return made;
}

/* A second of it; with a decimal below ten, so that little is not nothing. */
static struct number page_rate(uint64_t n, const struct snapshot *s)
{
    double value = page_per_second(n, s);
    if (value > 0 && value < 9.95) {
        struct number made;
        (void)snprintf(made.text, sizeof made.text, "%.1f", value);
        return made;
    }
    return page_count((uint64_t)(value + 0.5));
}

static double page_ratio(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

/* "[#####     ]" without its brackets. */
static struct bar {
    char text[BAR + 1];
} page_bar(double share, int width)
{
    struct bar made;
    int full = (int)(share * width + 0.5);
    full = full < 0 ? 0 : full > width ? width : full;
    memset(made.text, ' ', (size_t)width);
    memset(made.text, '#', (size_t)full);
    made.text[width] = '\0';
    return made;
}

static uint64_t page_counter(const struct snapshot *s, enum counter counter)
{
    return s->report.tally.counters[counter];
}

/* --- the server and its rates --- */

static void page_put_head(struct page *page, const struct snapshot *s)
{
    char process[48] = "", over[48] = "since its start";
    uint64_t up_s = s->uptime_ns / NS_PER_S;
    if (s->processes > 1) {
        (void)snprintf(process, sizeof process, ", process %" PRIu64 " of %" PRIu64, s->process,
                       s->processes);
    }
    if (!s->since_start) {
        (void)snprintf(over, sizeof over, "last %.1f s", (double)s->over_ns / (double)NS_PER_S);
    }
    page_put(page, RANK_ALWAYS, "quartet %s, %s%s%s", s->version, s->model,
             s->model[0] != '\0' ? ": " : "", s->wiring);
    page_put(page, RANK_ALWAYS, "pid %" PRIu64 "%s, up %" PRIu64 ":%02u:%02u, %s; %s", s->pid,
             process, up_s / 3600, (unsigned)(up_s / 60 % 60), (unsigned)(up_s % 60), s->phase,
             over);
}

/* Without the one on which the server was asked: it is open while the answer is made. */
static uint64_t page_others(uint64_t connections)
{
    return connections > 0 ? connections - 1 : 0;
}

static void page_put_totals(struct page *page, const struct snapshot *s)
{
    const struct tally *tally = &s->report.tally;
    double bytes = page_per_second(page_counter(s, COUNTER_BYTES_SENT), s);
    page_put(
        page, RANK_ALWAYS, "%s requests/s, %s/s sent, %s connections; 4xx %s, 5xx %s, cut off %s",
        page_rate(page_counter(s, COUNTER_REQUESTS), s).text, cell_size((uint64_t)bytes).text,
        page_count(page_others(s->report.connections)).text, page_count(tally->statuses[4]).text,
        page_count(tally->statuses[5]).text, page_count(page_counter(s, COUNTER_ABORTED)).text);
    page_put_empty(page);
}

/* --- stages --- */

static struct cell page_percentile(const struct histogram *h, double share)
{
    return cell_time((double)histogram_percentile(h, share));
}

static void page_put_stage(struct page *page, const struct snapshot *s, enum interval interval)
{
    enum { SHARE = 11 };
    const struct histogram *all = s->report.tally.intervals, *h = &all[interval];
    double share = page_ratio((double)h->sum, (double)all[INTERVAL_TOTAL].sum);
    bool inside = interval_inside_total(interval);
    if (h->count == 0) {
        page_put(page, RANK_STAGES, "%-14s%9s", interval_name(interval), "0");
        return;
    }
    page_put(page, RANK_STAGES, "%-14s%9s%9s%9s%9s%9s  %s%7s", interval_name(interval),
             page_rate(h->count, s).text, cell_time(histogram_mean(h)).text,
             page_percentile(h, 0.5).text, page_percentile(h, 0.99).text,
             cell_time((double)h->max).text, page_bar(inside ? share : 0, SHARE).text,
             inside ? cell_percent(share, 1).text : "");
}

/* Those that follow each other, and their sums. */
static void page_put_stages(struct page *page, const struct snapshot *s)
{
    static const enum interval shown[] = {
        INTERVAL_ACCEPT_WAIT, INTERVAL_SOCKET_WAIT,  INTERVAL_READ,  INTERVAL_PROCESS_WAIT,
        INTERVAL_PROCESS,     INTERVAL_WRITE_WAIT,   INTERVAL_WRITE, INTERVAL_TOTAL,
        INTERVAL_SOJOURN,     INTERVAL_REQUEUE_WAIT,
    };
    if (!s->measured) {
        page_put(page, RANK_STAGES, "Stage times are not measured (--trace-level off).");
        page_put_empty(page);
        return;
    }
    page_put(page, RANK_STAGES, "%-14s%9s%9s%9s%9s%9s  %s", "stage", "per s", "mean", "p50", "p99",
             "max", "share of total");
    for (unsigned i = 0; i < sizeof shown / sizeof *shown; i++) {
        page_put_stage(page, s, shown[i]);
    }
    page_put_empty(page);
}

/* --- queues --- */

static void page_put_queue(struct page *page, const struct snapshot *s,
                           const struct queue_report *q)
{
    if (q->accept) {
        page_put(page, RANK_QUEUES, "%-14.14s%8s%8s", q->name, page_count(q->depth).text,
                 page_count(q->depth_max).text);
        return;
    }
    page_put(page, RANK_QUEUES, "%-14.14s%8s%8s%8s%10s%9s%8s%8s%6.1f", q->name,
             page_count(q->depth).text, page_count(q->depth_max).text, page_rate(q->put, s).text,
             page_rate(q->inlined, s).text, page_percentile(&q->wait, 0.5).text,
             page_percentile(&q->wait, 0.99).text, page_rate(q->rung, s).text,
             histogram_mean(&q->batch));
}

static void page_put_queues(struct page *page, const struct snapshot *s)
{
    const struct report *report = &s->report;
    unsigned shown = report->queue_count < QUEUES_MOST ? report->queue_count : QUEUES_MOST;
    page_put(page, RANK_QUEUES, "%-14s%8s%8s%8s%10s%9s%8s%8s%6s", "queue", "depth", "peak", "put/s",
             "inlined/s", "wait p50", "p99", "rung/s", "batch");
    for (unsigned i = 0; i < shown; i++) {
        page_put_queue(page, s, &report->queues[i]);
    }
    if (shown < report->queue_count) {
        page_put(page, RANK_QUEUES, "  and %u more", report->queue_count - shown);
    }
    page_put_empty(page);
}

/* --- threads --- */

struct load {
    unsigned threads;
    double wall_ns, busy_ns, cpu_ns, runqueue_ns;
    double busiest; /* share of the busiest */
};

static void page_add_thread(struct load *load, const struct thread_report *thread)
{
    double share = page_ratio((double)thread->busy_ns, (double)thread->wall_ns);
    load->threads++;
    load->wall_ns += (double)thread->wall_ns;
    load->busy_ns += (double)thread->busy_ns;
    load->cpu_ns += (double)thread->cpu_ns;
    load->runqueue_ns += (double)thread->runqueue_ns;
    load->busiest = share > load->busiest ? share : load->busiest;
}

static void page_put_load(struct page *page, unsigned rank, const char *name,
                          const struct load *load)
{
    page_put(page, rank, "%-20.20s[%s]%8s%8s%8s%12s", name,
             page_bar(page_ratio(load->busy_ns, load->wall_ns), BAR).text,
             cell_percent(load->busy_ns, load->wall_ns).text,
             cell_percent(load->cpu_ns, load->wall_ns).text,
             cell_percent(load->runqueue_ns, load->wall_ns).text,
             load->threads > 1 ? cell_percent(load->busiest, 1).text : "");
}

static void page_put_group(struct page *page, const struct snapshot *s, unsigned index)
{
    const struct group_report *group = &s->report.groups[index];
    struct load load = {0};
    char name[48];
    for (unsigned i = 0; i < s->report.thread_count; i++) {
        if (s->report.threads[i].group == index) {
            page_add_thread(&load, &s->report.threads[i]);
        }
    }
    if (group->threads > 1) {
        (void)snprintf(name, sizeof name, "%s, %u of %u", group->letters, load.threads,
                       group->threads);
    } else {
        (void)snprintf(name, sizeof name, "%s", group->letters);
    }
    page_put_load(page, RANK_GROUPS, name, &load);
}

/* The groups; a loop that is run in turn has no thread. Of a group's threads those are counted that
 * have had something to do. */
static void page_put_groups(struct page *page, const struct snapshot *s)
{
    page_put(page, RANK_GROUPS, "%-20s%-22s%8s%8s%8s%12s", "threads", "busy", "", "cpu", "no cpu",
             "busiest");
    for (unsigned i = 0; i < s->report.group_count; i++) {
        if (!s->report.groups[i].in_turn) {
            page_put_group(page, s, i);
        }
    }
}

/* One for one, where a group has several. */
static void page_put_threads(struct page *page, const struct snapshot *s)
{
    const struct report *report = &s->report;
    for (unsigned i = 0; i < report->thread_count; i++) {
        const struct thread_report *thread = &report->threads[i];
        if (thread->group < report->group_count && report->groups[thread->group].threads > 1) {
            struct load load = {0};
            char name[REPORT_NAME + 2];
            page_add_thread(&load, thread);
            (void)snprintf(name, sizeof name, "  %s", thread->name);
            page_put_load(page, RANK_THREADS, name, &load);
        }
    }
    page_put_empty(page);
}

/* --- the verdict --- */

/* Of the figures above it, and of no others. */
static void page_put_verdict(struct page *page, const struct report *report)
{
    struct bottleneck_figures figures;
    struct bottleneck verdict;
    bottleneck_read(&figures, report);
    bottleneck_judge(&verdict, &figures);
    const char *text = verdict.text;
    while (*text != '\0') {
        size_t len = strlen(text), room = PAGE_COLUMNS;
        if (len > room) {
            len = room;
            while (len > 0 && text[len] != ' ') {
                len--;
            }
            len = len > 0 ? len : room; /* no space in it: it is cut where it must be */
        }
        page_put(page, RANK_ALWAYS, "%.*s", (int)len, text);
        text += len + (text[len] == ' ');
    }
}
