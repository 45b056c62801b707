/* report_json.c: the result as JSON. See report.h. */
#include "tools/load/report.h"

#include "core/base/json.h"
#include "core/options/option_text.h"
#include "core/report/environment.h"

static void put_judgement(struct json *json, const struct report *report);
static void put_window(struct json *json, const struct report *report);
static void put_requests(struct json *json, const struct results *results);
static void put_run(struct json *json, const struct results *results);
static void put_urls(struct json *json, const struct report *report);
static void put_errors(struct json *json, const struct errors *errors);
static void put_latencies(struct json *json, const struct results *results);
static void put_histogram(struct json *json, const char *key, const struct fine *histogram);
static void put_generator(struct json *json, const struct report *report);
static void put_usage(struct json *json, const struct results *results);
static void put_threads(struct json *json, const struct report *report);
static void put_crowd(struct json *json, const struct report *report);
static void put_series(struct json *json, const struct report *report);
static void put_little(struct json *json, const struct results *results);
static void put_objectives(struct json *json, const struct report *report);

void report_json(FILE *out, const struct report *report)
{
    struct json json;
    json_begin(&json, out);
    json_begin_object(&json, NULL);
    json_text(&json, "tool", "quartet-load");
    json_text(&json, "version", QUARTET_VERSION);
    json_text(&json, "loop", plan_is_open(report->plan) ? "open" : "closed");
    put_judgement(&json, report);
    put_window(&json, report);
    put_requests(&json, report->results);
    put_run(&json, report->results);
    put_urls(&json, report);
    put_errors(&json, &report->results->errors);
    put_latencies(&json, report->results);
    put_series(&json, report);
    put_little(&json, report->results);
    put_objectives(&json, report);
    put_generator(&json, report);
    put_crowd(&json, report);
    option_text_json_object(&json, "options", &load_options, report->plan->settings);
    environment_to_json(&json, "environment");
    build_to_json(&json, "build");
    json_end(&json);
}

static void put_judgement(struct json *json, const struct report *report)
{
    const struct validity *validity = report->validity;
    json_bool(json, "valid", validity->reason_count == 0);
    json_begin_array(json, "invalid");
    for (unsigned i = 0; i < validity->reason_count; i++) {
        json_text(json, NULL, validity->reasons[i]);
    }
    json_end(json);
    json_begin_array(json, "notes");
    for (unsigned i = 0; i < validity->note_count; i++) {
        json_text(json, NULL, validity->notes[i]);
    }
    json_end(json);
    json_bool(json, "interrupted", report->results->interrupted);
}

static void put_window(struct json *json, const struct report *report)
{
    const struct results *results = report->results;
    json_begin_object(json, "window");
    json_decimal(json, "start_unix_s", results->start_unix_s);
    json_number(json, "start_ns", results->window_ns);
    json_number(json, "end_ns", results->end_ns);
    json_decimal(json, "seconds", results_window_s(results));
    json_end(json);
    json_begin_object(json, "rate");
    json_decimal(json, "asked", rate_mean(&report->plan->rate));
    double seconds = results_window_s(results);
    json_decimal(json, "due", seconds > 0 ? (double)results->due / seconds : 0);
    json_decimal(json, "answered", results_rate(results));
    json_decimal(json, "body_bytes",
                 seconds > 0 ? (double)results->body_bytes_in_window / seconds : 0);
    json_end(json);
}

static void put_requests(struct json *json, const struct results *results)
{
    json_begin_object(json, "requests");
    json_number(json, "due", results->due);
    json_number(json, "sent", results->sent);
    json_number(json, "sent_in_time", results->sent_in_window);
    json_number(json, "good", results->good);
    json_number(json, "dropped", results->dropped);
    json_number(json, "waited", results->waited);
    json_number(json, "pending_most", results->pending_most);
    json_end(json);
}

static void put_run(struct json *json, const struct results *results)
{
    json_begin_object(json, "run");
    json_number(json, "sent", results->sent_ever);
    json_number(json, "answered", results->answered_ever);
    json_number(json, "bad", results->bad_ever);
    json_number(json, "connections", results->opened);
    json_number(json, "unasked", results->unasked);
    json_number(json, "bytes_sent", results->bytes_sent);
    json_number(json, "bytes_received", results->bytes_received);
    json_begin_object(json, "statuses");
    for (unsigned i = 0; i < RESULTS_STATUSES; i++) {
        char status[8];
        if (results->statuses[i] > 0) {
            snprintf(status, sizeof status, "%u", i);
            json_number(json, status, results->statuses[i]);
        }
    }
    json_end(json);
    json_end(json);
}

/* As in the server's report, and p9999. */
static void put_figures(struct json *json, const struct fine *histogram)
{
    json_number(json, "count", histogram->count);
    json_number(json, "sum", histogram->sum);
    json_decimal(json, "mean", fine_mean(histogram));
    json_number(json, "p50", fine_percentile(histogram, 0.5));
    json_number(json, "p90", fine_percentile(histogram, 0.9));
    json_number(json, "p99", fine_percentile(histogram, 0.99));
    json_number(json, "p999", fine_percentile(histogram, 0.999));
    json_number(json, "p9999", fine_percentile(histogram, 0.9999));
    json_number(json, "max", histogram->max);
}

static void put_urls(struct json *json, const struct report *report)
{
    json_begin_array(json, "urls");
    for (unsigned i = 0; i < report->plan->target_count; i++) {
        const struct target_results *target = &report->results->targets[i];
        json_begin_object(json, NULL);
        json_text(json, "url", report->plan->targets[i].text);
        json_number(json, "weight", report->plan->targets[i].url.weight);
        json_number(json, "good", target->answers);
        json_number(json, "first_length", target->first_length);
        json_number(json, "other_lengths", target->other_lengths);
        json_begin_object(json, "latency_ns");
        put_figures(json, &target->latency);
        json_end(json);
        json_end(json);
    }
    json_end(json);
}

