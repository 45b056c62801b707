/* request_log.c: see request_log.h. */
#include "tools/load/request_log.h"

#include "core/base/check.h"
#include "core/base/decimal.h"

#include <errno.h>
#include <stdlib.h>

enum { LOG_BUFFER = 1 << 17, LOG_LINE_MAX = 256 };

struct request_log {
    FILE *out; /* unbuffered */
    int error; /* of the first write that failed */
    size_t len;
    char buffer[LOG_BUFFER];
};

static void write_out(struct request_log *log);
static void put_text(struct request_log *log, const char *text);
static void request_log_put_number(struct request_log *log, uint64_t value);
static void put_time(struct request_log *log, uint64_t ns);

FILE *request_log_open(const char *path)
{
    FILE *out = fopen(path, "we");
    if (out == NULL) {
        die(EXIT_WORLD, "--log: %s cannot be written: %s", path, strerror(errno));
    }
    setvbuf(out, NULL, _IONBF, 0);
    fputs("due_ns,sent_ns,first_byte_ns,done_ns,connection,url,status,bytes,measured,outcome,"
          "released_ns,port,position\n",
          out);
    return out;
}

struct request_log *request_log_new(FILE *out)
{
    struct request_log *log = must_alloc(sizeof *log);
    log->out = out;
    log->error = 0;
    log->len = 0;
    return log;
}

void request_log_put(struct request_log *log, const struct connection *connection,
                     const struct shot *shot, const struct outcome *outcome)
{
    put_time(log, shot->due_ns);
    put_time(log, shot->sent_ns);
    put_time(log, shot->first_byte_ns);
    put_time(log, outcome->done_ns);
    request_log_put_number(log, connection->number);
    request_log_put_number(log, shot->target);
    request_log_put_number(log, (uint64_t)outcome->status);
    request_log_put_number(log, outcome->body);
    put_text(log, shot->measured ? "1," : "0,");
    put_text(log, error_name(outcome->error));
    put_text(log, ",");
    put_time(log, shot->released_ns);
    request_log_put_number(log, connection->port);
    request_log_put_number(log, shot->position);
    log->buffer[log->len - 1] = '\n'; /* in the place of the last comma */
    if (log->len > LOG_BUFFER - LOG_LINE_MAX) {
        write_out(log);
    }
}

int request_log_free(struct request_log *log)
{
    write_out(log);
    int error = log->error;
    free(log);
    return error;
}

/* The stream's own lock keeps the lines of threads apart. */
static void write_out(struct request_log *log)
{
    if (log->error == 0 && fwrite(log->buffer, 1, log->len, log->out) != log->len) {
        log->error = errno;
    }
    log->len = 0;
}

static void put_text(struct request_log *log, const char *text)
{
    size_t len = strlen(text);
    memcpy(log->buffer + log->len, text, len);
    log->len += len;
}

/* With a comma behind it. */
static void request_log_put_number(struct request_log *log, uint64_t value)
{
    log->len += decimal_put(log->buffer + log->len, value);
    log->buffer[log->len++] = ',';
}

static void put_time(struct request_log *log, uint64_t ns)
{
    if (ns == 0) {
        put_text(log, "-1,");
    } else {
        request_log_put_number(log, ns);
    }
}
