/* The rings against the flusher: nothing doubled, nothing reordered, what is lost is counted; and a
 * disk that refuses to be written. */
#include "core/trace/trace.h"

#include "tests/core/trace_files.h"
#include "core/report/report_read.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

TEST(trace, writes_every_record_once)
{
    char path[TRACE_PATH];
    trace_path(path);
    trace_make(path, 1000);
    struct whole_file file = file_read(path);
    struct reading reading = reading_of(file.at, file.len, false);
    expect_text(reading.error, "");
    expect_int(reading.last, TRACE_ITEM_END);
    expect_int(reading.requests, 1000);
    expect_int(reading.records, 1990);
    free(file.at);
    expect_int(unlink(path), 0);
}

enum { PRODUCERS = 3, PUTS = 60000, SMALL_RING = 256 };

struct producer {
    struct trace_ring *ring;
    uint64_t number, lost;
    pthread_t thread;
};

/* Stamps each record with who and which; half way it lets others run, so that some fit and some do
 * not. */
static void *produce(void *arg)
{
    struct producer *producer = arg;
    for (uint64_t i = 1; i <= PUTS; i++) {
        struct trace_record record = {
            .request_id = i, .connection_id = producer->number, .kind = TRACE_REQUEST};
        record.bytes_sent = i * 31 + producer->number;
        record.last_sent_ns = ~i;
        producer->lost += !trace_put(producer->ring, &record);
        if (i % 512 == 0) {
            (void)sched_yield();
        }
    }
    return NULL;
}

/* The records of one file: each producer's numbers rise, and what is missing was lost. */
static void expect_stamped(const char *path, const struct producer producers[PRODUCERS])
{
    uint64_t last[PRODUCERS] = {0}, count[PRODUCERS] = {0};
    struct trace_reader reader;
    FILE *in = fopen(path, "r");
    trace_reader_init(&reader, in, false);
    enum trace_item item;
    while ((item = trace_reader_next(&reader)) == TRACE_ITEM_BLOCK) {
        for (size_t i = 0; i < trace_reader_count(&reader); i++) {
            struct trace_record record = trace_reader_record(&reader, i);
            uint64_t who = record.connection_id;
            expect(who < PRODUCERS && who == reader.block.thread);
            expect(record.request_id > last[who] && record.last_sent_ns == ~record.request_id);
            expect(record.bytes_sent == record.request_id * 31 + who);
            last[who] = record.request_id;
            count[who]++;
        }
    }
    expect_text(reader.error, "");
    expect_int(item, TRACE_ITEM_END);
    for (unsigned i = 0; i < PRODUCERS; i++) {
        expect_int(count[i] + producers[i].lost, PUTS);
    }
    trace_reader_deinit(&reader);
    expect_int(fclose(in), 0);
}

static void run_producers(const char *path, unsigned ring_records)
{
    struct producer producers[PRODUCERS] = {0};
    struct report report = {0};
    uint64_t lost = 0;
    struct trace *trace = trace_open(path, ring_records);
    expect(trace != NULL);
    for (unsigned i = 0; i < PRODUCERS; i++) {
        producers[i].ring = trace_ring(trace, i);
        producers[i].number = i;
        expect_int(pthread_create(&producers[i].thread, NULL, produce, &producers[i]), 0);
    }
    for (unsigned i = 0; i < PRODUCERS; i++) {
        expect_int(pthread_join(producers[i].thread, NULL), 0);
        lost += producers[i].lost;
    }
    expect_int(trace_lost(trace), lost);
    trace_stop(trace, &report);
    expect_stamped(path, producers);
}

TEST(trace, keeps_order_while_threads_put)
{
    char path[TRACE_PATH];
    trace_path(path);
    run_producers(path, TRACE_RING_RECORDS);
    expect_int(unlink(path), 0);
}

TEST(trace, a_small_ring_loses_some_and_counts_them)
{
    char path[TRACE_PATH];
    trace_path(path);
    run_producers(path, SMALL_RING);
    expect_int(unlink(path), 0);
}

TEST(trace, a_ring_of_one_works)
{
    char path[TRACE_PATH];
    trace_path(path);
    run_producers(path, 1);
    expect_int(unlink(path), 0);
}

TEST(trace, says_why_a_file_cannot_be_made)
{
    errno = 0;
    expect(trace_open("/nonexistent/trace", 0) == NULL);
    expect_int(errno, ENOENT);
    expect(trace_open("/dev/full", 0) == NULL);
    expect_int(errno, ENOSPC);

    char path[TRACE_PATH];
    trace_path(path);
    expect_int(unlink(path), 0);
    expect_int(mkfifo(path, 0600), 0);
    expect(trace_open(path, 0) == NULL); /* and does not wait for a reader */
    expect_int(errno, ENXIO);
    expect_int(unlink(path), 0);
}

