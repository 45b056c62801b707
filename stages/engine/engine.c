/* engine.c: the end of the last connection. See engine.h. */
#include "stages/engine/engine.h"

#include "core/base/lock.h"

#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

bool engine_is_empty(const struct engine *engine)
{
    return atomic_load(&engine->connections) == 0 && atomic_load(&engine->listening) == 0;
}

void engine_signal_empty(struct engine *engine)
{
    lock_take(&engine->ending.lock);
    condition_broadcast(&engine->ending.empty);
    lock_release(&engine->ending.lock);
    int signal = atomic_load(&engine->empty_signal);
    if (signal != 0 && engine_is_empty(engine)) {
        CHECK(kill(getpid(), signal) == 0);
    }
}

void engine_stopped_listening(struct engine *engine)
{
    atomic_fetch_sub(&engine->listening, 1);
    engine_signal_empty(engine);
}
