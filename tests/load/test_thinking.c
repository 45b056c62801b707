/* test_thinking.c: the user that is due first asks first. */
#include "tools/load/thinking.h"

#include "tests/test.h"
#include "tools/load/random_source.h"

TEST(thinking, gives_times_in_their_order)
{
    struct thinking thinking;
    struct random_source random;
    enum { COUNT = 1000 };
    thinking_init(&thinking, COUNT);
    random_seed(&random, 1, RANDOM_THINK, (struct seat){0, 1});
    expect(thinking_first(&thinking) == UINT64_MAX);
    /* Filled, half emptied and filled again: some times are equal. */
    uint64_t before_ns = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        thinking_put(&thinking, random_next(&random) % 5000);
    }
    for (unsigned i = 0; i < COUNT / 2; i++) {
        uint64_t first_ns = thinking_first(&thinking);
        expect(thinking_take(&thinking) == first_ns && first_ns >= before_ns);
        before_ns = first_ns;
    }
    for (unsigned i = 0; i < COUNT / 2; i++) {
        thinking_put(&thinking, before_ns + random_next(&random) % 5000);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        uint64_t due_ns = thinking_take(&thinking);
        expect(due_ns >= before_ns);
        before_ns = due_ns;
    }
    expect(thinking_first(&thinking) == UINT64_MAX);
    thinking_deinit(&thinking);
}
