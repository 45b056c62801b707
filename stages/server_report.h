/* server_report.h: the state of a running server as data.
 *
 * Thread-safety: the thread that started the server; what it reads the workers count with atomics.
 */
#ifndef STAGES_SERVER_REPORT_H
#define STAGES_SERVER_REPORT_H

#include "core/report.h"
#include "stages/server.h"

/* Fills `report`; free it with report_deinit. */
void server_report(struct server *server, struct report *report);

#endif
