/* checks.c: the comparisons. See checks.h.
 *
 * Little's law says that the time-averaged number in a stage is arrivals a second times mean time
 * in it. Made from the records alone it could not fail; so its left side comes from the samples,
 * which count requests in the stages without reading any record. Samples see few of the moments,
 * so the two sides differ by chance: the spread of the samples says by how much. A stage in which
 * fewer than about one request is at a time cannot be checked so, and is not said to hold. The exact
 * comparisons are those with the server's own counts and sums. */
#include "tools/trace/checks.h"

#include "core/base/check.h"
#include "core/base/clock.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

/* What the two sides of Little's law may differ by: so many standard errors of the samples, and a
 * part of the number for what the sampling thread itself does to it, since it takes a CPU from the
 * server. */
static const double errors_allowed = 6, part_allowed = 0.25, number_allowed = 0.5;
/* Between processes of one server: the longest wait before one that died is replaced is 5 s. And by
 * how much wall clocks are set while a server runs. */
static const uint64_t gap_allowed_ns = 10 * NS_PER_S;
static const int64_t boots_apart_s = 60;
/* So many samples, of moments in which something was asked, make a mean: about a second. */
enum { SAMPLES_LEAST = 50 };

static void check_sources(struct checks *checks, const struct trace_run *run);
static void checks_parts_of(struct checks *checks, const struct summary *summary);
static void check_records(struct checks *checks, const struct trace_run *run);
static void check_report(struct checks *checks, const struct trace_run *run,
                         const struct summary *summary);
static void check_flow(struct checks *checks, const struct trace_run *run);
static void check_little(struct checks *checks, const struct trace_run *run,
                         const struct summary *summary, const struct flow *flow);
static void checks_add(struct checks *checks, const char *name, enum check_outcome outcome,
                       const char *fmt, ...) __attribute__((format(printf, 4, 5)));

void checks_make(struct checks *checks, const struct trace_run *run, const struct summary *summary,
                 const struct flow *flow)
{
    *checks = (struct checks){0};
    check_sources(checks, run);
    checks_parts_of(checks, summary);
    check_records(checks, run);
    check_report(checks, run, summary);
    check_flow(checks, run);
    check_little(checks, run, summary, flow);
}

const char *check_outcome_name(enum check_outcome outcome)
{
    static const char *const names[] = {"holds", "FAILED", "unknown"};
    return names[outcome];
}

static void checks_add(struct checks *checks, const char *name, enum check_outcome outcome,
                       const char *fmt, ...)
{
    CHECK(checks->count < CHECKS_MAX);
    struct check *check = &checks->at[checks->count++];
    va_list args;
    check->name = name;
    check->outcome = outcome;
    checks->failed += outcome == CHECK_FAILED;
    va_start(args, fmt);
    (void)vsnprintf(check->text, sizeof check->text, fmt, args);
    va_end(args);
}

/* Seconds since 1970 when its clock stood at 0. */
static int64_t boot_s(const struct trace_source *source)
{
    return (int64_t)source->wall_s - (int64_t)(source->started_ns / NS_PER_S);
}

/* The last known time of it: a stamp, or, of a process without work, the time in its report. */
static uint64_t end_of(const struct trace_source *source)
{
    uint64_t reported_ns = source->started_ns + source->report.wall_ns;
    return reported_ns > source->now_ns ? reported_ns : source->now_ns;
}

/* How long before this source began the last of those had ended that began before it; 0 when one
 * was still there, or it is the first. */
static uint64_t gap_before_ns(const struct trace_run *run, const struct trace_source *source)
{
    uint64_t end_ns = 0;
    for (unsigned i = 0; i < run->source_count; i++) {
        const struct trace_source *other = &run->sources[i];
        bool before = other != source && other->started_ns <= source->started_ns;
        end_ns = before && end_of(other) > end_ns ? end_of(other) : end_ns;
    }
    return end_ns != 0 && end_ns < source->started_ns ? source->started_ns - end_ns : 0;
}

/* Processes of one server run side by side; one that died is replaced within seconds. Damaged heads
 * are left out. */
static void check_sources(struct checks *checks, const struct trace_run *run)
{
    const struct trace_source *first = NULL;
    for (unsigned i = 0; i < run->source_count; i++) {
        const struct trace_source *source = &run->sources[i];
        if (source->started_ns == 0) {
            continue;
        }
        first = first == NULL ? source : first;
        uint64_t gap_ns = gap_before_ns(run, source);
        if (llabs(boot_s(source) - boot_s(first)) > boots_apart_s) {
            checks_add(
                checks, "sources", CHECK_FAILED,
                "traces %u and %u are of different machines, or a boot lies between them: their "
                "times mean different things",
                first->number, source->number);
            return;
        }
        if (gap_ns > gap_allowed_ns) {
            checks_add(checks, "sources", CHECK_FAILED,
                       "trace %u began %" PRIu64
                       " s after the others had ended: this is not one run",
                       source->number, (uint64_t)(gap_ns / NS_PER_S));
            return;
        }
    }
    if (run->source_count > 1) {
        checks_add(checks, "sources", CHECK_HOLDS, "%u traces of one machine, side by side",
                   run->source_count);
    }
}

