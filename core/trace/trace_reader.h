/* trace_reader.h: reading a trace file block by block, in bounded memory. For the tools.
 *
 *   trace_reader_init(&reader, file, false);
 *   while ((item = trace_reader_next(&reader)) == TRACE_ITEM_BLOCK) {
 *       reader.block, reader.payload …
 *   }
 *
 * A block is used only after its check value fits. Without `salvage` the first error ends the
 * reading: TRACE_ITEM_BROKEN, and reader.error has the error and its byte. With `salvage` the
 * reader skips damaged bytes up to the next whole block, and counts them. The input may be a pipe.
 * One thread.
 */
#ifndef CORE_TRACE_TRACE_READER_H
#define CORE_TRACE_TRACE_READER_H

#include "core/base/bytes.h"
#include "core/trace/trace_format.h"

#include <stdio.h>

enum trace_item {
    TRACE_ITEM_BLOCK,  /* one whole block */
    TRACE_ITEM_END,    /* the end; without salvage also: the REPORT was the last block */
    TRACE_ITEM_BROKEN, /* see error; the reader is at its end */
};

enum { TRACE_ERROR_MAX = 160 };

struct trace_reader {
    /* for the caller to read */
    struct trace_head head;      /* zero before the first item, and when it was damaged */
    struct trace_block block;    /* of the last TRACE_ITEM_BLOCK, with … */
    struct bytes payload;        /* … its bytes, good until the next call */
    char error[TRACE_ERROR_MAX]; /* the first error; "" when there was none */
    uint64_t skipped;            /* bytes that belong to no whole block */
    unsigned gaps;               /* runs of such bytes */
    bool reported;               /* a REPORT was seen */

    /* the reader's own */
    FILE *in;
    bool salvage, begun, in_gap, ended;
    char *buffer;
    size_t capacity, begin, end; /* buffer[begin … end) is not used up */
    uint64_t offset;             /* in the file, of `begin` */
    void *sample_room;           /* a SAMPLE's copy, aligned */
    size_t sample_capacity;
    size_t taken; /* bytes of the last block, used up at the next call */
};

/* `in` stays the caller's. */
void trace_reader_init(struct trace_reader *reader, FILE *in, bool salvage);
void trace_reader_deinit(struct trace_reader *reader);

enum trace_item trace_reader_next(struct trace_reader *reader);

/* Of a RECORDS block: how many, and a copy of one (the payload is not aligned). */
size_t trace_reader_count(const struct trace_reader *reader);
struct trace_record trace_reader_record(const struct trace_reader *reader, size_t i);

/* Of a SAMPLE block: the sample, and where its queues and threads begin, good until the next call.
 * False: it is of another kind, or its counts do not fit its length. */
bool trace_reader_sample(struct trace_reader *reader, const struct trace_sample **sample,
                         const struct trace_sample_queue **queues, const uint64_t **busy_ns);

#endif
