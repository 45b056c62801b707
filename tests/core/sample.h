/* sample.h: a report and requests with figures that are the same on every machine, for the tests of
 * reports and traces. */
#ifndef TESTS_CORE_SAMPLE_H
#define TESTS_CORE_SAMPLE_H

#include "core/http/request.h"
#include "core/trace/trace.h"

#include "tests/test.h"

enum {
    SAMPLE_THREADS = 3,
    SAMPLE_QUEUES = 3,
    SAMPLE_GROUPS = 3,
    SAMPLE_WAYS = 2,
    SAMPLE_LOOPS = 2
};
static const char *const sample_threads[SAMPLE_THREADS] = {"reader", "processor", "writer"};
static const char *const sample_queues[SAMPLE_QUEUES] = {"accept", "R->P",
                                                         "P->W/a-name-that-is-cut"};

/* Request `id` of a run that began at 1 s; all times follow from the number. */
static inline struct trace_record sample_request(uint64_t id)
{
    uint64_t at = 1000000000u + id * 100000u;
    return (struct trace_record){
        .request_id = id,
        .connection_id = 1 + id % 8,
        .accepted_ns = id <= 8 ? at - 5000 : 0,
        .adopted_ns = id <= 8 ? at - 1000 : 0,
        .arrived_ns = id % 5 != 4 ? at - 4000 - id % 11 : 0,
        .first_byte_ns = at,
        .whole_ns = at + 2000 + id % 7,
        .started_ns = at + 9000 + id % 900,
        .handed_ns = at + 30000 + id % 5000,
        .writer_ns = at + 31000 + id % 7000,
        .first_sent_ns = at + 60000,
        .last_sent_ns = at + 61000 + id % 13,
        .bytes_sent = 1000 + id % 10,
        .read_blocked_us = 1,
        .write_blocked_us = (uint32_t)(id % 3),
        .status = id % 50 == 0 ? 404 : 200,
        .thread_read = 0,
        .thread_process = 1,
        .thread_write = 2,
        .kind = TRACE_REQUEST,
        .method = METHOD_GET,
        .close_reason = id % 100 == 0 ? CLOSE_CLIENT_ASKED : CLOSE_NONE,
        .position = (uint32_t)(1 + id / 8),
        .client_port = (uint16_t)(40000 + id % 8),
    };
}

static inline struct trace_record sample_requeue(uint64_t id)
{
    return (struct trace_record){.request_id = id,
                                 .connection_id = 1 + id % 8,
                                 .requeued_ns = sample_request(id).last_sent_ns + 4000,
                                 .kind = TRACE_REQUEUE};
}

static inline void sample_queue(struct queue_report *queue, const char *name, uint64_t scale)
{
    (void)snprintf(queue->name, sizeof queue->name, "%s", name);
    queue->depth = scale % 5;
    queue->depth_max = 60 + scale;
    queue->bound = 16384;
    queue->put = 1000 * scale;
    queue->refused = scale / 2;
    queue->rung = 900 * scale;
    queue->elided = 100 * scale;
    queue->inlined = 7 * scale;
    for (uint64_t i = 1; i <= 100; i++) {
        histogram_record(&queue->wait, i * 1000 * scale);
        histogram_record(&queue->wakeup, 5000 + i * scale);
        histogram_record(&queue->batch, 1 + i % 7);
        histogram_record(&queue->sampled_wait, i * 1000 * scale);
        histogram_record(&queue->cpu_wait, i * 250 * scale);
    }
}

static inline void sample_loop(struct loop_report *loop, const char *name, uint64_t scale)
{
    (void)snprintf(loop->name, sizeof loop->name, "%s", name);
    for (uint64_t i = 1; i <= 200; i++) {
        histogram_record(&loop->round_ns, 2000 * i * scale);
        histogram_record(&loop->events, i % 9);
    }
}

static inline void sample_thread(struct thread_report *thread, const char *name, uint64_t scale)
{
    *thread = (struct thread_report){.wall_ns = 10000000000u,
                                     .awake_ns = 1500000000u * scale,
                                     .cpu_ns = 1400000000u * scale,
                                     .runqueue_ns = 30000000u * scale,
                                     .voluntary = 40000 * scale,
                                     .involuntary = 120 * scale,
                                     .turns = 90000 * scale};
    thread_report_busy(thread);
    (void)snprintf(thread->name, sizeof thread->name, "%s", name);
}

static inline void sample_report(struct report *report)
{
    *report = (struct report){.wall_ns = 10000000000u,
                              .connections = 8,
                              .way_count = SAMPLE_WAYS,
                              .ways = calloc(SAMPLE_WAYS, sizeof *report->ways),
                              .group_count = SAMPLE_GROUPS,
                              .groups = calloc(SAMPLE_GROUPS, sizeof *report->groups),
                              .queue_count = SAMPLE_QUEUES,
                              .queues = calloc(SAMPLE_QUEUES, sizeof *report->queues),
                              .loop_count = SAMPLE_LOOPS,
                              .loops = calloc(SAMPLE_LOOPS, sizeof *report->loops),
                              .thread_count = SAMPLE_THREADS,
                              .threads = calloc(SAMPLE_THREADS, sizeof *report->threads)};
    tally_init(&report->tally, true);
    report->ways[0] = (struct way_report){0, 1, "request"};
    report->ways[1] = (struct way_report){1, 2, "answer"};
    report->groups[0] = (struct group_report){"LR", "loop", 1, false};
    report->groups[1] = (struct group_report){"P", "pool", 1, false};
    report->groups[2] = (struct group_report){"W", "loop", 1, true};
    report->queues[0] = (struct queue_report){
        .name = "accept", .accept = true, .depth = 4, .depth_max = 90, .bound = 4096};
    for (unsigned i = 1; i < SAMPLE_QUEUES; i++) {
        sample_queue(&report->queues[i], sample_queues[i], i == 1 ? 3 : 70);
        report->queues[i].group = i;
    }
    for (unsigned i = 0; i < SAMPLE_LOOPS; i++) {
        sample_loop(&report->loops[i], sample_threads[2 * i], 1 + i);
        report->loops[i].group = 2 * i;
    }
    for (unsigned i = 0; i < SAMPLE_THREADS; i++) {
        sample_thread(&report->threads[i], sample_threads[i], i + 1);
        report->threads[i].group = i;
        report->threads[i].idle = i == 1;
    }
    tally_add(&report->tally, COUNTER_ACCEPTED, 8);
    tally_add(&report->tally, COUNTER_REQUESTS, 1000);
    tally_add(&report->tally, COUNTER_BYTES_SENT, 1004500);
    for (unsigned i = 0; i < 10; i++) {
        tally_close(&report->tally, CLOSE_CLIENT_ASKED);
    }
    tally_close(&report->tally, CLOSE_NONE);
    for (int64_t i = 1; i <= 1000; i++) {
        tally_status(&report->tally, i % 50 == 0 ? 404 : 200);
        for (unsigned k = 1; k < INTERVAL_COUNT; k++) {
            tally_interval(&report->tally, k, i * 500 * k);
        }
    }
}

/* What `print` writes of it, for free(). */
static inline char *sample_text(void (*print)(FILE *, const struct report *),
                                const struct report *report)
{
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    print(out, report);
    expect_int(fclose(out), 0);
    return text;
}

#endif
