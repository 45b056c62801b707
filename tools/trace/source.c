/* source.c: from blocks to what a verb wants. See source.h. */
#include "tools/trace/source.h"

#include "core/base/check.h"
#include "core/report/report_read.h"
#include "tools/trace/run.h"

#include <inttypes.h>
#include <stdlib.h>

static bool is_preamble(const struct trace_source *source);
static void pass_request(void *to, const struct trace_record *request);
static void source_take_block(struct trace_source *source);
static void take_config(struct trace_source *source);
static void take_names(struct trace_source *source);
static void take_list(struct name_list *names, const json_t *list);
static void take_records(struct trace_source *source);
static void source_take_sample(struct trace_source *source);
static void note_lost(struct trace_source *source, uint32_t thread, uint64_t lost);
static void source_note_time(struct trace_source *source, uint64_t at_ns);
static void take_moment_block(struct trace_source *source);
static void take_report(struct trace_source *source);
static bool is_whole(struct trace_source *source);

void source_init(struct trace_source *source, unsigned number, bool salvage, unsigned join_window)
{
    *source = (struct trace_source){.path = source->path, .in = source->in, .number = 1};
    if (number != 0) {
        source->number = number;
        (void)snprintf(source->prefix, sizeof source->prefix, "%u:", number % 100000);
    }
    trace_reader_init(&source->reader, source->in, salvage);
    join_init(&source->join, join_window, pass_request, source);
}

void source_deinit(struct trace_source *source)
{
    join_deinit(&source->join);
    trace_reader_deinit(&source->reader);
    free(source->config_store);
    free(source->threads.at);
    free(source->queues.at);
    free(source->lost_by_thread);
    free(source->close_reasons.at);
    report_deinit(&source->report);
    moments_deinit(&source->moments);
}

bool source_open(struct trace_source *source)
{
    source->item = trace_reader_next(&source->reader);
    source->started_ns = source->now_ns = source->reader.head.started_ns;
    source->wall_s = source->reader.head.wall_s;
    while (is_preamble(source) && source_step(source)) {
    }
    source->opened = true;
    memcpy(source->error, source->reader.error, sizeof source->error);
    return source->item != TRACE_ITEM_BROKEN;
}

bool source_step(struct trace_source *source)
{
    if (source->item != TRACE_ITEM_BLOCK) {
        return false;
    }
    source->blocks++;
    source_take_block(source);
    source->item = trace_reader_next(&source->reader);
    return true;
}

bool source_finish(struct trace_source *source)
{
    join_finish(&source->join);
    source->skipped = source->reader.skipped;
    source->gaps = source->reader.gaps;
    memcpy(source->error, source->reader.error, sizeof source->error);
    return source->item == TRACE_ITEM_END && source->blocks > 0 && is_whole(source);
}

void source_thread_label(const struct trace_source *source, unsigned thread,
                         char label[TRACE_LABEL])
{
    (void)snprintf(label, TRACE_LABEL, "%s%s", source->prefix,
                   name_list_get(&source->threads, thread));
}

const char *name_list_get(const struct name_list *names, unsigned i)
{
    return i < names->count ? names->at[i] : "-";
}

static bool is_preamble(const struct trace_source *source)
{
    uint32_t kind = source->reader.block.kind;
    return source->item == TRACE_ITEM_BLOCK &&
           (kind == TRACE_BLOCK_CONFIG || kind == TRACE_BLOCK_NAMES);
}

static void pass_request(void *to, const struct trace_record *request)
{
    struct trace_source *source = to;
    source->requests++;
    if (source->verb->request != NULL) {
        source->verb->request(source->state, source, request);
    }
}

static void source_take_block(struct trace_source *source)
{
    switch (source->reader.block.kind) {
    case TRACE_BLOCK_CONFIG:
        take_config(source);
        break;
    case TRACE_BLOCK_NAMES:
        take_names(source);
        break;
    case TRACE_BLOCK_RECORDS:
        take_records(source);
        break;
    case TRACE_BLOCK_SAMPLE:
        source_take_sample(source);
        break;
    case TRACE_BLOCK_MOMENT:
        take_moment_block(source);
        break;
    default:
        take_report(source);
    }
}

