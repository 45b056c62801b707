/* status.c: the handlers of /server-status and /metrics. See status.h. */
#include "core/handlers/status.h"

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/exchange/response.h"
#include "core/http/accept.h"
#include "core/report/environment.h"
#include "core/report/bottleneck.h"
#include "core/report/metrics.h"
#include "core/report/recent.h"
#include "core/report/status_auto.h"
#include "core/report/status_facts.h"
#include "core/web/web_page.h"

#include <stdlib.h>

enum { STATUS_WINDOWS_MAX = 4 };

/* Fixed once provided. */
static struct {
    struct status_source source;
    uint64_t started_ns;
    time_t started_s;
    struct recent recent;
    char *system; /* "environment" and "build" as members: they do not change while we run */
} status;

/* A text being made in memory. */
struct text {
    FILE *out;
    char *at;
    size_t len;
};

static void text_begin(struct text *text)
{
    *text = (struct text){0};
    text->out = open_memstream(&text->at, &text->len);
    CHECK(text->out != NULL);
}

static void text_end(struct text *text)
{
    CHECK(fclose(text->out) == 0); /* it fails for want of memory only */
}

/* --- the source of the figures --- */

static char *system_members(void)
{
    struct text text;
    struct json json;
    text_begin(&text);
    fputs("\"environment\": ", text.out);
    json_begin(&json, text.out);
    environment_to_json(&json, NULL);
    fputs(", \"build\": ", text.out);
    json_begin(&json, text.out);
    build_to_json(&json, NULL);
    text_end(&text);
    return text.at;
}

void status_provide(const struct status_source *source)
{
    if (status.system != NULL) {
        free(status.system);
        recent_deinit(&status.recent);
    }
    recent_init(&status.recent);
    status.source = *source;
    status.started_ns = clock_ns();
    status.started_s = time(NULL);
    status.system = system_members();
}

static void status_gather(struct report *report, struct status_facts *facts)
{
    const struct status_source *source = &status.source;
    CHECK(source->report != NULL);
    *facts = (struct status_facts){
        .model = source->model,
        .wiring = source->wiring,
        .process = source->process,
        .processes = source->processes,
        .started_s = status.started_s,
        .draining = source->is_draining(source->arg),
        .measured = source->measured,
    };
    status_facts_ask(facts);
    facts->uptime_ns = facts->now_ns - status.started_ns;
    source->report(source->arg, report);
}

static void print_server(FILE *out, const struct status_facts *facts)
{
    struct json json;
    json_begin(&json, out);
    json_begin_object(&json, NULL);
    json_text(&json, "version", QUARTET_VERSION);
    json_number(&json, "pid", (uint64_t)facts->pid);
    json_number(&json, "process", facts->process);
    json_number(&json, "processes", facts->processes);
    json_number(&json, "started_s", (uint64_t)facts->started_s);
    json_number(&json, "now_ns", facts->now_ns);
    json_number(&json, "uptime_ns", facts->uptime_ns);
    json_text(&json, "phase", facts->draining ? "draining" : "running");
    json_bool(&json, "measured", facts->measured);
    json_end(&json);
}

/* What is judged is what is shown: the verdict is of the same window. */
static void print_verdict(FILE *out, const struct report *window)
{
    struct bottleneck_figures figures;
    struct bottleneck verdict;
    struct json json;
    bottleneck_read(&figures, window);
    bottleneck_judge(&verdict, &figures);
    json_begin(&json, out);
    bottleneck_to_json(&json, NULL, &verdict, window->wall_ns);
}

/* The seconds of the windows that are asked for. */
struct windows {
    unsigned count;
    unsigned seconds[STATUS_WINDOWS_MAX];
};

static void print_window(FILE *out, struct bytes json, uint64_t now_ns, unsigned seconds)
{
    struct report window;
    recent_window(&status.recent, json, now_ns, seconds, &window);
    if (!status.source.measured) {
        tally_deinit(&window.tally); /* what was read has empty ones */
    }
    fprintf(out, "{\"seconds\": %u, \"verdict\": ", seconds);
    print_verdict(out, &window);
    fputs(", \"report\": ", out);
    report_to_json(out, &window);
    fputs("}", out);
    report_deinit(&window);
}

static void print_windows(FILE *out, struct bytes json, uint64_t now_ns,
                          const struct windows *windows)
{
    fputs(", \"windows\": [", out);
    for (unsigned i = 0; i < windows->count; i++) {
        fputs(i > 0 ? ", " : "", out);
        print_window(out, json, now_ns, windows->seconds[i]);
    }
    fputs("]", out);
}

static void print_json(FILE *out, const struct report *report, const struct status_facts *facts,
                       const struct windows *windows)
{
    struct text json;
    struct report last;
    text_begin(&json);
    report_to_json(json.out, report);
    text_end(&json);
    struct bytes bytes = {json.at, json.len};
    recent_window(&status.recent, bytes, facts->now_ns, 1, &last);
    fputs("{\"server\": ", out);
    print_server(out, facts);
    fprintf(out, ", \"config\": %s, %s, \"verdict\": ", status.source.config_json, status.system);
    print_verdict(out, &last);
    fprintf(out, ", \"report\": %s", json.at);
    if (windows->count > 0) {
        print_windows(out, bytes, facts->now_ns, windows);
    }
    fputs("}\n", out);
    recent_note(&status.recent, bytes, facts->now_ns);
    report_deinit(&last);
    free(json.at);
}

