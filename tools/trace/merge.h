/* merge.h: the reports of several processes as one. */
#ifndef TOOLS_TRACE_MERGE_H
#define TOOLS_TRACE_MERGE_H

#include "core/report/report.h"

/* Adds `from` into `to`, which is all zero at first: counts and histograms add up, queues and
 * threads stand one behind the other, with `prefix` in front of their names. Where the prefix is
 * empty, it is the only one and moves over. `from` is left without queues and threads. */
void report_merge(struct report *to, struct report *from, const char *prefix);

#endif