/* The first one counts; a second, or one behind records, can only be an accident of damage. */
static void take_config(struct trace_source *source)
{
    struct bytes text = source->reader.payload;
    json_t *root = source->opened || source->config_store != NULL ? NULL : json_read(text, NULL);
    if (root == NULL) {
        return;
    }
    json_decref(root);
    source->config_store = must_alloc(text.len + 1);
    memcpy(source->config_store, text.at, text.len);
    source->config = (struct bytes){source->config_store, text.len};
}

static void take_names(struct trace_source *source)
{
    bool late = source->opened || source->threads.at != NULL;
    json_t *root = late ? NULL : json_read(source->reader.payload, NULL);
    if (root == NULL) {
        return;
    }
    take_list(&source->threads, json_object_get(root, "threads"));
    take_list(&source->queues, json_object_get(root, "queues"));
    take_list(&source->close_reasons, json_object_get(root, "close_reasons"));
    source->lost_by_thread = must_calloc(source->threads.count + 1, sizeof(uint64_t));
    json_decref(root);
}

static void take_list(struct name_list *names, const json_t *list)
{
    size_t count = json_array_size(list); /* 0 when missing */
    names->count = count < TRACE_NAMES_MAX ? (unsigned)count : TRACE_NAMES_MAX;
    names->at = must_calloc(names->count + 1, sizeof *names->at);
    for (unsigned i = 0; i < names->count; i++) {
        (void)json_read_text(json_array_get(list, i), names->at[i], TRACE_NAME);
    }
}

static void take_records(struct trace_source *source)
{
    const struct trace_reader *reader = &source->reader;
    size_t count = trace_reader_count(reader);
    source->records += count;
    for (size_t i = 0; i < count; i++) {
        struct trace_record record = trace_reader_record(reader, i);
        join_put(&source->join, &record);
        if (i + 1 == count) {
            bool requeue = record.kind == TRACE_REQUEUE;
            source_note_time(source, requeue ? record.requeued_ns : record.last_sent_ns);
        }
    }
    note_lost(source, reader->block.thread, reader->block.lost);
}

/* One of another shape than the names is the joke of whoever made it: it is passed over. */
static void source_take_sample(struct trace_source *source)
{
    const struct trace_verb *verb = source->verb;
    const struct trace_sample *sample;
    const struct trace_sample_queue *queues;
    const uint64_t *busy_ns;
    if (!trace_reader_sample(&source->reader, &sample, &queues, &busy_ns)) {
        return;
    }
    source_note_time(source, sample->at_ns);
    if (verb->sample != NULL && sample->queue_count == source->queues.count &&
        sample->thread_count == source->threads.count) {
        verb->sample(source->state, source, sample, queues, busy_ns);
    }
}

/* Each block says what its thread has lost so far; a later one replaces it. A file that ends with
 * its report has the sum there, one that was cut has only these. */
static void note_lost(struct trace_source *source, uint32_t thread, uint64_t lost)
{
    if (thread < source->threads.count && lost > source->lost_by_thread[thread]) {
        source->lost += lost - source->lost_by_thread[thread];
        source->lost_by_thread[thread] = lost;
    }
}

/* About when the block was written: its last record was made shortly before. */
static void source_note_time(struct trace_source *source, uint64_t at_ns)
{
    if (at_ns > source->now_ns) {
        source->now_ns = at_ns;
    }
}

static void take_moment_block(struct trace_source *source)
{
    json_t *report = json_read(source->reader.payload, NULL);
    moments_take(&source->moments, report);
    json_decref(report);
}

static void take_report(struct trace_source *source)
{
    json_t *root = source->reported ? NULL : json_read(source->reader.payload, NULL);
    json_t *report = json_object_get(root, "report");
    if (root == NULL) {
        return;
    }
    source->written = json_read_count(root, "written");
    source->lost = json_read_count(root, "lost");
    if (report != NULL) {
        report_deinit(&source->report); /* of an earlier block that held none */
        source->reported = report_read(&source->report, report);
        moments_take(&source->moments, report);
    }
    json_decref(root);
}

/* A file whose blocks are whole can still lack some of them. */
static bool is_whole(struct trace_source *source)
{
    if (source->reader.salvage || (source->reported && source->written == source->records)) {
        return true;
    }
    (void)snprintf(source->error, sizeof source->error,
                   "byte %" PRIu64 ": %" PRIu64 " records before the report, which counts %" PRIu64,
                   source->reader.offset, source->records, source->written);
    return false;
}
