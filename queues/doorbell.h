/* doorbell.h: wakes a thread that sleeps because its queue was empty.
 *
 * Why three kinds: an eventfd can wake a poll loop and costs one write and one read; a pipe is what
 * the literature describes; a condition variable is cheaper but can wake no poll loop. Users
 * compare them, so all three have the same functions.
 *
 * One thread answers a bell. Several sleepers on one eventfd would all be woken by each ring (its
 * readers are not queued exclusively), so each thread of a pool has a bell of its own, and the
 * mailbox chooses whom to ring.
 *
 * A ring is never lost: it is remembered until it is answered; several before that merge into one.
 * The mailbox decides whether to ring at all.
 *
 * Thread-safety: doorbell_ring from any thread; doorbell_wait from its owner, in a pool;
 * doorbell_silence from its owner, a loop that watches doorbell_fd.
 */
#ifndef QUEUES_DOORBELL_H
#define QUEUES_DOORBELL_H

#include "core/base/lock.h"
#include "core/options/settings.h"

struct doorbell {
    int kind;    /* DOORBELL_EVENTFD, _PIPE, _CONDVAR */
    bool polled; /* a loop's: the read end does not block */
    int read_fd, write_fd;
    struct condition rung; /* condvar kind */
    struct {
        struct lock lock;
        bool ringing GUARDED;
    } shared;
};

/* `polled` for a poll loop (then `kind` must not be condvar), else for a thread that waits for
 * nothing else. Ends the program when the system has no descriptor left: start-up only. */
void doorbell_init(struct doorbell *bell, int kind, bool polled);
void doorbell_deinit(struct doorbell *bell);

void doorbell_ring(struct doorbell *bell) EXCLUDES(bell->shared.lock);

/* Sleeps until rung; answers all rings so far. */
void doorbell_wait(struct doorbell *bell) EXCLUDES(bell->shared.lock);
/* The same until `until_ns` (0: for ever). False: that came first. */
bool doorbell_wait_until(struct doorbell *bell, uint64_t until_ns) EXCLUDES(bell->shared.lock);

/* A loop: the descriptor to watch for reading, and the answer to all rings so far. */
int doorbell_fd(const struct doorbell *bell);
void doorbell_silence(struct doorbell *bell);

#endif
