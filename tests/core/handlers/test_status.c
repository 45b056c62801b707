/* The handlers of /server-status and /metrics. */
#include "core/handlers/status.h"

#include "core/handlers/handlers.h"
#include "core/trace/trace.h"
#include "tests/core/answer.h"
#include "tests/core/sample.h"
#include "core/report/report_read.h"

static struct client client;
static bool draining;
static unsigned reports;

static void fill_report(void *arg, struct report *report)
{
    expect(arg == &client);
    reports++;
    sample_report(report);
}

static bool is_draining(void *arg)
{
    expect(arg == &client);
    return draining;
}

static void ask(enum method method, const char *path, const char *query, const char *accept)
{
    const struct status_source source = {
        .report = fill_report,
        .is_draining = is_draining,
        .arg = &client,
        .model = "staged",
        .wiring = "L | R | P*4 | W",
        .config_json = "{\"model\": \"staged\", \"wiring\": \"L | R | P*4 | W\"}",
        .process = 2,
        .processes = 4,
        .measured = true,
    };
    reports = 0;
    status_provide(&source);
    client_init(&client);
    client_ask(&client, method, path, query);
    if (accept != NULL) {
        client_field(&client, "Accept", accept);
    }
    client_run(&client, handler_find(bytes_of(path))->run);
    expect_int(client.verdict, HANDLER_DONE);
}

static void expect_answer(int status, const char *type)
{
    char value[256];
    expect_int(client_status(&client), status);
    expect_text(client_value(&client, "Content-Type", value), type);
    expect_text(client_value(&client, "Cache-Control", value), "no-store");
    expect_int(strtoull(client_value(&client, "Content-Length", value), NULL, 10),
               client_body(&client).len);
}

/* The answer, until the next call; frees it. */
static const json_t *answered(void)
{
    static json_t *root;
    char error[JSON_READ_ERROR];
    json_decref(root);
    root = json_read(client_body(&client), error);
    expect_msg(root != NULL, "%s", error);
    return root;
}

static void expect_word(const json_t *object, const char *key, const char *word)
{
    char text[64];
    (void)json_read_word(object, key, text, sizeof text);
    expect_text(text, word);
}

TEST(status, json_is_everything)
{
    struct report report;
    ask(METHOD_GET, "/server-status", "json", NULL);
    expect_answer(200, "application/json");
    const json_t *body = answered(), *server = json_object_get(body, "server");
    const json_t *shown = json_object_get(body, "report");
    expect_word(server, "version", QUARTET_VERSION);
    expect_int(json_read_count(server, "pid"), getpid());
    expect_int(json_read_count(server, "process"), 2);
    expect_int(json_read_count(server, "processes"), 4);
    expect(json_read_count(server, "started_s") > 1600000000);
    expect(json_read_count(server, "now_ns") >= json_read_count(server, "uptime_ns"));
    expect_word(server, "phase", "running");
    expect(json_is_true(json_object_get(server, "measured")));
    expect_word(json_object_get(body, "config"), "model", "staged");
    expect(json_is_object(json_object_get(body, "environment")));
    expect(json_is_object(json_object_get(body, "build")));
    expect(report_read(&report, shown));
    expect_int(report.tally.counters[COUNTER_REQUESTS], 1000);
    expect_int(json_read_count(json_object_get(shown, "flow"), "ended"), 1000);
    report_deinit(&report);
    client_deinit(&client);
}

TEST(status, says_that_it_drains)
{
    draining = true;
    ask(METHOD_GET, "/server-status", "json", NULL);
    expect_word(json_object_get(answered(), "server"), "phase", "draining");
    client_deinit(&client);
    draining = false;
}

/* The nonce is the value of the policy between these words. */
static void read_nonce(char out[64])
{
    const char *at = strstr(client.answer, "script-src 'nonce-");
    expect(at != NULL && at < client_body(&client).at);
    (void)snprintf(out, 64, "%.*s", (int)strcspn(at + 18, "'"), at + 18);
}

