/* validity.c: see validity.h.
 *
 * INVALID is a fault of the generator. A server that cannot keep up is a finding, not a
 * fault: as long as the generator itself was in time the latencies from the due time are right, and
 * a note says that they grow with the length of the run.
 */
#include "tools/load/validity.h"

#include "core/base/clock.h"
#include "tools/load/figures.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

/* The generator's own lateness may be a tenth of the median latency, or this, whichever is more: a
 * machine that wakes a process takes tens of microseconds. The median, though it is the p99 of the
 * lateness: what stops the whole machine for a while makes p99 of the latency long as well, and
 * would so accept just those runs that it spoilt. */
static const uint64_t lag_allowed_ns = 100 * NS_PER_US;
static const double lag_allowed_share = 0.1;
/* A thread that is nearly always busy is late whenever two things come together. */
static const double cpu_allowed = 0.9;
/* The share of its time from which on waiting for a CPU can be the reason of a late p99: requests
 * come due at random moments, so one of a hundred meets what takes a hundredth of the time. */
static const double waited_worth_saying = 0.01;
/* Share of a closed loop's time from which on a note says that it waited for a CPU. */
static const double wait_allowed = 0.1;
/* Of the asked rate, beside what chance allows a Poisson process (four standard deviations). */
static const double rate_wanted = 0.99;
/* Share of requests from which on waiting for a connection is noted. */
static const double waiting_allowed = 0.01;
/* Of what was due, sent before the end: less means that requests piled up. */
static const double sent_wanted = 0.99;

static void judge_answers(struct validity *validity, const struct results *results);
static void judge_arrivals(struct validity *validity, const struct plan *plan,
                           const struct results *results);
static void judge_lag(struct validity *validity, const struct results *results);
static void judge_cpu(struct validity *validity, const struct results *results);
static void judge_drops(struct validity *validity, const struct results *results);
static void judge_little(struct validity *validity, const struct results *results);
static void note_waiting_requests(struct validity *validity, const struct results *results);
static void note_saturation(struct validity *validity, const struct results *results);
static void note_waiting(struct validity *validity, const struct results *results);
static void note_precedence(struct validity *validity, const struct results *results);
static void note_lengths(struct validity *validity, const struct plan *plan,
                         const struct results *results);
