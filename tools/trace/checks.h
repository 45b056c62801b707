/* checks.h: whether a run's figures agree with each other: what the records say, what the server
 * counted by other hands, and what the samples saw. */
#ifndef TOOLS_TRACE_CHECKS_H
#define TOOLS_TRACE_CHECKS_H

#include "tools/trace/flow.h"
#include "tools/trace/summary.h"

enum check_outcome {
    CHECK_HOLDS,
    CHECK_FAILED,  /* the figures cannot be trusted: records are missing, doubled or wrong */
    CHECK_UNKNOWN, /* the trace has not what it takes; the text says what */
};

enum { CHECKS_MAX = 12, CHECK_TEXT = 200 };

struct checks {
    unsigned count, failed;
    struct check {
        const char *name;
        enum check_outcome outcome;
        char text[CHECK_TEXT];
    } at[CHECKS_MAX];
};

/* All of them. After the whole run has been read, before summary_to_report. */
void checks_make(struct checks *checks, const struct trace_run *run, const struct summary *summary,
                 const struct flow *flow);

const char *check_outcome_name(enum check_outcome outcome);

#endif
