/* report_read.h: a report out of JSON, as report_to_json (core/report/report.h) has written it.
 *
 * It need not be trusted: what is missing or of another kind stays zero. Any thread.
 */
#ifndef CORE_REPORT_REPORT_READ_H
#define CORE_REPORT_REPORT_READ_H

#include "core/report/report.h"
#include "core/base/json_read.h"

enum { REPORT_LIST_MAX = 4096 }; /* queues, threads ... that are taken */

/* False when `json` is no object. `report` is set either way and wants report_deinit. */
bool report_read(struct report *report, const json_t *json);
/* The same from text; false also when it is no JSON. */
bool report_from_json(struct report *report, struct bytes text);

#endif
