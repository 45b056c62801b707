/* test_occupancy.c: Little's law over a window, and when it does not hold. */
#include "tools/load/occupancy.h"

#include "tests/test.h"
#include "tools/load/results.h"

#include <math.h>

static const struct window window = {.start_ns = 1000, .end_ns = 2000};
static struct results results;

/* One request of these times, both inside of the window or not. */
static void under_way(uint64_t from_ns, uint64_t to_ns)
{
    occupancy_change(&results.occupancy, &window, 1, from_ns);
    occupancy_end(&results.occupancy, &window, from_ns >= 1000 && from_ns < 2000, from_ns, to_ns);
}

static double area(void)
{
    return results.occupancy.area_ns;
}

TEST(occupancy, counts_what_is_inside_of_the_window)
{
    memset(&results, 0, sizeof results);
    under_way(100, 200);
    expect(area() == 0);
    under_way(900, 1100); /* over its beginning */
    expect(area() == 100);
    under_way(1200, 1500);
    expect(area() == 400);
    under_way(1900, 2500); /* over its end */
    expect(area() == 500);
    under_way(2600, 2700);
    expect(area() == 500);
    expect_int(results.occupancy.apart_ns, 200 + 600); /* the two over its ends */
    expect_int(results.occupancy.now, 0);
}

/* Two at a time, and a stamp that is earlier than the last one. */
TEST(occupancy, adds_up_what_overlaps)
{
    memset(&results, 0, sizeof results);
    occupancy_change(&results.occupancy, &window, 1, 1000);
    occupancy_change(&results.occupancy, &window, 1, 1200);
    occupancy_change(&results.occupancy, &window, -1, 1100);
    occupancy_change(&results.occupancy, &window, -1, 1500);
    expect(area() == 100 + 300);
}

/* 10 requests of 50 ns, one after the other, in 1,000 ns: half a request under way. */
static void ten_requests(void)
{
    memset(&results, 0, sizeof results);
    results.window_ns = 1000;
    results.end_ns = 2000;
    results.due = results.good = 10;
    for (unsigned i = 0; i < 10; i++) {
        under_way(1000 + 100 * i, 1050 + 100 * i);
        fine_record(&results.from_due, 60);
        fine_record(&results.own_lag, 10);
    }
}

/* One more answer, so long after its release. */
static void answered_after(uint64_t time_ns)
{
    fine_record(&results.from_due, time_ns + 10);
    fine_record(&results.own_lag, 10);
    results.due++;
    results.good++;
}

TEST(little, holds_for_what_was_counted_once)
{
    struct little little;
    ten_requests();
    expect(results_little(&results, &little));
    expect(fabs(little.counted - 0.5) < 1e-9 && fabs(little.multiplied - 0.5) < 1e-9);
}

TEST(little, fails_in_both_directions)
{
    struct little little;
    ten_requests();
    fine_record(&results.from_due, 60); /* an answer that was recorded twice */
    expect(!results_little(&results, &little) && little.multiplied > little.counted);
    ten_requests();
    occupancy_change(&results.occupancy, &window, 1, 1970); /* one that never ended */
    occupancy_change(&results.occupancy, &window, 0, 2000);
    expect(!results_little(&results, &little) && little.multiplied < little.counted);
}

TEST(little, allows_for_what_was_under_way_at_the_ends)
{
    struct little little;
    ten_requests();
    under_way(900, 1030); /* due in the warm-up */
    under_way(1970, 2020);
    answered_after(50);
    expect(results_little(&results, &little));
}

/* Due at the last moment and released after it: its time is in the latencies alone. */
TEST(little, allows_for_what_was_released_too_late)
{
    struct little little;
    ten_requests();
    occupancy_change(&results.occupancy, &window, 1, 2100);
    occupancy_end(&results.occupancy, &window, true, 2100, 2500);
    answered_after(400);
    expect(results_little(&results, &little) && little.multiplied > little.counted + 0.3);
}

TEST(little, says_nothing_of_requests_without_a_latency)
{
    struct little little;
    ten_requests();
    results.good--;
    expect(!results_little(&results, &little) && little.tolerance == 0);
}
