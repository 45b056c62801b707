/* From stamps to intervals: that the five parts always make the total. */
#include "core/points/stamps.h"

#include "tests/test.h"

static int64_t sum_of_parts(const int64_t intervals[INTERVAL_COUNT])
{
    int64_t sum = 0;
    for (unsigned i = 0; i < INTERVAL_COUNT; i++) {
        sum += interval_is_part(i) ? intervals[i] : 0;
    }
    return sum;
}

static const struct stamps whole = {
    .accepted_ns = 1000,
    .adopted_ns = 1100,
    .arrived_ns = 1300,
    .first_byte_ns = 2000,
    .whole_ns = 2030,
    .started_ns = 2500,
    .handed_ns = 4000,
    .writer_ns = 4400,
    .first_sent_ns = 4900,
    .last_sent_ns = 5000,
    .requeued_ns = 5200,
    .read_blocked_ns = 7,
    .write_blocked_ns = 9,
};

TEST(stamps, five_parts_make_the_total)
{
    int64_t out[INTERVAL_COUNT];
    stamps_intervals(&whole, out);
    expect_int(out[INTERVAL_ACCEPT_WAIT], 100);
    expect_int(out[INTERVAL_READ], 30);
    expect_int(out[INTERVAL_PROCESS_WAIT], 470);
    expect_int(out[INTERVAL_PROCESS], 1500);
    expect_int(out[INTERVAL_WRITE_WAIT], 400);
    expect_int(out[INTERVAL_WRITE], 600);
    expect_int(out[INTERVAL_TOTAL], 3000);
    expect_int(out[INTERVAL_SOCKET_WAIT], 700);
    expect_int(out[INTERVAL_SOJOURN], 3700);
    expect_int(out[INTERVAL_READ_BLOCKED], 7);
    expect_int(out[INTERVAL_WRITE_BLOCKED], 9);
    expect_int(out[INTERVAL_TTFB], 2900);
    expect_int(out[INTERVAL_REQUEUE_WAIT], 200);
    expect_int(sum_of_parts(out), out[INTERVAL_TOTAL]);
}

TEST(stamps, a_writer_that_began_early_waited_for_nothing)
{
    struct stamps stamps = whole;
    int64_t out[INTERVAL_COUNT];
    stamps.writer_ns = 2700;
    stamps_intervals(&stamps, out);
    expect_int(out[INTERVAL_WRITE_WAIT], 0);
    expect_int(out[INTERVAL_WRITE], 1000);
    expect_int(sum_of_parts(out), out[INTERVAL_TOTAL]);
}

TEST(stamps, a_phase_not_reached_is_minus_one)
{
    struct stamps stamps = {.first_byte_ns = 10, .whole_ns = 20};
    int64_t out[INTERVAL_COUNT];
    stamps_intervals(&stamps, out);
    expect_int(out[INTERVAL_READ], 10);
    expect_int(out[INTERVAL_READ_BLOCKED], 0);
    expect_int(out[INTERVAL_SOCKET_WAIT], -1);
    expect_int(out[INTERVAL_SOJOURN], -1);
    expect_int(out[INTERVAL_ACCEPT_WAIT], -1);
    expect_int(out[INTERVAL_PROCESS_WAIT], -1);
    expect_int(out[INTERVAL_WRITE_WAIT], -1);
    expect_int(out[INTERVAL_WRITE_BLOCKED], -1);
    expect_int(out[INTERVAL_TOTAL], -1);
}

TEST(stamps, without_an_arrival_the_wait_in_the_socket_and_the_sojourn_are_unknown)
{
    struct stamps stamps = whole;
    int64_t out[INTERVAL_COUNT];
    stamps.arrived_ns = 0;
    stamps_intervals(&stamps, out);
    expect_int(out[INTERVAL_SOCKET_WAIT], -1);
    expect_int(out[INTERVAL_SOJOURN], -1);
    expect_int(out[INTERVAL_TOTAL], 3000);
}

TEST(stamps, random_stamps_in_order_add_up)
{
    uint64_t state = 99;
    for (unsigned round = 0; round < 100000; round++) {
        uint64_t at[6] = {1 + round};
        int64_t out[INTERVAL_COUNT];
        for (unsigned i = 1; i < 6; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            at[i] = at[i - 1] + (state >> (33 + i % 20));
        }
        struct stamps stamps = {.arrived_ns = 1,
                                .first_byte_ns = at[0],
                                .whole_ns = at[1],
                                .started_ns = at[2],
                                .handed_ns = at[3],
                                .writer_ns = round % 2 ? at[4] : at[2],
                                .last_sent_ns = at[5]};
        stamps_intervals(&stamps, out);
        expect_int(sum_of_parts(out), out[INTERVAL_TOTAL]);
        expect_int(out[INTERVAL_SOCKET_WAIT] + out[INTERVAL_TOTAL], out[INTERVAL_SOJOURN]);
    }
}

TEST(stamps, five_intervals_are_parts_and_four_more_lie_inside_total)
{
    unsigned parts = 0, inside = 0;
    for (unsigned i = 0; i < INTERVAL_COUNT; i++) {
        parts += interval_is_part(i);
        inside += interval_inside_total(i);
        expect(!interval_is_part(i) || interval_inside_total(i));
    }
    expect_int(parts, 5);
    expect_int(inside, 9);
    expect(!interval_inside_total(INTERVAL_ACCEPT_WAIT));
    expect(!interval_inside_total(INTERVAL_REQUEUE_WAIT));
    expect(!interval_inside_total(INTERVAL_SOCKET_WAIT));
    expect(!interval_inside_total(INTERVAL_SOJOURN));
    expect_text(interval_name(INTERVAL_PROCESS_WAIT), "process.wait");
}
