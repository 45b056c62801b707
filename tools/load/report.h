/* report.h: a finished run, for people and for programs. */
#ifndef TOOLS_LOAD_REPORT_H
#define TOOLS_LOAD_REPORT_H

#include "tools/load/crew.h"
#include "tools/load/plan.h"
#include "tools/load/results.h"
#include "tools/load/validity.h"

#include <stdio.h>

struct report {
    const struct plan *plan;
    const struct results *results;
    const struct validity *validity;
    const struct crew *crew; /* its threads have ended */
};

/* The latency that is quoted and judged: from due in an open loop, else from send. */
const struct fine *report_latency(const struct report *report);
/* Of all of --slo. */
bool report_objectives_met(const struct report *report);

/* Requests a second that were asked for in a part of a rate that changes, as its series has them. */
double report_asked(const struct report *report, unsigned row);
/* Seconds of a row. */
double report_row_s(const struct report *report);

/* What is about to be done, as one line. */
void report_head(FILE *out, const struct plan *plan);
/* Everything behind the head; its last line is "valid" or "INVALID: reason". */
void report_text(FILE *out, const struct report *report);
/* report_json.c; the members are described in quartet-load(1). */
void report_json(FILE *out, const struct report *report);

#endif
