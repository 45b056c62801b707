/* accept_turn.c: a robust, process-shared mutex in a page of its own. See accept_turn.h.
 *
 * Robust: the kernel marks it when the thread that holds it ends, and the next lock of it returns
 * EOWNERDEAD. It guards no data that could be half changed, so that thread declares it consistent.
 */
#include "stages/stage/accept_turn.h"

#include "core/base/chaos.h"
#include "core/base/check.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

struct accept_turn {
    pthread_mutex_t mutex;
};

static void init_mutex(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t attributes;
    CHECK(pthread_mutexattr_init(&attributes) == 0);
    CHECK(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0);
    CHECK(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0);
    CHECK(pthread_mutex_init(mutex, &attributes) == 0);
    CHECK(pthread_mutexattr_destroy(&attributes) == 0);
}

struct accept_turn *accept_turn_new(void)
{
    struct accept_turn *turn =
        mmap(NULL, sizeof *turn, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (turn == MAP_FAILED) {
        die(EXIT_WORLD, "cannot make the accept mutex: %s", strerror(errno));
    }
    init_mutex(&turn->mutex);
    return turn;
}

/* The mutex itself is left as it is: other processes may still use it. */
void accept_turn_free(struct accept_turn *turn)
{
    if (turn != NULL) {
        CHECK(munmap(turn, sizeof *turn) == 0);
    }
}

enum accept_try accept_turn_try(struct accept_turn *turn)
{
    chaos_point();
    int error = pthread_mutex_trylock(&turn->mutex);
    if (error == EBUSY) {
        return ACCEPT_TRY_BUSY;
    }
    if (error == EOWNERDEAD) {
        CHECK(pthread_mutex_consistent(&turn->mutex) == 0);
        return ACCEPT_TRY_INHERITED;
    }
    CHECK(error == 0);
    return ACCEPT_TRY_TAKEN;
}

void accept_turn_release(struct accept_turn *turn)
{
    int error = pthread_mutex_unlock(&turn->mutex);
    CHECK(error == 0);
    chaos_point();
}