TEST(status, the_page_runs_its_own_script_and_asks_nobody_else)
{
    char value[256], nonce[64], other[64], script[128];
    ask(METHOD_GET, "/server-status", "", NULL);
    expect_answer(200, "text/html; charset=utf-8");
    expect_int(reports, 0);
    (void)client_value(&client, "Content-Security-Policy", value);
    expect(strncmp(value, "default-src 'none'; ", 20) == 0);
    expect(strstr(value, "connect-src 'self';") != NULL && strstr(value, "unsafe") == NULL);
    read_nonce(nonce);
    (void)snprintf(script, sizeof script, "<script nonce=\"%s\">", nonce);
    expect(client_has(&client, script));
    client_deinit(&client);
    ask(METHOD_GET, "/server-status", "", NULL);
    read_nonce(other);
    expect(strcmp(nonce, other) != 0);
    client_deinit(&client);
}

TEST(status, auto_is_apaches)
{
    ask(METHOD_GET, "/server-status", "auto", NULL);
    expect_answer(200, "text/plain; charset=ISO-8859-1");
    expect(client_has(&client, "\nServerMPM: staged, L | R | P*4 | W\n"));
    expect(client_has(&client, "\nTotal Accesses: 1000\n"));
    client_deinit(&client);
}

TEST(status, what_is_asked_for_otherwise_is_refused)
{
    static const char *const queries[] = {"xml",
                                          "json&",
                                          "JSON",
                                          "auto=1",
                                          "refresh=5",
                                          "json&seconds=",
                                          "json&seconds=301",
                                          "json&seconds=1x",
                                          "json&seconds=1,2,3,4,5"};
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        ask(METHOD_GET, "/server-status", queries[i], NULL);
        expect_answer(400, "text/plain; charset=utf-8");
        expect(client_has(&client, "of at most 4 windows\n"));
        expect_int(reports, 0);
        client_deinit(&client);
    }
}

TEST(status, metrics_come_in_the_format_asked_for)
{
    static const char older[] = "text/plain; version=0.0.4; charset=utf-8";
    static const char newer[] = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    static const struct {
        const char *accept, *type;
    } cases[] = {
        {NULL, older},
        {"*/*", older},
        {"text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8", older},
        {"application/openmetrics-text;version=1.0.0;q=0.5,"
         "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/"
         "*;q=0.2",
         newer},
        {"text/plain;version=0.0.4;q=0.5,application/openmetrics-text;version=1.0.0;q=0.4", older},
        {"application/openmetrics-text", newer},
        {"application/openmetrics-text, text/plain", newer},
        {"application/openmetrics-text;q=0, */*", older},
        {"application/openmetrics-text;version=0.0.1", older},
        {"application/*", newer},
        {"application/json", older},
        {"nonsense", older},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ask(METHOD_GET, "/metrics", "", cases[i].accept);
        expect_answer(200, cases[i].type);
        expect(client_has(&client, "\nquartet_requests_total 1000\n"));
        expect_int(client_has(&client, "\n# EOF\n"), cases[i].type == newer);
        client_deinit(&client);
    }
}

TEST(status, head_has_the_length_and_no_body)
{
    static const char *const queries[] = {"", "auto", "json", "xml"};
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        char value[256];
        ask(METHOD_HEAD, "/server-status", queries[i], NULL);
        expect_int(client_body(&client).len, 0);
        expect(strtoull(client_value(&client, "Content-Length", value), NULL, 10) > 10);
        client_deinit(&client);
    }
}

TEST(status, its_handlers_are_not_counted)
{
    static const char *const paths[] = {"/server-status", "/metrics"};
    for (size_t i = 0; i < 2; i++) {
        const struct handler *handler = handler_find(bytes_of(paths[i]));
        expect(!handler->counted);
        expect_int(handler->access, ACCESS_STATUS);
    }
}
