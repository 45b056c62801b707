/* The bytes of Server-Timing values. */
#include "core/exchange/server_timing.h"

#include "tests/test.h"

static void expect_head(struct stamps stamps, const char *expected)
{
    char value[SERVER_TIMING_MAX];
    expect_int(server_timing_head(&stamps, value), strlen(expected));
    expect_text(value, expected);
}

TEST(server_timing, tells_in_the_head_what_is_over_then)
{
    expect_head((struct stamps){.accepted_ns = 1000000,
                                .adopted_ns = 1096300,
                                .arrived_ns = 1990000,
                                .first_byte_ns = 2000000,
                                .whole_ns = 2003350,
                                .started_ns = 2034350},
                "accept;dur=0.0963, socket;dur=0.01, read;dur=0.00335, process-wait;dur=0.031");
}

TEST(server_timing, leaves_out_what_is_not_known)
{
    expect_head((struct stamps){0}, "");
    expect_head((struct stamps){.first_byte_ns = 5, .whole_ns = 5}, "read;dur=0");
    expect_head((struct stamps){.first_byte_ns = 5, .whole_ns = 5, .started_ns = 5},
                "read;dur=0, process-wait;dur=0");
}

TEST(server_timing, is_exact_to_the_nanosecond)
{
    static const struct {
        uint64_t ns;
        const char *expected;
    } cases[] = {
        {1, "process;dur=0.000001"},
        {10, "process;dur=0.00001"},
        {1000000, "process;dur=1"},
        {10000000, "process;dur=10"},
        {1250000, "process;dur=1.25"},
        {123456789, "process;dur=123.456789"},
        {3600000000000, "process;dur=3600000"},
    };
    struct stamps stamps = {.started_ns = 7};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char value[SERVER_TIMING_MAX];
        expect_int(server_timing_trailer(&stamps, 7 + cases[i].ns, value),
                   strlen(cases[i].expected));
        expect_text(value, cases[i].expected);
    }
}

TEST(server_timing, has_room_for_the_longest_times)
{
    const uint64_t most = INT64_MAX;
    char value[SERVER_TIMING_MAX];
    struct stamps stamps = {.accepted_ns = 1,
                            .adopted_ns = most,
                            .arrived_ns = 1,
                            .first_byte_ns = most,
                            .whole_ns = 2 * most,
                            .started_ns = 3 * most};
    expect(server_timing_head(&stamps, value) > 90);
}
