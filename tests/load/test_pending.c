/* test_pending.c: the queue of due requests, and the choice among several URLs. */
#include "tools/load/pending.h"

#include "tests/test.h"
#include "tools/load/mix.h"

TEST(pending, keeps_the_order_while_it_grows)
{
    struct pending pending;
    struct due due;
    pending_init(&pending, 100000);
    uint64_t put = 0, taken = 0;
    /* Two in, one out: the ring grows with its beginning anywhere. */
    for (unsigned i = 0; i < 20000; i++) {
        expect(pending_put(&pending, (struct due){.due_ns = put++}));
        expect(pending_put(&pending, (struct due){.due_ns = put++}));
        expect(pending_first(&pending)->due_ns == taken);
        expect(pending_take(&pending, &due) && due.due_ns == taken++);
    }
    while (pending_take(&pending, &due)) {
        expect(due.due_ns == taken++);
    }
    expect_int(taken, put);
    expect(pending_first(&pending) == NULL);
    pending_deinit(&pending);
}

TEST(pending, refuses_at_its_bound)
{
    struct pending pending;
    struct due due;
    pending_init(&pending, 2);
    expect(pending_put(&pending, (struct due){1, 1}));
    expect(pending_put(&pending, (struct due){2, 2}));
    expect(!pending_put(&pending, (struct due){3, 3}));
    expect(pending_take(&pending, &due) && due.due_ns == 1);
    expect(pending_put(&pending, (struct due){4, 4}));
    pending_deinit(&pending);
}

TEST(mix, follows_its_weights)
{
    struct mix mix;
    unsigned seen[3] = {0};
    mix_begin(&mix, 1, (struct seat){0, 1});
    mix_add(&mix, 1);
    mix_add(&mix, 3);
    mix_add(&mix, 6);
    for (unsigned i = 0; i < 100000; i++) {
        seen[mix_next(&mix)]++;
    }
    /* Four standard deviations of 100,000 draws. */
    expect(seen[0] > 9620 && seen[0] < 10380);
    expect(seen[1] > 29420 && seen[1] < 30580);
    expect(seen[2] > 59380 && seen[2] < 60620);
}

TEST(mix, of_one_seed_is_the_same)
{
    struct mix a, b;
    mix_begin(&a, 9, (struct seat){0, 1});
    mix_begin(&b, 9, (struct seat){0, 1});
    for (unsigned i = 0; i < 2; i++) {
        mix_add(&a, 1);
        mix_add(&b, 1);
    }
    for (unsigned i = 0; i < 100; i++) {
        expect(mix_next(&a) == mix_next(&b));
    }
}