static void checks_parts_of(struct checks *checks, const struct summary *summary)
{
    if (summary->wrong == 0) {
        checks_add(checks, "parts", CHECK_HOLDS,
                   "parts add up to total for all %" PRIu64 " requests",
                   summary->requests - summary->unfinished);
        return;
    }
    checks_add(checks, "parts", CHECK_FAILED,
               "parts do not add up to total for %" PRIu64 " requests, first request %" PRIu64
               ": %s",
               summary->wrong, summary->wrong_id, summary->wrong_why);
}

/* The comparison with the report says whether some are missing. */
static void check_records(struct checks *checks, const struct trace_run *run)
{
    if (run->doubled > 0) {
        checks_add(checks, "records", CHECK_FAILED, "%" PRIu64 " records are there twice",
                   run->doubled);
    } else if (run->unjoined > 0 && run->lost == 0 && run->gaps == 0 && run->reported) {
        checks_add(checks, "records", CHECK_FAILED,
                   "%" PRIu64 " connections went on behind a request that has no record",
                   run->unjoined);
    } else {
        checks_add(checks, "records", CHECK_HOLDS, "each of %" PRIu64 " records is there once",
                   run->records);
    }
}

/* The waits for clients are rounded in the records, so their sums are not. */
static bool sums_are_exact(enum interval interval)
{
    return interval != INTERVAL_READ_BLOCKED && interval != INTERVAL_WRITE_BLOCKED;
}

/* The first interval in which records and report differ, or INTERVAL_COUNT. */
static enum interval first_that_differs(const struct histogram *records,
                                        const struct histogram *report)
{
    enum interval i = 0;
    while (i < INTERVAL_COUNT && records[i].count == report[i].count &&
           (records[i].sum == report[i].sum || !sums_are_exact(i))) {
        i++;
    }
    return i;
}

/* Bytes, and answers by the first digit of their status. */
static bool answers_differ(const struct tally *report, const struct summary *summary)
{
    bool differ = report->counters[COUNTER_BYTES_SENT] != summary->bytes_sent;
    for (unsigned i = 0; i < 6; i++) {
        differ = differ || report->statuses[i] != summary->tally.statuses[i];
    }
    return differ;
}

static void check_report(struct checks *checks, const struct trace_run *run,
                         const struct summary *summary)
{
    const struct tally *report = &run->report.tally;
    bool measured = report->intervals != NULL && report->intervals[INTERVAL_TOTAL].count > 0;
    bool counted = measured || summary->requests == summary->unfinished;
    if (!run->reported || report->counters[COUNTER_REQUESTS] == 0 || !counted) {
        checks_add(checks, "counts", CHECK_UNKNOWN,
                   "the file has no counts of the server to compare with");
        return;
    }
    if (run->lost > 0 || run->gaps > 0) {
        checks_add(checks, "counts", CHECK_UNKNOWN,
                   "records are missing, so they are fewer than counted");
        return;
    }
    uint64_t answered = report->counters[COUNTER_REQUESTS];
    if (answered != summary->requests) {
        checks_add(checks, "counts", CHECK_FAILED,
                   "the server answered %" PRIu64 " requests, the records have %" PRIu64, answered,
                   summary->requests);
        return;
    }
    enum interval differs = first_that_differs(summary->tally.intervals, report->intervals);
    if (differs != INTERVAL_COUNT) {
        const struct histogram *there = &report->intervals[differs],
                               *here = &summary->tally.intervals[differs];
        checks_add(checks, "counts", CHECK_FAILED,
                   "%s: the server measured %" PRIu64 " times %" PRIu64
                   " ns in all, the records %" PRIu64 " times %" PRIu64 " ns",
                   interval_name(differs), (uint64_t)there->count, (uint64_t)there->sum,
                   (uint64_t)here->count, (uint64_t)here->sum);
        return;
    }
    if (answers_differ(report, summary)) {
        checks_add(checks, "counts", CHECK_FAILED,
                   "the server sent other statuses or bytes than the records have (%" PRIu64
                   " and %" PRIu64 " bytes)",
                   (uint64_t)report->counters[COUNTER_BYTES_SENT], summary->bytes_sent);
        return;
    }
    checks_add(
        checks, "counts", CHECK_HOLDS,
        "the server counted as many requests, and to the nanosecond as much time in each interval");
}

