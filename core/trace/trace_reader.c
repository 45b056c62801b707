/* trace_reader.c: a window over the file, moved on block by block. See trace_reader.h.
 *
 * The window grows only by what has been read, so that a damaged length costs no memory. After
 * damage the reading goes on at the next marker behind the damaged block's first byte, not behind
 * its length, which may be what was damaged.
 */
#include "core/trace/trace_reader.h"

#include "core/base/check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

enum { FIRST_CAPACITY = 64 * 1024 };

void trace_reader_init(struct trace_reader *reader, FILE *in, bool salvage)
{
    *reader = (struct trace_reader){.in = in, .salvage = salvage};
    reader->buffer = must_alloc(FIRST_CAPACITY);
    reader->capacity = FIRST_CAPACITY;
}

void trace_reader_deinit(struct trace_reader *reader)
{
    free(reader->buffer);
    free(reader->sample_room);
    reader->buffer = NULL;
    reader->sample_room = NULL;
}

static void make_room(struct trace_reader *reader)
{
    if (reader->end < reader->capacity) {
        return;
    }
    if (reader->begin > 0) {
        memmove(reader->buffer, reader->buffer + reader->begin, reader->end - reader->begin);
        reader->end -= reader->begin;
        reader->begin = 0;
        return;
    }
    reader->capacity *= 2;
    reader->buffer = must_realloc(reader->buffer, reader->capacity);
}

/* At least `len` bytes in the window? */
static bool ensure_input(struct trace_reader *reader, size_t len)
{
    while (reader->end - reader->begin < len) {
        make_room(reader);
        size_t room = reader->capacity - reader->end;
        size_t n = fread(reader->buffer + reader->end, 1, room, reader->in);
        reader->end += n;
        if (n == 0) {
            return false;
        }
    }
    return true;
}

/* Keeps the first complaint only: the others may follow from it. */
static void complain_at(struct trace_reader *reader, uint64_t at, const char *fmt, ...)
{
    if (reader->error[0] != '\0') {
        return;
    }
    int len = snprintf(reader->error, sizeof reader->error, "byte %" PRIu64 ": ", at);
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(reader->error + len, sizeof reader->error - (size_t)len, fmt, args);
    va_end(args);
}

static enum trace_item trace_broken(struct trace_reader *reader)
{
    reader->ended = true;
    reader->taken = 0;
    return TRACE_ITEM_BROKEN;
}

static const char *head_wrong(const struct trace_head *head)
{
    if (head->version != TRACE_VERSION) {
        return "a trace of another version";
    }
    if (head->head_size != sizeof(struct trace_head) ||
        head->block_size != sizeof(struct trace_block) ||
        head->record_size != sizeof(struct trace_record)) {
        return "a trace with other sizes";
    }
    return NULL;
}

static void advance_input(struct trace_reader *reader, size_t len)
{
    reader->begin += len;
    reader->offset += len;
}

/* The head. A damaged one can be done without, one of another version cannot: its blocks may mean
 * something else. */
static enum trace_item begin_trace(struct trace_reader *reader)
{
    struct trace_head head;
    reader->begun = true;
    if (!ensure_input(reader, sizeof head)) {
        size_t len = reader->end - reader->begin;
        bool ours = len >= 8 && memcmp(reader->buffer, TRACE_MAGIC, 8) == 0;
        complain_at(reader, ours ? len : 0,
                    ours ? "cut short inside its head" : "not a trace file");
        return trace_broken(reader);
    }
    memcpy(&head, reader->buffer + reader->begin, sizeof head);
    if (memcmp(head.magic, TRACE_MAGIC, sizeof head.magic) != 0) {
        complain_at(reader, 0, "not a trace file");
        return reader->salvage ? TRACE_ITEM_BLOCK : trace_broken(reader);
    }
    if (head.check != trace_head_check(&head)) {
        complain_at(reader, 0, "damaged: the check value of the head does not fit");
        return reader->salvage ? TRACE_ITEM_BLOCK : trace_broken(reader);
    }
    const char *wrong = head_wrong(&head);
    if (wrong != NULL) {
        complain_at(reader, 8, "%s (version %" PRIu32 ", this program reads %d)", wrong,
                    head.version, TRACE_VERSION);
        return trace_broken(reader);
    }
    reader->head = head;
    advance_input(reader, sizeof head);
    return TRACE_ITEM_BLOCK;
}

/* No more bytes, or bytes behind the REPORT? The end of a file without REPORT is a cut. */
static bool ends_here(struct trace_reader *reader)
{
    bool more = ensure_input(reader, 1);
    if (ferror(reader->in)) {
        complain_at(reader, reader->offset, "cannot be read (%s)", strerror(errno));
        return true;
    }
    if (!more && !reader->reported) {
        complain_at(reader, reader->offset, "cut short, the report of the run's end is missing");
    }
    if (more && reader->reported && !reader->salvage) {
        complain_at(reader, reader->offset, "foreign bytes behind the end of the trace");
        return true;
    }
    return !more;
}

