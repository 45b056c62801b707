/* request_log.h: a line for each request, for readers who want to analyse the run themselves.
 *
 * Comma-separated, a heading first; times are nanoseconds of CLOCK_MONOTONIC, as in the traces of a
 * server on the same machine; -1 where a phase was not reached. Formatted by hand into a buffer
 * that is written when it is full: a line costs less than a microsecond. The loop's thread.
 */
#ifndef TOOLS_LOAD_REQUEST_LOG_H
#define TOOLS_LOAD_REQUEST_LOG_H

#include "tools/load/connection.h"

struct request_log;

/* Ends the program when the file cannot be made. */
struct request_log *request_log_open(const char *path);
void request_log_put(struct request_log *log, const struct connection *connection,
                     const struct shot *shot, const struct outcome *outcome);
/* False, with errno: not everything was written. */
bool request_log_close(struct request_log *log);

#endif
