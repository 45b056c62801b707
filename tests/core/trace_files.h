/* trace_files.h: making trace files, and whole files as memory, for the tests of traces. */
#ifndef TESTS_CORE_TRACE_FILES_H
#define TESTS_CORE_TRACE_FILES_H

#include "core/trace/trace_reader.h"
#include "tests/core/sample.h"

#include <unistd.h>

enum { TRACE_PATH = 64 };

static inline void trace_path(char path[TRACE_PATH])
{
    (void)snprintf(path, TRACE_PATH, "/tmp/quartet-test-XXXXXX");
    int fd = mkstemp(path);
    expect(fd >= 0);
    expect_int(close(fd), 0);
}

/* A trace of the sample's threads; `ring_records` 0 for the usual size. NULL with errno. */
static inline struct trace *trace_open(const char *path, unsigned ring_records)
{
    const struct trace_plan plan = {
        .path = path,
        .thread_count = SAMPLE_THREADS,
        .thread_names = sample_threads,
        .ring_records = ring_records,
    };
    return trace_start(&plan);
}

/* Counts a request as a server would that made this record, and its requeue (or NULL). */
static inline void sample_count(struct report *report, const struct trace_record *r,
                                const struct trace_record *requeue)
{
    int64_t intervals[INTERVAL_COUNT];
    const struct stamps stamps = {
        .accepted_ns = r->accepted_ns,
        .adopted_ns = r->adopted_ns,
        .arrived_ns = r->arrived_ns,
        .first_byte_ns = r->first_byte_ns,
        .whole_ns = r->whole_ns,
        .started_ns = r->started_ns,
        .handed_ns = r->handed_ns,
        .writer_ns = r->writer_ns,
        .first_sent_ns = r->first_sent_ns,
        .last_sent_ns = r->last_sent_ns,
        .requeued_ns = requeue != NULL ? requeue->requeued_ns : 0,
        .read_blocked_ns = r->read_blocked_us * NS_PER_US,
        .write_blocked_ns = r->write_blocked_us * NS_PER_US,
    };
    stamps_intervals(&stamps, intervals);
    tally_intervals(&report->tally, intervals);
    tally_status(&report->tally, r->status);
    tally_close(&report->tally, r->close_reason);
    tally_add(&report->tally, COUNTER_BEGUN, 1);
    tally_add(&report->tally, COUNTER_REQUESTS, 1);
    tally_add(&report->tally, COUNTER_BYTES_SENT, r->bytes_sent);
}

/* A run of `requests` requests; each has a requeue unless its connection was closed. The server has
 * counted each of them; the record of request `odd` is in the file `times` times. */
static inline void trace_make_odd(const char *path, uint64_t requests, uint64_t odd, unsigned times)
{
    struct report report;
    sample_report(&report);
    tally_deinit(&report.tally);
    tally_init(&report.tally, true);
    tally_add(&report.tally, COUNTER_ACCEPTED, 8);
    const struct trace_plan plan = {
        .path = path,
        .config_json = "{\"model\": \"staged\", \"wiring\": \"L | R | P*2 | W\", \"batch\": 64, "
                       "\"pin\": null, \"listen\": [\"127.0.0.1:8080\", \"[::1]:80\"]}",
        .thread_count = SAMPLE_THREADS,
        .thread_names = sample_threads,
        .queue_count = SAMPLE_QUEUES,
        .queue_names = sample_queues,
    };
    struct trace *trace = trace_start(&plan);
    expect(trace != NULL);
    for (uint64_t id = 1; id <= requests; id++) {
        struct trace_record request = sample_request(id), requeue = sample_requeue(id);
        for (unsigned i = 0; i < (id == odd ? times : 1); i++) {
            expect(trace_put(trace_ring(trace, 2), &request));
        }
        bool kept = request.close_reason == 0;
        expect(!kept || trace_put(trace_ring(trace, 0), &requeue));
        sample_count(&report, &request, kept ? &requeue : NULL);
    }
    trace_stop(trace, &report);
    report_deinit(&report);
}

static inline void trace_make(const char *path, uint64_t requests)
{
    trace_make_odd(path, requests, 0, 1);
}

struct whole_file {
    char *at;
    size_t len;
};

static inline struct whole_file file_read(const char *path)
{
    struct whole_file file = {0};
    FILE *in = fopen(path, "r");
    expect(in != NULL && fseek(in, 0, SEEK_END) == 0);
    file.len = (size_t)ftell(in);
    file.at = malloc(file.len + 1);
    rewind(in);
    expect(fread(file.at, 1, file.len, in) == file.len);
    file.at[file.len] = '\0';
    expect_int(fclose(in), 0);
    return file;
}

/* What came of reading `len` bytes. */
struct reading {
    enum trace_item last;
    uint64_t blocks, records, requests, skipped;
    unsigned gaps;
    char error[TRACE_ERROR_MAX];
};

static inline struct reading reading_of(const char *at, size_t len, bool salvage)
{
    struct reading reading = {0};
    struct trace_reader reader;
    FILE *in = len > 0 ? fmemopen((void *)at, len, "r") : fopen("/dev/null", "r");
    expect(in != NULL);
    trace_reader_init(&reader, in, salvage);
    while ((reading.last = trace_reader_next(&reader)) == TRACE_ITEM_BLOCK) {
        reading.blocks++;
        for (size_t i = 0; i < trace_reader_count(&reader); i++) {
            reading.records++;
            reading.requests += trace_reader_record(&reader, i).kind == TRACE_REQUEST;
        }
    }
    memcpy(reading.error, reader.error, sizeof reading.error);
    reading.skipped = reader.skipped;
    reading.gaps = reader.gaps;
    trace_reader_deinit(&reader);
    expect_int(fclose(in), 0);
    return reading;
}

#endif
