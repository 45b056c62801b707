/* table.c: the run as tables for people; what quartet-trace prints by default. */
#include "tools/trace/run.h"

#include "core/base/check.h"
#include "core/base/json_view.h"
#include "tools/trace/review.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    TITLE = 14,  /* columns of the names at the left */
    WIDTH = 100, /* where a list of settings is broken */
    WORD = 512,  /* longest setting shown; longer ones are cut */
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
static void print_settings(FILE *out, struct bytes config, const char *title, const char *key);
static void print_members(struct settings_line *line, const char *prefix, struct bytes object,
                          unsigned depth);
static void print_setting(struct settings_line *line, const char *name, struct bytes value);
static bool worth_showing(struct bytes value);
static void table_print_requests(const struct trace_run *run, const struct summary *summary);
static void table_print_checks(FILE *out, const struct checks *checks);
static void table_print_verdict(FILE *out, const char *text);

const struct trace_verb trace_verb_table = {
    .option = "--table",
    .help = "tables for people: configuration, intervals, queues, threads (the default)",
    .begin = table_begin,
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
    print_settings(run->out, run->config, "options", "config");
    print_settings(run->out, run->config, "environment", "environment");
    print_settings(run->out, run->config, "build", "build");
    table_print_requests(run, &review->summary);
    table_print_checks(run->out, &review->checks);
    table_print_verdict(run->out, review->verdict.text);
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

static void print_settings(FILE *out, struct bytes config, const char *title, const char *key)
{
    struct bytes object;
    struct settings_line line = {.out = out, .column = TITLE};
    fprintf(out, "%-*s", TITLE, title);
    if (json_view_member(config, key, &object)) {
        print_members(&line, "", object, 0);
    }
    if (line.column == TITLE) {
        fputs(" unknown", out);
    }
    fputc('\n', out);
}

/* Nested objects as outer.inner=value, arrays as name=a name=b. */
static void print_members(struct settings_line *line, const char *prefix, struct bytes object,
                          unsigned depth)
{
    struct bytes key, value;
    while (json_view_next(&object, &key, &value)) {
        char word[WORD], name[WORD / 4];
        size_t len = strlen(prefix);
        (void)json_view_text(key, name, sizeof name);
        if (len >= sizeof word / 2) {
            return;
        }
        (void)snprintf(word, sizeof word, "%s%s%s", prefix, len > 0 && name[0] != '\0' ? "." : "",
                       name);
        if (json_view_is(value, '{') || json_view_is(value, '[')) {
            if (depth < JSON_VIEW_DEPTH_MAX) {
                print_members(line, word, value, depth + 1);
            }
        } else if (worth_showing(value)) {
            print_setting(line, word, value);
        }
    }
}

static void print_setting(struct settings_line *line, const char *name, struct bytes value)
{
    char text[WORD];
    (void)json_view_text(value, text, sizeof text);
    const char *quote = strchr(text, ' ') != NULL ? "'" : "";
    unsigned len = (unsigned)(strlen(name) + 1 + strlen(text) + 2 * strlen(quote));
    if (line->column + 1 + len > WIDTH && line->column > TITLE) {
        fprintf(line->out, "\n%*s", TITLE, "");
        line->column = TITLE;
    }
    fprintf(line->out, "%s%s=%s%s%s", line->column > TITLE ? " " : "", name, quote, text, quote);
    line->column += len + 1;
}

static bool worth_showing(struct bytes value)
{
    value = bytes_trim(value);
    return value.len > 0 && !bytes_equal(value, BYTES("null")) &&
           !bytes_equal(value, BYTES("\"\""));
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

/* Wrapped between words. */
static void table_print_verdict(FILE *out, const char *text)
{
    const char *title = "verdict";
    while (*text != '\0') {
        size_t len = strlen(text), room = WIDTH - TITLE;
        if (len > room) {
            len = room;
            while (len > 0 && text[len] != ' ') {
                len--;
            }
            len = len > 0 ? len : room; /* no space in it: it is cut where it must be */
        }
        fprintf(out, "%-*s%.*s\n", TITLE, title, (int)len, text);
        title = "";
        text += len + (text[len] == ' ');
    }
}
