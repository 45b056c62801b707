/* lock.c: mutexes, their rank check and conditions. See lock.h. */
#include "core/base/lock.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

static const char *const rank_names[] = {
#define LOCK_RANK(name, what) #name,
#include "core/base/lock_ranks.def"
#undef LOCK_RANK
};

/* A short critical section is usually over before a futex call would be: spin a little first. */
void lock_init(struct lock *lock, enum lock_rank rank)
{
    pthread_mutexattr_t attr;
    CHECK(pthread_mutexattr_init(&attr) == 0);
    CHECK(pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP) == 0);
    CHECK(pthread_mutex_init(&lock->mutex, &attr) == 0);
    CHECK(pthread_mutexattr_destroy(&attr) == 0);
    lock->rank = rank;
}

void lock_deinit(struct lock *lock)
{
    CHECK(pthread_mutex_destroy(&lock->mutex) == 0);
}

/* One bit for each rank that this thread holds. */
static _Thread_local unsigned held_ranks;

void lock_note_taken(const struct lock *lock)
{
    bool rank_rises = held_ranks >> lock->rank == 0;
    if (!rank_rises) {
        fprintf(stderr, "quartet: bug: lock %s taken with ranks 0x%x held\n",
                rank_names[lock->rank], held_ranks);
    }
    CHECK(rank_rises);
    held_ranks |= 1u << lock->rank;
}

void lock_note_released(const struct lock *lock)
{
    CHECK(held_ranks & 1u << lock->rank);
    held_ranks &= ~(1u << lock->rank);
}

void condition_init(struct condition *condition)
{
    pthread_condattr_t attr;
    CHECK(pthread_condattr_init(&attr) == 0);
    CHECK(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(&condition->cond, &attr) == 0);
    CHECK(pthread_condattr_destroy(&attr) == 0);
}

void condition_deinit(struct condition *condition)
{
    CHECK(pthread_cond_destroy(&condition->cond) == 0);
}

bool condition_wait(struct condition *condition, struct lock *lock, uint64_t until_ns)
{
    int error;
    if (until_ns == 0) {
        error = pthread_cond_wait(&condition->cond, &lock->mutex);
    } else {
        struct timespec until = {.tv_sec = (time_t)(until_ns / 1000000000u),
                                 .tv_nsec = (long)(until_ns % 1000000000u)};
        error = pthread_cond_timedwait(&condition->cond, &lock->mutex, &until);
    }
    CHECK(error == 0 || error == ETIMEDOUT);
    return error == 0;
}

void condition_signal(struct condition *condition)
{
    CHECK(pthread_cond_signal(&condition->cond) == 0);
}

void condition_broadcast(struct condition *condition)
{
    CHECK(pthread_cond_broadcast(&condition->cond) == 0);
}
