/* report.c: the result as text. See report.h. */
#include "tools/load/report.h"

#include "core/base/clock.h"
#include "tools/load/arrivals.h"
#include "tools/load/figures.h"

#include <inttypes.h>

static void print_rates(FILE *out, const struct report *report);
static void print_latencies(FILE *out, const struct report *report);
static void print_latency(FILE *out, const char *name, const struct fine *histogram);
static void print_targets(FILE *out, const struct report *report);
static void print_series(FILE *out, const struct report *report);
static void print_little(FILE *out, const struct results *results);
static void print_objectives(FILE *out, const struct report *report);
static void print_errors(FILE *out, const struct report *report);
static void print_statuses(FILE *out, const struct results *results);
static void print_crowd(FILE *out, const struct report *report);
static void print_generator(FILE *out, const struct report *report);
static void print_validity(FILE *out, const struct validity *validity);

const struct fine *report_latency(const struct report *report)
{
    return plan_is_open(report->plan) ? &report->results->from_due : &report->results->from_send;
}

bool report_objectives_met(const struct report *report)
{
    const struct plan *plan = report->plan;
    bool met = true;
    for (unsigned i = 0; i < plan->objective_count; i++) {
        met = objective_is_met(&plan->objectives[i], report_latency(report)) && met;
    }
    return met;
}

double report_row_s(const struct report *report)
{
    unsigned rows = report->results->series.count;
    return (double)report->plan->settings->duration_ns / (double)NS_PER_S / (rows > 0 ? rows : 1);
}

double report_asked(const struct report *report, unsigned row)
{
    const struct plan *plan = report->plan;
    double row_s = report_row_s(report), row_ns = row_s * (double)NS_PER_S;
    double from_ns = (double)plan->settings->warmup_ns + row * row_ns;
    double before = rate_curve_due(&plan->curve, from_ns);
    return (rate_curve_due(&plan->curve, from_ns + row_ns) - before) / row_s;
}

/* "1,000 to 5,000 requests/s, Poisson arrivals" */
static void print_asked(FILE *out, const struct plan *plan)
{
    char rate[FIGURE_TEXT];
    fputs("open loop: ", out);
    for (unsigned i = 0; i < plan->rate.count; i++) {
        figure_count((uint64_t)plan->rate.at[i], rate);
        fprintf(out, "%s%s", i == 0 ? "" : plan->rate.ramp ? " to " : ", then ", rate);
    }
    fputs(" requests/s, ", out);
    if (plan->arrivals.kind == ARRIVALS_BURST) {
        fprintf(out, "bursts of %u with Poisson arrivals", plan->arrivals.burst);
    } else {
        fprintf(out, "%s arrivals",
                plan->arrivals.kind == ARRIVALS_CONSTANT ? "constant" : "Poisson");
    }
}

