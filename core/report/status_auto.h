/* status_auto.h: what /server-status?auto says: the keys of Apache's mod_status, with the same
 * meaning, for the programs that read those. What a server of another kind cannot know is left out.
 *
 * The scoreboard has a character for each thread of this process, in the order of the report:
 *
 *   _  waits for work           W  has work; its group runs the processor or the writer
 *   G  has work, and the server is stopping      R  has work; its group runs neither
 *   .  may be started when it is needed
 */
#ifndef CORE_REPORT_STATUS_AUTO_H
#define CORE_REPORT_STATUS_AUTO_H

#include "core/report/report.h"
#include "core/report/status_facts.h"

void status_auto_print(FILE *out, const struct report *report, const struct status_facts *facts);

#endif