/* --- answering --- */

static void send_head(struct exchange *x, int status_code, const char *type)
{
    response_start(x, status_code);
    response_add(x, "Content-Type", "%s", type);
    response_add_block(x, BYTES("Cache-Control: no-store\r\n"));
}

static void send_text(struct exchange *x, struct text *text)
{
    text_end(text);
    response_length(x, text->len);
    response_give(x, text->at, text->len);
    response_end(x);
}

static void send_words(struct exchange *x, int status_code, const char *words)
{
    struct text text;
    text_begin(&text);
    fputs(words, text.out);
    send_head(x, status_code, "text/plain; charset=utf-8");
    send_text(x, &text);
}

typedef void print_fn(FILE *out, const struct report *report, const struct status_facts *facts);

static void send_report(struct exchange *x, const char *type, print_fn *print)
{
    struct report report;
    struct status_facts facts;
    struct text text;
    status_gather(&report, &facts);
    text_begin(&text);
    print(text.out, &report, &facts);
    report_deinit(&report);
    send_head(x, 200, type);
    send_text(x, &text);
}

static void send_json(struct exchange *x, const struct windows *windows)
{
    struct report report;
    struct status_facts facts;
    struct text text;
    status_gather(&report, &facts);
    text_begin(&text);
    print_json(text.out, &report, &facts, windows);
    report_deinit(&report);
    send_head(x, 200, "application/json");
    send_text(x, &text);
}

/* Up to RECENT_SECONDS_MAX, in digits alone. */
static bool read_seconds(struct bytes text, unsigned *seconds)
{
    unsigned value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9') {
            return false;
        }
        value = 10 * value + (unsigned)(text.at[i] - '0');
        if (value > RECENT_SECONDS_MAX) {
            return false;
        }
    }
    *seconds = value;
    return text.len > 0;
}

static bool read_windows(struct bytes list, struct windows *windows)
{
    struct bytes one;
    while (bytes_next_member(&list, &one)) {
        if (windows->count == STATUS_WINDOWS_MAX ||
            !read_seconds(one, &windows->seconds[windows->count])) {
            return false;
        }
        windows->count++;
    }
    return windows->count > 0;
}

/* "json", or "json&seconds=1,10". */
static bool wants_json(struct bytes query, struct windows *windows)
{
    struct bytes name = BYTES("json&seconds=");
    *windows = (struct windows){0};
    if (bytes_equal(query, BYTES("json"))) {
        return true;
    }
    return bytes_start_with(query, name) &&
           read_windows((struct bytes){query.at + name.len, query.len - name.len}, windows);
}

/* It may run its own script and style and ask us for figures, and nothing else. */
static void send_page(struct exchange *x)
{
    char nonce[WEB_NONCE];
    struct text text;
    web_nonce(nonce);
    text_begin(&text);
    web_page_print(text.out, web_status_page, nonce, NULL, NULL);
    send_head(x, 200, "text/html; charset=utf-8");
    response_add(x, "Content-Security-Policy",
                 "default-src 'none'; script-src 'nonce-%s'; style-src 'nonce-%s'; connect-src "
                 "'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors "
                 "'none'",
                 nonce, nonce);
    send_text(x, &text);
}

enum handler_verdict status_run(struct exchange *x)
{
    struct bytes query = x->request.query;
    struct windows windows;
    if (query.len == 0) {
        send_page(x);
    } else if (wants_json(query, &windows)) {
        send_json(x, &windows);
    } else if (bytes_equal(query, BYTES("auto"))) {
        send_report(x, "text/plain; charset=ISO-8859-1", status_auto_print); /* as Apache says */
    } else {
        send_words(x, 400,
                   "after the question mark: nothing (a page), auto, json, or json&seconds=1,10: "
                   "with what happened in so many seconds, 0 to 300 (0: since the start), "
                   "of at most 4 windows\n");
    }
    return HANDLER_DONE;
}

static void print_metrics_text(FILE *out, const struct report *report,
                               const struct status_facts *facts)
{
    metrics_print(out, EXPOSITION_TEXT, report, facts);
}

static void print_openmetrics(FILE *out, const struct report *report,
                              const struct status_facts *facts)
{
    metrics_print(out, EXPOSITION_OPENMETRICS, report, facts);
}

/* The older format, unless the other one is liked better, or as much and by its name. */
static enum exposition_format format_for(const struct request *request)
{
    struct accept_match newer =
        accept_type(request, BYTES("application/openmetrics-text"), BYTES("1.0.0"));
    struct accept_match older = accept_type(request, BYTES("text/plain"), BYTES("0.0.4"));
    bool as_much = newer.weight > 0 && newer.weight == older.weight && newer.width >= ACCEPT_TYPE;
    return newer.weight > older.weight || as_much ? EXPOSITION_OPENMETRICS : EXPOSITION_TEXT;
}

enum handler_verdict status_run_metrics(struct exchange *x)
{
    enum exposition_format format = format_for(&x->request);
    send_report(x, exposition_content_type(format),
                format == EXPOSITION_OPENMETRICS ? print_openmetrics : print_metrics_text);
    return HANDLER_DONE;
}