TEST(trace, stopping_nothing_is_allowed)
{
    trace_stop(NULL, NULL);
}

TEST(trace, tells_configuration_environment_and_build)
{
    char path[TRACE_PATH], text[64];
    trace_path(path);
    trace_make(path, 1);
    struct trace_reader reader;
    FILE *in = fopen(path, "r");
    trace_reader_init(&reader, in, false);
    expect_int(trace_reader_next(&reader), TRACE_ITEM_BLOCK);
    expect_int(reader.block.kind, TRACE_BLOCK_CONFIG);
    json_t *root = json_read(reader.payload, NULL);
    expect(root != NULL);
    (void)json_read_word(json_object_get(root, "config"), "wiring", text, sizeof text);
    expect_text(text, "L | R | P*2 | W");
    expect_int(json_read_count(json_object_get(root, "environment"), "page_size"),
               sysconf(_SC_PAGESIZE));
    (void)json_read_word(json_object_get(root, "build"), "version", text, sizeof text);
    expect_text(text, QUARTET_VERSION);
    const json_t *libraries = json_object_get(json_object_get(root, "build"), "libraries");
    expect(json_read_word(libraries, "libuv", text, sizeof text) > 0);
    expect(json_read_word(libraries, "http-parser", text, sizeof text) > 0);
    json_decref(root);
    trace_reader_deinit(&reader);
    expect_int(fclose(in), 0);
    expect_int(unlink(path), 0);
}

static void put_some(struct trace *trace, uint64_t from, uint64_t to)
{
    for (uint64_t id = from; id <= to; id++) {
        struct trace_record record = sample_request(id);
        expect(trace_put(trace_ring(trace, 0), &record));
    }
}

