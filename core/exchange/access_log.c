/* access_log.c: making and writing the lines of the access log. See access_log.h.
 *
 * A line is built in place, at the end of the thread's buffer, by the small put_ functions: no
 * printf, no copy, no allocation. Room for the longest line is made before it is begun, and each
 * part that a client can make long has a bound of its own, so the parts need not count.
 */
#include "core/exchange/access_log.h"

#include "core/base/check.h"
#include "core/base/decimal.h"
#include "core/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Escaped bytes of the client's texts. With at most 48 bytes of address, 30 of time and about 300
 * of numbers and names they stay below ACCESS_LOG_LINE_MAX. */
enum { REQUEST_TEXT_MAX = 2000, FIELD_TEXT_MAX = 720 };
_Static_assert(REQUEST_TEXT_MAX + 2 * FIELD_TEXT_MAX + PEER_TEXT + 512 < (int)ACCESS_LOG_LINE_MAX,
               "a line fits");

_Static_assert((int)ACCESS_LOG_LINE_MAX <= PIPE_BUF, "a pipe takes a line whole or not at all");

/* What a pipe holds, where the kernel allows it: a reader that is late for a moment loses nothing.
 */
enum { PIPE_ROOM = 1 << 20 };

enum { COMPLAIN_EVERY_S = 10 };

struct access_log {
    int fd;
    char *path; /* NULL: stdout, which cannot be reopened */
    _Atomic bool is_pipe;
    _Atomic uint64_t lost;
    struct log_rate complaints;
};

/* The line being built. */
struct line {
    char *at;
    size_t len;
};

/* O_NONBLOCK means pipes only: neither open nor write waits for a reader, and a signal is heard. */
static int open_path(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0644);
}

/* O_NONBLOCK would apply to all processes that share stdout, so a pipe is opened a second time.
 * Where that is not possible (no /proc, another user's pipe) a reader that stops blocks the
 * writing thread. */
static int open_stdout(void)
{
    struct stat stat;
    if (fstat(STDOUT_FILENO, &stat) != 0 || !S_ISFIFO(stat.st_mode)) {
        return STDOUT_FILENO;
    }
    int fd = open_path("/proc/self/fd/1");
    return fd >= 0 ? fd : STDOUT_FILENO;
}

/* Whether it is one; makes it large. */
static bool prepare_pipe(int fd)
{
    struct stat stat;
    if (fstat(fd, &stat) != 0 || !S_ISFIFO(stat.st_mode)) {
        return false;
    }
    (void)fcntl(fd, F_SETPIPE_SZ, (int)PIPE_ROOM); /* a smaller one loses lines sooner */
    return true;
}

struct access_log *access_log_open(const char *path)
{
    bool to_stdout = strcmp(path, "-") == 0;
    int fd = to_stdout ? open_stdout() : open_path(path);
    if (fd < 0) {
        return NULL;
    }
    struct access_log *log = must_calloc(1, sizeof(*log));
    log->fd = fd;
    atomic_store(&log->is_pipe, prepare_pipe(fd));
    if (!to_stdout) {
        log->path = must_alloc(strlen(path) + 1);
        strcpy(log->path, path);
    }
    return log;
}

const char *access_log_error(int error)
{
    return error == ENXIO ? "a FIFO that nobody reads, or a socket" : strerror(error);
}

void access_log_close(struct access_log *log)
{
    if (log == NULL) {
        return;
    }
    if (log->fd != STDOUT_FILENO) {
        (void)close(
            log->fd); /* what was written is written; nothing could be done about the rest */
    }
    free(log->path);
    free(log);
}

/* The number stays the same, so that threads in the middle of a write need no notice. */
bool access_log_reopen(struct access_log *log)
{
    if (log->path == NULL) {
        return true;
    }
    int fd = open_path(log->path);
    if (fd < 0) {
        return false;
    }
    bool is_pipe = prepare_pipe(fd);
    int copied = dup3(fd, log->fd, O_CLOEXEC);
    int error = errno;
    if (copied >= 0) {
        atomic_store(&log->is_pipe, is_pipe);
    }
    (void)close(fd); /* the copy, or the old file, is what counts */
    errno = error;
    return copied >= 0;
}

