/* patience.c: see patience.h. */
#include "core/handlers/patience.h"

#include "core/base/clock.h"
#include "core/base/lock.h"

#include <pthread.h>
#include <stdatomic.h>

/* `ended` only ever goes from false to true. It is atomic so that the burning loop need not lock;
 * it is set with the lock held so that a sleeper cannot miss it between its check and its wait. */
static struct {
    pthread_once_t once;
    struct lock lock;
    struct condition ending;
    atomic_bool ended; /* any thread reads; written with the lock held */
} patience = {.once = PTHREAD_ONCE_INIT};

static void patience_init(void)
{
    lock_init(&patience.lock, RANK_PATIENCE);
    condition_init(&patience.ending);
}

void patience_sleep(uint64_t until_ns) EXCLUDES(patience.lock)
{
    CHECK(pthread_once(&patience.once, patience_init) == 0);
    lock_take(&patience.lock);
    while (!atomic_load(&patience.ended) && clock_ns() < until_ns) {
        (void)condition_wait(&patience.ending, &patience.lock, until_ns);
    }
    lock_release(&patience.lock);
}

void patience_spin(uint64_t until_ns)
{
    while (!atomic_load(&patience.ended) && clock_ns() < until_ns) {
        /* The clock is the work. */
    }
}

void patience_end(void) EXCLUDES(patience.lock)
{
    CHECK(pthread_once(&patience.once, patience_init) == 0);
    lock_take(&patience.lock);
    atomic_store(&patience.ended, true);
    lock_release(&patience.lock);
    condition_broadcast(&patience.ending);
}

bool patience_ended(void)
{
    return atomic_load(&patience.ended);
}
