/* summary.c: adding requests up. See summary.h. */
#include "tools/trace/summary.h"

#include <inttypes.h>

static void summary_parts_of(struct summary *summary, const struct trace_record *request,
                             const int64_t intervals[INTERVAL_COUNT]);
static void note_wrong(struct summary *summary, uint64_t id, const char *why);
static void summary_note_time(struct summary *summary, const struct trace_record *request);

void summary_init(struct summary *summary)
{
    *summary = (struct summary){0};
    tally_init(&summary->tally, true);
}

void summary_deinit(struct summary *summary)
{
    tally_deinit(&summary->tally);
}

void summary_request(struct summary *summary, const struct trace_record *request)
{
    int64_t intervals[INTERVAL_COUNT];
    record_intervals(request, intervals);
    tally_intervals(&summary->tally, intervals);
    tally_status(&summary->tally, request->status);
    if (request->close_reason < CLOSE_REASON_COUNT) {
        tally_close(&summary->tally, request->close_reason);
    }
    summary->requests++;
    summary->bytes_sent += request->bytes_sent;
    summary_note_time(summary, request);
    if (intervals[INTERVAL_READ] > 0) {
        uint64_t read_ns = (uint64_t)intervals[INTERVAL_READ], lay_ns = request->lay_us * NS_PER_US;
        summary->lay_read_ns += lay_ns < read_ns ? lay_ns : read_ns;
    }
    if (request->first_byte_ns == 0 || request->last_sent_ns == 0) {
        summary->unfinished++;
    } else {
        summary_parts_of(summary, request, intervals);
    }
}

uint64_t summary_duration_ns(const struct summary *summary)
{
    return summary->last_ns > summary->first_ns ? summary->last_ns - summary->first_ns : 0;
}

double summary_rate(const struct summary *summary)
{
    uint64_t ns = summary_duration_ns(summary);
    return ns != 0 ? (double)summary->requests * (double)NS_PER_S / (double)ns : 0;
}

void summary_to_report(struct summary *summary, struct trace_run *run)
{
    struct report *report = &run->report;
    struct histogram *intervals = summary->tally.intervals;
    if (!run->reported) {
        report->wall_ns = summary_duration_ns(summary);
        tally_merge(&report->tally, &summary->tally);
        report->tally.counters[COUNTER_REQUESTS] = summary->requests;
        report->tally.counters[COUNTER_BYTES_SENT] = summary->bytes_sent;
    }
    summary->tally.intervals = report->tally.intervals;
    report->tally.intervals = intervals;
}

void record_intervals(const struct trace_record *record, int64_t intervals[INTERVAL_COUNT])
{
    struct stamps stamps = {
        .accepted_ns = record->accepted_ns,
        .adopted_ns = record->adopted_ns,
        .arrived_ns = record->arrived_ns,
        .first_byte_ns = record->first_byte_ns,
        .whole_ns = record->whole_ns,
        .started_ns = record->started_ns,
        .handed_ns = record->handed_ns,
        .writer_ns = record->writer_ns,
        .first_sent_ns = record->first_sent_ns,
        .last_sent_ns = record->last_sent_ns,
        .requeued_ns = record->requeued_ns,
        .read_blocked_ns = record->read_blocked_us * NS_PER_US,
        .write_blocked_ns = record->write_blocked_us * NS_PER_US,
    };
    stamps_intervals(&stamps, intervals);
}

/* That each part is there and not negative is what adding up could hide. */
static void summary_parts_of(struct summary *summary, const struct trace_record *request,
                             const int64_t intervals[INTERVAL_COUNT])
{
    char why[SUMMARY_WHY];
    uint64_t sum = 0;
    for (unsigned i = 0; i < INTERVAL_COUNT; i++) {
        if (!interval_is_part(i)) {
            continue;
        }
        if (intervals[i] < 0) {
            (void)snprintf(why, sizeof why, "%s is missing or negative", interval_name(i));
            note_wrong(summary, request->request_id, why);
            return;
        }
        sum += (uint64_t)intervals[i];
    }
    if (sum != (uint64_t)intervals[INTERVAL_TOTAL]) {
        (void)snprintf(why, sizeof why, "they make %" PRIu64 " ns, total is %" PRId64 " ns", sum,
                       intervals[INTERVAL_TOTAL]);
        note_wrong(summary, request->request_id, why);
    } else if (intervals[INTERVAL_SOJOURN] >= 0 &&
               (request->arrived_ns > request->first_byte_ns ||
                (uint64_t)intervals[INTERVAL_SOCKET_WAIT] + (uint64_t)intervals[INTERVAL_TOTAL] !=
                    (uint64_t)intervals[INTERVAL_SOJOURN])) {
        note_wrong(summary, request->request_id, "socket.wait and total do not make sojourn");
    }
}

static void note_wrong(struct summary *summary, uint64_t id, const char *why)
{
    if (summary->wrong++ == 0) {
        summary->wrong_id = id;
        (void)snprintf(summary->wrong_why, sizeof summary->wrong_why, "%s", why);
    }
}

static void summary_note_time(struct summary *summary, const struct trace_record *request)
{
    uint64_t first = request->first_byte_ns, last = request->last_sent_ns;
    if (first != 0 && (summary->first_ns == 0 || first < summary->first_ns)) {
        summary->first_ns = first;
    }
    last = last != 0 ? last : first;
    if (last > summary->last_ns) {
        summary->last_ns = last;
    }
}
