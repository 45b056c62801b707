/* bystanders.h: connections beside the measured ones that a server has to bear: idle ones, ones
 * that take their answer slowly, ones that send their request slowly.
 *
 * Nothing of theirs is measured; what they do is counted. They need no watches: each is visited
 * every 100 ms (a silent one every second), a tenth of them at a time, so that they take little of
 * the loop from the measured ones. A slow reader has a small receive buffer, or the kernel would
 * take the answer for it. One that ends is opened again.
 *
 * The loop's thread.
 */
#ifndef TOOLS_LOAD_BYSTANDERS_H
#define TOOLS_LOAD_BYSTANDERS_H

#include "core/loop/loop.h"
#include "tools/load/plan.h"

enum bystander_kind {
    BYSTANDER_IDLE,
    BYSTANDER_SLOW_READER,
    BYSTANDER_SLOW_SENDER,
    BYSTANDER_KINDS
};

struct bystander_counts {
    uint64_t wanted, open; /* open: now */
    uint64_t opened, refused;
    uint64_t ended; /* by the server, and what came was no answer */
    uint64_t answers, bytes_sent, bytes_received;
};

struct bystanders;

/* The share of a seat. NULL when it has none. */
struct bystanders *bystanders_new(struct loop *loop, const struct plan *plan, struct seat seat);
void bystanders_free(struct bystanders *all);

/* For people, or as a member of JSON. */
const char *bystander_name(enum bystander_kind kind);
const char *bystander_key(enum bystander_kind kind);
/* NULL is fine: zeroes. */
struct bystander_counts bystanders_count(const struct bystanders *all, enum bystander_kind kind);

#endif
