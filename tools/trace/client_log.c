/* client_log.c: reading the log, and finding a request in it. See client_log.h. */
#include "tools/trace/client_log.h"

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/http/line.h"

#include <stdlib.h>
#include <string.h>

enum { LINE_MAX = 1024, FIELDS_MAX = 32, FIRST_ROOM = 1 << 12 };

/* Of a clock that runs for a century: so that differences and their sums have room. */
#define TIME_MAX (100ull * 365 * 86400 * NS_PER_S)

/* The columns that are needed, by name: more may be there, in any order. */
enum column { DUE, RELEASED, SENT, DONE, PORT, POSITION, MEASURED, OUTCOME, COLUMNS };

static const char *const column_names[COLUMNS] = {
    [DUE] = "due_ns", [RELEASED] = "released_ns", [SENT] = "sent_ns",      [DONE] = "done_ns",
    [PORT] = "port",  [POSITION] = "position",    [MEASURED] = "measured", [OUTCOME] = "outcome",
};

struct log_reader {
    FILE *in;
    size_t line; /* its number, from 1 */
    unsigned field_count;
    char text[LINE_MAX];
    struct bytes fields[FIELDS_MAX];
    unsigned column[COLUMNS]; /* index of the field */
    char *error;
};

static bool client_log_fail(struct log_reader *reader, const char *what, const char *of)
{
    (void)snprintf(reader->error, CLIENT_LOG_ERROR, "line %zu: %s%s", reader->line, what, of);
    return false;
}

/* Splits the next line at its commas. False at the end of the file, and with an error where a line
 * has no end or too many fields. */
static bool next_line(struct log_reader *reader)
{
    if (fgets(reader->text, LINE_MAX, reader->in) == NULL) {
        return false;
    }
    reader->line++;
    reader->field_count = 0;
    char *end = strchr(reader->text, '\n');
    if (end == NULL) {
        return client_log_fail(reader, "is cut or longer than a line of such a log", "");
    }
    for (char *at = reader->text; at <= end;) {
        size_t len = strcspn(at, ",\n");
        if (reader->field_count == FIELDS_MAX) {
            return client_log_fail(reader, "has too many fields", "");
        }
        reader->fields[reader->field_count++] = (struct bytes){at, len};
        at += len + 1;
    }
    return true;
}

static bool read_columns(struct log_reader *reader)
{
    if (!next_line(reader)) {
        const char *why = ferror(reader->in) ? "cannot be read" : "the file is empty";
        return reader->error[0] == '\0' ? client_log_fail(reader, why, "") : false;
    }
    for (unsigned i = 0; i < COLUMNS; i++) {
        unsigned field = 0;
        while (field < reader->field_count &&
               !bytes_equal(reader->fields[field], bytes_of(column_names[i]))) {
            field++;
        }
        if (field == reader->field_count) {
            return client_log_fail(reader, "a log of quartet-load has a column ", column_names[i]);
        }
        reader->column[i] = field;
    }
    return true;
}

/* A decimal number up to `most`; -1 is "not reached", and becomes 0. */
static bool column_number(struct log_reader *reader, enum column column, uint64_t most,
                          uint64_t *value)
{
    unsigned field = reader->column[column];
    unsigned long long number = 0;
    if (field >= reader->field_count) {
        return client_log_fail(reader, "lacks ", column_names[column]);
    }
    struct bytes text = reader->fields[field];
    if (!bytes_equal(text, BYTES("-1")) && (!http_decimal(text, &number) || number > most)) {
        return client_log_fail(reader, "is no number: ", column_names[column]);
    }
    *value = number;
    return true;
}

static bool parse_request(struct log_reader *reader, struct client_request *request)
{
    uint64_t port, position, measured;
    if (!column_number(reader, DUE, TIME_MAX, &request->due_ns) ||
        !column_number(reader, RELEASED, TIME_MAX, &request->released_ns) ||
        !column_number(reader, SENT, TIME_MAX, &request->sent_ns) ||
        !column_number(reader, DONE, TIME_MAX, &request->done_ns) ||
        !column_number(reader, PORT, UINT16_MAX, &port) ||
        !column_number(reader, POSITION, UINT32_MAX, &position) ||
        !column_number(reader, MEASURED, 1, &measured)) {
        return false;
    }
    if (reader->column[OUTCOME] >= reader->field_count) {
        return client_log_fail(reader, "lacks ", column_names[OUTCOME]);
    }
    request->port = (uint16_t)port;
    request->position = (uint32_t)position;
    request->counts =
        measured == 1 && bytes_equal(reader->fields[reader->column[OUTCOME]], BYTES("good"));
    request->joined = false;
    if (request->counts &&
        (request->due_ns == 0 || request->released_ns < request->due_ns ||
         request->sent_ns < request->released_ns || request->done_ns < request->sent_ns)) {
        return client_log_fail(reader, "the times are not in their order", "");
    }
    return true;
}

static int client_request_order(const void *left, const void *right)
{
    const struct client_request *a = left, *b = right;
    if (a->port != b->port) {
        return a->port < b->port ? -1 : 1;
    }
    if (a->position != b->position) {
        return a->position < b->position ? -1 : 1;
    }
    return (a->sent_ns > b->sent_ns) - (a->sent_ns < b->sent_ns);
}

static bool read_requests(struct client_log *log, struct log_reader *reader)
{
    size_t room = 0;
    while (next_line(reader)) {
        if (log->count == CLIENT_LOG_MAX) {
            return client_log_fail(reader, "more requests than can be joined", "");
        }
        if (log->count == room) {
            room = room == 0 ? FIRST_ROOM : 2 * room;
            log->at = must_realloc(log->at, room * sizeof *log->at);
        }
        if (!parse_request(reader, &log->at[log->count])) {
            return false;
        }
        log->count++;
    }
    if (ferror(reader->in)) {
        return client_log_fail(reader, "cannot be read", "");
    }
    return reader->error[0] == '\0';
}

bool client_log_read(struct client_log *log, FILE *in, char error[CLIENT_LOG_ERROR])
{
    struct log_reader reader = {.in = in, .error = error};
    *log = (struct client_log){0};
    error[0] = '\0';
    if (!read_columns(&reader) || !read_requests(log, &reader)) {
        client_log_free(log);
        return false;
    }
    if (log->count > 0) {
        qsort(log->at, log->count, sizeof *log->at, client_request_order);
    }
    return true;
}

void client_log_free(struct client_log *log)
{
    free(log->at);
    *log = (struct client_log){0};
}

/* Of the lines with that port and position, the last one that was sent before the server read it;
 * its answer came after that, or the record is of another client. */
struct client_request *client_log_find(struct client_log *log, uint16_t port, uint32_t position,
                                       uint64_t first_byte_ns)
{
    const struct client_request wanted = {
        .port = port, .position = position, .sent_ns = first_byte_ns};
    size_t from = 0, to = log->count; /* lines before `from` are not behind the wanted one */
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (client_request_order(&log->at[middle], &wanted) <= 0) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    struct client_request *found = from > 0 ? &log->at[from - 1] : NULL;
    if (found == NULL || found->port != port || found->position != position ||
        (found->done_ns != 0 && found->done_ns < first_byte_ns)) {
        return NULL;
    }
    return found;
}
