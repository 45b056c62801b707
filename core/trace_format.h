/* trace_format.h: the trace file, as its writer and its readers share it.
 *
 * Little-endian. A file is a head, then blocks, each with a kind, a length and a check value, so that a cut or foreign
 * file is told at the block where it breaks and what is whole can still be read:
 *
 *   head     magic, version, sizes            struct trace_head
 *   block    CONFIG   JSON text: effective options, wiring, environment
 *   block    NAMES    interval, close-reason and counter names of this build, thread names: JSON text
 *   blocks   RECORDS  one thread's records, in that thread's order
 *   block    REPORT   queues, threads, counters at the end, lost records: JSON text
 *
 * A file without REPORT was cut short (the server was killed).
 */
#ifndef CORE_TRACE_FORMAT_H
#define CORE_TRACE_FORMAT_H

#include <stdint.h>

#define TRACE_MAGIC "QUARTET\n"
enum { TRACE_VERSION = 1 };

/* One request, or (kind REQUEUE) what became known of it later. Times are clock_ns() stamps; 0 is
 * "not reached". 120 bytes. */
enum trace_kind { TRACE_REQUEST = 1, TRACE_REQUEUE = 2 };

struct trace_record {
    uint64_t request_id;
    uint64_t connection_id;
    uint64_t accepted_ns, adopted_ns;
    uint64_t first_byte_ns, whole_ns, started_ns, handed_ns, writer_ns;
    uint64_t first_sent_ns, last_sent_ns, requeued_ns;
    uint64_t bytes_sent;
    uint32_t read_blocked_us, write_blocked_us; /* rounded down; saturate */
    uint16_t status;
    uint8_t kind;         /* enum trace_kind */
    uint8_t method;       /* enum method, 0 when refused before it was known */
    uint8_t close_reason; /* enum close_reason */
    uint8_t thread_read, thread_process, thread_write; /* indexes into the thread names */
};
_Static_assert(sizeof(struct trace_record) == 120, "the record's size is part of the format");

#endif
