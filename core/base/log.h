/* log.h: what the server says on stderr, one line each, with a level and a time. Any thread. */
#ifndef CORE_BASE_LOG_H
#define CORE_BASE_LOG_H

#include <stdint.h>

/* The words of --log-level, in its order. */
enum { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Lines above this level are not printed. Before threads start. */
void log_set_level(unsigned level);

/* One line; written with one write(2). A long one is cut at 1024 bytes, a control character becomes
 * '?'. Keeps errno. */
void log_line(unsigned level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A line that may come often: prints at most one in `every_ns` for this `rate` (static, starts as
 * zeroes), and says how many were left out before. Lock-free. */
struct log_rate {
    _Atomic uint64_t next_ns;
    _Atomic uint64_t left_out;
};
void log_rated(struct log_rate *rate, uint64_t every_ns, unsigned level, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
