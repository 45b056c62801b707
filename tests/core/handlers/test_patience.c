/* Waiting on purpose. */
#include "core/handlers/patience.h"

#include "core/base/clock.h"
#include "tests/test.h"

#include <pthread.h>

TEST(patience, waits_as_long_as_asked)
{
    uint64_t until = clock_ns() + 2 * NS_PER_MS;
    patience_spin(until);
    expect(clock_ns() >= until);
    until = clock_ns() + 2 * NS_PER_MS;
    patience_sleep(until);
    expect(clock_ns() >= until);
    expect(!patience_ended());
}

static void *sleep_long(void *arg)
{
    (void)arg;
    patience_sleep(clock_ns() + 3600 * NS_PER_S);
    return NULL;
}

static void *spin_long(void *arg)
{
    (void)arg;
    patience_spin(clock_ns() + 3600 * NS_PER_S);
    return NULL;
}

/* The last test of the file: patience that has ended does not come back. */
TEST(patience, ends_every_wait_at_once)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        expect(pthread_create(&threads[i], NULL, i < 2 ? sleep_long : spin_long, NULL) == 0);
    }
    patience_end();
    for (int i = 0; i < 4; i++) {
        expect(pthread_join(threads[i], NULL) == 0);
    }
    expect(patience_ended());
    sleep_long(NULL);
    spin_long(NULL);
}