void access_log_buffer_init(struct access_log_buffer *buffer, struct access_log *log)
{
    *buffer = (struct access_log_buffer){.log = log, .at = must_alloc(ACCESS_LOG_BUFFER)};
    buffer->second = (time_t)-1;
}

void access_log_buffer_deinit(struct access_log_buffer *buffer)
{
    access_log_flush(buffer);
    free(buffer->at);
    buffer->at = NULL;
}

static void refresh_time(struct access_log_buffer *buffer)
{
    time_t now_s = clock_wall_s();
    if (now_s == buffer->second) {
        return;
    }
    struct tm utc;
    gmtime_r(&now_s, &utc);
    size_t len =
        strftime(buffer->time_text, sizeof(buffer->time_text), "[%d/%b/%Y:%H:%M:%S +0000]", &utc);
    CHECK(len > 0);
    buffer->second = now_s;
}

static void put_bytes(struct line *line, const char *at, size_t len)
{
    memcpy(line->at + line->len, at, len);
    line->len += len;
}

static void put_text(struct line *line, const char *text)
{
    put_bytes(line, text, strlen(text));
}

static void put_connection(struct line *line, struct access_log_buffer *buffer,
                           const struct conn *conn)
{
    char peer[PEER_TEXT];
    peer_format(&conn->peer, peer);
    refresh_time(buffer);
    put_text(line, peer);
    put_text(line, " - - ");
    put_text(line, buffer->time_text);
    put_text(line, " ");
}

/* Returns how many bytes the escaped character takes. */
static size_t escape_byte(unsigned char c, char out[4])
{
    static const char hex[] = "0123456789abcdef";
    if (c == '"' || c == '\\') {
        out[0] = '\\';
        out[1] = (char)c;
        return 2;
    }
    if (c >= 0x20 && c < 0x7f) {
        out[0] = (char)c;
        return 1;
    }
    out[0] = '\\';
    out[1] = 'x';
    out[2] = hex[c >> 4];
    out[3] = hex[c & 15];
    return 4;
}

/* Nothing there is "-", as Apache has it. */
static void put_quoted(struct line *line, struct bytes text, size_t max)
{
    if (text.len == 0) {
        text = BYTES("-");
    }
    size_t len_max = line->len + max;
    put_text(line, "\"");
    for (size_t i = 0; i < text.len; i++) {
        char escaped[4];
        size_t len = escape_byte((unsigned char)text.at[i], escaped);
        if (line->len + len + strlen("...") > len_max) {
            put_text(line, "...");
            break;
        }
        put_bytes(line, escaped, len);
    }
    put_text(line, "\"");
}

static void put_number(struct line *line, uint64_t value)
{
    char digits[DECIMAL_MAX];
    put_bytes(line, digits, decimal_put(digits, value));
}

static void put_combined(struct line *line, const struct exchange *exchange)
{
    const struct request *request = &exchange->request;
    put_quoted(line, request->line, REQUEST_TEXT_MAX);
    put_text(line, " ");
    if (exchange->response.status > 0) {
        put_number(line, (uint64_t)exchange->response.status);
    } else {
        put_text(line, "-");
    }
    put_text(line, " ");
    put_number(line, exchange->sent);
    put_text(line, " ");
    put_quoted(line, request_field(request, BYTES("Referer")), FIELD_TEXT_MAX);
    put_text(line, " ");
    put_quoted(line, request_field(request, BYTES("User-Agent")), FIELD_TEXT_MAX);
}

/* Exact: 12.345, and 12.3 or 12 where the rest is zeroes. */
static void put_microseconds(struct line *line, int64_t ns)
{
    if (ns < 0) {
        put_text(line, "-1");
        return;
    }
    put_number(line, (uint64_t)ns / NS_PER_US);
    unsigned rest = (unsigned)((uint64_t)ns % NS_PER_US);
    if (rest > 0) {
        put_text(line, ".");
    }
    for (unsigned place = 100; rest > 0; place /= 10) {
        char digit = (char)('0' + rest / place);
        put_bytes(line, &digit, 1);
        rest %= place;
    }
}

static void put_interval(struct line *line, enum interval interval, int64_t ns)
{
    put_text(line, " ");
    put_text(line, interval_name(interval));
    put_text(line, "=");
    put_microseconds(line, ns);
}

