/* access_log.h: one line for each answered (or cut) request, written by the thread that ends it.
 *
 * The fields, always all of them and in this order:
 *
 *   host - - [22/Nov/2026:04:11:23 +0000] "GET /x HTTP/1.1" 200 4231 "referer" "user-agent"
 *       512 read=3.1 process.wait=20.04 process=400 write.wait=8 write=81.2 socket.wait=35
 *       close=- answer=whole
 *
 * That is the combined format (in UTC, and at the end of the request), but the size is that of all
 * bytes of the answer that the kernel took, head included (Apache's %O rather than %b): it is what
 * was really sent, also when an answer was cut. Then the total time in whole microseconds (Apache's
 * %D, but from the first byte received) and the five stage times in microseconds, which add up to
 * it, and how long the request lay in its socket before that; -1 is "not reached". `close` is the reason for which the connection ends here, or "-" when it
 * stays open; `answer` is "whole", or "cut" when the client did not get all of it
 * (exchange_is_cut); COUNTER_ABORTED counts the same answers. A missing field is "-".
 *
 * Each writer thread has its own buffer, so no lock is taken per line; a buffer is written with
 * one write(2) of whole lines to a descriptor opened with O_APPEND, which also keeps the lines of
 * several processes apart. Reopening replaces the file under the same descriptor number.
 *
 * A pipe (a FIFO, or stdout where it is one) never blocks a thread. Opening a FIFO that no process
 * reads fails. Lines that a full pipe does not take are lost and counted. Lines are written to it
 * in pieces of at most PIPE_BUF, which the kernel takes whole or not at all, so that the reader
 * sees whole lines only.
 */
#ifndef CORE_EXCHANGE_ACCESS_LOG_H
#define CORE_EXCHANGE_ACCESS_LOG_H

#include "core/exchange/conn.h"

#include <stddef.h>
#include <time.h>

struct access_log;

/* `path` "-" is stdout. NULL with errno when it cannot be opened. Never waits. */
struct access_log *access_log_open(const char *path);
/* What such an errno says, static or until the thread's next strerror. */
const char *access_log_error(int error);
/* After every buffer's deinit. NULL is nothing to close. */
void access_log_close(struct access_log *log);
/* After rotation. One thread at a time. Never waits. False with errno: the old file stays in use.
 */
bool access_log_reopen(struct access_log *log);

/* One thread's buffer. */
struct access_log_buffer {
    struct access_log *log;
    size_t len;
    bool broken;   /* a full disk cut the last line short: the next begins on a line of its own */
    char *at;      /* ACCESS_LOG_BUFFER bytes */
    time_t second; /* that time_text is about */
    char time_text[40]; /* with the brackets; made once a second */
};
enum { ACCESS_LOG_BUFFER = 65536, ACCESS_LOG_LINE_MAX = 4096 };

void access_log_buffer_init(struct access_log_buffer *buffer, struct access_log *log);
/* Flushes first. */
void access_log_buffer_deinit(struct access_log_buffer *buffer);
/* Appends the line of conn->exchange, before exchange_end; flushes first when there is no room.
 * Client text is escaped as Apache does (\", \\, \xhh), so that a line is always one line; a very
 * long one ends in "...". */
void access_log_write(struct access_log_buffer *buffer, const struct conn *conn);
/* Lines wait in the buffer until it is full or this is called: once a turn of an idle loop, say. */
void access_log_flush(struct access_log_buffer *buffer);

/* Lines lost to write errors. */
uint64_t access_log_lost(const struct access_log *log);

#endif
