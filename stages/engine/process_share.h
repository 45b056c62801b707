/* process_share.h: what several server processes know of each other: an entry for each in memory
 * that they share.
 *
 * An entry belongs to a number, not to a process: when one dies, its replacement goes on with the
 * same entry. Made before fork; afterwards each process writes its own entry (any of its threads),
 * the parent the pid and the end, and all read all of them.
 */
#ifndef STAGES_ENGINE_PROCESS_SHARE_H
#define STAGES_ENGINE_PROCESS_SHARE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct process_share {
    /* Each in a cache line of its own: they are written at every connection. */
    _Alignas(64) _Atomic int pid; /* of the process that has this number now; 0: none */
    _Atomic bool ready;           /* it serves */
    _Atomic uint64_t accepted;    /* connections, by all that ever had this number */
    _Atomic uint64_t open;        /* connections of the one that has it now */
};

/* `count` entries, all zero. Start-up only. */
struct process_share *process_shares_new(unsigned count);
void process_shares_free(struct process_share *shares, unsigned count);

/* The process of this number has ended. Parent only. */
void process_share_clear(struct process_share *share);

/* One line: "process 2 of 4, pid 4711: 25.3 % of 10,231 connections accepted, 16 open now".
 * `number` from 1. */
void process_share_print(FILE *out, const struct process_share *shares, unsigned count,
                         unsigned number);

#endif
