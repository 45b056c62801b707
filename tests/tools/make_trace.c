/* make_trace.c: writes a trace of as many requests as one likes, for tests of speed, memory and
 * exports. The same arguments give the same file.
 *
 *   make_trace FILE REQUESTS [SEED]
 *
 * It plays a pipeline of one reader, two processors and one writer that 64 connections ask in turn,
 * each when its last answer was sent; now and then a client is slow or closes. So stamps rise, no
 * thread does two things at a time, and parts add up. Each request has one record and, unless its
 * connection was closed, a requeue.
 */
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/http/request.h"
#include "core/report/report.h"
#include "core/trace/trace_format.h"

#include <stdio.h>
#include <stdlib.h>

enum { CONNECTIONS = 64, BLOCK = 2048, READER = 0, PROCESSOR = 1, WRITER = 3, THREADS = 4 };

static const char names[] =
    "{\"threads\": [\"q-R\", \"q-P/0\", \"q-P/1\", \"q-W\"], \"close_reasons\": [\"NONE\", "
    "\"CLIENT_GONE\"]}";
static const char config[] = "{\"config\": {\"model\": \"staged\"}}";

/* Of one thread, as the tracer's rings. */
struct records {
    unsigned thread, count;
    struct trace_record at[BLOCK];
};

struct maker {
    FILE *out;
    uint64_t seed, written;
    uint64_t free_ns[THREADS]; /* when each thread is done with what it had */
    uint64_t idle_ns[CONNECTIONS];
    struct records requests, requeues;
    struct tally tally;
};

static void put_block(FILE *out, enum trace_block_kind kind, unsigned thread, const void *bytes,
                      size_t len)
{
    struct trace_block block = {
        .marker = TRACE_MARKER, .kind = kind, .length = (uint32_t)len, .thread = thread};
    block.check = trace_block_check(&block, bytes);
    (void)fwrite(&block, sizeof block, 1, out); /* failing shows in ferror at the end */
    (void)fwrite(bytes, 1, len, out);
}

static void flush(struct maker *maker, struct records *records)
{
    put_block(maker->out, TRACE_BLOCK_RECORDS, records->thread, records->at,
              records->count * sizeof *records->at);
    maker->written += records->count;
    records->count = 0;
}

static void put_record(struct maker *maker, struct records *records,
                       const struct trace_record *record)
{
    records->at[records->count++] = *record;
    if (records->count == BLOCK) {
        flush(maker, records);
    }
}

