/* csv.c: a row a request, for spreadsheets and statistics. Times in nanoseconds, a phase not
 * reached is -1. Rows come in the order in which the requests became complete (see join.h). */
#include "tools/trace/run.h"

#include "core/check.h"
#include "tools/trace/summary.h"

#include <inttypes.h>
#include <stdlib.h>

static void *csv_begin(struct trace_run *run, const char *argument);
static void csv_request(void *state, const struct trace_source *source,
                        const struct trace_record *request);
static int csv_end(void *state, struct trace_run *run);
static void csv_cancel(void *state);
static void print_header(FILE *out);
static const char *method_name(unsigned method);

const struct trace_verb trace_verb_csv = {
    .option = "--csv",
    .help = "a header line and a row a request, times in nanoseconds",
    .begin = csv_begin,
    .request = csv_request,
    .end = csv_end,
    .cancel = csv_cancel,
};

static void *csv_begin(struct trace_run *run, const char *argument)
{
    (void)argument;
    print_header(run->out);
    return run;
}

/* Thread names are ours and hold no comma; one from a forged file is its own forger's loss. */
static void csv_request(void *state, const struct trace_source *source,
                        const struct trace_record *r)
{
    const struct trace_run *run = state;
    int64_t intervals[INTERVAL_COUNT];
    record_intervals(r, intervals);
    fprintf(run->out, "%u,%" PRIu64 ",%" PRIu64 ",%s,%u,%" PRIu64 ",%s,%s,%s,%s,%" PRIu64,
            source->number, r->request_id, r->connection_id, method_name(r->method), r->status,
            r->bytes_sent, name_list_get(&source->close_reasons, r->close_reason),
            name_list_get(&source->threads, r->thread_read),
            name_list_get(&source->threads, r->thread_process),
            name_list_get(&source->threads, r->thread_write), r->first_byte_ns);
    for (unsigned i = 0; i < INTERVAL_COUNT; i++) {
        fprintf(run->out, ",%" PRId64, intervals[i]);
    }
    putc('\n', run->out);
}

/* What was lost cannot be a row: it is said beside them. */
static int csv_end(void *state, struct trace_run *run)
{
    (void)state;
    (void)fflush(run->out);
    for (unsigned i = 0; i < run->source_count; i++) {
        const struct trace_source *source = &run->sources[i];
        if (source->lost > 0) {
            fprintf(run->err, "quartet-trace: %s: LOST %" PRIu64 " records: they have no row\n",
                    source->path, source->lost);
        }
    }
    return EXIT_SUCCESS;
}

static void csv_cancel(void *state)
{
    (void)state;
}

static void print_header(FILE *out)
{
    fputs("source,request,connection,method,status,bytes_sent,close_reason,thread_read,thread_"
          "process,"
          "thread_write,first_byte_ns",
          out);
    for (unsigned i = 0; i < INTERVAL_COUNT; i++) {
        fprintf(out, ",%s", interval_name(i));
    }
    fputc('\n', out);
}

static const char *method_name(unsigned method)
{
    switch (method) {
    case METHOD_GET:
        return "GET";
    case METHOD_HEAD:
        return "HEAD";
    case METHOD_POST:
        return "POST";
    case METHOD_PUT:
        return "PUT";
    case METHOD_DELETE:
        return "DELETE";
    case METHOD_OPTIONS:
        return "OPTIONS";
    default:
        return "-";
    }
}
