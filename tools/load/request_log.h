/* request_log.h: a line for each request, for readers who want to analyse the run themselves.
 *
 * Comma-separated, a heading first; times are nanoseconds of CLOCK_MONOTONIC, as in the traces of a
 * server on the same machine; -1 where a phase was not reached. Formatted by hand into a buffer
 * that is written when it is full: a line costs less than a microsecond.
 * One thread each.
 */
#ifndef TOOLS_LOAD_REQUEST_LOG_H
#define TOOLS_LOAD_REQUEST_LOG_H

#include "tools/load/connection.h"

#include <stdio.h>

struct request_log;

/* Makes the file, with its heading. Ends the program when it cannot be made. */
FILE *request_log_open(const char *path);

/* One for each thread, into the same file. Lines of two threads do not mix. */
struct request_log *request_log_new(FILE *out);
void request_log_put(struct request_log *log, const struct connection *connection,
                     const struct shot *shot, const struct outcome *outcome);
/* Writes what is left. 0, or the error number of what could not be written. */
int request_log_free(struct request_log *log);

#endif
