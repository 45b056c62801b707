/* test_report_read.c: a report comes back as it was written; of another shape it is zeros. */
#include "core/report/report_read.h"

#include "tests/core/sample.h"

TEST(report_read, comes_back_from_json_as_it_was)
{
    struct report report, again;
    sample_report(&report);
    char *json = sample_text(report_to_json, &report);
    expect(report_from_json(&again, bytes_of(json)));
    char *before = sample_text(report_print, &report), *after = sample_text(report_print, &again);
    expect_text(after, before);
    char *json_again = sample_text(report_to_json, &again);
    expect_text(json_again, json); /* which has everything */
    free(json_again);
    free(before);
    free(after);
    free(json);
    report_deinit(&report);
    report_deinit(&again);
}

TEST(report_read, json_of_another_shape_is_zeros)
{
    static const char *const texts[] = {
        "{}", "{\"queues\": 3, \"threads\": {}, \"wall_ns\": \"x\", \"intervals_ns\": [1]}",
        "{\"queues\": [1, [], {\"wait_ns\": {\"buckets\": [[], [1], 2, [3, 4, 5]]}}]}"};
    for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct report report;
        expect(report_from_json(&report, bytes_of(texts[i])));
        expect_int(report.wall_ns, 0);
        report_deinit(&report);
    }
}

TEST(report_read, what_is_no_object_is_refused)
{
    static const char *const texts[] = {"", "[]", "{", "{} {}", "nonsense"};
    for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct report report;
        expect(!report_from_json(&report, bytes_of(texts[i])));
        report_deinit(&report);
    }
}
