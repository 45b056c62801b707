/* html.c: a run as a page: the wiring, where the time went, latency as distributions and over time,
 * the slowest requests. One file that needs nothing else: the figures are in it as JSON, beside
 * what --json prints a timeline and the journeys, and the page's script draws them.
 */
#include "tools/trace/run.h"

#include "core/base/check.h"
#include "core/base/json.h"
#include "tools/trace/json.h"
#include "tools/trace/out_file.h"
#include "tools/trace/record.h"
#include "tools/trace/report_page.h"
#include "tools/trace/slow_heap.h"
#include "tools/trace/timeline.h"

#include <stdlib.h>

enum { SLOWEST = 10 };

struct html {
    struct out_file file;
    struct review *review;
    struct timeline *timeline;
    struct slow_heap *slowest;
};

/* What belongs at the page's @DATA@. */
struct data {
    const char *text;
    size_t len;
};

static const char *html_wrong(const char *argument);
static void *html_begin(struct trace_run *run, const char *argument);
static void html_request(void *state, const struct trace_source *source,
                         const struct trace_record *request);
static void html_sample(void *state, const struct trace_source *source,
                        const struct trace_sample *sample, const struct trace_sample_queue *queues,
                        const uint64_t *busy_ns);
static int html_end(void *state, struct trace_run *run);
static void html_cancel(void *state);
static void print_data(FILE *out, const struct html *html, const struct trace_run *run);
static void print_journey(struct json *json, const struct slow *slow, uint64_t origin_ns);
static void put_data(void *arg, FILE *out);

const struct trace_verb trace_verb_html = {
    .option = "--html",
    .argument = "FILE",
    .help = "a page that draws the run, one file that needs no other",
    .wrong = html_wrong,
    .begin = html_begin,
    .request = html_request,
    .sample = html_sample,
    .end = html_end,
    .cancel = html_cancel,
};

static const char *html_wrong(const char *argument)
{
    return argument[0] != '\0' ? NULL : "the name of a file is wanted";
}

static void *html_begin(struct trace_run *run, const char *argument)
{
    struct html *html = must_calloc(1, sizeof *html);
    html->review = review_new(run);
    html->timeline = timeline_new(run);
    html->slowest = slow_heap_new(SLOWEST);
    if (!out_file_open(&html->file, argument, run->err)) {
        html_cancel(html);
        return NULL;
    }
    return html;
}

static void html_request(void *state, const struct trace_source *source,
                         const struct trace_record *request)
{
    struct html *html = state;
    review_request(html->review, source, request);
    timeline_request(html->timeline, request);
    slow_heap_put(html->slowest, source, request);
}

static void html_sample(void *state, const struct trace_source *source,
                        const struct trace_sample *sample, const struct trace_sample_queue *queues,
                        const uint64_t *busy_ns)
{
    struct html *html = state;
    review_sample(html->review, source, sample, queues, busy_ns);
    timeline_sample(html->timeline, source, sample, queues, busy_ns);
}

static int html_end(void *state, struct trace_run *run)
{
    struct html *html = state;
    char nonce[WEB_NONCE], *text = NULL;
    size_t len = 0;
    int status = review_end(html->review, run);
    FILE *memory = open_memstream(&text, &len);
    CHECK(memory != NULL);
    slow_heap_sort(html->slowest);
    print_data(memory, html, run);
    CHECK(fclose(memory) == 0); /* it fails for want of memory only */

    web_nonce(nonce);
    web_page_print(html->file.out, trace_report_page, nonce, put_data, &(struct data){text, len});
    free(text);
    bool written = out_file_keep(&html->file, run->err, &run->made_bytes);
    trace_run_report_lost(run, "they are not in the page's distributions");
    html_cancel(html);
    return written ? status : EXIT_WORLD;
}

static void html_cancel(void *state)
{
    struct html *html = state;
    out_file_drop(&html->file);
    review_free(html->review);
    timeline_free(html->timeline);
    free(html->slowest);
    free(html);
}

static void print_data(FILE *out, const struct html *html, const struct trace_run *run)
{
    struct json json;
    fputs("{\"version\": \"" QUARTET_VERSION "\",\n", out);
    json_print_run(out, run, html->review);
    fputs(",\n\"timeline\": ", out);
    json_begin(&json, out);
    timeline_to_json(&json, NULL, html->timeline);
    fputs(",\n\"slowest\": ", out);
    json_begin(&json, out);
    json_begin_array(&json, NULL);
    for (unsigned i = 0; i < html->slowest->count; i++) {
        print_journey(&json, &html->slowest->at[i], run->started_ns);
    }
    json_end(&json);
    fputs("}\n", out);
}

static void print_thread(struct json *json, const char *key, const struct trace_source *source,
                         unsigned thread)
{
    char label[TRACE_LABEL];
    source_thread_label(source, thread, label);
    json_text(json, key, label);
}

static void print_journey(struct json *json, const struct slow *slow, uint64_t origin_ns)
{
    const struct trace_record *request = &slow->request;
    int64_t intervals[INTERVAL_COUNT];
    record_intervals(request, intervals);
    json_begin_object(json, NULL);
    json_text(json, "source", slow->source->prefix);
    json_number(json, "request", request->request_id);
    json_number(json, "connection", request->connection_id);
    json_signed(json, "at_ns", (int64_t)(request->first_byte_ns - origin_ns));
    json_text(json, "method", record_method(request));
    json_number(json, "status", request->status);
    json_number(json, "bytes_sent", request->bytes_sent);
    json_text(json, "close_reason",
              name_list_get(&slow->source->close_reasons, request->close_reason));
    json_begin_object(json, "threads");
    print_thread(json, "read", slow->source, request->thread_read);
    print_thread(json, "process", slow->source, request->thread_process);
    print_thread(json, "write", slow->source, request->thread_write);
    json_end(json);
    json_begin_object(json, "intervals_ns");
    for (unsigned i = 0; i < INTERVAL_COUNT; i++) {
        json_signed(json, interval_name(i), intervals[i]);
    }
    json_end(json);
    json_end(json);
}

/* Nothing in it may end the element it stands in: outside of strings JSON has no '<'. */
static void put_data(void *arg, FILE *out)
{
    const struct data *data = arg;
    const char *at = data->text, *end = data->text + data->len;
    while (at < end) {
        const char *sign = memchr(at, '<', (size_t)(end - at));
        size_t len = (size_t)((sign != NULL ? sign : end) - at);
        (void)fwrite(at, 1, len, out); /* failing shows when the file is kept */
        if (sign != NULL) {
            fputs("\\u003c", out);
        }
        at += len + (sign != NULL);
    }
}
