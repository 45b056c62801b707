/* report.c: the result as text. See report.h. */
#include "tools/load/report.h"

#include "tools/load/arrivals.h"
#include "tools/load/figures.h"

#include <inttypes.h>

static void print_rates(FILE *out, const struct report *report);
static void print_latencies(FILE *out, const struct report *report);
static void print_latency(FILE *out, const char *name, const struct histogram *histogram);
static void print_errors(FILE *out, const struct report *report);
static void print_statuses(FILE *out, const struct results *results);
static void print_crowd(FILE *out, const struct report *report);
static void print_generator(FILE *out, const struct report *report);
static void print_validity(FILE *out, const struct validity *validity);

void report_head(FILE *out, const struct plan *plan)
{
    const struct load_settings *settings = plan->settings;
    char rate[FIGURE_TEXT], time[OPTION_TIME_TEXT], warmup[OPTION_TIME_TEXT];
    option_format_time(settings->duration_ns, time);
    option_format_time(settings->warmup_ns, warmup);
    if (plan_is_open(plan)) {
        figure_count(settings->rate, rate);
        fprintf(out, "open loop: %s requests/s, %s arrivals, seed %" PRIu64, rate,
                settings->arrivals == ARRIVALS_POISSON ? "Poisson" : "constant", settings->seed);
    } else {
        fputs("closed loop: each answer brings the next request, so queueing is hidden", out);
    }
    fprintf(out, "; %" PRIu64 " connections on %u thread%s, %s after a warm-up of %s\n",
            settings->connections, plan->threads, plan->threads > 1 ? "s" : "", time, warmup);
    for (unsigned i = 0; i < plan->target_count; i++) {
        fprintf(out, "  %s %s\n", plan->method, plan->targets[i].text);
    }
    fflush(out);
}

void report_text(FILE *out, const struct report *report)
{
    print_rates(out, report);
    print_latencies(out, report);
    print_errors(out, report);
    print_crowd(out, report);
    print_generator(out, report);
    print_validity(out, report->validity);
}

static void print_rates(FILE *out, const struct report *report)
{
    const struct results *results = report->results;
    char due[FIGURE_TEXT], good[FIGURE_TEXT], dropped[FIGURE_TEXT], rate[FIGURE_TEXT],
        bytes[FIGURE_TEXT], pending[FIGURE_TEXT];
    double seconds = results_window_s(results);
    figure_count(results->due, due);
    figure_count(results->good, good);
    figure_count(results->dropped, dropped);
    figure_count(results->pending_most, pending);
    figure_bytes(seconds > 0 ? (double)results->body_bytes_in_window / seconds : 0, bytes);
    fprintf(out, "\nrequests     %s due, %s good, %s dropped", due, good, dropped);
    if (plan_is_open(report->plan)) {
        fprintf(out, "; at most %s waited for a connection", pending);
    }
    if (plan_is_open(report->plan) && seconds > 0) {
        figure_count((uint64_t)((double)results->due / seconds + 0.5), rate);
        fprintf(out, "\nrate         %s/s due", rate);
        figure_count((uint64_t)(results_rate(results) + 0.5), rate);
        fprintf(out, ", %s/s answered, %s/s of bodies\n", rate, bytes);
    } else {
        figure_count((uint64_t)(results_rate(results) + 0.5), rate);
        fprintf(out, "\nrate         %s/s answered, %s/s of bodies\n", rate, bytes);
    }
}

static void print_latencies(FILE *out, const struct report *report)
{
    const struct results *results = report->results;
    fputs("\nlatency                mean       p50       p90       p99     p99.9    p99.99       "
          "max\n",
          out);
    if (plan_is_open(report->plan) || report->plan->settings->think_ns > 0) {
        print_latency(out, "from due", &results->from_due);
    }
    print_latency(out, "from send", &results->from_send);
    print_latency(out, "first byte", &results->first_byte);
    if (plan_is_open(report->plan) || report->plan->settings->think_ns > 0) {
        print_latency(out, "send lag", &results->send_lag);
        print_latency(out, "own lag", &results->own_lag);
    }
    print_latency(out, "connect", &results->connect);
}