static bool block_plausible(const struct trace_block *block)
{
    if (block->marker != TRACE_MARKER || block->length > TRACE_PAYLOAD_MAX) {
        return false;
    }
    if (block->kind < TRACE_BLOCK_CONFIG || block->kind > TRACE_BLOCK_MOMENT) {
        return false;
    }
    return block->kind != TRACE_BLOCK_RECORDS ||
           (block->length % sizeof(struct trace_record) == 0 &&
            block->length / sizeof(struct trace_record) <= TRACE_RECORDS_MAX);
}

/* The block at the window's begin, if it is whole; else false and what is wrong with it. */
static bool take_block(struct trace_reader *reader)
{
    struct trace_block block;
    uint64_t at = reader->offset;
    if (!ensure_input(reader, sizeof block)) {
        complain_at(reader, at + (reader->end - reader->begin), "cut short inside a block's head");
        return false;
    }
    memcpy(&block, reader->buffer + reader->begin, sizeof block);
    if (!block_plausible(&block)) {
        complain_at(reader, at, "damaged: no block begins there");
        return false;
    }
    size_t len = sizeof block + block.length;
    if (!ensure_input(reader, len)) {
        size_t there = reader->end - reader->begin;
        complain_at(reader, at + there,
                    "cut short, %zu bytes missing from the block at byte %" PRIu64, len - there,
                    at);
        return false;
    }
    const char *payload = reader->buffer + reader->begin + sizeof block;
    if (block.check != trace_block_check(&block, payload)) {
        complain_at(reader, at, "damaged: the check value of the block there does not fit");
        return false;
    }
    reader->block = block;
    reader->payload = (struct bytes){payload, block.length};
    reader->taken = len;
    reader->reported = reader->reported || block.kind == TRACE_BLOCK_REPORT;
    return true;
}

/* Passes over one byte at least. The last three bytes of the window may begin a marker and stay. */
static void skip_to_marker(struct trace_reader *reader)
{
    static const uint32_t marker = TRACE_MARKER;
    const char *from = reader->buffer + reader->begin;
    size_t len = reader->end - reader->begin;
    const char *found = len > 1 ? memmem(from + 1, len - 1, &marker, sizeof marker) : NULL;
    size_t skip = len > sizeof marker ? len - sizeof marker + 1 : 1;
    if (found != NULL) {
        skip = (size_t)(found - from);
    }
    reader->gaps += reader->in_gap ? 0 : 1;
    reader->in_gap = true;
    reader->skipped += skip;
    advance_input(reader, skip);
}

enum trace_item trace_reader_next(struct trace_reader *reader)
{
    if (!reader->begun && begin_trace(reader) == TRACE_ITEM_BROKEN) {
        return TRACE_ITEM_BROKEN;
    }
    advance_input(reader, reader->taken);
    reader->taken = 0;
    while (!reader->ended) {
        if (ends_here(reader)) {
            return reader->error[0] != '\0' && !reader->salvage ? trace_broken(reader)
                                                                : TRACE_ITEM_END;
        }
        if (take_block(reader)) {
            reader->in_gap = false;
            return TRACE_ITEM_BLOCK;
        }
        if (!reader->salvage) {
            return trace_broken(reader);
        }
        skip_to_marker(reader);
    }
    return TRACE_ITEM_END;
}

size_t trace_reader_count(const struct trace_reader *reader)
{
    bool records = reader->block.kind == TRACE_BLOCK_RECORDS;
    return records ? reader->payload.len / sizeof(struct trace_record) : 0;
}

struct trace_record trace_reader_record(const struct trace_reader *reader, size_t i)
{
    struct trace_record record;
    CHECK(i < trace_reader_count(reader));
    memcpy(&record, reader->payload.at + i * sizeof record, sizeof record);
    return record;
}

bool trace_reader_sample(struct trace_reader *reader, const struct trace_sample **sample,
                         const struct trace_sample_queue **queues, const uint64_t **busy_ns)
{
    size_t len = reader->payload.len;
    if (reader->block.kind != TRACE_BLOCK_SAMPLE || len < sizeof **sample) {
        return false;
    }
    /* The window is not aligned to anything. */
    if (len > reader->sample_capacity) {
        reader->sample_room = must_realloc(reader->sample_room, len);
        reader->sample_capacity = len;
    }
    memcpy(reader->sample_room, reader->payload.at, len);
    *sample = (const struct trace_sample *)reader->sample_room;
    *queues = (const struct trace_sample_queue *)(const void *)(*sample + 1);
    *busy_ns = (const uint64_t *)(const void *)(*queues + (*sample)->queue_count);
    return len == sizeof **sample + (size_t)(*sample)->queue_count * sizeof **queues +
                      (size_t)(*sample)->thread_count * sizeof **busy_ns;
}
