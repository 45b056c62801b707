/* summary.h: what all requests of a run come to: the intervals' histograms, and whether the parts
 * of each request add up to its total. Made from the records alone. */
#ifndef TOOLS_TRACE_SUMMARY_H
#define TOOLS_TRACE_SUMMARY_H

#include "tools/trace/run.h"

enum { SUMMARY_WHY = 120 };

struct summary {
    uint64_t requests;
    uint64_t unfinished; /* of these, not sent to their last byte: no total */
    uint64_t bytes_sent;
    uint64_t lay_read_ns;       /* of all pipelined requests: read while they lay behind another */
    uint64_t first_ns, last_ns; /* the earliest first byte and the latest stamp */
    uint64_t wrong;             /* requests whose parts do not add up, … */
    uint64_t wrong_id;          /* … the first of them, and why */
    char wrong_why[SUMMARY_WHY];
    struct tally tally; /* intervals, statuses, close reasons of the requests */
};

void summary_init(struct summary *summary);
void summary_deinit(struct summary *summary);
void summary_request(struct summary *summary, const struct trace_record *request);

uint64_t summary_duration_ns(const struct summary *summary);
double summary_rate(const struct summary *summary);

/* Puts the intervals made from the records into the run's report; without a report in the file,
 * also what else the records show. */
void summary_to_report(struct summary *summary, struct trace_run *run);

/* A record's stamps and its intervals. */
void record_intervals(const struct trace_record *record, int64_t intervals[INTERVAL_COUNT]);

#endif