void report_head(FILE *out, const struct plan *plan)
{
    const struct load_settings *settings = plan->settings;
    char time[OPTION_TIME_TEXT], warmup[OPTION_TIME_TEXT];
    option_format_time(settings->duration_ns, time);
    option_format_time(settings->warmup_ns, warmup);
    if (plan_is_open(plan)) {
        print_asked(out, plan);
        fprintf(out, ", seed %" PRIu64, settings->seed);
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
    print_targets(out, report);
    print_series(out, report);
    print_errors(out, report);
    print_crowd(out, report);
    print_little(out, report->results);
    print_generator(out, report);
    print_objectives(out, report);
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
        fprintf(out,
                "; %.1f%% waited until a connection was free; at most %s were due and not sent yet",
                results->due > 0 ? 100 * (double)results->waited / (double)results->due : 0,
                pending);
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

static void print_latency(FILE *out, const char *name, const struct fine *histogram)
{
    static const double shares[] = {0.5, 0.9, 0.99, 0.999, 0.9999};
    char text[FIGURE_TEXT];
    if (histogram->count == 0) {
        fprintf(out, "  %-15s%10s\n", name, "none");
        return;
    }
    figure_time((uint64_t)fine_mean(histogram), text);
    fprintf(out, "  %-15s%10s", name, text);
    for (unsigned i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        figure_time(fine_percentile(histogram, shares[i]), text);
        fprintf(out, "%10s", text);
    }
    figure_time(histogram->max, text);
    fprintf(out, "%10s\n", text);
}

/* From due in an open loop, else from send. */
static void print_targets(FILE *out, const struct report *report)
{
    const struct plan *plan = report->plan;
    for (unsigned i = 0; plan->target_count > 1 && i < plan->target_count; i++) {
        char name[sizeof "url 4294967295"];
        snprintf(name, sizeof name, "url %u", i);
        print_latency(out, name, &report->results->targets[i].latency);
    }
}

static void print_series(FILE *out, const struct report *report)
{
    const struct series *series = &report->results->series;
    double row_s = report_row_s(report);
    if (series->count > 0) {
        fputs("\nrate                from        to   asked/s   due/s answered/s     p50       p99"
              "       max\n",
              out);
    }
    for (unsigned i = 0; i < series->count; i++) {
        const struct series_row *row = &series->rows[i];
        char asked[FIGURE_TEXT], due[FIGURE_TEXT], done[FIGURE_TEXT], p50[FIGURE_TEXT],
            p99[FIGURE_TEXT], max[FIGURE_TEXT];
        figure_count((uint64_t)(report_asked(report, i) + 0.5), asked);
        figure_count((uint64_t)((double)row->due / row_s + 0.5), due);
        figure_count((uint64_t)((double)row->done / row_s + 0.5), done);
        figure_time(fine_percentile(&row->latency, 0.5), p50);
        figure_time(fine_percentile(&row->latency, 0.99), p99);
        figure_time(row->latency.max, max);
        fprintf(out, "               %8.2fs %8.2fs%10s%8s%11s%8s%10s%10s\n", i * row_s,
                (i + 1) * row_s, asked, due, done, p50, p99, max);
    }
}

static void print_little(FILE *out, const struct results *results)
{
    struct little little;
    (void)results_little(results, &little); /* validity judges it */
    if (little.tolerance > 0) {
        fprintf(out,
                "under way    %.3f on average, rate times latency is %.3f (Little's law: at most "
                "%.3f apart)\n",
                little.counted, little.multiplied, little.tolerance);
    }
}

static void print_objectives(FILE *out, const struct report *report)
{
    const struct fine *latency = report_latency(report);
    for (unsigned i = 0; i < report->plan->objective_count; i++) {
        const struct objective *objective = &report->plan->objectives[i];
        char value[FIGURE_TEXT];
        figure_time(objective_value_ns(objective, latency), value);
        fprintf(out, "objective    %s: %s, %s\n", objective->text,
                latency->count > 0 ? value : "no good answer",
                objective_is_met(objective, latency) ? "met" : "MISSED");
    }
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

static void print_thread(FILE *out, const struct report *report, unsigned number)
{
    const struct results *own = &report->crew->members[number].results;
    char p50[FIGURE_TEXT], p99[FIGURE_TEXT];
    figure_time(fine_percentile(&own->own_lag, 0.5), p50);
    figure_time(fine_percentile(&own->own_lag, 0.99), p99);
    fprintf(out,
            "  thread %-4u  busy %.0f%% of CPU %d, waited for it %.1f%%, own lag p50 %s, p99 %s\n",
            number, results_cpu_share(own) * 100, plan_cpu(report->plan, number),
            results_wait_share(own) * 100, p50, p99);
}

static void print_generator(FILE *out, const struct report *report)
{
    const struct results *results = report->results;
    unsigned threads = report->crew->count;
    fprintf(out, "generator    %sbusy %.0f%% of a CPU, waited for one %.1f%%\n",
            threads > 1 ? "at most, of a thread: " : "", results_cpu_share(results) * 100,
            results_wait_share(results) * 100);
    for (unsigned i = 0; threads > 1 && i < threads; i++) {
        print_thread(out, report, i);
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
