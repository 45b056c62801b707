/* record.c: see record.h. */
#include "tools/load/record.h"

static void record_measured(struct results *results, const struct window *window,
                            const struct shot *shot, const struct outcome *outcome)
{
    bool sent = shot->sent_ns != 0;
    results->sent += sent ? 1 : 0;
    results->sent_in_window += sent && shot->sent_ns < window->end_ns ? 1 : 0;
    if (outcome->error != LOAD_GOOD) {
        errors_note(&results->errors, outcome->error, outcome->words);
        return;
    }
    results->good++;
    fine_record(&results->targets[shot->target].latency,
                outcome->done_ns - (window->open ? shot->due_ns : shot->sent_ns));
    fine_record(&results->from_due, outcome->done_ns - shot->due_ns);
    struct series_row *row = series_at(&results->series, window, shot->due_ns);
    if (row != NULL) {
        fine_record(&row->latency, outcome->done_ns - shot->due_ns);
    }
    fine_record(&results->from_send, outcome->done_ns - shot->sent_ns);
    fine_record(&results->first_byte, shot->first_byte_ns - shot->sent_ns);
    fine_record(&results->send_lag, shot->sent_ns - shot->due_ns);
    fine_record(&results->own_lag, shot->released_ns - shot->due_ns);
}

static void record_length(struct target_results *target, const struct outcome *outcome)
{
    if (outcome->error != LOAD_GOOD) {
        return;
    }
    if (target->answers++ == 0) {
        target->first_length = outcome->body;
    } else if (target->first_length != outcome->body) {
        target->other_lengths++;
    }
}

static void record_answer(struct results *results, const struct window *window,
                          const struct shot *shot, const struct outcome *outcome)
{
    results->answered_ever++;
    results->statuses[outcome->status < RESULTS_STATUSES ? outcome->status : 0]++;
    record_length(&results->targets[shot->target], outcome);
    struct series_row *row = series_at(&results->series, window, outcome->done_ns);
    if (row != NULL) {
        row->done++;
    }
    if (window_has(window, outcome->done_ns)) {
        results->done_in_window++;
        results->body_bytes_in_window += outcome->body;
    }
}

void record_outcome(struct results *results, const struct window *window, const struct shot *shot,
                    const struct outcome *outcome)
{
    results->sent_ever += shot->sent_ns != 0 ? 1 : 0;
    results->bad_ever += outcome->error != LOAD_GOOD ? 1 : 0;
    if (outcome->done_ns != 0) {
        record_answer(results, window, shot, outcome);
    }
    if (shot->measured) {
        record_measured(results, window, shot, outcome);
    }
}
