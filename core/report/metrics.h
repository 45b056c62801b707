/* metrics.h: what /metrics says: a report as families of figures, named as Prometheus' conventions
 * ask: prefix quartet_, seconds and bytes, _total for what only grows.
 *
 * One family, quartet_stage_duration_seconds, has the times that follow each other, so that their
 * sum means something; those that overlap them (the whole, the time to the first byte, the time
 * blocked) have families of their own. Counters and close reasons come from their .def lists.
 */
#ifndef CORE_REPORT_METRICS_H
#define CORE_REPORT_METRICS_H

#include "core/report/exposition.h"
#include "core/report/report.h"
#include "core/report/status_facts.h"

void metrics_print(FILE *out, enum exposition_format format, const struct report *report,
                   const struct status_facts *facts);

#endif
