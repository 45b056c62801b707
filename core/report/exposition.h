/* exposition.h: writing figures in the two text formats that Prometheus reads: its own, version
 * 0.0.4, and OpenMetrics 1.0.0.
 *
 *   exposition_begin(&e, file, EXPOSITION_TEXT);
 *   exposition_family(&e, METRIC_COUNTER, "quartet_thread_busy", "seconds", "what it is");
 *   exposition_time(&e, labels, ns);
 *   exposition_end(&e);
 *
 * A family's name is given without its unit and without the suffix of its type; both are added, and
 * all samples of a family follow it. The numbers of `le` are written as OpenMetrics wants them in
 * either format, so that a series is the same whichever was asked for. Times are written exactly,
 * in seconds. Write errors show in ferror of the file.
 */
#ifndef CORE_REPORT_EXPOSITION_H
#define CORE_REPORT_EXPOSITION_H

#include "core/base/histogram.h"

#include <stdint.h>
#include <stdio.h>

enum exposition_format { EXPOSITION_TEXT, EXPOSITION_OPENMETRICS };

enum metric_type { METRIC_GAUGE, METRIC_COUNTER, METRIC_HISTOGRAM, METRIC_INFO };

enum { EXPOSITION_NAME = 80, EXPOSITION_LABELS = 4 };

struct exposition {
    FILE *out;
    enum exposition_format format;
    enum metric_type type;      /* of the family */
    char name[EXPOSITION_NAME]; /* its name, with the unit */
};

/* The labels of a sample; a name of NULL ends them. */
struct labels {
    struct {
        const char *name, *value;
    } at[EXPOSITION_LABELS];
};
#define LABELS(...) (&(struct labels){{__VA_ARGS__}})
#define NO_LABELS   (&(struct labels){{{NULL, NULL}}})

/* Of an answer in this format. */
const char *exposition_content_type(enum exposition_format format);

void exposition_begin(struct exposition *e, FILE *out, enum exposition_format format);

/* `unit`: "seconds", "bytes", or "" for a number of things. */
void exposition_family(struct exposition *e, enum metric_type type, const char *name,
                       const char *unit, const char *help);

/* Samples of the family. */
void exposition_number(struct exposition *e, const struct labels *labels, uint64_t value);
void exposition_time(struct exposition *e, const struct labels *labels, uint64_t ns);

/* A histogram of nanoseconds, with edges at 1, 2.5 and 5 of each decade from 1 us to 60 s, or of a
 * number of things, with edges at the powers of two. A bucket of ours that an edge falls into
 * counts above it: an edge lies in fact at most 0.78 % lower than it says. */
void exposition_times(struct exposition *e, const struct labels *labels,
                      const struct histogram *histogram);
void exposition_sizes(struct exposition *e, const struct labels *labels,
                      const struct histogram *histogram);

void exposition_end(struct exposition *e);

#endif
