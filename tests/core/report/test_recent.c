/* test_recent.c: a window is what happened in the last seconds, not in all the time before. */
#include "core/report/recent.h"

#include "core/base/clock.h"
#include "tests/test.h"

/* A server that has answered a request a millisecond since its start; clock and start differ. */
static char *report_at(uint64_t at_ms)
{
    char *text = NULL;
    size_t len;
    struct report report = {.wall_ns = at_ms * NS_PER_MS};
    FILE *out = open_memstream(&text, &len);
    expect(out != NULL);
    report.tally.counters[COUNTER_REQUESTS] = at_ms;
    report_to_json(out, &report);
    expect_int(fclose(out), 0);
    return text;
}

static uint64_t clock_at(uint64_t at_ms)
{
    return 1000 * NS_PER_S + at_ms * NS_PER_MS;
}

/* How many reports are kept. */
static unsigned kept_count(struct recent *recent)
{
    lock_take(&recent->shared.lock);
    unsigned count = recent->shared.count;
    lock_release(&recent->shared.lock);
    return count;
}

/* How long the window is, in ms; the report is then kept. */
static uint64_t ask(struct recent *recent, uint64_t at_ms, unsigned seconds)
{
    struct report window;
    char *text = report_at(at_ms);
    struct bytes json = {text, strlen(text)};
    recent_window(recent, json, clock_at(at_ms), seconds, &window);
    uint64_t ms = window.wall_ns / NS_PER_MS;
    expect_int(window.tally.counters[COUNTER_REQUESTS], ms);
    recent_note(recent, json, clock_at(at_ms));
    report_deinit(&window);
    free(text);
    return ms;
}

TEST(recent, gives_the_last_second_or_two)
{
    struct recent recent;
    recent_init(&recent);
    expect_int(ask(&recent, 10000, 1), 10000); /* since the start: there is nothing older */
    expect_int(ask(&recent, 11000, 1), 1000);
    expect_int(ask(&recent, 11500, 1), 1500); /* kept are 10.0 and 11.0 s */
    expect_int(ask(&recent, 12000, 1), 1000);
    expect_int(ask(&recent, 12950, 1), 950);   /* a client that asks each second, a little early */
    expect_int(ask(&recent, 73000, 1), 60050); /* no client asked in between */
    expect_int(ask(&recent, 73500, 0), 73500);
    recent_deinit(&recent);
}

TEST(recent, gives_longer_windows_from_what_is_kept)
{
    struct recent recent;
    recent_init(&recent);
    for (uint64_t s = 100; s <= 800; s++) {
        (void)ask(&recent, s * 1000, 1);
        if (s == 103) {
            expect_int(ask(&recent, 103500, 10), 3500); /* the oldest there is */
        }
    }
    expect_int(ask(&recent, 800500, 10), 10500);
    uint64_t minute_ms = ask(&recent, 800600, 60), most_ms = ask(&recent, 800700, 300);
    expect_msg(minute_ms >= 59900 && minute_ms < 65000, "%lu ms", (unsigned long)minute_ms);
    expect_msg(most_ms >= 299900 && most_ms < 305000, "%lu ms", (unsigned long)most_ms);
    expect(kept_count(&recent) < 80);
    recent_deinit(&recent);
}

/* Four texts of 5 MiB are too much: the oldest goes. */
TEST(recent, keeps_no_more_bytes_than_its_limit)
{
    struct recent recent;
    enum { LEN = 5 << 20 };
    char *text = calloc(1, LEN);
    recent_init(&recent);
    for (uint64_t s = 1; s <= 4; s++) {
        recent_note(&recent, (struct bytes){text, LEN}, clock_at(s * 1000));
    }
    expect_int(kept_count(&recent), 3);
    recent_deinit(&recent);
    free(text);
}
