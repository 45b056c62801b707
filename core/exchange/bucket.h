/* bucket.h: the pieces of a response, in sending order.
 *
 * A brigade is a list of buckets: memory, a pattern repeated, a range of a file, and at last the
 * end of the request. Buckets are made by the processor and used up by the writer; the first few of
 * an exchange lie in the exchange itself, so that an ordinary answer allocates nothing.
 */
#ifndef CORE_EXCHANGE_BUCKET_H
#define CORE_EXCHANGE_BUCKET_H

#include "core/base/chaos.h"
#include "core/base/check.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Something shared that must outlive the sending of a bucket: a cached file, say. Embedded; the
 * last release calls free_fn. Any thread. */
struct hold {
    _Atomic unsigned count;
    void (*free_fn)(struct hold *hold);
};

static inline void hold_init(struct hold *hold, void (*free_fn)(struct hold *))
{
    atomic_init(&hold->count, 1);
    hold->free_fn = free_fn;
}

static inline void hold_take(struct hold *hold)
{
    /* Relaxed: the taker already has a reference, nothing is published here. */
    atomic_fetch_add_explicit(&hold->count, 1, memory_order_relaxed);
}

static inline void hold_release(struct hold *hold)
{
    chaos_point();
    unsigned before = atomic_fetch_sub(&hold->count, 1);
    CHECK(before > 0);
    if (before == 1) {
        hold->free_fn(hold);
    }
}

enum bucket_kind {
    BUCKET_MEMORY,  /* len bytes at `at` */
    BUCKET_PATTERN, /* len bytes made by repeating `period` bytes at `at` */
    BUCKET_FILE,    /* len bytes of fd from offset */
    BUCKET_END,     /* nothing: the request is answered; the writer ends it */
};

struct bucket {
    struct bucket *next;
    enum bucket_kind kind;
    bool allocated; /* by malloc: bucket_free frees it */
    bool owned;     /* `at` is malloc'd and freed with the bucket */
    int fd;         /* BUCKET_FILE: borrowed from `hold` */
    const char *at;
    uint64_t len;    /* still to send */
    uint64_t offset; /* where the next byte is: in the memory, the pattern or the file */
    size_t period;
    struct hold *hold; /* or NULL */
};

struct brigade {
    struct bucket *head, *tail;
    uint64_t len; /* bytes in all buckets */
};

void brigade_append(struct brigade *brigade, struct bucket *bucket);
/* Moves everything in `from` behind what is in `to`. */
void brigade_splice(struct brigade *to, struct brigade *from);
/* Takes `sent` bytes away from the front and frees the buckets that are used up. BUCKET_END
 * stays. */
void brigade_consume(struct brigade *brigade, uint64_t sent);
/* Frees all buckets. */
void brigade_clear(struct brigade *brigade);

#endif
