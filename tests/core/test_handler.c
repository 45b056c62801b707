/* The table of handlers, and waiting on purpose. */
#include "core/handler.h"

#include "core/clock.h"
#include "tests/test.h"

#include <pthread.h>

static const char *found(const char *path)
{
    return handler_find(bytes_of(path))->name;
}

TEST(handler, finds_the_longest_prefix)
{
    expect_text(found("/"), "files");
    expect_text(found("/index.html"), "files");
    expect_text(found("/synthetic/spin"), "spin");
    expect_text(found("/synthetic/sleep"), "sleep");
    expect_text(found("/synthetic/bytes"), "bytes");
    expect_text(found("/synthetic/stream"), "stream");
    expect_text(found("/synthetic/echo"), "echo");
    expect_text(found("/synthetic/input"), "input");
}

TEST(handler, matches_a_prefix_without_a_slash_as_a_whole)
{
    expect_text(found("/synthetic/spinx"), "files");
    expect_text(found("/synthetic/spin/"), "files");
    expect_text(found("/synthetic/spi"), "files");
    expect_text(found("/Synthetic/spin"), "files");
    expect_text(found("/synthetic/"), "files");
    expect_text(found("/x/synthetic/spin"), "files");
}

TEST(handler, finds_something_for_the_asterisk)
{
    expect_text(found("*"), "files");
    expect_text(found(""), "files");
}

TEST(handler, lists_methods)
{
    char list[64];
    expect_int(methods_list(METHOD_GET | METHOD_HEAD | METHOD_OPTIONS, list), 18);
    expect_text(list, "GET, HEAD, OPTIONS");
    expect_int(methods_list(63, list), strlen("GET, HEAD, POST, PUT, DELETE, OPTIONS"));
    expect_int(methods_list(0, list), 0);
    expect_text(list, "");
}

TEST(handler, waits_as_long_as_asked)
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
TEST(handler, ends_every_wait_at_once)
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
