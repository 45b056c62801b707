/* log.c: one line on stderr, one write(2). See log.h. */
#include "core/base/log.h"

#include "core/base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* Longer lines are cut. Below PIPE_BUF, so that lines of several processes do not mix in a pipe. */
enum { LINE_MAX_SIZE = 1024 };

static unsigned level_max = LOG_INFO;

void log_set_level(unsigned level)
{
    level_max = level;
}

/* What a printf that was given `room` bytes has really put there. */
static size_t bounded_len(int printed, size_t room)
{
    if (printed < 0) {
        return 0;
    }
    return (size_t)printed < room ? (size_t)printed : room - 1;
}

static size_t put_head(char *line, size_t size, unsigned level)
{
    static const char *const level_names[] = {"error", "warn", "info", "debug"};
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct tm utc;
    gmtime_r(&now.tv_sec, &utc);
    size_t len = strftime(line, size, "%Y-%m-%dT%H:%M:%S", &utc);
    const char *name = level <= LOG_DEBUG ? level_names[level] : "debug";
    int printed =
        snprintf(line + len, size - len, ".%03ldZ quartet %s: ", now.tv_nsec / 1000000, name);
    return len + bounded_len(printed, size - len);
}

/* A message may quote what a client sent: no control character reaches the terminal. */
static void make_one_line(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c == 0x7f) {
            text[i] = '?';
        }
    }
}

static void write_line(unsigned level, const char *fmt, va_list args, uint64_t left_out)
{
    int saved_errno = errno; /* callers log and then read errno */
    char line[LINE_MAX_SIZE];
    size_t room = sizeof(line) - 48; /* for the note below and the line end */
    size_t len = put_head(line, room, level);
    errno = saved_errno; /* for %m */
    size_t text_at = len;
    len += bounded_len(vsnprintf(line + len, room - len, fmt, args), room - len);
    make_one_line(line + text_at, len - text_at);
    if (left_out > 0) {
        len += bounded_len(
            snprintf(line + len, sizeof(line) - len, " (%" PRIu64 " more left out)", left_out),
            sizeof(line) - len - 1);
    }
    line[len++] = '\n';
    /* There is nowhere to report that stderr cannot be written. */
    while (write(STDERR_FILENO, line, len) < 0 && errno == EINTR) {
    }
    errno = saved_errno;
}

void log_line(unsigned level, const char *fmt, ...)
{
    if (level > level_max) {
        return;
    }
    va_list args;
    va_start(args, fmt);
    write_line(level, fmt, args, 0);
    va_end(args);
}

void log_rated(struct log_rate *rate, uint64_t every_ns, unsigned level, const char *fmt, ...)
{
    if (level > level_max) {
        return;
    }
    uint64_t now_ns = clock_ns();
    uint64_t next_ns = atomic_load(&rate->next_ns);
    /* Of several threads at the same moment, the one whose exchange succeeds prints. */
    if (now_ns < next_ns ||
        !atomic_compare_exchange_strong(&rate->next_ns, &next_ns, now_ns + every_ns)) {
        atomic_fetch_add(&rate->left_out, 1);
        return;
    }
    va_list args;
    va_start(args, fmt);
    write_line(level, fmt, args, atomic_exchange(&rate->left_out, 0));
    va_end(args);
}