static void check_flow(struct checks *checks, const struct trace_run *run)
{
    const _Atomic uint64_t *counters = run->report.tally.counters;
    uint64_t begun = counters[COUNTER_BEGUN], answered = counters[COUNTER_REQUESTS];
    uint64_t abandoned = counters[COUNTER_ABANDONED];
    int64_t in_flight = (int64_t)(begun - answered - abandoned);
    bool holds = run->report.connections > 0 ? in_flight >= 0 : in_flight == 0;
    if (!run->reported || begun == 0) {
        checks_add(checks, "flow", CHECK_UNKNOWN,
                   "the file does not say how many requests were begun");
        return;
    }
    checks_add(checks, "flow", holds ? CHECK_HOLDS : CHECK_FAILED,
               "%" PRIu64 " begun = %" PRIu64 " answered + %" PRIu64 " abandoned + %" PRId64
               " in flight at the end%s",
               begun, answered, abandoned, in_flight, holds ? "" : ", when no connection was open");
}

/* At most so many requests were in a stage for a time that is in no record: their connection
 * ended inside it, or it has not ended. */
static double checks_without_record(const struct trace_run *run, enum flow_stage stage)
{
    const _Atomic uint64_t *counters = run->report.tally.counters;
    uint64_t ended = counters[COUNTER_REQUESTS] + counters[COUNTER_ABANDONED];
    uint64_t begun = counters[COUNTER_BEGUN], in_flight = begun > ended ? begun - ended : 0;
    uint64_t cut = counters[stage == FLOW_READ ? COUNTER_ABANDONED : COUNTER_ABORTED];
    return (double)cut + (double)in_flight;
}

/* Only samples see requests without a record: this explains that they saw more, never less. And
 * where so few are in the stage that none at all would be within what is allowed, agreement says
 * nothing: the check could not fail. */
static enum check_outcome judge_stage(const struct trace_run *run, enum flow_stage stage,
                                      double more, double law, double allowed)
{
    bool some_missing = run->lost > 0 || run->gaps > 0 || !run->reported;
    if (fabs(more) <= allowed) {
        return law > allowed ? CHECK_HOLDS : CHECK_UNKNOWN;
    }
    bool explained =
        more > 0 && (some_missing || more <= allowed + checks_without_record(run, stage));
    return explained ? CHECK_UNKNOWN : CHECK_FAILED;
}

static void check_stage(struct checks *checks, const struct trace_run *run, const struct flow *flow,
                        enum flow_stage stage, const uint64_t sums_ns[INTERVAL_COUNT])
{
    static const char *const names[] = {"Little, read", "Little, wait", "Little, process",
                                        "Little, write"};
    double error, seen = flow_in_stage(flow, stage, &error);
    double law = flow_stage_ns(stage, sums_ns) / (double)flow_sampled_ns(flow);
    double allowed = number_allowed + part_allowed * law + errors_allowed * error;
    enum check_outcome outcome = judge_stage(run, stage, seen - law, law, allowed);
    bool few = outcome == CHECK_UNKNOWN && fabs(seen - law) <= allowed;
    checks_add(checks, names[stage], outcome,
               "%s: %.3f in it at a time as sampled (+-%.3f), %.3f by arrivals times mean time%s",
               flow_stage_name(stage), seen, error, law,
               few                        ? "; too few to tell from none"
               : outcome == CHECK_UNKNOWN ? "; requests without a record may be the rest"
                                          : "");
}

static void check_little(struct checks *checks, const struct trace_run *run,
                         const struct summary *summary, const struct flow *flow)
{
    uint64_t sums_ns[INTERVAL_COUNT];
    double error;
    (void)flow_in_stage(flow, FLOW_READ, &error);
    if (flow->active < SAMPLES_LEAST || error < 0) {
        checks_add(checks, "Little", CHECK_UNKNOWN,
                   "Little's law: %" PRIu64
                   " samples of a server at work are too few to know the number in each stage",
                   flow->active);
        return;
    }
    for (unsigned i = 0; i < INTERVAL_COUNT; i++) {
        sums_ns[i] = summary->tally.intervals[i].sum;
    }
    /* A request is there with the one it came with, and known of only when its turn comes. */
    sums_ns[INTERVAL_READ] -= summary->lay_read_ns;
    for (unsigned i = 0; i < FLOW_STAGES; i++) {
        check_stage(checks, run, flow, i, sums_ns);
    }
}
