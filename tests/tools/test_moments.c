/* test_moments.c: the begin of a run is not judged, nor the time when nothing was asked. */
#include "tools/trace/moments.h"

#include "core/base/clock.h"
#include "tests/test.h"

static void take_text(struct moments *moments, struct bytes text)
{
    json_t *report = json_read(text, NULL);
    moments_take(moments, report);
    json_decref(report);
}

/* A server that has answered so many requests; it has as many connections as `open`. */
static void take_begun(struct moments *moments, uint64_t at_ms, uint64_t begun, uint64_t requests,
                       uint64_t open)
{
    char *text = NULL;
    size_t len;
    struct report report = {.wall_ns = at_ms * NS_PER_MS, .connections = open};
    FILE *out = open_memstream(&text, &len);
    expect(out != NULL);
    report.tally.counters[COUNTER_BEGUN] = begun;
    report.tally.counters[COUNTER_REQUESTS] = requests;
    report_to_json(out, &report);
    expect_int(fclose(out), 0);
    take_text(moments, (struct bytes){text, len});
    free(text);
}

static void take_open(struct moments *moments, uint64_t at_ms, uint64_t requests, uint64_t open)
{
    take_begun(moments, at_ms, requests, requests, open);
}

static void take(struct moments *moments, uint64_t at_ms, uint64_t requests)
{
    take_open(moments, at_ms, requests, 8);
}

/* From when to when, in ms; how many requests were answered meanwhile. */
static void expect_window(const struct moments *moments, uint64_t from_ms, uint64_t to_ms,
                          uint64_t requests)
{
    struct report window;
    uint64_t from_ns;
    expect(moments_window(moments, &window, &from_ns));
    expect_int(from_ns, from_ms * NS_PER_MS);
    expect_int(window.wall_ns, (to_ms - from_ms) * NS_PER_MS);
    expect_int(window.tally.counters[COUNTER_REQUESTS], requests);
    expect_int(window.connections, 8);
    report_deinit(&window);
}

TEST(moments, leave_out_the_begin_and_the_end)
{
    struct moments moments = {0};
    for (uint64_t ms = 0; ms <= 2000; ms += 250) {
        take(&moments, ms, 0);
    }
    take(&moments, 2250, 10000); /* a burst */
    for (uint64_t ms = 2500; ms <= 6000; ms += 250) {
        take(&moments, ms, 10000 + ms);
    }
    for (uint64_t ms = 6250; ms <= 9000; ms += 250) {
        take(&moments, ms, 16000);
    }
    take_open(&moments, 9100, 16000, 0); /* the end of the run */
    expect_window(&moments, 3000, 6000, 3000);
    moments_deinit(&moments);
}

TEST(moments, of_a_short_run_leave_out_nothing_but_the_idle_time)
{
    struct moments moments = {0};
    take(&moments, 0, 0);
    take(&moments, 250, 0);
    take(&moments, 500, 300);
    take(&moments, 1300, 900);
    take(&moments, 1500, 1100);
    expect_window(&moments, 250, 1500, 1100);
    take(&moments, 2300, 1900);
    expect_window(&moments, 1300, 2300, 1000);
    moments_deinit(&moments);
}

/* The report at the end of the run is the last, in which all connections are closed. */
TEST(moments, may_be_two_the_first_and_the_end)
{
    struct moments moments = {0};
    take(&moments, 1, 0);
    take_open(&moments, 401, 50, 0);
    struct report window;
    uint64_t from_ns;
    expect(moments_window(&moments, &window, &from_ns));
    expect_int(window.wall_ns, 400 * NS_PER_MS);
    report_deinit(&window);
    moments_deinit(&moments);
}

/* All of them begin together, and end together seconds later. */
TEST(moments, are_not_idle_while_requests_are_under_way)
{
    struct moments moments = {0};
    take_begun(&moments, 300, 8, 0, 8);
    for (uint64_t ms = 550; ms <= 3050; ms += 250) {
        take_begun(&moments, ms, 8, 0, 8);
    }
    take(&moments, 3100, 8);
    take(&moments, 3350, 8);
    expect_window(&moments, 1300, 3100, 8);
    moments_deinit(&moments);
}

TEST(moments, have_no_window_where_nothing_was_asked)
{
    struct moments moments = {0};
    struct report window;
    uint64_t from_ns;
    expect(!moments_window(&moments, &window, &from_ns));
    report_deinit(&window);
    take(&moments, 0, 0);
    take(&moments, 5000, 0);
    take_text(&moments, BYTES("{\"wall_ns\": 6000"));
    take_text(&moments, BYTES("[]"));
    take_text(&moments, BYTES(""));
    expect(!moments_window(&moments, &window, &from_ns));
    report_deinit(&window);
    moments_deinit(&moments);
}
