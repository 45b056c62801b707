/* ledger.c: joining and adding up. See ledger.h. */
#include "tools/trace/ledger.h"

#include "core/base/clock.h"
#include "tools/trace/summary.h"

#include <inttypes.h>
#include <string.h>

/* The error of converting the kernel's time of arrival, which is of another clock, is a few
 * microseconds. A request that arrives earlier than that before it was sent is a contradiction. */
enum { CONVERSION_ERROR_NS = 100 * 1000 };

static const char *const ledger_names[LEDGER_PARTS] = {
#define LEDGER_PART(id, name, from, to) name,
#include "tools/trace/ledger_parts.def"
#undef LEDGER_PART
};

/* The parts that are intervals of the server, and which. */
static const enum interval server_intervals[] = {
    INTERVAL_READ, INTERVAL_PROCESS_WAIT, INTERVAL_PROCESS, INTERVAL_WRITE_WAIT, INTERVAL_WRITE,
};
enum { SERVER_INTERVALS = sizeof server_intervals / sizeof server_intervals[0] };
_Static_assert(LEDGER_READ + SERVER_INTERVALS == LEDGER_WAY_OUT, "they are the middle parts");

bool ledger_init(struct ledger *ledger, FILE *in, char error[CLIENT_LOG_ERROR])
{
    *ledger = (struct ledger){0};
    return client_log_read(&ledger->log, in, error);
}

void ledger_deinit(struct ledger *ledger)
{
    client_log_free(&ledger->log);
}

const char *ledger_part_name(enum ledger_part part)
{
    return ledger_names[part];
}

struct client_request *ledger_parts_of(struct ledger *ledger, const struct trace_record *record,
                                       int64_t parts[LEDGER_PARTS])
{
    struct client_request *asked = NULL;
    if (record->client_port != 0 && record->last_sent_ns != 0) {
        asked = client_log_find(&ledger->log, record->client_port, record->position,
                                record->first_byte_ns);
    }
    if (asked == NULL || asked->done_ns == 0) {
        return asked;
    }
    int64_t intervals[INTERVAL_COUNT];
    record_intervals(record, intervals);
    bool arrived = record->arrived_ns != 0;
    parts[LEDGER_OWN_LAG] = (int64_t)(asked->released_ns - asked->due_ns);
    parts[LEDGER_CONNECTION_WAIT] = (int64_t)(asked->sent_ns - asked->released_ns);
    parts[LEDGER_WAY_IN] = arrived ? (int64_t)(record->arrived_ns - asked->sent_ns) : -1;
    parts[LEDGER_SOCKET_WAIT] =
        arrived ? (int64_t)(record->first_byte_ns - record->arrived_ns) : -1;
    for (unsigned i = 0; i < SERVER_INTERVALS; i++) {
        parts[LEDGER_READ + i] = intervals[server_intervals[i]];
    }
    parts[LEDGER_WAY_OUT] = (int64_t)(asked->done_ns - record->last_sent_ns);
    return asked;
}

static void ledger_note_wrong(struct ledger *ledger, uint64_t id, const char *part, int64_t ns)
{
    if (ledger->wrong++ == 0) {
        ledger->wrong_id = id;
        (void)snprintf(ledger->wrong_why, sizeof ledger->wrong_why, "%s is %" PRId64 " ns", part,
                       ns);
    }
}

/* Neighbouring differences always add up, whatever the times are. What can be wrong with them is
 * their order: the least that each part can be is 0, but for the two named in ledger.h. */
static void ledger_check(struct ledger *ledger, const struct client_request *asked,
                         const struct trace_record *record, const int64_t parts[LEDGER_PARTS])
{
    bool arrived = record->arrived_ns != 0;
    uint64_t sum = 0; /* a forged trace can have any time: it wraps */
    for (unsigned i = 0; i < LEDGER_PARTS; i++) {
        bool missing = !arrived && (i == LEDGER_WAY_IN || i == LEDGER_SOCKET_WAIT);
        int64_t least = 0;
        if (i == LEDGER_WAY_IN) {
            least = -CONVERSION_ERROR_NS;
        } else if (i == LEDGER_WAY_OUT) {
            least = -parts[LEDGER_WRITE];
        }
        if (!missing && parts[i] < least) {
            ledger_note_wrong(ledger, record->request_id, ledger_names[i], parts[i]);
            return;
        }
        sum += missing ? 0 : (uint64_t)parts[i];
    }
    sum += arrived ? 0 : record->first_byte_ns - asked->sent_ns;
    if (sum != asked->done_ns - asked->due_ns) {
        ledger_note_wrong(ledger, record->request_id, "the sum", (int64_t)sum);
    }
}

static void add_part(struct ledger *ledger, enum ledger_part part, int64_t ns)
{
    ledger->sums_ns[part] = (int64_t)((uint64_t)ledger->sums_ns[part] + (uint64_t)ns);
    histogram_record(&ledger->parts[part], ns > 0 ? (uint64_t)ns : 0);
}

static void add_client_side(struct ledger *ledger, const struct client_request *asked)
{
    ledger->requests++;
    histogram_record(&ledger->latency, asked->done_ns - asked->due_ns);
    add_part(ledger, LEDGER_OWN_LAG, (int64_t)(asked->released_ns - asked->due_ns));
    add_part(ledger, LEDGER_CONNECTION_WAIT, (int64_t)(asked->sent_ns - asked->released_ns));
}

/* The first record for a line is its own: a second one is that of another client. */
void ledger_request(struct ledger *ledger, const struct trace_record *record)
{
    int64_t parts[LEDGER_PARTS] = {0};
    struct client_request *asked = ledger_parts_of(ledger, record, parts);
    if (asked == NULL || asked->joined) {
        ledger->strangers++;
        return;
    }
    asked->joined = true;
    if (!asked->counts) {
        return;
    }
    add_client_side(ledger, asked);
    ledger->joined++;
    for (unsigned i = LEDGER_READ; i < LEDGER_PARTS; i++) {
        add_part(ledger, i, parts[i]);
    }
    if (record->arrived_ns != 0) {
        add_part(ledger, LEDGER_WAY_IN, parts[LEDGER_WAY_IN]);
        add_part(ledger, LEDGER_SOCKET_WAIT, parts[LEDGER_SOCKET_WAIT]);
    } else {
        ledger->without_arrived++;
        ledger->unaccounted_ns += record->first_byte_ns - asked->sent_ns;
    }
    ledger_check(ledger, asked, record, parts);
}

void ledger_finish(struct ledger *ledger)
{
    for (size_t i = 0; i < ledger->log.count; i++) {
        const struct client_request *asked = &ledger->log.at[i];
        if (asked->counts && !asked->joined) {
            add_client_side(ledger, asked);
            ledger->portless += asked->port == 0;
            ledger->unaccounted_ns += asked->done_ns - asked->sent_ns;
        }
    }
}

double ledger_unaccounted_share(const struct ledger *ledger)
{
    uint64_t all_ns = ledger->latency.sum;
    return all_ns != 0 ? (double)ledger->unaccounted_ns / (double)all_ns : 0;
}
