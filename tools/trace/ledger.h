/* ledger.h: a place for every nanosecond of a request, from client to client.
 *
 * The line of a request in the load generator's log and its record in the trace are joined by the
 * client's port and the request's position on its connection. Both have times of one clock. So the
 * parts (ledger_parts.def) are differences of neighbouring times, and add up to the latency from due
 * exactly. What has no place is a sum of its own, `unaccounted`:
 *
 *   a request without a record        from its sending to its end: the record was lost, or the
 *                                     connection has no port to be joined by (a unix socket)
 *   a record without `arrived`        from its sending until the server read it
 *
 * Two parts can be below 0: way.in by the error of converting the kernel's clock, and way.out where
 * the client has the last byte before the server's send() returns. One thread.
 */
#ifndef TOOLS_TRACE_LEDGER_H
#define TOOLS_TRACE_LEDGER_H

#include "core/base/histogram.h"
#include "core/base/json.h"
#include "core/trace/trace_format.h"
#include "tools/trace/client_log.h"

enum ledger_part {
#define LEDGER_PART(id, name, from, to) LEDGER_##id,
#include "tools/trace/ledger_parts.def"
#undef LEDGER_PART
    LEDGER_PARTS
};

enum { LEDGER_WHY = 160 };

struct ledger {
    struct client_log log;
    /* Of the requests that count: due in the generator's window, and well answered. */
    uint64_t requests;
    uint64_t joined;          /* their record is there */
    uint64_t portless;        /* sent over a unix socket: they cannot be joined */
    uint64_t without_arrived; /* of these, the kernel's time is missing */
    uint64_t wrong, wrong_id; /* of these, times contradict each other; the first, and why */
    char wrong_why[LEDGER_WHY];
    struct histogram latency;
    struct histogram parts[LEDGER_PARTS]; /* what is below 0 counts as 0 */
    int64_t sums_ns[LEDGER_PARTS];
    uint64_t unaccounted_ns;

    uint64_t strangers; /* records that no line of the log has: of other clients */
};

/* False, with `error` as one line, when `in` is not such a log. */
bool ledger_init(struct ledger *ledger, FILE *in, char error[CLIENT_LOG_ERROR]);
void ledger_deinit(struct ledger *ledger);

const char *ledger_part_name(enum ledger_part part);

/* Of one record: its line in the log, or NULL; of a line that was answered `parts` in nanoseconds, -1 where a time is missing;
 * way.in and way.out may be negative. */
struct client_request *ledger_parts_of(struct ledger *ledger, const struct trace_record *record,
                                       int64_t parts[LEDGER_PARTS]);

/* A record has come. */
void ledger_request(struct ledger *ledger, const struct trace_record *record);
/* All have come: what has no record is added. Once. */
void ledger_finish(struct ledger *ledger);

/* 0 … 1 of the sum of all latencies. */
double ledger_unaccounted_share(const struct ledger *ledger);

void ledger_print(FILE *out, const struct ledger *ledger);
void ledger_to_json(struct json *json, const char *key, const struct ledger *ledger);

#endif
