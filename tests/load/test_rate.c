/* test_rate.c: rates as text, and their curves in both directions. */
#include "tools/load/rate.h"

#include "core/base/clock.h"
#include "tests/test.h"

#include <math.h>

static struct rate rate;
static struct rate_curve curve;

static void expect_due(double at_s, double due)
{
    double is = rate_curve_due(&curve, at_s * (double)NS_PER_S);
    expect_msg(fabs(is - due) < 1e-6 * (1 + due), "%f due after %f s, expected %f", is, at_s, due);
    double time_s = rate_curve_time_ns(&curve, due) / (double)NS_PER_S;
    expect_msg(fabs(time_s - at_s) < 1e-9 * (1 + at_s), "%f s for %f, expected %f", time_s, due,
               at_s);
}

TEST(rate, is_the_same_all_the_time)
{
    expect(rate_parse("1000", &rate) && rate.count == 1 && !rate.ramp);
    rate_curve_make(&curve, &rate, 2 * NS_PER_S, 10 * NS_PER_S);
    expect_int(curve.count, 1);
    expect_due(0, 0);
    expect_due(0.5, 500);
    expect_due(3600, 3600e3);
}

/* The warm-up has the first rate: 2 s; then 1,000 to 5,000 over 4 s is 12,000 in all. */
TEST(rate, rises_and_falls_in_a_straight_line)
{
    expect(rate_parse("1000:5000", &rate) && rate.ramp);
    rate_curve_make(&curve, &rate, 2 * NS_PER_S, 4 * NS_PER_S);
    expect_due(1, 1000);
    expect_due(2, 2000);
    expect_due(4, 2000 + 4000);
    expect_due(6, 2000 + 12000);
    expect_due(7, 14000 + 5000);
    expect(rate_mean(&rate) == 3000);
    expect(rate_parse("5000:1000", &rate));
    rate_curve_make(&curve, &rate, 0, 4 * NS_PER_S);
    expect_due(2, 8000);
    expect_due(4, 12000);
    expect_due(5, 13000);
}

TEST(rate, goes_in_steps_of_equal_length)
{
    expect(rate_parse("1000,2000,4000", &rate) && rate.count == 3 && !rate.ramp);
    rate_curve_make(&curve, &rate, NS_PER_S, 3 * NS_PER_S);
    expect_due(1, 1000);
    expect_due(2, 2000);
    expect_due(2.5, 3000);
    expect_due(3, 4000);
    expect_due(4, 8000);
    expect_due(5, 12000);
}

TEST(rate, of_another_form_is_refused)
{
    static const char *const wrong[] = {
        "",       "0",  "fast", "1000:", ":1000",    "1:2:3", "1,2:3",       "1000,", ",1",
        "1000.5", "-1", "1 ",   "0:10",  "10000001", "1,,2",  "99999999999", "1k",    "1:0"};
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        expect_msg(!rate_parse(wrong[i], &rate), "%s", wrong[i]);
    }
    char many[65 * 2 + 1] = "1";
    for (unsigned i = 1; i < 65; i++) {
        expect(i < 64 || rate_parse(many, &rate));
        strcat(many, ",1");
    }
    expect(!rate_parse(many, &rate));
}
