/* results.c: merging, and figures that follow from others. See results.h. */
#include "tools/load/results.h"

#include "core/base/clock.h"

#include <math.h>
#include <string.h>

static void merge_targets(struct target_results *to, const struct target_results *from)
{
    bool differ = to->answers > 0 && to->first_length != from->first_length;
    if (from->answers > 0) {
        to->first_length = to->answers > 0 ? to->first_length : from->first_length;
        to->other_lengths += differ ? from->answers : from->other_lengths;
        to->answers += from->answers;
        fine_merge(&to->latency, &from->latency);
    }
}

static void merge_errors(struct errors *to, const struct errors *from)
{
    for (unsigned i = 0; i < LOAD_ERRORS; i++) {
        if (to->count[i] == 0) {
            memcpy(to->first[i], from->first[i], ERROR_EXAMPLE_MAX);
        }
        to->count[i] += from->count[i];
    }
}

/* The generator is the limit where one of its threads is. */
static void merge_usage(struct results *to, const struct results *from)
{
    if (results_cpu_share(from) >= results_cpu_share(to)) {
        to->cpu_ns = from->cpu_ns;
        to->idle_ns = from->idle_ns;
    }
    to->runqueue_ns = from->runqueue_ns > to->runqueue_ns ? from->runqueue_ns : to->runqueue_ns;
    to->cpu_total_ns += from->cpu_total_ns;
    to->precedence = to->precedence.policy != NULL ? to->precedence : from->precedence;
}

static void merge_counts(struct results *to, const struct results *from)
{
    to->due += from->due;
    to->sent += from->sent;
    to->good += from->good;
    to->dropped += from->dropped;
    to->sent_in_window += from->sent_in_window;
    to->sent_ever += from->sent_ever;
    to->answered_ever += from->answered_ever;
    to->bad_ever += from->bad_ever;
    to->bytes_sent += from->bytes_sent;
    to->bytes_received += from->bytes_received;
    to->opened += from->opened;
    to->unasked += from->unasked;
    to->done_in_window += from->done_in_window;
    to->body_bytes_in_window += from->body_bytes_in_window;
    to->waited += from->waited;
    to->occupancy.area_ns += from->occupancy.area_ns;
    to->occupancy.apart_ns += from->occupancy.apart_ns;
    to->pending_most += from->pending_most; /* not at one moment: it is a bound */
    for (unsigned i = 0; i < RESULTS_STATUSES; i++) {
        to->statuses[i] += from->statuses[i];
    }
    for (unsigned i = 0; i < MIX_MAX; i++) {
        merge_targets(&to->targets[i], &from->targets[i]);
    }
}

void results_merge(struct results *to, const struct results *from)
{
    fine_merge(&to->from_due, &from->from_due);
    fine_merge(&to->from_send, &from->from_send);
    fine_merge(&to->first_byte, &from->first_byte);
    fine_merge(&to->send_lag, &from->send_lag);
    fine_merge(&to->own_lag, &from->own_lag);
    fine_merge(&to->connect, &from->connect);
    to->start_ns = from->start_ns;
    to->window_ns = from->window_ns;
    to->end_ns = to->end_ns > from->end_ns ? to->end_ns : from->end_ns;
    to->start_unix_s = to->start_unix_s > 0 ? to->start_unix_s : from->start_unix_s;
    to->interrupted = to->interrupted || from->interrupted;
    series_merge(&to->series, &from->series);
    merge_counts(to, from);
    merge_errors(&to->errors, &from->errors);
    merge_usage(to, from);
}

double results_window_s(const struct results *results)
{
    return results->end_ns > results->window_ns
               ? (double)(results->end_ns - results->window_ns) / (double)NS_PER_S
               : 0;
}

double results_rate(const struct results *results)
{
    double seconds = results_window_s(results);
    return seconds > 0 ? (double)results->done_in_window / seconds : 0;
}

double results_cpu_share(const struct results *results)
{
    double window_ns = results_window_s(results) * (double)NS_PER_S;
    double used_ns = (double)results->cpu_ns - (double)results->idle_ns;
    return window_ns > 0 && used_ns > 0 ? used_ns / window_ns : 0;
}

double results_wait_share(const struct results *results)
{
    double window_ns = results_window_s(results) * (double)NS_PER_S;
    return window_ns > 0 ? (double)results->runqueue_ns / window_ns : 0;
}

double results_sent_share(const struct results *results)
{
    return results->due > 0 ? (double)results->sent_in_window / (double)results->due : 1;
}

/* What is stamped in two places may differ by this. */
static const double little_harmless = 0.01;

bool results_little(const struct results *results, struct little *little)
{
    double window_ns = results_window_s(results) * (double)NS_PER_S;
    *little = (struct little){0};
    if (window_ns <= 0 || results->good != results->due || results->interrupted) {
        return false;
    }
    double time_ns = (double)results->from_due.sum - (double)results->own_lag.sum;
    little->counted = results->occupancy.area_ns / window_ns;
    little->multiplied = time_ns / window_ns;
    little->tolerance = (double)results->occupancy.apart_ns / window_ns +
                        little_harmless * fmax(little->counted, little->multiplied);
    return fabs(little->counted - little->multiplied) <= little->tolerance;
}