/* A limit on file sizes stands in for a full disk. */
TEST(trace, a_write_that_fails_loses_its_records_and_no_others)
{
    char path[TRACE_PATH];
    struct rlimit before;
    struct report report = {0};
    trace_path(path);
    (void)signal(SIGXFSZ, SIG_IGN);
    struct trace *trace = trace_open(path, 0);
    expect(trace != NULL);
    expect_int(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit full = {.rlim_cur = 8000, .rlim_max = before.rlim_max};
    expect_int(setrlimit(RLIMIT_FSIZE, &full), 0);
    put_some(trace, 1, 500);
    while (trace_lost(trace) < 500) { /* until the flusher has tried them all */
        (void)sched_yield();
    }
    expect_int(setrlimit(RLIMIT_FSIZE, &before), 0);
    put_some(trace, 501, 700);
    trace_stop(trace, &report);

    struct whole_file file = file_read(path);
    struct reading reading = reading_of(file.at, file.len, false);
    expect_text(reading.error, "");
    expect_int(reading.requests, 200);
    free(file.at);
    expect_int(unlink(path), 0);
}

/* --- samples --- */

struct sampled {
    _Atomic uint64_t asked;
};

static void fill_sample(void *arg, struct trace_sample *sample, struct trace_sample_queue *queues,
                        uint64_t *busy_ns)
{
    struct sampled *sampled = arg;
    uint64_t n = atomic_fetch_add(&sampled->asked, 1) + 1;
    sample->at_ns = n;
    sample->connections = 7;
    for (unsigned i = 0; i < TRACE_FLOW_COUNT; i++) {
        sample->flow[i] = n * 100 + i;
    }
    queues[1] = (struct trace_sample_queue){.put = n, .depth = 3, .depth_max = 9};
    busy_ns[SAMPLE_THREADS - 1] = n * 1000;
}

static void expect_samples(const char *path, uint64_t asked)
{
    struct trace_reader reader;
    const struct trace_sample *sample;
    const struct trace_sample_queue *queues;
    const uint64_t *busy_ns;
    uint64_t n = 0;
    FILE *in = fopen(path, "r");
    trace_reader_init(&reader, in, false);
    while (trace_reader_next(&reader) == TRACE_ITEM_BLOCK) {
        if (!trace_reader_sample(&reader, &sample, &queues, &busy_ns)) {
            continue;
        }
        n++;
        expect_int(sample->at_ns, n);
        expect_int(sample->flow[TRACE_FLOW_ABANDONED], n * 100 + TRACE_FLOW_ABANDONED);
        expect_int(sample->queue_count, SAMPLE_QUEUES);
        expect_int(queues[0].put, 0);
        expect_int(queues[1].put, n);
        expect_int(queues[1].depth_max, 9);
        expect_int(busy_ns[0], 0);
        expect_int(busy_ns[SAMPLE_THREADS - 1], n * 1000);
    }
    expect_text(reader.error, "");
    expect_int(n, asked);
    trace_reader_deinit(&reader);
    expect_int(fclose(in), 0);
}

TEST(trace, samples_from_when_it_is_told_until_the_end)
{
    char path[TRACE_PATH];
    struct sampled sampled = {0};
    struct report report = {0};
    trace_path(path);
    const struct trace_plan plan = {
        .path = path,
        .thread_count = SAMPLE_THREADS,
        .thread_names = sample_threads,
        .queue_count = SAMPLE_QUEUES,
        .queue_names = sample_queues,
        .sample = fill_sample,
        .arg = &sampled,
    };
    struct trace *trace = trace_start(&plan);
    expect(trace != NULL);
    expect_int(atomic_load(&sampled.asked), 0);
    trace_begin_samples(trace);
    while (atomic_load(&sampled.asked) < 3) {
        (void)sched_yield();
    }
    trace_stop(trace, &report);
    expect_samples(path, atomic_load(&sampled.asked));
    expect_int(unlink(path), 0);
}

static void skip_sample(void *arg, struct trace_sample *sample, struct trace_sample_queue *queues,
                        uint64_t *awake_ns)
{
    (void)arg;
    (void)sample;
    (void)queues;
    (void)awake_ns;
}

/* The second is not to be written. */
static bool fill_moment(void *arg, struct report *report)
{
    struct sampled *sampled = arg;
    uint64_t n = atomic_fetch_add(&sampled->asked, 1) + 1;
    *report = (struct report){.wall_ns = n};
    return n != 2;
}

static void expect_moments(const char *path, uint64_t asked)
{
    struct trace_reader reader;
    uint64_t n = 0;
    FILE *in = fopen(path, "r");
    trace_reader_init(&reader, in, false);
    while (trace_reader_next(&reader) == TRACE_ITEM_BLOCK) {
        struct report report;
        if (reader.block.kind != TRACE_BLOCK_MOMENT) {
            continue;
        }
        expect(report_from_json(&report, reader.payload));
        n += n == 1 ? 2 : 1;
        expect_int(report.wall_ns, n);
        report_deinit(&report);
    }
    expect_text(reader.error, "");
    expect_int(n, asked);
    trace_reader_deinit(&reader);
    expect_int(fclose(in), 0);
}

TEST(trace, has_the_reports_of_moments)
{
    char path[TRACE_PATH];
    struct sampled sampled = {0};
    struct report report = {0};
    trace_path(path);
    const struct trace_plan plan = {
        .path = path,
        .thread_count = SAMPLE_THREADS,
        .thread_names = sample_threads,
        .sample = skip_sample,
        .report = fill_moment,
        .arg = &sampled,
    };
    struct trace *trace = trace_start(&plan);
    expect(trace != NULL);
    expect_int(atomic_load(&sampled.asked), 0);
    trace_begin_samples(trace);
    while (atomic_load(&sampled.asked) < 3) {
        (void)sched_yield();
    }
    trace_stop(trace, &report);
    expect_moments(path, atomic_load(&sampled.asked));
    expect_int(unlink(path), 0);
}

TEST(trace, a_sample_whose_counts_do_not_fit_is_none)
{
    struct {
        struct trace_sample sample;
        struct trace_sample_queue queue;
        uint64_t busy_ns;
    } made = {.sample = {.queue_count = 1, .thread_count = 1}};
    const struct trace_sample *sample;
    const struct trace_sample_queue *queues;
    const uint64_t *busy_ns;
    struct trace_reader reader;
    trace_reader_init(&reader, stdin, false);
    reader.block.kind = TRACE_BLOCK_SAMPLE;
    reader.payload = (struct bytes){(const char *)&made, sizeof made};
    expect(trace_reader_sample(&reader, &sample, &queues, &busy_ns));
    made.sample.queue_count = 0x10000000;
    expect(!trace_reader_sample(&reader, &sample, &queues, &busy_ns));
    made.sample.queue_count = 0;
    expect(!trace_reader_sample(&reader, &sample, &queues, &busy_ns));
    reader.payload.len = sizeof made.sample - 1;
    expect(!trace_reader_sample(&reader, &sample, &queues, &busy_ns));
    trace_reader_deinit(&reader);
}
