/* doorbell.h: how a sleeping thread is told that its queue is no longer empty.
 *
 * Why three kinds: an eventfd can wake a poll loop and costs one write and one read; a pipe is what the
 * literature describes; a condition variable is cheaper but can wake no poll loop. Comparing them
 * is what users do, so they stand behind the same verbs.
 *
 * A ring is never lost: it is remembered until somebody answers it. Rings for a loop merge into one; rings for a
 * pool count, each wakes one thread. Whether to ring at all is the mailbox's business.
 *
 * Thread-safety: doorbell_ring from any thread; doorbell_wait from the threads of a pool; doorbell_silence from the
 * loop that watches doorbell_fd.
 */
#ifndef QUEUES_DOORBELL_H
#define QUEUES_DOORBELL_H

#include "core/lock.h"
#include "core/settings.h"

struct doorbell {
    int kind;     /* DOORBELL_EVENTFD, _PIPE, _CONDVAR */
    bool merging; /* a loop's: rings merge, the read end does not block */
    int read_fd, write_fd;
    struct condition rung; /* condvar kind */
    struct {
        struct lock lock;
        unsigned rings GUARDED;
    } shared;
};

/* `merging` for a poll loop (then `kind` must not be condvar), else for a pool. Ends the program when the system has
 * no descriptor left: start-up only. */
void doorbell_init(struct doorbell *bell, int kind, bool merging);
void doorbell_deinit(struct doorbell *bell);

/* Wakes `times` sleepers (a loop: once). */
void doorbell_ring(struct doorbell *bell, unsigned times) EXCLUDES(bell->shared.lock);

/* A pool's thread: sleeps until rung; answers one ring. */
void doorbell_wait(struct doorbell *bell) EXCLUDES(bell->shared.lock);

/* A loop: the descriptor to watch for reading, and the answer to all rings so far. */
int doorbell_fd(const struct doorbell *bell);
void doorbell_silence(struct doorbell *bell);

#endif
