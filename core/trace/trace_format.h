/* trace_format.h: the trace file, byte by byte, as its writer and its readers share it.
 *
 * Little-endian. A file is a head, then blocks, each with a marker, a kind, a length and a check
 * value, so that a reader finds the block at which a cut or foreign file breaks, and can read the
 * blocks before it:
 *
 *   head     magic, version, sizes                                       struct trace_head
 *   block    CONFIG   {"config": effective options and wiring, "environment": machine,
 *                      "build": us and the libraries}
 *   block    NAMES    {"threads": [], "queues": [], "intervals": [], "close_reasons": [],
 *                      "counters": []}
 *   blocks   RECORDS  one thread's records, in that thread's order       struct trace_record
 *   blocks   SAMPLE   what the tracer saw of queues and threads          struct trace_sample
 *   blocks   MOMENT   what report_to_json writes at that moment
 *   block    REPORT   {"written": n, "lost": n, "report": what report_to_json writes}
 *
 * Each block is a struct trace_block, then `length` bytes; the next one follows at once. CONFIG,
 * NAMES, MOMENT and REPORT are JSON text. A file without REPORT was cut short (the server was killed).
 * Offsets of members are checked below; a change of any of them is a new TRACE_VERSION.
 */
#ifndef CORE_TRACE_TRACE_FORMAT_H
#define CORE_TRACE_TRACE_FORMAT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the structs below are the file's bytes");

#define TRACE_MAGIC  "QUARTET\n"
#define TRACE_MARKER 0x4b4c4251u /* "QBLK": where to go on reading behind a damaged block */

enum {
    TRACE_VERSION = 3,
    TRACE_RECORDS_MAX = 8192, /* of one block, so that a reader can hold a block */
    TRACE_PAYLOAD_MAX =
        64u << 20, /* bytes of any block: larger is damage. REPORT grows with threads */
};

struct trace_head {
    char magic[8];        /*  0 TRACE_MAGIC; its line feed shows a file that was sent as text */
    uint32_t version;     /*  8 TRACE_VERSION */
    uint32_t head_size;   /* 12 sizeof (struct trace_head) */
    uint32_t block_size;  /* 16 sizeof (struct trace_block) */
    uint32_t record_size; /* 20 sizeof (struct trace_record) */
    uint64_t started_ns;  /* 24 clock_ns() when the file was made */
    uint64_t wall_s;      /* 32 seconds since 1970 at the same time */
    uint64_t check;       /* 40 trace_check of the 40 bytes before it */
};
_Static_assert(sizeof(struct trace_head) == 48, "the head's size is part of the format");
_Static_assert(offsetof(struct trace_head, check) == 40, "and so are its members' places");

enum trace_block_kind {
    TRACE_BLOCK_CONFIG = 1,
    TRACE_BLOCK_NAMES = 2,
    TRACE_BLOCK_RECORDS = 3,
    TRACE_BLOCK_REPORT = 4,
    TRACE_BLOCK_SAMPLE = 5,
    TRACE_BLOCK_MOMENT = 6,
};

struct trace_block {
    uint32_t marker; /*  0 TRACE_MARKER */
    uint32_t kind;   /*  4 enum trace_block_kind */
    uint32_t length; /*  8 bytes that follow; RECORDS: a multiple of the record size */
    uint32_t thread; /* 12 RECORDS: whose, as index into the thread names; else 0 */
    uint64_t lost;   /* 16 RECORDS: its thread's lost before these, since the start; else 0 */
    uint64_t check;  /* 24 trace_check of the payload, seeded with that of the 24 bytes before */
};
_Static_assert(sizeof(struct trace_block) == 32, "the block's size is part of the format");
_Static_assert(offsetof(struct trace_block, check) == 24, "and so are its members' places");

/* One request, or (kind REQUEUE) what became known of it later, by another thread: request_id,
 * connection_id and requeued_ns, the rest 0. Both may come in either order. Times are clock_ns()
 * stamps; 0 is "not reached". 144 bytes. */
enum trace_kind { TRACE_REQUEST = 1, TRACE_REQUEUE = 2 };

