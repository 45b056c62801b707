/* status_auto.c: Apache's keys. See status_auto.h. */
#include "core/report/status_auto.h"

#include "core/base/clock.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

struct workers {
    unsigned busy, idle;
};

/* "Wednesday, 25-Nov-2026 22:58:05 UTC" */
static void print_time(FILE *out, const char *key, time_t at)
{
    char text[64];
    struct tm tm;
    if (gmtime_r(&at, &tm) != NULL &&
        strftime(text, sizeof text, "%A, %d-%b-%Y %H:%M:%S UTC", &tm) > 0) {
        fprintf(out, "%s: %s\n", key, text);
    }
}

/* "1 day 2 hours 1 second": parts that are 0 are left out, but for the last. */
static void print_uptime(FILE *out, uint64_t left)
{
    static const struct {
        uint64_t seconds;
        const char *word;
    } units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
    fputs("ServerUptime:", out);
    for (unsigned i = 0; i < sizeof units / sizeof *units; i++) {
        uint64_t n = left / units[i].seconds;
        left %= units[i].seconds;
        if (n > 0 || units[i].seconds == 1) {
            fprintf(out, " %" PRIu64 " %s%s", n, units[i].word, n == 1 ? "" : "s");
        }
    }
    fputc('\n', out);
}

/* Which model a server has, is what Apache's MPM is. */
static void print_who(FILE *out, const struct status_facts *facts)
{
    fprintf(out, "ServerVersion: quartet/%s\n", QUARTET_VERSION);
    fprintf(out, "ServerMPM: %s%s%s\n", facts->model, facts->model[0] != '\0' ? ", " : "",
            facts->wiring);
    if (facts->built_s != 0) {
        char text[32];
        struct tm tm;
        if (gmtime_r(&facts->built_s, &tm) != NULL &&
            strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm) > 0) {
            fprintf(out, "Server Built: %s\n", text);
        }
    }
    print_time(out, "CurrentTime", facts->now_s);
    print_time(out, "RestartTime", facts->started_s);
    fprintf(out, "ServerUptimeSeconds: %" PRIu64 "\n", facts->uptime_ns / (uint64_t)NS_PER_S);
    print_uptime(out, facts->uptime_ns / NS_PER_S);
}

static double seconds_of(uint64_t ns)
{
    return (double)ns / (double)NS_PER_S;
}