static void put_errors(struct json *json, const struct errors *errors)
{
    json_begin_object(json, "errors");
    for (unsigned i = LOAD_GOOD + 1; i < LOAD_ERRORS; i++) {
        json_begin_object(json, error_name(i));
        json_number(json, "count", errors->count[i]);
        json_text(json, "first", errors->count[i] > 0 ? errors->first[i] : NULL);
        json_end(json);
    }
    json_end(json);
}

static void put_latencies(struct json *json, const struct results *results)
{
    json_begin_object(json, "latency_ns");
    put_histogram(json, "from_due", &results->from_due);
    put_histogram(json, "from_send", &results->from_send);
    put_histogram(json, "first_byte", &results->first_byte);
    put_histogram(json, "send_lag", &results->send_lag);
    put_histogram(json, "own_lag", &results->own_lag);
    put_histogram(json, "connect", &results->connect);
    json_end(json);
}

static void put_histogram(struct json *json, const char *key, const struct fine *histogram)
{
    json_begin_object(json, key);
    put_figures(json, histogram);
    json_begin_array(json, "buckets");
    for (unsigned i = 0; i < FINE_BUCKETS; i++) {
        if (histogram->buckets[i] > 0) {
            json_begin_array(json, NULL);
            json_number(json, NULL, histogram_high_of(i, FINE_BITS));
            json_number(json, NULL, histogram->buckets[i]);
            json_end(json);
        }
    }
    json_end(json);
    json_end(json);
}

/* Of the thread with most of it, but for cpu_ns. */
static void put_generator(struct json *json, const struct report *report)
{
    const struct results *results = report->results;
    json_begin_object(json, "generator");
    put_usage(json, results);
    json_text(json, "policy", results->precedence.policy);
    json_signed(json, "nice", results->precedence.nice);
    put_threads(json, report);
    json_end(json);
}

static void put_usage(struct json *json, const struct results *results)
{
    json_decimal(json, "cpu_share", results_cpu_share(results));
    json_number(json, "cpu_ns", results->cpu_total_ns);
    json_number(json, "runqueue_ns", results->runqueue_ns);
}

static void put_threads(struct json *json, const struct report *report)
{
    json_begin_array(json, "threads");
    for (unsigned i = 0; i < report->crew->count; i++) {
        const struct results *own = &report->crew->members[i].results;
        json_begin_object(json, NULL);
        json_signed(json, "cpu", plan_cpu(report->plan, i));
        json_number(json, "connections", report->crew->members[i].drive.pool.count);
        json_number(json, "due", own->due);
        json_number(json, "good", own->good);
        put_usage(json, own);
        json_begin_object(json, "own_lag");
        put_figures(json, &own->own_lag);
        json_end(json);
        json_end(json);
    }
    json_end(json);
}

static void put_crowd(struct json *json, const struct report *report)
{
    json_begin_object(json, "crowd");
    for (unsigned i = 0; i < BYSTANDER_KINDS; i++) {
        struct bystander_counts counts = crew_crowd(report->crew, i);
        json_begin_object(json, bystander_key(i));
        json_number(json, "wanted", counts.wanted);
        json_number(json, "open", counts.open);
        json_number(json, "opened", counts.opened);
        json_number(json, "refused", counts.refused);
        json_number(json, "ended", counts.ended);
        json_number(json, "answers", counts.answers);
        json_number(json, "bytes_sent", counts.bytes_sent);
        json_number(json, "bytes_received", counts.bytes_received);
        json_end(json);
    }
    json_end(json);
}

/* Of a rate that changes. */
static void put_series(struct json *json, const struct report *report)
{
    const struct series *series = &report->results->series;
    double row_s = report_row_s(report);
    json_begin_array(json, "series");
    for (unsigned i = 0; i < series->count; i++) {
        const struct series_row *row = &series->rows[i];
        json_begin_object(json, NULL);
        json_decimal(json, "start_s", i * row_s);
        json_decimal(json, "length_s", row_s);
        json_decimal(json, "asked", report_asked(report, i));
        json_number(json, "due", row->due);
        json_number(json, "done", row->done);
        json_begin_object(json, "latency_ns");
        put_figures(json, &row->latency);
        json_end(json);
        json_end(json);
    }
    json_end(json);
}

static void put_little(struct json *json, const struct results *results)
{
    struct little little;
    bool holds = results_little(results, &little);
    json_begin_object(json, "little");
    json_bool(json, "judged", little.tolerance > 0);
    json_bool(json, "holds", holds);
    json_decimal(json, "under_way", little.counted);
    json_decimal(json, "rate_times_latency", little.multiplied);
    json_decimal(json, "tolerance", little.tolerance);
    json_end(json);
}

static void put_objectives(struct json *json, const struct report *report)
{
    const struct fine *latency = report_latency(report);
    json_begin_array(json, "objectives");
    for (unsigned i = 0; i < report->plan->objective_count; i++) {
        const struct objective *objective = &report->plan->objectives[i];
        json_begin_object(json, NULL);
        json_text(json, "objective", objective->text);
        json_number(json, "limit_ns", objective->limit_ns);
        json_number(json, "value_ns", objective_value_ns(objective, latency));
        json_bool(json, "met", objective_is_met(objective, latency));
        json_end(json);
    }
    json_end(json);
}
