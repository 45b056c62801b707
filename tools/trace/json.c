/* json.c: the run as one JSON object, for programs. See json.h. */
#include "tools/trace/json.h"

#include "core/base/check.h"
#include "core/base/json.h"

#include <stdlib.h>

static void *json_verb_begin(struct trace_run *run, const char *argument);
static int json_verb_end(void *state, struct trace_run *run);
static void json_verb_cancel(void *state);
static void print_sources(struct json *json, const struct trace_run *run);
static void json_print_checks(struct json *json, const struct checks *checks);
static void print_summary(struct json *json, const struct trace_run *run,
                          const struct summary *summary);

const struct trace_verb trace_verb_json = {
    .option = "--json",
    .help = "one JSON object: the same figures, and whole histograms",
    .begin = json_verb_begin,
    .ledger = true,
    .request = review_request,
    .sample = review_sample,
    .end = json_verb_end,
    .cancel = json_verb_cancel,
};

static void *json_verb_begin(struct trace_run *run, const char *argument)
{
    (void)argument;
    return review_new(run);
}

static int json_verb_end(void *state, struct trace_run *run)
{
    struct review *review = state;
    int status = review_end(review, run);
    fputc('{', run->out);
    json_print_run(run->out, run, review);
    fputs("}\n", run->out);
    review_free(review);
    return status;
}

/* The run's own JSON has been checked when it was read, and goes through as it is. */
void json_print_run(FILE *out, const struct trace_run *run, const struct review *review)
{
    struct json json;
    fprintf(out, "\"run\": %.*s,\n\"summary\": ", run->config.len > 0 ? (int)run->config.len : 4,
            run->config.len > 0 ? run->config.at : "null");
    json_begin(&json, out);
    print_summary(&json, run, &review->summary);
    fprintf(out, ",\n\"sources\": ");
    json_begin(&json, out);
    print_sources(&json, run);
    fprintf(out, ",\n\"checks\": ");
    json_begin(&json, out);
    json_print_checks(&json, &review->checks);
    fprintf(out, ",\n\"verdict\": ");
    json_begin(&json, out);
    bottleneck_to_json(&json, NULL, &review->verdict, review->judged_ns);
    if (run->ledger != NULL) {
        fprintf(out, ",\n\"ledger\": ");
        json_begin(&json, out);
        ledger_to_json(&json, NULL, run->ledger);
    }
    fprintf(out, ",\n\"report\": ");
    report_to_json(out, &run->report);
}

static void json_verb_cancel(void *state)
{
    review_free(state);
}

static void print_sources(struct json *json, const struct trace_run *run)
{
    json_begin_array(json, NULL);
    for (unsigned i = 0; i < run->source_count; i++) {
        const struct trace_source *source = &run->sources[i];
        json_begin_object(json, NULL);
        json_text(json, "file", source->path);
        json_number(json, "started_ns", source->started_ns);
        json_number(json, "started_s", source->wall_s);
        json_number(json, "records", source->records);
        json_number(json, "records_lost", source->lost);
        json_bool(json, "complete",
                  source->reported && source->gaps == 0 && source->records == source->written);
        json_number(json, "bytes_passed_over", source->skipped);
        json_end(json);
    }
    json_end(json);
}

static void json_print_checks(struct json *json, const struct checks *checks)
{
    json_begin_array(json, NULL);
    for (unsigned i = 0; i < checks->count; i++) {
        json_begin_object(json, NULL);
        json_text(json, "name", checks->at[i].name);
        json_text(json, "outcome", check_outcome_name(checks->at[i].outcome));
        json_text(json, "text", checks->at[i].text);
        json_end(json);
    }
    json_end(json);
}

static void print_summary(struct json *json, const struct trace_run *run,
                          const struct summary *summary)
{
    json_begin_object(json, NULL);
    json_number(json, "requests", summary->requests);
    json_number(json, "unfinished", summary->unfinished);
    json_number(json, "duration_ns", summary_duration_ns(summary));
    json_decimal(json, "requests_per_second", summary_rate(summary));
    json_number(json, "bytes_sent", summary->bytes_sent);
    json_number(json, "records", run->records);
    json_number(json, "records_lost", run->lost);
    json_number(json, "records_doubled", run->doubled);
    json_number(json, "requeues_without_request", run->unjoined);
    json_number(json, "requests_without_requeue", run->unfollowed);
    json_bool(json, "complete", run->reported && run->gaps == 0 && run->records == run->written);
    json_number(json, "bytes_passed_over", run->skipped);
    json_bool(json, "parts_add_up", summary->wrong == 0);
    json_text(json, "parts_wrong", summary->wrong > 0 ? summary->wrong_why : NULL);
    json_number(json, "parts_wrong_request", summary->wrong_id);
    json_end(json);
}