static double status_auto_ratio(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

static void print_load(FILE *out, const struct status_facts *facts)
{
    static const char *const keys[] = {"Load1", "Load5", "Load15"};
    for (unsigned i = 0; i < 3; i++) {
        if (facts->load[i] >= 0) {
            fprintf(out, "%s: %.2f\n", keys[i], facts->load[i]);
        }
    }
    fprintf(out, "CPUUser: %.2f\n", seconds_of(facts->cpu_user_ns));
    fprintf(out, "CPUSystem: %.2f\n", seconds_of(facts->cpu_system_ns));
    fprintf(out, "CPUChildrenUser: 0\nCPUChildrenSystem: 0\n"); /* a server process has none */
    fprintf(out, "CPULoad: %.4f\n",
            100 * status_auto_ratio(seconds_of(facts->cpu_user_ns + facts->cpu_system_ns),
                                    seconds_of(facts->uptime_ns)));
}

static uint64_t status_auto_counter(const struct report *report, enum counter counter)
{
    return atomic_load_explicit(&report->tally.counters[counter], memory_order_relaxed);
}

/* Durations are known only where requests are measured. */
static void status_auto_print_requests(FILE *out, const struct report *report,
                                       const struct status_facts *facts)
{
    double uptime = seconds_of(facts->uptime_ns);
    uint64_t requests = status_auto_counter(report, COUNTER_REQUESTS);
    uint64_t bytes = status_auto_counter(report, COUNTER_BYTES_SENT);
    fprintf(out, "Total Accesses: %" PRIu64 "\n", requests);
    fprintf(out, "Total kBytes: %" PRIu64 "\n", bytes / 1024);
    fprintf(out, "Uptime: %" PRIu64 "\n", facts->uptime_ns / (uint64_t)NS_PER_S);
    fprintf(out, "ReqPerSec: %.4f\n", status_auto_ratio((double)requests, uptime));
    fprintf(out, "BytesPerSec: %.2f\n", status_auto_ratio((double)bytes, uptime));
    fprintf(out, "BytesPerReq: %.2f\n", status_auto_ratio((double)bytes, (double)requests));
    if (facts->measured && report->tally.intervals != NULL) {
        const struct histogram *total = &report->tally.intervals[INTERVAL_TOTAL];
        uint64_t sum_ns = atomic_load_explicit(&total->sum, memory_order_relaxed);
        fprintf(out, "Total Duration: %" PRIu64 "\n", sum_ns / (uint64_t)NS_PER_MS);
        fprintf(out, "DurationPerReq: %.4f\n", histogram_mean(total) / (double)NS_PER_MS);
    }
}

static struct workers count_workers(const struct report *report)
{
    struct workers workers = {.idle = report->threads_unused};
    for (unsigned i = 0; i < report->thread_count; i++) {
        workers.idle += report->threads[i].idle;
        workers.busy += !report->threads[i].idle;
    }
    return workers;
}

static void print_workers(FILE *out, const struct report *report, const struct status_facts *facts)
{
    struct workers workers = count_workers(report);
    fprintf(out, "BusyWorkers: %u\n", workers.busy);
    fprintf(out, "GracefulWorkers: %u\n", facts->draining ? workers.busy : 0);
    fprintf(out, "IdleWorkers: %u\n", workers.idle);
    fprintf(out, "Processes: %u\n", facts->processes);
    fprintf(out, "Stopping: %d\n", facts->draining);
}

/* Those whose answer is made and not sent: what Apache calls writing asynchronously. Connections
 * that are kept alive or linger are not counted. */
static void status_auto_print_connections(FILE *out, const struct report *report)
{
    uint64_t handed = status_auto_counter(report, COUNTER_HANDED),
             ended = status_auto_counter(report, COUNTER_REQUESTS);
    fprintf(out, "ConnsTotal: %" PRIu64 "\n", report->connections);
    fprintf(out, "ConnsAsyncWriting: %" PRIu64 "\n", handed > ended ? handed - ended : 0);
}

static char thread_mark(const struct report *report, const struct thread_report *thread,
                        bool draining)
{
    if (thread->idle) {
        return '_';
    }
    if (draining) {
        return 'G';
    }
    const char *letters =
        thread->group < report->group_count ? report->groups[thread->group].letters : "";
    return strpbrk(letters, "PpWw") != NULL ? 'W' : 'R';
}

/* Loops that are run in turn have no thread. */
static unsigned count_threads(const struct report *report)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < report->group_count; i++) {
        sum += report->groups[i].in_turn ? 0 : report->groups[i].threads;
    }
    return sum;
}

static void print_scoreboard(FILE *out, const struct report *report, bool draining)
{
    unsigned there = report->thread_count + report->threads_unused;
    fputs("Scoreboard: ", out);
    for (unsigned i = 0; i < report->thread_count; i++) {
        fputc(thread_mark(report, &report->threads[i], draining), out);
    }
    for (unsigned i = 0; i < report->threads_unused; i++) {
        fputc('_', out);
    }
    for (unsigned i = there; i < count_threads(report); i++) {
        fputc('.', out);
    }
    fputc('\n', out);
}

void status_auto_print(FILE *out, const struct report *report, const struct status_facts *facts)
{
    print_who(out, facts);
    print_load(out, facts);
    status_auto_print_requests(out, report, facts);
    print_workers(out, report, facts);
    status_auto_print_connections(out, report);
    print_scoreboard(out, report, facts->draining);
}
