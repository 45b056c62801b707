/* Apache's keys: which there are, what they are called and what they mean. */
#include "core/report/status_auto.h"

#include "core/base/clock.h"
#include "tests/core/sample.h"

#include <stdlib.h>

static char *text;

static void print(const struct report *report, const struct status_facts *facts)
{
    size_t len;
    FILE *out = open_memstream(&text, &len);
    expect(out != NULL);
    status_auto_print(out, report, facts);
    expect_int(fclose(out), 0);
}

/* The value of a key, which stands once, at the start of a line. */
static const char *value_of(const char *key)
{
    static char value[4096];
    size_t len = strlen(key);
    const char *line = text;
    while (strncmp(line, key, len) != 0 || strncmp(line + len, ": ", 2) != 0) {
        line = strchr(line, '\n');
        expect_msg(line != NULL, "no %s", key);
        line++;
        expect_msg(*line != '\0', "no %s", key);
    }
    (void)snprintf(value, sizeof value, "%.*s", (int)strcspn(line + len + 2, "\n"), line + len + 2);
    return value;
}

static const struct status_facts facts = {
    .model = "staged",
    .wiring = "L | R | P*4 | W",
    .process = 1,
    .processes = 2,
    .now_s = 1795648258,
    .started_s = 1795557833,
    .built_s = 1681356411,
    .uptime_ns = 90425 * 1000000000ull + 500000000,
    .measured = true,
    .cpu_user_ns = 9042550000000,
    .cpu_system_ns = 9042550000000,
    .load = {0.5, 1.255, -1},
};

TEST(status_auto, says_what_apache_says)
{
    static const struct {
        const char *key, *value;
    } lines[] = {
        {"ServerVersion", "quartet/" QUARTET_VERSION},
        {"ServerMPM", "staged, L | R | P*4 | W"},
        {"Server Built", "2023-04-13T03:26:51"},
        {"CurrentTime", "Wednesday, 25-Nov-2026 23:10:58 UTC"},
        {"RestartTime", "Tuesday, 24-Nov-2026 22:03:53 UTC"},
        {"ServerUptimeSeconds", "90425"},
        {"ServerUptime", "1 day 1 hour 7 minutes 5 seconds"},
        {"Load1", "0.50"},
        {"Load5", "1.25"},
        {"CPUUser", "9042.55"},
        {"CPUSystem", "9042.55"},
        {"CPUChildrenUser", "0"},
        {"CPULoad", "20.0000"},
        {"Total Accesses", "1000"},
        {"Total kBytes", "980"},
        {"Total Duration", "1751"},
        {"Uptime", "90425"},
        {"ReqPerSec", "0.0111"},
        {"BytesPerSec", "11.11"},
        {"BytesPerReq", "1004.50"},
        {"DurationPerReq", "1.7517"},
        {"BusyWorkers", "2"},
        {"GracefulWorkers", "0"},
        {"IdleWorkers", "1"},
        {"Processes", "2"},
        {"Stopping", "0"},
        {"ConnsTotal", "8"},
        {"ConnsAsyncWriting", "0"},
    };
    struct report report;
    sample_report(&report);
    print(&report, &facts);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        const char *value = value_of(lines[i].key);
        expect_msg(strcmp(value, lines[i].value) == 0, "%s is %s instead of %s", lines[i].key,
                   value, lines[i].value);
    }
    expect(strstr(text, "Load15") == NULL);
    free(text);
    report_deinit(&report);
}

TEST(status_auto, leaves_out_durations_that_are_not_measured)
{
    struct report report;
    struct status_facts unmeasured = facts;
    unmeasured.measured = false;
    sample_report(&report);
    print(&report, &unmeasured);
    expect(strstr(text, "Duration") == NULL);
    expect_text(value_of("ReqPerSec"), "0.0111");
    free(text);
    report_deinit(&report);
}

TEST(status_auto, has_numbers_for_a_server_that_has_done_nothing)
{
    struct report report = {0};
    struct status_facts none = {.model = "", .wiring = "LRPW*2", .processes = 1};
    print(&report, &none);
    expect_text(value_of("ServerMPM"), "LRPW*2");
    expect_text(value_of("ServerUptime"), "0 seconds");
    expect_text(value_of("ReqPerSec"), "0.0000");
    expect_text(value_of("BytesPerReq"), "0.00");
    expect_text(value_of("Scoreboard"), "");
    free(text);
}

/* A reader, two sessions that are busy and idle, one that has had nothing to do, places for
 * more. */
static void crew(struct report *report)
{
    *report = (struct report){.group_count = 3,
                              .groups = calloc(3, sizeof *report->groups),
                              .thread_count = 4,
                              .threads = calloc(4, sizeof *report->threads),
                              .threads_unused = 1};
    report->groups[0] = (struct group_report){"LKR", "loop", 1, false};
    report->groups[1] = (struct group_report){"RW", "loop", 1, true};
    report->groups[2] = (struct group_report){"rpw", "session", 6, false};
    report->threads[1].group = report->threads[2].group = report->threads[3].group = 2;
    report->threads[2].idle = true;
}

TEST(status_auto, draws_a_character_for_each_thread)
{
    struct report report;
    struct status_facts draining = facts;
    crew(&report);
    print(&report, &facts);
    expect_text(value_of("Scoreboard"), "RW_W_..");
    expect_text(value_of("BusyWorkers"), "3");
    expect_text(value_of("IdleWorkers"), "2");
    free(text);

    draining.draining = true;
    print(&report, &draining);
    expect_text(value_of("Scoreboard"), "GG_G_..");
    expect_text(value_of("GracefulWorkers"), "3");
    expect_text(value_of("Stopping"), "1");
    free(text);
    report_deinit(&report);
}
