/* parse_harness.h: feeds a text to the parser in every way a network could cut it.
 *
 * A run ends in an outcome, which is written down as text, so that two runs are compared by
 * comparing two strings and a failure shows the difference. The input has exactly the room the
 * contract asks for, and is malloc'd, so that AddressSanitizer sees any step outside.
 */
#ifndef TESTS_CORE_PARSE_HARNESS_H
#define TESTS_CORE_PARSE_HARNESS_H

#include "core/http/parse.h"
#include "tests/test.h"

enum { HARNESS_HEADER_SIZE = 512, HARNESS_BODY_SIZE = 64 };

struct run {
    struct parse_limits limits;
    struct parse parse;
    struct request request;
    struct input input;
    enum parse_verdict verdict;
    unsigned continues; /* how often PARSE_CONTINUE was said */
    struct bytes unfed;
};

static inline struct parse_limits harness_limits(void)
{
    return (struct parse_limits){HARNESS_HEADER_SIZE, HARNESS_BODY_SIZE};
}

static inline void run_begin(struct run *run, struct bytes text, struct parse_limits limits)
{
    parse_init_process();
    memset(run, 0xa5, sizeof(*run)); /* what parse_begin does not set must not matter */
    run->limits = limits;
    run->input = (struct input){.capacity = limits.header_size + INPUT_SLACK};
    run->input.at = malloc(run->input.capacity);
    run->verdict = PARSE_MORE;
    run->continues = 0;
    run->unfed = text;
    parse_begin(&run->parse, &run->request, limits);
}

/* Feeds up to `len` further bytes, as many at a time as there is room for. */
static inline void run_feed(struct run *run, size_t len)
{
    while (run->verdict == PARSE_MORE && len > 0 && run->unfed.len > 0) {
        struct input *input = &run->input;
        size_t part = len < run->unfed.len ? len : run->unfed.len;
        size_t room = input->capacity - input->len;
        expect_msg(room > 0, "the parser wants more but left no room");
        part = part < room ? part : room;
        memcpy(input->at + input->len, run->unfed.at, part);
        input->len += part;
        run->unfed = (struct bytes){run->unfed.at + part, run->unfed.len - part};
        len -= part;
        run->verdict = parse_step(&run->parse, &run->request, input);
        while (run->verdict == PARSE_CONTINUE) {
            run->continues++;
            run->verdict = parse_step(&run->parse, &run->request, input);
        }
    }
}

static inline void run_end(struct run *run)
{
    parse_end(&run->parse);
    free(run->input.at);
}

static inline void describe_view(FILE *out, const char *name, struct bytes view)
{
    fprintf(out, " %s=[%.*s]", name, (int)view.len, view.len > 0 ? view.at : "");
}

/* What the run came to, as malloc'd text. */
static inline char *run_describe(const struct run *run)
{
    const struct request *request = &run->request;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (run->verdict == PARSE_MORE) {
        fprintf(out, "more");
    } else if (run->verdict == PARSE_REFUSED) {
        fprintf(out, "%d %s", run->parse.status, run->parse.reason);
        describe_view(out, "line", request->line);
        fprintf(out, " keep=%d", request->keep_alive);
    } else {
        fprintf(out, "whole method=%d minor=%u keep=%d expect=%d chunked=%d length=%llu",
                request->method, request->minor, request->keep_alive, request->expect_continue,
                request->chunked, (unsigned long long)request->content_length);
        describe_view(out, "line", request->line);
        describe_view(out, "target", request->target);
        describe_view(out, "path", request->path);
        describe_view(out, "query", request->query);
        describe_view(out, "host", request->host);
        describe_view(out, "body", request->body);
        for (unsigned i = 0; i < request->field_count; i++) {
            describe_view(out, "name", request->fields[i].name);
            describe_view(out, "value", request->fields[i].value);
        }
        fprintf(out, " rest=[%.*s%.*s]", (int)(run->input.len - run->input.used),
                run->input.at + run->input.used, (int)run->unfed.len, run->unfed.at);
    }
    fclose(out);
    return text;
}

/* One run with a first part of `first` bytes, the rest in parts of `step`, described. */
static inline char *run_split(struct bytes text, struct parse_limits limits, size_t first,
                              size_t step)
{
    struct run run;
    run_begin(&run, text, limits);
    run_feed(&run, first);
    while (run.verdict == PARSE_MORE && run.unfed.len > 0) {
        run_feed(&run, step);
    }
    char *described = run_describe(&run);
    run_end(&run);
    return described;
}

static inline void expect_same(const char *whole, char *split, struct bytes text, size_t first)
{
    expect_msg(strcmp(whole, split) == 0, "[%.*s]\nwhole:          %s\nsplit after %zu: %s",
               (int)text.len, text.at, whole, first, split);
    free(split);
}

/* Runs the text whole, a byte at a time and in two parts split everywhere, and demands one outcome
 * of all. Leaves the whole run open in *run. */
static inline void run_all_ways(struct run *run, struct bytes text, struct parse_limits limits)
{
    run_begin(run, text, limits);
    run_feed(run, text.len);
    char *whole = run_describe(run);
    expect_same(whole, run_split(text, limits, 1, 1), text, 1);
    for (size_t first = 1; first < text.len; first++) {
        expect_same(whole, run_split(text, limits, first, text.len), text, first);
    }
    free(whole);
}

/* A text and the status it is refused with, or 0 when it is accepted. */
struct verdict_case {
    int status;
    struct bytes text;
};
#define CASE(status, literal)                                                                      \
    {                                                                                              \
        (status),                                                                                  \
        {                                                                                          \
            (literal), sizeof(literal) - 1                                                         \
        }                                                                                          \
    }

static inline void expect_verdicts(const struct verdict_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct run run;
        run_all_ways(&run, cases[i].text, harness_limits());
        int status = run.verdict == PARSE_REFUSED ? run.parse.status : 0;
        const char *reason = run.verdict == PARSE_REFUSED ? run.parse.reason : "";
        expect_msg(run.verdict != PARSE_MORE, "[%.*s] is waited for", (int)cases[i].text.len,
                   cases[i].text.at);
        expect_msg(status == cases[i].status, "[%.*s] is %d (%s), expected %d",
                   (int)cases[i].text.len, cases[i].text.at, status, reason, cases[i].status);
        expect(status == 0 || !run.request.keep_alive);
        run_end(&run);
    }
}
#define EXPECT_VERDICTS(cases) expect_verdicts((cases), sizeof(cases) / sizeof((cases)[0]))

#endif