static void validity_invalid(struct validity *validity, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static void validity_note(struct validity *validity, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

void validity_judge(struct validity *validity, const struct plan *plan,
                    const struct results *results)
{
    *validity = (struct validity){0};
    judge_answers(validity, results);
    judge_cpu(validity, results);
    judge_drops(validity, results);
    judge_little(validity, results);
    if (plan_is_open(plan)) {
        judge_arrivals(validity, plan, results);
        judge_lag(validity, results);
        note_saturation(validity, results);
        note_waiting_requests(validity, results);
    } else {
        note_waiting(validity, results);
    }
    note_precedence(validity, results);
    note_lengths(validity, plan, results);
    if (results->interrupted) {
        validity_note(validity, "interrupted after %.3gs of the window", results_window_s(results));
    }
}

static void judge_answers(struct validity *validity, const struct results *results)
{
    if (results_window_s(results) == 0) {
        validity_invalid(validity, "interrupted before the warm-up was over: nothing was measured");
    } else if (results->good == 0) {
        validity_invalid(validity, "no good answer");
    }
}

static void judge_arrivals(struct validity *validity, const struct plan *plan,
                           const struct results *results)
{
    double from_ns = (double)plan->settings->warmup_ns;
    double until_ns = from_ns + results_window_s(results) * (double)NS_PER_S;
    double asked = rate_curve_due(&plan->curve, until_ns) - rate_curve_due(&plan->curve, from_ns);
    double least = asked * rate_wanted - 4 * sqrt(asked * plan->arrivals.burst);
    if ((double)results->due < least) {
        validity_invalid(validity, "%.0f requests should have come due, the generator reached %llu",
                         asked, (unsigned long long)results->due);
    }
}

static bool has_precedence(const struct results *results)
{
    return results->precedence.realtime || results->precedence.nice < 0;
}

/* Can waiting for a CPU be why one request of a hundred was so late? A wait makes nothing later than
 * it takes itself. */
static bool waited_so_long(const struct results *results, uint64_t lag_ns)
{
    return results_wait_share(results) >= waited_worth_saying && results->runqueue_ns >= lag_ns;
}

static void judge_lag(struct validity *validity, const struct results *results)
{
    uint64_t lag_ns = fine_percentile(&results->own_lag, 0.99);
    double median_ns = (double)fine_percentile(&results->from_due, 0.5);
    double allowed_ns = fmax((double)lag_allowed_ns, median_ns * lag_allowed_share);
    if ((double)lag_ns > allowed_ns) {
        char lag[FIGURE_TEXT], allowed[FIGURE_TEXT];
        figure_time(lag_ns, lag);
        figure_time((uint64_t)allowed_ns, allowed);
        validity_invalid(validity, "the generator was late: by %s at p99, at most %s is accepted%s",
                         lag, allowed,
                         !waited_so_long(results, lag_ns) ? ""
                         : has_precedence(results)
                             ? "; it had to wait for a CPU"
                             : "; it had to wait for a CPU; nice -n -5 shortens the wait");
    }
}

static void judge_cpu(struct validity *validity, const struct results *results)
{
    double share = results_cpu_share(results);
    if (share > cpu_allowed) {
        validity_invalid(
            validity, "the generator was busy for %.0f%% of the time, at most %.0f%% is accepted",
            share * 100, cpu_allowed * 100);
    }
}

/* Percentiles without the requests that waited longest are too good. */
static void judge_drops(struct validity *validity, const struct results *results)
{
    if (results->dropped > 0) {
        validity_invalid(validity,
                         "%llu requests were due and never sent: their latency is missing",
                         (unsigned long long)results->dropped);
    }
}

/* Two ways to count what was under way: they differ where an event was lost or counted twice. */
static void judge_little(struct validity *validity, const struct results *results)
{
    struct little little;
    if (!results_little(results, &little) && little.counted + little.multiplied > 0) {
        validity_invalid(validity,
                         "%.3f requests were under way on average, and rate times latency is %.3f: "
                         "at most %.3f apart is accepted (Little's law)",
                         little.counted, little.multiplied, little.tolerance);
    }
}

/* An open loop over too few connections: what they do not take at once comes later than asked. */
static void note_waiting_requests(struct validity *validity, const struct results *results)
{
    double share = results->due > 0 ? (double)results->waited / (double)results->due : 0;
    if (share > waiting_allowed && results_sent_share(results) >= sent_wanted) {
        validity_note(
            validity,
            "%.1f%% of the requests waited for a free connection, so the server saw other "
            "arrivals than asked; more connections (--grow-to) keep them apart",
            share * 100);
    }
}

static void note_saturation(struct validity *validity, const struct results *results)
{
    double share = results_sent_share(results);
    double taken = results_cpu_share(results) + results_wait_share(results);
    if (share < sent_wanted && taken > cpu_allowed) {
        validity_note(validity,
                      "%.1f%% of the due requests were sent in time; a thread of the generator was "
                      "busy for %.0f%% of the time, and one waited for a CPU for %.0f%%, so it may "
                      "be the limit itself",
                      share * 100, results_cpu_share(results) * 100,
                      results_wait_share(results) * 100);
    } else if (share < sent_wanted) {
        validity_note(validity,
                      "saturated: %.1f%% of the due requests were sent in time; the server or "
                      "--connections is "
                      "the limit, and latency grows with the duration",
                      share * 100);
    }
}

/* An open loop is judged by its lag. Here the wait lies between an answer and its time, and between
 * that and the next request. */
static void note_waiting(struct validity *validity, const struct results *results)
{
    double share = results_wait_share(results);
    if (share > wait_allowed) {
        validity_note(validity,
                      "the generator waited for a CPU for %.0f%% of the time: the rate is too low, "
                      "and latencies "
                      "are those of the connections that it came to; give it a CPU of its own%s",
                      share * 100,
                      has_precedence(results) ? "" : ", or precedence with nice -n -5");
    }
}

/* Its arrivals are then on time whatever the server does, and that is why: the scheduler neither
 * counts a real-time thread's work where it spreads the others nor moves those that wait behind
 * it. */
static void note_precedence(struct validity *validity, const struct results *results)
{
    if (results->precedence.realtime) {
        validity_note(
            validity,
            "the generator runs with real-time precedence (%s): a server that shares its CPUs is "
            "delayed by it, and the latencies include the delay",
            results->precedence.policy);
    }
}

/* Legal, for a page that changes; a server that cuts its answers shows up in the same way. */
static void note_lengths(struct validity *validity, const struct plan *plan,
                         const struct results *results)
{
    for (unsigned i = 0; i < plan->target_count; i++) {
        const struct target_results *target = &results->targets[i];
        if (target->other_lengths > 0) {
            validity_note(validity,
                          "%llu answers of %.80s were not as long as its first, of %llu bytes",
                          (unsigned long long)target->other_lengths, plan->targets[i].text,
                          (unsigned long long)target->first_length);
            return;
        }
    }
}

static void validity_invalid(struct validity *validity, const char *fmt, ...)
{
    va_list args;
    if (validity->reason_count == VALIDITY_MAX) {
        return;
    }
    va_start(args, fmt);
    vsnprintf(validity->reasons[validity->reason_count++], VALIDITY_TEXT_MAX, fmt, args);
    va_end(args);
}

static void validity_note(struct validity *validity, const char *fmt, ...)
{
    va_list args;
    if (validity->note_count == VALIDITY_MAX) {
        return;
    }
    va_start(args, fmt);
    vsnprintf(validity->notes[validity->note_count++], VALIDITY_TEXT_MAX, fmt, args);
    va_end(args);
}