struct trace_record {
    uint64_t request_id;                       /*   0 from 1; each thread takes blocks of 1024 */
    uint64_t connection_id;                    /*   8 */
    uint64_t accepted_ns, adopted_ns;          /*  16,  24 */
    uint64_t first_byte_ns, whole_ns;          /*  32,  40 */
    uint64_t started_ns, handed_ns, writer_ns; /*  48,  56,  64 */
    uint64_t first_sent_ns, last_sent_ns, requeued_ns; /*  72,  80,  88 */
    uint64_t bytes_sent;                               /*  96 */
    uint32_t read_blocked_us, write_blocked_us;        /* 104, 108 rounded down; saturate */
    uint16_t status;                                   /* 112 */
    uint16_t thread_read, thread_process,
        thread_write;     /* 114 … 118 indexes into the thread names */
    uint8_t kind;         /* 120 enum trace_kind */
    uint8_t method;       /* 121 enum method, 0 when refused before it was known */
    uint8_t close_reason; /* 122 index into the close reasons; 0: stays open */
    uint8_t unused;       /* 123 zero */
    uint32_t lay_us;      /* 124 of `read`, how long its first byte, which came with an earlier
                                 request, lay until its turn came; rounded down, saturates */
    uint64_t arrived_ns;  /* 128 the kernel had the newest byte of the read that began it */
    uint32_t position;    /* 136 which request on its connection, from 1; saturates */
    uint16_t client_port; /* 140 of a TCP client; 0: a unix socket */
    uint16_t unused2;     /* 142 zero */
};
_Static_assert(sizeof(struct trace_record) == 144, "the record's size is part of the format");
_Static_assert(offsetof(struct trace_record, bytes_sent) == 96, "and so are its members' places");
_Static_assert(offsetof(struct trace_record, status) == 112, "and so are its members' places");
_Static_assert(offsetof(struct trace_record, client_port) == 140, "and so are its members' places");

/* How many requests have passed each of these points, since the start. What is between two of them
 * now is their difference: a request that is being read has begun and is neither whole nor
 * abandoned. The points are counted one after the other, by other hands than those that make the
 * records: so a difference may be wrong by the few requests that moved meanwhile, and be
 * negative. */
enum trace_flow {
    TRACE_FLOW_BEGUN,     /* first byte received */
    TRACE_FLOW_WHOLE,     /* whole request is there */
    TRACE_FLOW_STARTED,   /* its handler started */
    TRACE_FLOW_HANDED,    /* its last output was handed over */
    TRACE_FLOW_ENDED,     /* the writer is done with it: there is a record */
    TRACE_FLOW_ABANDONED, /* begun, and its connection ended before it was whole: no record */
    TRACE_FLOW_COUNT
};

/* What a SAMPLE block holds: this, then `queue_count` queues in the order of NAMES, then for each
 * of `thread_count` threads, in that order, the nanoseconds it has been awake since its start. */
struct trace_sample {
    uint64_t at_ns;                  /*  0 clock_ns() */
    uint64_t connections;            /*  8 open */
    uint64_t flow[TRACE_FLOW_COUNT]; /* 16 by enum trace_flow */
    uint32_t queue_count;            /* 64 */
    uint32_t thread_count;           /* 68 */
};
_Static_assert(sizeof(struct trace_sample) == 72, "the sample's size is part of the format");

struct trace_sample_queue {
    uint64_t put;              /*  0 since the start; the kernel's accept queue: 0 */
    uint32_t depth, depth_max; /*  8, 12 now, and the deepest since the start */
};
_Static_assert(sizeof(struct trace_sample_queue) == 16, "the sample's size is part of the format");

/* One step of the check value. For a given word it maps each value to another, for a given value
 * each word, so that no single damaged word goes unseen. */
static inline uint64_t trace_check_mix(uint64_t value, uint64_t word)
{
    value = (value ^ word) * 0x9e3779b97f4a7c15u;
    return value ^ value >> 29;
}

/* The check value of `len` bytes: eight at a time in four lanes that do not wait for each other
 * (word i goes to lane i % 4, the last word is filled up with zeros), then the lanes and the
 * length. About 10 GB/s, which is a tenth of a nanosecond a byte; no defence against a forger. */
static inline uint64_t trace_check(uint64_t seed, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    uint64_t lanes[4] = {seed, seed + 1, seed + 2, seed + 3};
    uint64_t words[4];
    size_t left = len;
    for (; left >= sizeof words; left -= sizeof words, at += sizeof words) {
        memcpy(words, at, sizeof words);
        for (unsigned i = 0; i < 4; i++) {
            lanes[i] = trace_check_mix(lanes[i], words[i]);
        }
    }
    memset(words, 0, sizeof words);
    memcpy(words, at, left);
    for (unsigned i = 0; i < 4; i++) {
        lanes[i] = trace_check_mix(lanes[i], words[i]);
    }
    uint64_t value = len;
    for (unsigned i = 0; i < 4; i++) {
        value = trace_check_mix(value, lanes[i]);
    }
    return value;
}

static inline uint64_t trace_head_check(const struct trace_head *head)
{
    return trace_check(0, head, offsetof(struct trace_head, check));
}

static inline uint64_t trace_block_check(const struct trace_block *block, const void *payload)
{
    uint64_t seed = trace_check(0, block, offsetof(struct trace_block, check));
    return trace_check(seed, payload, block->length);
}

#endif
