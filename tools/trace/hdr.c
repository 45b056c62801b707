/* hdr.c: an HdrHistogram log for each interval, for the programs that plot and compare such logs.
 *
 * A line is a second of the run, counted from when the trace was begun; a request counts in the
 * second in which its last byte was sent. Requests come in the order in which they became complete,
 * so a few seconds are kept open at a time; one that comes later still makes another line of its
 * second, which readers add up. So every request counts and memory is bounded.
 */
#include "tools/trace/run.h"

#include "core/base/check.h"
#include "core/base/clock.h"
#include "tools/hlog.h"
#include "tools/trace/out_file.h"
#include "tools/trace/summary.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { OPEN_SECONDS = 16, PATH_LENGTH = 4096 };

struct second {
    bool used;
    uint64_t number;
    struct histogram *intervals; /* INTERVAL_COUNT; NULL until the place was used */
};

struct hdr {
    struct trace_run *run;
    uint64_t started_ns;
    struct second open[OPEN_SECONDS];
    struct second *last; /* the one of the last request */
    struct out_file logs[INTERVAL_COUNT];
};

static const char *hdr_wrong(const char *argument);
static void *hdr_begin(struct trace_run *run, const char *argument);
static void hdr_request(void *state, const struct trace_source *source,
                        const struct trace_record *request);
static int hdr_end(void *state, struct trace_run *run);
static void hdr_cancel(void *state);
static bool open_logs(struct hdr *hdr, const char *dir);
static uint64_t second_of(struct hdr *hdr, const struct trace_record *request);
static struct second *open_second(struct hdr *hdr, uint64_t number);
static struct second *place_for(struct hdr *hdr);
static struct second *hdr_earliest(struct hdr *hdr);
static void write_second(struct hdr *hdr, struct second *second);

const struct trace_verb trace_verb_hdr = {
    .option = "--hdr",
    .argument = "DIR",
    .help = "an HdrHistogram log for each interval, DIR/read.hlog and so on",
    .wrong = hdr_wrong,
    .begin = hdr_begin,
    .request = hdr_request,
    .end = hdr_end,
    .cancel = hdr_cancel,
};

static const char *hdr_wrong(const char *argument)
{
    if (argument[0] == '\0') {
        return "a directory is wanted";
    }
    return strlen(argument) < PATH_LENGTH - TRACE_NAME ? NULL : "the name is too long";
}

static void *hdr_begin(struct trace_run *run, const char *argument)
{
    struct hdr *hdr = must_calloc(1, sizeof *hdr);
    hdr->run = run;
    hdr->started_ns = run->started_ns;
    hdr->last = &hdr->open[0];
    if (!open_logs(hdr, argument)) {
        hdr_cancel(hdr);
        return NULL;
    }
    return hdr;
}

static void hdr_request(void *state, const struct trace_source *source,
                        const struct trace_record *request)
{
    struct hdr *hdr = state;
    int64_t intervals[INTERVAL_COUNT];
    uint64_t number = second_of(hdr, request);
    (void)source;
    if (!hdr->last->used || hdr->last->number != number) {
        hdr->last = open_second(hdr, number);
    }
    record_intervals(request, intervals);
    for (unsigned i = 0; i < INTERVAL_COUNT; i++) {
        if (intervals[i] >= 0) {
            histogram_record(&hdr->last->intervals[i], (uint64_t)intervals[i]);
        }
    }
}

static int hdr_end(void *state, struct trace_run *run)
{
    struct hdr *hdr = state;
    struct second *second;
    uint64_t bytes = 0;
    bool good = true;
    while ((second = hdr_earliest(hdr)) != NULL) {
        write_second(hdr, second);
    }
    for (unsigned i = 0; i < INTERVAL_COUNT; i++) {
        good = out_file_keep(&hdr->logs[i], run->err, &bytes) && good;
    }
    run->made_bytes = good ? bytes : 0;
    trace_run_report_lost(run, "they are not in the logs");
    hdr_cancel(hdr);
    return good ? EXIT_SUCCESS : EXIT_WORLD;
}

static void hdr_cancel(void *state)
{
    struct hdr *hdr = state;
    for (unsigned i = 0; i < INTERVAL_COUNT; i++) {
        out_file_drop(&hdr->logs[i]);
    }
    for (unsigned i = 0; i < OPEN_SECONDS; i++) {
        free(hdr->open[i].intervals);
    }
    free(hdr);
}

static bool open_logs(struct hdr *hdr, const char *dir)
{
    char path[PATH_LENGTH];
    if (mkdir(dir, 0777) != 0 && errno != EEXIST) {
        fprintf(hdr->run->err, "quartet-trace: cannot create %s: %s\n", dir, strerror(errno));
        return false;
    }
    for (unsigned i = 0; i < INTERVAL_COUNT; i++) {
        (void)snprintf(path, sizeof path, "%s/%s.hlog", dir, interval_name(i));
        if (!out_file_open(&hdr->logs[i], path, hdr->run->err)) {
            return false;
        }
        hlog_begin(hdr->logs[i].out, (double)hdr->run->wall_s);
    }
    return true;
}

static uint64_t second_of(struct hdr *hdr, const struct trace_record *request)
{
    uint64_t at_ns = request->last_sent_ns != 0 ? request->last_sent_ns : request->first_byte_ns;
    if (hdr->started_ns == 0) {
        hdr->started_ns = at_ns; /* the head was damaged: as good as it gets */
    }
    return at_ns > hdr->started_ns ? (at_ns - hdr->started_ns) / NS_PER_S : 0;
}

static struct second *open_second(struct hdr *hdr, uint64_t number)
{
    for (unsigned i = 0; i < OPEN_SECONDS; i++) {
        if (hdr->open[i].used && hdr->open[i].number == number) {
            return &hdr->open[i];
        }
    }
    struct second *second = place_for(hdr);
    if (second->intervals == NULL) {
        second->intervals = must_alloc(INTERVAL_COUNT * sizeof *second->intervals);
    }
    memset(second->intervals, 0, INTERVAL_COUNT * sizeof *second->intervals);
    second->number = number;
    second->used = true;
    return second;
}

static struct second *place_for(struct hdr *hdr)
{
    for (unsigned i = 0; i < OPEN_SECONDS; i++) {
        if (!hdr->open[i].used) {
            return &hdr->open[i];
        }
    }
    struct second *second = hdr_earliest(hdr);
    write_second(hdr, second);
    return second;
}

/* NULL when none is open. */
static struct second *hdr_earliest(struct hdr *hdr)
{
    struct second *found = NULL;
    for (unsigned i = 0; i < OPEN_SECONDS; i++) {
        struct second *second = &hdr->open[i];
        if (second->used && (found == NULL || second->number < found->number)) {
            found = second;
        }
    }
    return found;
}

static void write_second(struct hdr *hdr, struct second *second)
{
    for (unsigned i = 0; i < INTERVAL_COUNT; i++) {
        hlog_interval(hdr->logs[i].out, (double)second->number, 1,
                      histogram_parts(&second->intervals[i]));
    }
    second->used = false;
}
