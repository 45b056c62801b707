/* table.c: the run as tables for people; what quartet-trace prints by default. */
#include "tools/trace/run.h"

#include "core/base/check.h"
#include "core/base/json_read.h"
#include "tools/trace/review.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    TITLE = BOTTLENECK_TITLE, /* columns of the names at the left */
    WIDTH = BOTTLENECK_WIDTH, /* where a list of settings is broken */
    WORD = 512,               /* longest setting shown; longer ones are cut */
};

/* Settings are written one after the other, "key=value", and wrapped. */
struct settings_line {
    FILE *out;
    unsigned column;
};

static void *table_begin(struct trace_run *run, const char *argument);
static int table_end(void *state, struct trace_run *run);
static void table_cancel(void *state);
static void print_missing(const struct trace_run *run);
static void print_config(FILE *out, struct bytes text);
static void print_settings(FILE *out, const char *title, json_t *settings);
static void print_value(struct settings_line *line, const char *name, json_t *value);
static void print_setting(struct settings_line *line, const char *name, const json_t *value);
static void format_setting(const json_t *value, char text[WORD]);
static void table_print_requests(const struct trace_run *run, const struct summary *summary);
static void table_print_checks(FILE *out, const struct checks *checks);
static void table_print_judged(FILE *out, const struct review *review);

const struct trace_verb trace_verb_table = {
    .option = "--table",
    .help = "tables for people: configuration, intervals, queues, threads (the default)",
    .begin = table_begin,
    .ledger = true,
    .request = review_request,
    .sample = review_sample,
    .end = table_end,
    .cancel = table_cancel,
};

static void *table_begin(struct trace_run *run, const char *argument)
{
    (void)argument;
    return review_new(run);
}

static int table_end(void *state, struct trace_run *run)
{
    struct review *review = state;
    int status = review_end(review, run);
    print_missing(run);
    print_config(run->out, run->config);
    table_print_requests(run, &review->summary);
    table_print_checks(run->out, &review->checks);
    table_print_judged(run->out, review);
    bottleneck_print(run->out, &review->verdict);
    if (run->ledger != NULL) {
        ledger_print(run->out, run->ledger);
    }
    fputc('\n', run->out);
    report_print(run->out, &run->report);
    review_free(review);
    return status;
}

static void table_cancel(void *state)
{
    review_free(state);
}

/* First, what the rest leaves out. */
static void print_missing(const struct trace_run *run)
{
    if (run->lost > 0) {
        fprintf(run->out,
                "LOST %" PRIu64 " of %" PRIu64 " records: the figures below leave them out\n",
                run->lost, run->lost + (run->reported ? run->written : run->records));
    }
    if (run->gaps > 0 || !run->reported) {
        fprintf(run->out, "INCOMPLETE file: %" PRIu64 " bytes passed over in %u places%s\n",
                run->skipped, run->gaps, run->reported ? "" : ", no report of the run's end");
    }
    if (run->reported && run->written > run->records) {
        fprintf(run->out,
                "INCOMPLETE records: %" PRIu64 " of %" PRIu64 " are in the whole blocks\n",
                run->records, run->written);
    }
}

static void print_config(FILE *out, struct bytes text)
{
    json_t *root = json_read(text, NULL); /* NULL where the file has none */
    print_settings(out, "options", json_object_get(root, "config"));
    print_settings(out, "environment", json_object_get(root, "environment"));
    print_settings(out, "build", json_object_get(root, "build"));
    json_decref(root);
}

static void print_settings(FILE *out, const char *title, json_t *settings)
{
    struct settings_line line = {.out = out, .column = TITLE};
    fprintf(out, "%-*s", TITLE, title);
    if (json_is_object(settings)) {
        print_value(&line, "", settings);
    }
    if (line.column == TITLE) {
        fputs(" unknown", out);
    }
    fputc('\n', out);
}

/* Nested objects as outer.inner=value, arrays as name=a name=b. json_read has a limit on depth. */
static void print_value(struct settings_line *line, const char *name, json_t *value)
{
    const char *key;
    json_t *member;
    size_t i;
    if (strlen(name) >= WORD / 2) {
        return;
    }
    json_object_foreach(value, key, member)
    {
        char word[WORD], shown[WORD / 4];
        (void)json_read_shown(bytes_of(key), shown, sizeof shown);
        (void)snprintf(word, sizeof word, "%s%s%s", name, name[0] != '\0' ? "." : "", shown);
        print_value(line, word, member);
    }
    json_array_foreach(value, i, member)
    {
        print_value(line, name, member);
    }
    if (!json_is_object(value) && !json_is_array(value)) {
        print_setting(line, name, value);
    }
}

/* What is null or empty is left out. */
static void print_setting(struct settings_line *line, const char *name, const json_t *value)
{
    char text[WORD];
    format_setting(value, text);
    if (text[0] == '\0') {
        return;
    }
    const char *quote = strchr(text, ' ') != NULL ? "'" : "";
    unsigned len = (unsigned)(strlen(name) + 1 + strlen(text) + 2 * strlen(quote));
    if (line->column + 1 + len > WIDTH && line->column > TITLE) {
        fprintf(line->out, "\n%*s", TITLE, "");
        line->column = TITLE;
    }
    fprintf(line->out, "%s%s=%s%s%s", line->column > TITLE ? " " : "", name, quote, text, quote);
    line->column += len + 1;
}

static void format_setting(const json_t *value, char text[WORD])
{
    text[0] = '\0';
    if (json_is_string(value)) {
        (void)json_read_text(value, text, WORD);
    } else if (value != NULL && !json_is_null(value)) {
        size_t len = json_dumpb(value, text, WORD - 1, JSON_ENCODE_ANY | JSON_REAL_PRECISION(12));
        text[len < WORD ? len : 0] = '\0';
    }
}

static void table_print_requests(const struct trace_run *run, const struct summary *summary)
{
    fprintf(run->out, "%-*s%" PRIu64 " in %.3f s from first byte to last, %.0f a second", TITLE,
            "requests", summary->requests, (double)summary_duration_ns(summary) / NS_PER_S,
            summary_rate(summary));
    if (summary->unfinished > 0) {
        fprintf(run->out, "; %" PRIu64 " not sent to their end", summary->unfinished);
    }
    fputc('\n', run->out);
}

/* One line each, the failed ones first. */
static void table_print_checks(FILE *out, const struct checks *checks)
{
    for (unsigned pass = 0; pass < 2; pass++) {
        for (unsigned i = 0; i < checks->count; i++) {
            const struct check *check = &checks->at[i];
            if ((check->outcome == CHECK_FAILED) == (pass == 0)) {
                fprintf(out, "%-*s%-8s %s\n", TITLE, "check", check_outcome_name(check->outcome),
                        check->text);
            }
        }
    }
}

static void table_print_judged(FILE *out, const struct review *review)
{
    fprintf(out, "%-*s%.3f s, from %.3f s after the start of the server\n", TITLE, "judged",
            (double)review->judged_ns / NS_PER_S, (double)review->judged_from_ns / NS_PER_S);
}
