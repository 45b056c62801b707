/* The two formats, byte by byte. */
#include "core/report/exposition.h"

#include "tests/test.h"

#include <stdlib.h>

static char *text;
static size_t text_len;

static struct exposition begin(enum exposition_format format)
{
    struct exposition e;
    FILE *out = open_memstream(&text, &text_len);
    expect(out != NULL);
    exposition_begin(&e, out, format);
    return e;
}

static void expect_end(struct exposition *e, const char *expected)
{
    exposition_end(e);
    expect_int(fclose(e->out), 0);
    expect_text(text, expected);
    free(text);
}

TEST(exposition, names_the_samples_of_each_type)
{
    struct exposition e = begin(EXPOSITION_TEXT);
    exposition_family(&e, METRIC_GAUGE, "q_depth", "", "how deep");
    exposition_number(&e, LABELS({"queue", "P"}), 3);
    exposition_family(&e, METRIC_COUNTER, "q_busy", "seconds", "how long");
    exposition_time(&e, LABELS({"thread", "q-P/0"}, {"kind", "x"}), 1234567890);
    exposition_family(&e, METRIC_INFO, "q_build", "", "which");
    exposition_number(&e, LABELS({"version", "1"}), 1);
    expect_end(&e, "# HELP q_depth how deep\n# TYPE q_depth gauge\n"
                   "q_depth{queue=\"P\"} 3\n"
                   "# HELP q_busy_seconds_total how long\n# TYPE q_busy_seconds_total counter\n"
                   "q_busy_seconds_total{thread=\"q-P/0\",kind=\"x\"} 1.234567890\n"
                   "# HELP q_build_info which\n# TYPE q_build_info gauge\n"
                   "q_build_info{version=\"1\"} 1\n");
}

TEST(exposition, names_families_as_openmetrics_wants_them)
{
    struct exposition e = begin(EXPOSITION_OPENMETRICS);
    exposition_family(&e, METRIC_COUNTER, "q_sent", "bytes", "how much");
    exposition_number(&e, NO_LABELS, 18446744073709551615u);
    exposition_family(&e, METRIC_INFO, "q_build", "", "which");
    exposition_number(&e, LABELS({"version", "1"}), 1);
    expect_end(&e, "# HELP q_sent_bytes how much\n# TYPE q_sent_bytes counter\n"
                   "# UNIT q_sent_bytes bytes\nq_sent_bytes_total 18446744073709551615\n"
                   "# HELP q_build which\n# TYPE q_build info\n"
                   "q_build_info{version=\"1\"} 1\n# EOF\n");
}

TEST(exposition, escapes_what_a_label_holds)
{
    struct exposition e = begin(EXPOSITION_TEXT);
    exposition_family(&e, METRIC_GAUGE, "q", "", "h");
    exposition_number(&e, LABELS({"a", "x\"y\\z\nend"}, {"b", ""}), 0);
    expect_end(&e, "# HELP q h\n# TYPE q gauge\nq{a=\"x\\\"y\\\\z\\nend\",b=\"\"} 0\n");
}

TEST(exposition, counts_sizes_up_to_each_edge)
{
    struct histogram *h = calloc(1, sizeof *h);
    static const uint64_t sizes[] = {0, 1, 2, 3, 4, 64, 65, 4096, 5000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        histogram_record(h, sizes[i]);
    }
    struct exposition e = begin(EXPOSITION_TEXT);
    exposition_family(&e, METRIC_HISTOGRAM, "q_batch", "", "h");
    exposition_sizes(&e, NO_LABELS, h);
    expect_end(&e, "# HELP q_batch h\n# TYPE q_batch histogram\n"
                   "q_batch_bucket{le=\"1.0\"} 2\nq_batch_bucket{le=\"2.0\"} 3\n"
                   "q_batch_bucket{le=\"4.0\"} 5\nq_batch_bucket{le=\"8.0\"} 5\n"
                   "q_batch_bucket{le=\"16.0\"} 5\nq_batch_bucket{le=\"32.0\"} 5\n"
                   "q_batch_bucket{le=\"64.0\"} 6\nq_batch_bucket{le=\"128.0\"} 7\n"
                   "q_batch_bucket{le=\"256.0\"} 7\nq_batch_bucket{le=\"512.0\"} 7\n"
                   "q_batch_bucket{le=\"1024.0\"} 7\nq_batch_bucket{le=\"2048.0\"} 7\n"
                   "q_batch_bucket{le=\"4096.0\"} 7\nq_batch_bucket{le=\"+Inf\"} 9\n"
                   "q_batch_sum 9235\nq_batch_count 9\n");
    free(h);
}

/* How many values lie below the edge of this text. */
static unsigned long below(const char *le)
{
    char start[80];
    (void)snprintf(start, sizeof start, "q_wait_seconds_bucket{queue=\"P\",le=\"%s\"} ", le);
    const char *at = strstr(text, start);
    expect_msg(at != NULL, "no bucket %s", le);
    return strtoul(at + strlen(start), NULL, 10);
}

/* An edge may lie 1/128 lower than it says, never higher. */
TEST(exposition, puts_times_below_the_right_edges)
{
    static const struct {
        const char *le;
        uint64_t ns;
    } edges[] = {{"1e-06", 1000},       {"2.5e-06", 2500},    {"0.0001", 100000},
                 {"0.005", 5000000},    {"1.0", 1000000000},  {"10.0", 10000000000},
                 {"50.0", 50000000000}, {"60.0", 60000000000}};
    struct histogram *h = calloc(1, sizeof *h);
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        memset(h, 0, sizeof *h);
        histogram_record(h, edges[i].ns - edges[i].ns / 128 - 1);
        histogram_record(h, edges[i].ns + 1);
        struct exposition e = begin(EXPOSITION_TEXT);
        exposition_family(&e, METRIC_HISTOGRAM, "q_wait", "seconds", "h");
        exposition_times(&e, LABELS({"queue", "P"}), h);
        expect_int(fclose(e.out), 0);
        expect_msg(below(edges[i].le) == 1, "edge %s", edges[i].le);
        expect_int(below("+Inf"), 2);
        expect(strstr(text, "q_wait_seconds_count{queue=\"P\"} 2\n") != NULL);
        free(text);
    }
    free(h);
}

TEST(exposition, sums_times_exactly)
{
    struct histogram *h = calloc(1, sizeof *h);
    histogram_record(h, 1500000001);
    histogram_record(h, 1);
    struct exposition e = begin(EXPOSITION_OPENMETRICS);
    exposition_family(&e, METRIC_HISTOGRAM, "q_wait", "seconds", "h");
    exposition_times(&e, NO_LABELS, h);
    expect_int(fclose(e.out), 0);
    expect(strstr(text, "\nq_wait_seconds_sum 1.500000002\n") != NULL);
    expect(strstr(text, "# TYPE q_wait_seconds histogram\n# UNIT q_wait_seconds seconds\n") !=
           NULL);
    free(text);
    free(h);
}
