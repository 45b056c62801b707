/* hlog.h: writing histograms as an HdrHistogram log (.hlog), which plotters and other programs
 * read.
 *
 *   hlog_begin(file, 1700000000.25);
 *   hlog_interval(file, 0, 1, histogram_parts(&histogram));
 *
 * A log is a head, then a line an interval of time: its start in seconds behind the head's, its
 * length, its largest value in milliseconds, and the histogram: HdrHistogram's V2 encoding,
 * deflated, in base64. Source of the format: G. Tene, HdrHistogram. core/base/histogram.h has the
 * bucket layout of two significant digits, or with 10 sub-bucket bits that of three, so that counts
 * go over as they are and readers find the same percentiles; only values of 2^40 and more, which share the last bucket, come out as its
 * highest.
 *
 * Write errors show in ferror of the file. One thread at a time.
 */
#ifndef TOOLS_HLOG_H
#define TOOLS_HLOG_H

#include "core/base/histogram.h"

#include <stdio.h>

/* The head; `start_s` is the wall clock's seconds since 1970. */
void hlog_begin(FILE *out, double start_s);

/* A line. An empty histogram has one, too: nothing happened in that time. */
void hlog_interval(FILE *out, double start_s, double length_s, struct histogram_parts histogram);

#endif