static uint64_t below(struct maker *maker, uint64_t limit)
{
    maker->seed = maker->seed * 6364136223846793005u + 1442695040888963407u;
    return (maker->seed >> 33) % limit;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* A client that lets its thread wait: it can do other things meanwhile. */
static void read_request(struct maker *maker, struct trace_record *r, uint64_t idle_ns)
{
    r->arrived_ns = idle_ns;
    r->first_byte_ns = later(maker->free_ns[READER], idle_ns) + 100;
    r->whole_ns = r->first_byte_ns + 500 + below(maker, 1500);
    maker->free_ns[READER] = r->whole_ns;
    if (below(maker, 64) == 0) {
        r->read_blocked_us = (uint32_t)(20 + below(maker, 400));
        r->whole_ns += r->read_blocked_us * NS_PER_US;
    }
    r->thread_read = READER;
}

static void process_request(struct maker *maker, struct trace_record *r)
{
    unsigned thread = PROCESSOR + (maker->free_ns[PROCESSOR] > maker->free_ns[PROCESSOR + 1]);
    r->started_ns = later(r->whole_ns, maker->free_ns[thread]) + 200;
    r->handed_ns = r->started_ns + 1000 + below(maker, 1u << below(maker, 18));
    maker->free_ns[thread] = r->handed_ns;
    r->thread_process = (uint16_t)thread;
}

static void write_request(struct maker *maker, struct trace_record *r)
{
    r->writer_ns = later(r->handed_ns, maker->free_ns[WRITER]) + 100;
    r->first_sent_ns = r->last_sent_ns = r->writer_ns + 1500 + below(maker, 3000);
    maker->free_ns[WRITER] = r->last_sent_ns;
    if (below(maker, 64) == 0) {
        r->write_blocked_us = (uint32_t)(20 + below(maker, 900));
        r->last_sent_ns += r->write_blocked_us * NS_PER_US;
    }
    r->thread_write = WRITER;
    r->bytes_sent = 200 + below(maker, 100000);
}

static void make_request(struct maker *maker, uint64_t id)
{
    unsigned connection = (unsigned)(id % CONNECTIONS);
    struct trace_record r = {
        .request_id = id,
        .connection_id = 1 + connection,
        .client_port = (uint16_t)(40000 + connection),
        .position = (uint32_t)(1 + id / CONNECTIONS),
        .kind = TRACE_REQUEST,
        .method = METHOD_GET,
        .status = below(maker, 100) == 0 ? 404 : 200,
        .close_reason = below(maker, 500) == 0,
    };
    read_request(maker, &r, maker->idle_ns[connection]);
    process_request(maker, &r);
    write_request(maker, &r);
    maker->idle_ns[connection] = r.last_sent_ns + 1000;
    tally_add(&maker->tally, COUNTER_REQUESTS, 1);
    tally_add(&maker->tally, COUNTER_BYTES_SENT, r.bytes_sent);
    tally_status(&maker->tally, r.status);
    put_record(maker, &maker->requests, &r);
    if (r.close_reason == 0) {
        struct trace_record requeue = {.request_id = id,
                                       .connection_id = r.connection_id,
                                       .requeued_ns = r.last_sent_ns + 700,
                                       .kind = TRACE_REQUEUE};
        put_record(maker, &maker->requeues, &requeue);
    }
}

static void put_report(struct maker *maker, uint64_t started_ns)
{
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    CHECK(out != NULL);
    struct report report = {.wall_ns = maker->free_ns[WRITER] - started_ns};
    report.tally = maker->tally;
    fprintf(out,
            "{\"written\": %llu, \"lost\": 0, \"report\": ", (unsigned long long)maker->written);
    report_to_json(out, &report);
    fputs("}\n", out);
    CHECK(fclose(out) == 0);
    put_block(maker->out, TRACE_BLOCK_REPORT, 0, text, len);
    free(text);
}

int main(int argc, char **argv)
{
    static struct maker maker = {.requests.thread = WRITER, .requeues.thread = READER};
    if (argc < 3) {
        die(EXIT_USAGE, "usage: make_trace FILE REQUESTS [SEED]");
    }
    struct trace_head head = {.magic = TRACE_MAGIC,
                              .version = TRACE_VERSION,
                              .head_size = sizeof head,
                              .block_size = sizeof(struct trace_block),
                              .record_size = sizeof(struct trace_record),
                              .started_ns = NS_PER_S,
                              .wall_s = 1700000000};
    head.check = trace_head_check(&head);
    maker.seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    maker.free_ns[READER] = head.started_ns;
    maker.out = fopen(argv[1], "w");
    if (maker.out == NULL) {
        die(EXIT_WORLD, "cannot create %s", argv[1]);
    }
    tally_init(&maker.tally, true);
    (void)fwrite(&head, sizeof head, 1, maker.out);
    put_block(maker.out, TRACE_BLOCK_CONFIG, 0, config, sizeof config - 1);
    put_block(maker.out, TRACE_BLOCK_NAMES, 0, names, sizeof names - 1);
    for (uint64_t id = 1; id <= strtoull(argv[2], NULL, 10); id++) {
        make_request(&maker, id);
    }
    flush(&maker, &maker.requests);
    flush(&maker, &maker.requeues);
    put_report(&maker, head.started_ns);
    tally_deinit(&maker.tally);
    CHECK(!ferror(maker.out) && fclose(maker.out) == 0);
    return EXIT_SUCCESS;
}
