/* exposition.c: the two text formats of Prometheus. See exposition.h. */
#include "core/report/exposition.h"

#include "core/base/check.h"
#include "core/base/clock.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>

/* An edge between two buckets: values up to it count as `le` of this text. */
struct edge {
    uint64_t upto;
    const char *text;
};

static const struct edge time_edges[] = {
    {1000, "1e-06"},       {2500, "2.5e-06"},     {5000, "5e-06"},       {10000, "1e-05"},
    {25000, "2.5e-05"},    {50000, "5e-05"},      {100000, "0.0001"},    {250000, "0.00025"},
    {500000, "0.0005"},    {1000000, "0.001"},    {2500000, "0.0025"},   {5000000, "0.005"},
    {10000000, "0.01"},    {25000000, "0.025"},   {50000000, "0.05"},    {100000000, "0.1"},
    {250000000, "0.25"},   {500000000, "0.5"},    {1000000000, "1.0"},   {2500000000, "2.5"},
    {5000000000, "5.0"},   {10000000000, "10.0"}, {25000000000, "25.0"}, {50000000000, "50.0"},
    {60000000000, "60.0"},
};

static const struct edge size_edges[] = {
    {1, "1.0"},       {2, "2.0"},       {4, "4.0"},       {8, "8.0"},     {16, "16.0"},
    {32, "32.0"},     {64, "64.0"},     {128, "128.0"},   {256, "256.0"}, {512, "512.0"},
    {1024, "1024.0"}, {2048, "2048.0"}, {4096, "4096.0"},
};

const char *exposition_content_type(enum exposition_format format)
{
    return format == EXPOSITION_OPENMETRICS
               ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
               : "text/plain; version=0.0.4; charset=utf-8";
}

void exposition_begin(struct exposition *e, FILE *out, enum exposition_format format)
{
    *e = (struct exposition){.out = out, .format = format};
}

static const char *name_suffix(const struct exposition *e)
{
    static const char *const suffixes[] = {"", "_total", "", "_info"};
    return suffixes[e->type];
}

/* The older format has no word for a constant whose value is in its labels. */
static const char *type_word(const struct exposition *e)
{
    static const char *const words[] = {"gauge", "counter", "histogram", "info"};
    bool older = e->format == EXPOSITION_TEXT;
    return words[older && e->type == METRIC_INFO ? METRIC_GAUGE : e->type];
}

/* OpenMetrics names the family without the suffix of its samples, the older format with it. */
void exposition_family(struct exposition *e, enum metric_type type, const char *name,
                       const char *unit, const char *help)
{
    e->type = type;
    int len = snprintf(e->name, sizeof e->name, "%s%s%s", name, unit[0] != '\0' ? "_" : "", unit);
    CHECK(len > 0 && (size_t)len < sizeof e->name);
    bool bare = e->format == EXPOSITION_OPENMETRICS;
    const char *end = bare ? "" : name_suffix(e);
    fprintf(e->out, "# HELP %s%s %s\n", e->name, end, help);
    fprintf(e->out, "# TYPE %s%s %s\n", e->name, end, type_word(e));
    if (bare && unit[0] != '\0') {
        fprintf(e->out, "# UNIT %s %s\n", e->name, unit);
    }
}

/* Both formats escape these three, and nothing else. */
static void put_label(FILE *out, const char *before, const char *name, const char *value)
{
    fprintf(out, "%s%s=\"", before, name);
    for (const char *at = value; *at != '\0'; at++) {
        if (*at == '\n') {
            fputs("\\n", out);
            continue;
        }
        if (*at == '"' || *at == '\\') {
            fputc('\\', out);
        }
        fputc(*at, out);
    }
    fputc('"', out);
}

/* All of a sample but its value. */
static void put_sample(struct exposition *e, const char *part, const struct labels *labels,
                       const char *le)
{
    fprintf(e->out, "%s%s", e->name, part);
    const char *before = "{";
    for (unsigned i = 0; i < EXPOSITION_LABELS && labels->at[i].name != NULL; i++) {
        put_label(e->out, before, labels->at[i].name, labels->at[i].value);
        before = ",";
    }
    if (le != NULL) {
        put_label(e->out, before, "le", le);
        before = ",";
    }
    fputs(before[0] == ',' ? "} " : " ", e->out);
}

void exposition_number(struct exposition *e, const struct labels *labels, uint64_t value)
{
    put_sample(e, name_suffix(e), labels, NULL);
    fprintf(e->out, "%" PRIu64 "\n", value);
}

static void put_seconds(FILE *out, uint64_t ns)
{
    fprintf(out, "%llu.%09llu", ns / NS_PER_S, ns % NS_PER_S);
}

void exposition_time(struct exposition *e, const struct labels *labels, uint64_t ns)
{
    put_sample(e, name_suffix(e), labels, NULL);
    put_seconds(e->out, ns);
    fputc('\n', e->out);
}

/* The buckets, with all below each edge; returns all. They are what is counted, not
 * histogram->count: while a thread records the two may differ, and the last edge is the count. */
static uint64_t put_edges(struct exposition *e, const struct labels *labels,
                          const struct histogram *histogram, const struct edge *edges,
                          unsigned count)
{
    uint64_t sum = 0;
    unsigned edge = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        for (; edge < count && edges[edge].upto < histogram_bucket_high(i); edge++) {
            put_sample(e, "_bucket", labels, edges[edge].text);
            fprintf(e->out, "%" PRIu64 "\n", sum);
        }
        sum += atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
    }
    CHECK(edge == count);
    put_sample(e, "_bucket", labels, "+Inf");
    fprintf(e->out, "%" PRIu64 "\n", sum);
    return sum;
}

void exposition_times(struct exposition *e, const struct labels *labels,
                      const struct histogram *histogram)
{
    uint64_t count =
        put_edges(e, labels, histogram, time_edges, sizeof time_edges / sizeof *time_edges);
    put_sample(e, "_sum", labels, NULL);
    put_seconds(e->out, atomic_load_explicit(&histogram->sum, memory_order_relaxed));
    fputc('\n', e->out);
    put_sample(e, "_count", labels, NULL);
    fprintf(e->out, "%" PRIu64 "\n", count);
}

void exposition_sizes(struct exposition *e, const struct labels *labels,
                      const struct histogram *histogram)
{
    uint64_t count =
        put_edges(e, labels, histogram, size_edges, sizeof size_edges / sizeof *size_edges);
    put_sample(e, "_sum", labels, NULL);
    fprintf(e->out, "%" PRIu64 "\n", atomic_load_explicit(&histogram->sum, memory_order_relaxed));
    put_sample(e, "_count", labels, NULL);
    fprintf(e->out, "%" PRIu64 "\n", count);
}

void exposition_end(struct exposition *e)
{
    if (e->format == EXPOSITION_OPENMETRICS) {
        fputs("# EOF\n", e->out);
    }
}
