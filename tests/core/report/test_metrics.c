/* A report as families of figures. Whether Prometheus accepts the text is seen from outside, in
 * tests/blackbox/status.py; here: whether the figures are the report's. */
#include "core/report/metrics.h"

#include "tests/core/sample.h"

#include <stdlib.h>

static char *text;

static const struct status_facts facts = {
    .model = "staged",
    .wiring = "L | R | P*4 | W",
    .process = 3,
    .processes = 4,
    .started_s = 1795557833,
    .measured = true,
    .cpu_user_ns = 1500000000,
    .cpu_system_ns = 1,
};

static void print(enum exposition_format format, bool measured)
{
    size_t len;
    struct report report;
    struct status_facts shown = facts;
    shown.measured = measured;
    FILE *out = open_memstream(&text, &len);
    expect(out != NULL);
    sample_report(&report);
    metrics_print(out, format, &report, &shown);
    expect_int(fclose(out), 0);
    report_deinit(&report);
}

static bool has_line(const char *line)
{
    size_t len = strlen(line);
    for (const char *at = strstr(text, line); at != NULL; at = strstr(at + 1, line)) {
        if ((at == text || at[-1] == '\n') && at[len] == '\n') {
            return true;
        }
    }
    return false;
}

TEST(metrics, say_what_the_report_says)
{
    static const char *const lines[] = {
        "quartet_server_info{model=\"staged\",wiring=\"L | R | P*4 | W\",process=\"3\"} 1",
        "quartet_start_time_seconds 1795557833",
        "quartet_draining 0",
        "quartet_cpu_seconds_total{mode=\"user\"} 1.500000000",
        "quartet_connections 8",
        "quartet_connections_accepted_total 8",
        "quartet_connections_closed_total{reason=\"client_asked\"} 10",
        "quartet_connections_closed_total{reason=\"reset\"} 0",
        "quartet_requests_total 1000",
        "quartet_responses_total{class=\"2xx\"} 980",
        "quartet_responses_total{class=\"4xx\"} 20",
        "quartet_sent_bytes_total 1004500",
        "quartet_threads_started_total 0",
        "quartet_stage_duration_seconds_count{stage=\"read\"} 1000",
        "quartet_stage_duration_seconds_sum{stage=\"read\"} 0.500500000",
        "quartet_stage_duration_seconds_bucket{stage=\"read\",le=\"0.0001\"} 99",
        "quartet_stage_duration_seconds_bucket{stage=\"read\",le=\"+Inf\"} 1000",
        "quartet_stage_duration_seconds_count{stage=\"accept.wait\"} 0",
        "quartet_stage_duration_seconds_count{stage=\"socket.wait\"} 1000",
        "quartet_request_duration_seconds_count 1000",
        "quartet_request_sojourn_seconds_count 1000",
        "quartet_time_to_first_byte_seconds_count 1000",
        "quartet_blocked_duration_seconds_count{stage=\"write\"} 1000",
        "quartet_group_threads{group=\"1\",stages=\"P\",kind=\"pool\"} 1",
        "quartet_queue_depth{queue=\"accept\"} 4",
        "quartet_queue_bound{queue=\"accept\"} 4096",
        "quartet_queue_depth{queue=\"R->P\"} 3",
        "quartet_queue_inlined_total{queue=\"R->P\"} 21",
        "quartet_queue_wakeups_total{queue=\"R->P\",kind=\"rung\"} 2700",
        "quartet_queue_wakeups_total{queue=\"R->P\",kind=\"elided\"} 300",
        "quartet_queue_wait_seconds_count{queue=\"R->P\"} 100",
        "quartet_queue_batch_bucket{queue=\"R->P\",le=\"2.0\"} 29",
        "quartet_loop_round_seconds_count{loop=\"writer\"} 200",
        "quartet_loop_round_seconds_sum{loop=\"writer\"} 0.080400000",
        "quartet_loop_events_bucket{loop=\"reader\",le=\"2.0\"} 68",
        "quartet_thread_busy_seconds_total{thread=\"processor\"} 3.000000000",
        "quartet_thread_context_switches_total{thread=\"processor\",kind=\"involuntary\"} 240",
        "quartet_thread_turns_total{thread=\"writer\"} 270000",
    };
    char build[80];
    (void)snprintf(build, sizeof build, "quartet_build_info{version=\"%s\"} 1", QUARTET_VERSION);
    print(EXPOSITION_TEXT, true);
    expect(has_line(build));
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        expect_msg(has_line(lines[i]), "no line %s", lines[i]);
    }
    free(text);
}

/* Closed connections are counted by reason, and no thread puts into the kernel's queue. */
TEST(metrics, tell_nothing_twice_and_nothing_unknown)
{
    print(EXPOSITION_TEXT, true);
    expect(strstr(text, "quartet_closed") == NULL);
    expect(strstr(text, "reason=\"none\"") == NULL);
    expect(strstr(text, "quartet_queue_put_total{queue=\"accept\"}") == NULL);
    expect(strstr(text, "quartet_queue_wait_seconds_count{queue=\"accept\"}") == NULL);
    free(text);
    print(EXPOSITION_TEXT, false);
    expect(strstr(text, "duration") == NULL);
    expect(has_line("quartet_requests_total 1000"));
    free(text);
}

TEST(metrics, are_the_same_in_openmetrics)
{
    print(EXPOSITION_OPENMETRICS, true);
    expect(has_line("# TYPE quartet_requests counter"));
    expect(has_line("quartet_requests_total 1000"));
    expect(has_line("# TYPE quartet_build info"));
    expect(has_line("# UNIT quartet_thread_busy_seconds seconds"));
    expect(strcmp(text + strlen(text) - 6, "# EOF\n") == 0);
    free(text);
}

/* No family without its HELP and TYPE, none begun twice. */
TEST(metrics, begin_each_family_once)
{
    print(EXPOSITION_TEXT, true);
    for (const char *at = strstr(text, "# TYPE "); at != NULL; at = strstr(at + 1, "# TYPE ")) {
        char line[128];
        (void)snprintf(line, sizeof line, "%.*s ", (int)strcspn(at + 7, " "), at + 7);
        char type[140], help[140];
        (void)snprintf(type, sizeof type, "# TYPE %s", line);
        (void)snprintf(help, sizeof help, "# HELP %s", line);
        expect_msg(strstr(at + 1, type) == NULL, "%s begins twice", line);
        expect_msg(strstr(text, help) != NULL, "%s has no help", line);
    }
    free(text);
}
