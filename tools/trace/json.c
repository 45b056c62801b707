/* json.c: the run as one JSON object, for programs. Described in quartet-trace.1. */
#include "tools/trace/run.h"

#include "core/check.h"
#include "core/json.h"
#include "tools/trace/summary.h"

#include <stdlib.h>

static void *json_verb_begin(struct trace_run *run, const char *argument);
static void json_verb_request(void *state, const struct trace_source *source,
                              const struct trace_record *request);
static int json_verb_end(void *state, struct trace_run *run);
static void json_verb_cancel(void *state);
static void print_summary(struct json *json, const struct trace_run *run,
                          const struct summary *summary);

const struct trace_verb trace_verb_json = {
    .option = "--json",
    .help = "one JSON object: the same figures, and whole histograms",
    .begin = json_verb_begin,
    .request = json_verb_request,
    .end = json_verb_end,
    .cancel = json_verb_cancel,
};

static void *json_verb_begin(struct trace_run *run, const char *argument)
{
    (void)run;
    (void)argument;
    struct summary *summary = must_alloc(sizeof *summary);
    summary_init(summary);
    return summary;
}

static void json_verb_request(void *state, const struct trace_source *source,
                              const struct trace_record *request)
{
    (void)source;
    summary_request(state, request);
}

/* The run's own JSON has been checked when it was read, and goes through as it is. */
static int json_verb_end(void *state, struct trace_run *run)
{
    struct summary *summary = state;
    struct json json;
    int status = summary->wrong == 0 ? EXIT_SUCCESS : EXIT_WORLD;
    fprintf(run->out,
            "{\"run\": %.*s,\n\"summary\": ", run->config.len > 0 ? (int)run->config.len : 4,
            run->config.len > 0 ? run->config.at : "null");
    json_begin(&json, run->out);
    print_summary(&json, run, summary);
    fprintf(run->out, ",\n\"report\": ");
    summary_to_report(summary, run);
    report_to_json(run->out, &run->report);
    fprintf(run->out, "}\n");
    json_verb_cancel(state);
    return status;
}

static void json_verb_cancel(void *state)
{
    summary_deinit(state);
    free(state);
}

static void print_summary(struct json *json, const struct trace_run *run,
                          const struct summary *summary)
{
    json_object(json, NULL);
    json_number(json, "requests", summary->requests);
    json_number(json, "unfinished", summary->unfinished);
    json_number(json, "duration_ns", summary_duration_ns(summary));
    json_real(json, "requests_per_second", summary_rate(summary));
    json_number(json, "bytes_sent", summary->bytes_sent);
    json_number(json, "records", run->records);
    json_number(json, "records_lost", run->lost);
    json_bool(json, "complete", run->reported && run->gaps == 0 && run->records == run->written);
    json_number(json, "bytes_passed_over", run->skipped);
    json_bool(json, "parts_add_up", summary->wrong == 0);
    json_text(json, "parts_wrong", summary->wrong > 0 ? summary->wrong_why : NULL);
    json_number(json, "parts_wrong_request", summary->wrong_id);
    json_end(json);
}
