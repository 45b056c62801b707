/* access_log.h: one line for each answered (or cut) request, written by the thread that ends it.
 *
 * Combined format, then the total time in microseconds (Apache's %D, but from the first byte in hand) and the stage times
 * by name. Each writer thread has its own buffer, so no lock is taken per line; a buffer is written with
 * one write(2) of whole lines to a descriptor opened with O_APPEND. Reopening replaces the file under the same descriptor number.
 */
#ifndef CORE_ACCESS_LOG_H
#define CORE_ACCESS_LOG_H

#include "core/conn.h"

struct access_log;

/* `path` "-" is stdout. NULL with errno when it cannot be opened. */
struct access_log *access_log_open(const char *path);
void access_log_close(struct access_log *log);
/* After rotation. Any thread. False with errno: the old file stays in use. */
bool access_log_reopen(struct access_log *log);

/* One thread's buffer. */
struct access_log_buffer {
    struct access_log *log;
    size_t len;
    char *at; /* ACCESS_LOG_BUFFER bytes */
};
enum { ACCESS_LOG_BUFFER = 65536, ACCESS_LOG_LINE_MAX = 4096 };

void access_log_buffer_init(struct access_log_buffer *buffer, struct access_log *log);
void access_log_buffer_deinit(struct access_log_buffer *buffer);
/* Appends the line of conn->exchange; flushes first when there is no room. Client text is escaped as Apache
 * does (\", \\, \xhh), so that a line is always one line. */
void access_log_write(struct access_log_buffer *buffer, const struct conn *conn);
void access_log_flush(struct access_log_buffer *buffer);

/* Lines lost to write errors. */
uint64_t access_log_lost(const struct access_log *log);

#endif
