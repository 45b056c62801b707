/* test_objectives.c: what --slo takes, and when it is met. */
#include "tools/load/objectives.h"

#include "core/base/clock.h"
#include "tests/test.h"

TEST(objectives, are_percentiles_or_the_maximum)
{
    struct objective objective;
    expect(objective_parse("p99=5ms", &objective));
    expect(objective.share > 0.98999 && objective.share < 0.99001);
    expect_int(objective.limit_ns, 5 * NS_PER_MS);
    expect(objective_parse("p99.9=250us", &objective) && objective.share > 0.9989);
    expect(objective_parse("max=1s", &objective) && objective.share == 1);
    static const char *const wrong[] = {"",          "p99",      "p99=",    "p99=5",    "99=5ms",
                                        "p0=5ms",    "p100=5ms", "p=5ms",   "p9x=5ms",  "mean=5ms",
                                        "p1.2.3=1s", "max",      "p-1=5ms", "p1e1=5ms", "p99=5ms ",
                                        "max=0s",    "p50=0ms"};
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        expect_msg(!objective_parse(wrong[i], &objective), "%s", wrong[i]);
    }
}

TEST(objectives, are_met_by_latencies_up_to_their_limit)
{
    static struct fine latency;
    struct objective p90, max;
    expect(objective_parse("p90=100ns", &p90) && objective_parse("max=100ns", &max));
    expect(!objective_is_met(&p90, &latency)); /* nothing was answered */
    for (unsigned i = 0; i < 90; i++) {
        fine_record(&latency, 100);
    }
    expect(objective_is_met(&p90, &latency) && objective_is_met(&max, &latency));
    for (unsigned i = 0; i < 10; i++) {
        fine_record(&latency, 200);
    }
    expect(objective_is_met(&p90, &latency) && !objective_is_met(&max, &latency));
    fine_record(&latency, 200);
    expect(!objective_is_met(&p90, &latency));
    expect_int(objective_value_ns(&p90, &latency), 200);
}