/* The parts are those of trace_points.def, in its order. */
static void put_times(struct line *line, const struct exchange *exchange)
{
    int64_t intervals[INTERVAL_COUNT];
    stamps_intervals(&exchange->stamps, intervals);
    int64_t total_ns = intervals[INTERVAL_TOTAL];
    put_text(line, " ");
    put_microseconds(line, total_ns < 0 ? -1 : total_ns - total_ns % (int64_t)NS_PER_US);
    for (enum interval i = 0; i < INTERVAL_COUNT; i++) {
        if (interval_is_part(i)) {
            put_interval(line, i, intervals[i]);
        }
    }
    put_interval(line, INTERVAL_SOCKET_WAIT, intervals[INTERVAL_SOCKET_WAIT]);
}

static void put_end(struct line *line, const struct conn *conn)
{
    static const char *const reasons[] = {
#define CLOSE_REASON(id, text) #id,
#include "core/points/close_reasons.def"
#undef CLOSE_REASON
    };
    enum close_reason reason = conn->close != CLOSE_NONE ? conn->close : conn->exchange->close;
    put_text(line, " close=");
    if (reason == CLOSE_NONE) {
        put_text(line, "-");
    } else {
        for (const char *at = reasons[reason]; *at != '\0'; at++) {
            char lower = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
            put_bytes(line, &lower, 1);
        }
    }
    put_text(line, exchange_is_cut(conn->exchange) ? " answer=cut\n" : " answer=whole\n");
}

void access_log_write(struct access_log_buffer *buffer, const struct conn *conn)
{
    if (buffer->len > ACCESS_LOG_BUFFER - ACCESS_LOG_LINE_MAX) {
        access_log_flush(buffer);
    }
    struct line line = {.at = buffer->at + buffer->len};
    put_connection(&line, buffer, conn);
    put_combined(&line, conn->exchange);
    put_times(&line, conn->exchange);
    put_end(&line, conn);
    CHECK(line.len <= ACCESS_LOG_LINE_MAX);
    buffer->len += line.len;
}

/* Returns how many bytes were written; errno has the reason if not all. */
static size_t write_fully(int fd, const char *at, size_t len)
{
    size_t written = 0;
    while (written < len) {
        ssize_t n = write(fd, at + written, len - written);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            break;
        }
        written += (size_t)n;
    }
    return written;
}

/* How many bytes the lines at the front take that fit into `max` together; at least one does. */
static size_t whole_lines(const char *at, size_t len, size_t max)
{
    if (len <= max) {
        return len;
    }
    const char *last = memrchr(at, '\n', max);
    CHECK(last != NULL);
    return (size_t)(last - at) + 1;
}

/* As write_fully, but a pipe gets pieces that it takes whole or not at all. */
static size_t write_lines(struct access_log *log, const char *at, size_t len)
{
    bool is_pipe = atomic_load_explicit(&log->is_pipe, memory_order_relaxed);
    size_t written = 0;
    while (written < len) {
        size_t left = len - written;
        size_t piece = is_pipe ? whole_lines(at + written, left, PIPE_BUF) : left;
        size_t done = write_fully(log->fd, at + written, piece);
        written += done;
        if (done < piece) {
            break;
        }
    }
    return written;
}

/* A line of which only a part was written is lost too: its end is in what is left. */
static void count_lost(struct access_log *log, const char *at, size_t len)
{
    int error = errno;
    uint64_t lines = 0;
    for (size_t i = 0; i < len; i++) {
        lines += at[i] == '\n';
    }
    atomic_fetch_add(&log->lost, lines);
    bool full = error == EAGAIN;
    log_rated(&log->complaints, COMPLAIN_EVERY_S * NS_PER_S, LOG_ERROR,
              "access log: %s; lines are lost", full ? "the pipe is full" : strerror(error));
}

void access_log_flush(struct access_log_buffer *buffer)
{
    if (buffer->broken && write_fully(buffer->log->fd, "\n", 1) == 1) {
        buffer->broken = false;
    }
    size_t written = write_lines(buffer->log, buffer->at, buffer->len);
    if (written < buffer->len) {
        count_lost(buffer->log, buffer->at + written, buffer->len - written);
        buffer->broken |= written > 0 && buffer->at[written - 1] != '\n';
    }
    buffer->len = 0;
}

uint64_t access_log_lost(const struct access_log *log)
{
    return atomic_load(&log->lost);
}
