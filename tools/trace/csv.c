/* csv.c: a row for each request, for spreadsheets and statistics. Times in nanoseconds, a phase not
 * reached is -1. Rows come in the order in which the requests became complete (see join.h). */
#include "tools/trace/run.h"

#include "core/base/check.h"
#include "tools/trace/record.h"
#include "tools/trace/summary.h"
#include "tools/trace/text_out.h"

#include <inttypes.h>
#include <stdlib.h>

struct csv {
    struct text_out text;
    struct ledger *ledger;  /* the run's, or NULL */
    struct summary summary; /* for its check of each request */
};

static void *csv_begin(struct trace_run *run, const char *argument);
static void csv_request(void *state, const struct trace_source *source,
                        const struct trace_record *request);
static int csv_end(void *state, struct trace_run *run);
static void csv_cancel(void *state);
static void csv_put_number(struct text_out *text, uint64_t value, const char *end);
static void csv_put_name(struct text_out *text, const char *name);
static void put_ledger(struct csv *csv, const struct trace_record *record);
static void print_header(struct csv *csv);

const struct trace_verb trace_verb_csv = {
    .option = "--csv",
    .help = "a header line and a row for each request, times in nanoseconds",
    .streams = true,
    .ledger = true,
    .begin = csv_begin,
    .request = csv_request,
    .end = csv_end,
    .cancel = csv_cancel,
};

static void *csv_begin(struct trace_run *run, const char *argument)
{
    (void)argument;
    struct csv *csv = must_alloc(sizeof *csv);
    csv->ledger = run->ledger;
    summary_init(&csv->summary);
    text_out_init(&csv->text, run->out);
    print_header(csv);
    return csv;
}

/* Thread names are ours and hold no comma; one from a forged file is its own forger's loss. */
static void csv_request(void *state, const struct trace_source *source,
                        const struct trace_record *r)
{
    struct csv *csv = state;
    struct text_out *text = &csv->text;
    int64_t intervals[INTERVAL_COUNT];
    summary_request(&csv->summary, r);
    record_intervals(r, intervals);
    csv_put_number(text, source->number, ",");
    csv_put_number(text, r->request_id, ",");
    csv_put_number(text, r->connection_id, ",");
    csv_put_name(text, record_method(r));
    csv_put_number(text, r->status, ",");
    csv_put_number(text, r->bytes_sent, ",");
    csv_put_name(text, name_list_get(&source->close_reasons, r->close_reason));
    csv_put_name(text, name_list_get(&source->threads, r->thread_read));
    csv_put_name(text, name_list_get(&source->threads, r->thread_process));
    csv_put_name(text, name_list_get(&source->threads, r->thread_write));
    csv_put_number(text, r->client_port, ",");
    csv_put_number(text, r->position, ",");
    csv_put_number(text, r->first_byte_ns, "");
    for (unsigned i = 0; i < INTERVAL_COUNT; i++) {
        text_out_put(text, ",");
        text_out_signed(text, intervals[i]);
    }
    if (csv->ledger != NULL) {
        ledger_request(csv->ledger, r);
        put_ledger(csv, r);
    }
    text_out_put(text, "\n");
}

/* The ends of the ledger: what lies between them is in the intervals. Empty where the client's log
 * has no such request. */
static void put_ledger(struct csv *csv, const struct trace_record *record)
{
    int64_t parts[LEDGER_PARTS];
    const struct client_request *asked = ledger_parts_of(csv->ledger, record, parts);
    if (asked == NULL || asked->done_ns == 0) {
        text_out_put(&csv->text, ",,,,,");
        return;
    }
    static const enum ledger_part ends[] = {LEDGER_OWN_LAG, LEDGER_CONNECTION_WAIT, LEDGER_WAY_IN,
                                            LEDGER_WAY_OUT};
    for (unsigned i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        text_out_put(&csv->text, ",");
        if (ends[i] != LEDGER_WAY_IN || record->arrived_ns != 0) {
            text_out_signed(&csv->text, parts[ends[i]]);
        }
    }
    text_out_put(&csv->text, ",");
    text_out_signed(&csv->text, (int64_t)(asked->done_ns - asked->due_ns));
}

static void csv_put_number(struct text_out *text, uint64_t value, const char *end)
{
    text_out_number(text, value);
    text_out_put(text, end);
}

static void csv_put_name(struct text_out *text, const char *name)
{
    text_out_put(text, name);
    text_out_put(text, ",");
}

static bool csv_is_good(const struct csv *csv, FILE *err)
{
    if (csv->summary.wrong > 0) {
        fprintf(err,
                "quartet-trace: the parts of %" PRIu64
                " requests do not add up; the first is %" PRIu64 ": %s\n",
                csv->summary.wrong, csv->summary.wrong_id, csv->summary.wrong_why);
    }
    bool joined = csv->ledger == NULL || csv->ledger->wrong == 0;
    if (!joined) {
        fprintf(err,
                "quartet-trace: the client's log contradicts %" PRIu64
                " requests; the first is %" PRIu64 ": %s\n",
                csv->ledger->wrong, csv->ledger->wrong_id, csv->ledger->wrong_why);
    }
    return csv->summary.wrong == 0 && joined;
}

/* What was lost cannot be a row: it is said beside them. */
static int csv_end(void *state, struct trace_run *run)
{
    struct csv *csv = state;
    text_out_flush(&csv->text);
    trace_run_report_lost(run, "they have no row");
    bool good = csv_is_good(csv, run->err);
    csv_cancel(csv);
    return good ? EXIT_SUCCESS : EXIT_WORLD;
}

/* The rows up to where reading failed stay. */
static void csv_cancel(void *state)
{
    struct csv *csv = state;
    text_out_flush(&csv->text);
    summary_deinit(&csv->summary);
    free(csv);
}

static void print_header(struct csv *csv)
{
    struct text_out *text = &csv->text;
    text_out_put(text,
                 "source,request,connection,method,status,bytes_sent,close_reason,"
                 "thread_read,thread_process,thread_write,client_port,position,first_byte_ns");
    for (unsigned i = 0; i < INTERVAL_COUNT; i++) {
        text_out_put(text, ",");
        text_out_put(text, interval_name(i));
    }
    if (csv->ledger != NULL) {
        text_out_put(text, ",own.lag,connection.wait,way.in,way.out,latency");
    }
    text_out_put(text, "\n");
}