static void print_latency(FILE *out, const char *name, const struct histogram *histogram)
{
    static const double shares[] = {0.5, 0.9, 0.99, 0.999, 0.9999};
    char text[FIGURE_TEXT];
    if (histogram->count == 0) {
        fprintf(out, "  %-15s%10s\n", name, "none");
        return;
    }
    figure_time((uint64_t)histogram_mean(histogram), text);
    fprintf(out, "  %-15s%10s", name, text);
    for (unsigned i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        figure_time(histogram_percentile(histogram, shares[i]), text);
        fprintf(out, "%10s", text);
    }
    figure_time(histogram->max, text);
    fprintf(out, "%10s\n", text);
}

static void print_errors(FILE *out, const struct report *report)
{
    const struct results *results = report->results;
    fputs("\nstatuses    ", out);
    print_statuses(out, results);
    if (errors_total(&results->errors) == 0) {
        fputs("\nerrors       none\n", out);
    } else {
        fputs("\nerrors\n", out);
    }
    for (unsigned i = LOAD_GOOD + 1; i < LOAD_ERRORS; i++) {
        if (results->errors.count[i] > 0) {
            fprintf(out, "  %-10s %8" PRIu64 "  %s; the first: %s\n", error_name(i),
                    results->errors.count[i], error_text(i), results->errors.first[i]);
        }
    }
    if (results->unasked > 0) {
        fprintf(out, "  %" PRIu64 " connections sent bytes without a request\n", results->unasked);
    }
}

static void print_statuses(FILE *out, const struct results *results)
{
    char text[FIGURE_TEXT];
    for (unsigned i = 0; i < RESULTS_STATUSES; i++) {
        if (results->statuses[i] > 0) {
            figure_count(results->statuses[i], text);
            fprintf(out, " %u: %s", i, text);
        }
    }
    fputs(" (warm-up included)", out);
}

static void print_crowd(FILE *out, const struct report *report)
{
    for (unsigned i = 0; i < BYSTANDER_KINDS; i++) {
        struct bystander_counts counts = crew_crowd(report->crew, i);
        if (counts.wanted > 0) {
            fprintf(out,
                    "%-12s %" PRIu64 " of %" PRIu64 " open at the end; %" PRIu64
                    " answers, %" PRIu64 " ended by the server, %" PRIu64 " refused\n",
                    bystander_name(i), counts.open, counts.wanted, counts.answers, counts.ended,
                    counts.refused);
        }
    }
}

static void print_generator(FILE *out, const struct report *report)
{
    const struct results *results = report->results;
    const struct crew *crew = report->crew;
    fprintf(out, "generator    busy %.0f%% of a CPU, waited for one %.1f%%%s\n",
            results_cpu_share(results) * 100, results_wait_share(results) * 100,
            crew->count > 1 ? ": the thread with most of it" : "");
    for (unsigned i = 0; crew->count > 1 && i < crew->count; i++) {
        const struct results *own = &crew->members[i].results;
        char p50[FIGURE_TEXT], p99[FIGURE_TEXT];
        figure_time(histogram_percentile(&own->own_lag, 0.5), p50);
        figure_time(histogram_percentile(&own->own_lag, 0.99), p99);
        fprintf(
            out,
            "  thread %-4u  CPU %d: busy %.0f%%, waited for it %.1f%%, own lag p50 %s, p99 %s\n", i,
            plan_cpu(report->plan, i), results_cpu_share(own) * 100, results_wait_share(own) * 100,
            p50, p99);
    }
}

static void print_validity(FILE *out, const struct validity *validity)
{
    for (unsigned i = 0; i < validity->note_count; i++) {
        fprintf(out, "note: %s\n", validity->notes[i]);
    }
    for (unsigned i = 0; i < validity->reason_count; i++) {
        fprintf(out, "INVALID: %s\n", validity->reasons[i]);
    }
    if (validity->reason_count == 0) {
        fputs("valid\n", out);
    }
}
