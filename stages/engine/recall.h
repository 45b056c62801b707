/* recall.h: sessions leave idle clients for requests that are under way.
 *
 * A session that blocks for an idle client does not read its queue, and the other sessions of its
 * pool may do the same. A new connection waits for them: that is the model. A request that has
 * begun must not wait: its answer is complete, its handler has room again, its body may be read, or
 * the next request of its pipeline has come. Such a ticket is pressing. While one waits in the
 * pool's queue
 *   - no session of the pool begins an idle wait;
 *   - the sessions in an idle wait are woken by their bell.
 * A session that is recalled puts its open client at the end of the queue, and takes the ticket at
 * the front.
 *
 * Why other pools pay nothing: a session waits in recv alone, which only its client ends, until a
 * session of the pool has for the first time let a request go that comes back from outside
 * (`expected`). From then on the pool's idle waits poll the socket and the bell. So does, from the
 * beginning, the wait for a client that has been sent a file, since its socket does not block. So
 * the bell is rung for every pressing ticket, also for that of a handler that completes its answer
 * before it returns, and so before `expected` is set.
 *
 * Thread-safety: any thread.
 */
#ifndef STAGES_ENGINE_RECALL_H
#define STAGES_ENGINE_RECALL_H

#include "queues/mailbox.h"

struct recall {
    int bell;                  /* eventfd, a semaphore: one session for each ring */
    _Atomic bool expected;     /* stays true: idle waits poll the bell too */
    _Atomic unsigned pressing; /* tickets on their way, or in the queue */
};

/* For a pool whose threads wait for idle clients; freed after they have ended. Dies where there is
 * no descriptor left: start-up only. */
struct recall *recall_new(void);
void recall_free(struct recall *recall); /* or NULL */

/* A session lets a request go that comes back as a pressing ticket. */
void recall_expect(struct recall *recall);
static inline bool recall_is_expected(const struct recall *recall)
{
    return atomic_load_explicit(&recall->expected, memory_order_relaxed);
}

/* A pressing ticket is about to be put into `box`, the pool's queue. */
void recall_begin(struct recall *recall);
/* It has been put, or will be at the end of the putter's turn: rings if no taker sleeps there. */
void recall_ring(struct recall *recall, struct mailbox *box);
/* A session of the pool blocks for something else now, be it in a handler or inside a request. It may
 * be the one that was rung for: if a pressing ticket waits still, another one is rung. `recall` may be
 * NULL. */
void recall_pass_on(struct recall *recall, struct mailbox *box);
/* Some session has it. */
void recall_end(struct recall *recall);

/* Does a pressing ticket wait? To be called after the wait has been declared: a thread that puts
 * such a ticket counts it first. */
static inline bool recall_is_pressing(const struct recall *recall)
{
    return atomic_load(&recall->pressing) > 0;
}
/* The bell can be read: takes one ring. True: a pressing ticket waits still. */
bool recall_answer(struct recall *recall);

#endif
