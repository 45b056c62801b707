/* lock.h: mutexes with a rank, and the annotations with which clang checks their use.
 *
 * Ranks are taken in rising order; a checked build aborts on a reversal, with the name of the
 * lock and the ranks that are held. The aim is never to hold two, so that the order is hardly ever
 * needed. While a lock is held: no system call but the wait on a condition, no allocation, no
 * callback; an exception gives its reason where it is made.
 *
 * clang 14 checks these rules in C as far as it can: GUARDED members need some lock held,
 * REQUIRES/EXCLUDES name it on functions. gcc ignores them.
 */
#ifndef CORE_BASE_LOCK_H
#define CORE_BASE_LOCK_H

#include "core/base/chaos.h"
#include "core/base/check.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#if defined(__clang__)
#define TSA(x) __attribute__((x))
#else
#define TSA(x)
#endif
#define CAPABILITY(name) TSA(capability(name))
#define GUARDED          TSA(guarded_var)
#define REQUIRES(...)    TSA(requires_capability(__VA_ARGS__))
#define ACQUIRE(...)     TSA(acquire_capability(__VA_ARGS__))
#define RELEASE(...)     TSA(release_capability(__VA_ARGS__))
#define EXCLUDES(...)    TSA(locks_excluded(__VA_ARGS__))
#define NO_ANALYSIS      TSA(no_thread_safety_analysis)

/* The ranks, lowest first; DESIGN.md's table of locks has one row for each. */
enum lock_rank {
#define LOCK_RANK(name, what) RANK_##name,
#include "core/base/lock_ranks.def"
#undef LOCK_RANK
    RANK_COUNT
};

struct CAPABILITY("lock") lock {
    pthread_mutex_t mutex;
    enum lock_rank rank;
};

/* Caller's memory; deinit needs the lock free. Errors are bugs. */
void lock_init(struct lock *lock, enum lock_rank rank);
void lock_deinit(struct lock *lock);

/* Checked builds: what this thread holds. Not for callers. */
void lock_note_taken(const struct lock *lock);
void lock_note_released(const struct lock *lock);

static inline void lock_take(struct lock *lock) ACQUIRE(lock) NO_ANALYSIS;
static inline void lock_release(struct lock *lock) RELEASE(lock) NO_ANALYSIS;

static inline void lock_take(struct lock *lock)
{
#ifdef QUARTET_CHECKED
    lock_note_taken(lock);
#endif
    chaos_point();
    int error = pthread_mutex_lock(&lock->mutex);
    CHECK(error == 0);
}

static inline void lock_release(struct lock *lock)
{
#ifdef QUARTET_CHECKED
    lock_note_released(lock);
#endif
    int error = pthread_mutex_unlock(&lock->mutex);
    CHECK(error == 0);
    chaos_point();
}

/* A condition that is waited for with a struct lock held; times are clock_ns() times. */
struct condition {
    pthread_cond_t cond;
};
void condition_init(struct condition *condition);
void condition_deinit(struct condition *condition);
/* Returns false when `until_ns` passed first (0: no limit). Spurious returns happen: loop. */
bool condition_wait(struct condition *condition, struct lock *lock, uint64_t until_ns)
    REQUIRES(lock);
void condition_signal(struct condition *condition);
void condition_broadcast(struct condition *condition);

#endif
