/* test_bucket.c: brigades keep their order, their length, and what their buckets hold. */
#include "core/exchange/bucket.h"

#include "tests/test.h"

/* A hold that counts how often it was freed. */
struct counted {
    struct hold hold; /* first: counted_free casts */
    unsigned freed;
};

static void counted_free(struct hold *hold)
{
    ((struct counted *)hold)->freed++;
}

static struct counted counted_new(void)
{
    struct counted counted = {.freed = 0};
    hold_init(&counted.hold, counted_free);
    return counted;
}

static struct bucket memory(const char *text)
{
    return (struct bucket){.kind = BUCKET_MEMORY, .at = text, .len = strlen(text)};
}

TEST(hold, is_freed_by_its_last_release)
{
    struct counted counted = counted_new();
    hold_take(&counted.hold);
    hold_release(&counted.hold);
    expect_int(counted.freed, 0);
    hold_release(&counted.hold);
    expect_int(counted.freed, 1);
}

TEST(brigade, keeps_sending_order_and_length)
{
    struct brigade brigade = {0};
    struct bucket a = memory("one"), b = memory("three"), end = {.kind = BUCKET_END};
    brigade_append(&brigade, &a);
    brigade_append(&brigade, &b);
    brigade_append(&brigade, &end);
    expect(brigade.head == &a && a.next == &b && b.next == &end && end.next == NULL);
    expect(brigade.tail == &end);
    expect_int(brigade.len, 8);
}

TEST(brigade, splice_moves_everything_behind)
{
    struct brigade to = {0}, from = {0};
    struct bucket a = memory("a"), b = memory("bb"), c = memory("ccc");
    brigade_append(&to, &a);
    brigade_append(&from, &b);
    brigade_append(&from, &c);
    brigade_splice(&to, &from);
    expect(to.head == &a && a.next == &b && to.tail == &c);
    expect_int(to.len, 6);
    expect(from.head == NULL && from.tail == NULL);
    expect_int(from.len, 0);
}

TEST(brigade, splice_works_with_either_side_empty)
{
    struct brigade to = {0}, from = {0};
    struct bucket a = memory("a");
    brigade_splice(&to, &from);
    expect(to.head == NULL && to.tail == NULL);
    brigade_append(&from, &a);
    brigade_splice(&to, &from);
    expect(to.head == &a && to.tail == &a);
    brigade_splice(&to, &from);
    expect(to.head == &a && to.tail == &a);
    expect_int(to.len, 1);
}

TEST(brigade, can_be_filled_again_after_it_ran_empty)
{
    struct brigade brigade = {0};
    struct bucket a = memory("a"), b = memory("b");
    brigade_append(&brigade, &a);
    brigade_consume(&brigade, 1);
    brigade_append(&brigade, &b);
    expect(brigade.head == &b && brigade.tail == &b);
    expect_int(brigade.len, 1);
}

TEST(brigade, consume_remembers_where_the_next_byte_is)
{
    struct brigade brigade = {0};
    struct bucket a = memory("hello");
    struct bucket file = {.kind = BUCKET_FILE, .fd = -1, .offset = 100, .len = 50};
    brigade_append(&brigade, &a);
    brigade_append(&brigade, &file);
    brigade_consume(&brigade, 2);
    expect_int(a.offset, 2);
    expect_int(a.len, 3);
    expect(strcmp(a.at, "hello") == 0);
    brigade_consume(&brigade, 13);
    expect(brigade.head == &file);
    expect_int(file.offset, 110);
    expect_int(brigade.len, 40);
}

/* The same bytes in steps of every size end at the same place. */
TEST(brigade, consume_may_come_in_any_steps)
{
    for (uint64_t step = 1; step <= 12; step++) {
        struct brigade brigade = {0};
        struct bucket a = memory("abc"), empty = memory(""), b = memory("defghijkl");
        brigade_append(&brigade, &a);
        brigade_append(&brigade, &empty);
        brigade_append(&brigade, &b);
        for (uint64_t left = 12; left > 0; left -= left < step ? left : step) {
            expect_int(brigade.len, left);
            brigade_consume(&brigade, left < step ? left : step);
        }
        expect(brigade.head == NULL && brigade.tail == NULL);
        expect_int(brigade.len, 0);
    }
}

TEST(brigade, consume_leaves_the_end)
{
    struct brigade brigade = {0};
    struct bucket a = memory("abc"), end = {.kind = BUCKET_END};
    brigade_append(&brigade, &a);
    brigade_append(&brigade, &end);
    brigade_consume(&brigade, 3);
    expect(brigade.head == &end && brigade.tail == &end);
    brigade_consume(&brigade, 0);
    expect(brigade.head == &end);
}

TEST(brigade, consume_drops_buckets_that_are_empty)
{
    struct brigade brigade = {0};
    struct bucket empty = memory(""), end = {.kind = BUCKET_END};
    brigade_append(&brigade, &empty);
    brigade_append(&brigade, &end);
    brigade_consume(&brigade, 0);
    expect(brigade.head == &end);
}

static struct bucket *allocated_bucket(struct hold *hold)
{
    struct bucket *bucket = must_calloc(1, sizeof(*bucket));
    char *text = must_alloc(4);
    memset(text, 'x', 4);
    *bucket = (struct bucket){.allocated = true, .owned = true, .at = text, .len = 4, .hold = hold};
    return bucket;
}

/* That nothing leaks or is freed twice is AddressSanitizer's to see. */
TEST(brigade, used_up_buckets_let_go_of_what_they_hold)
{
    struct counted counted = counted_new();
    struct brigade brigade = {0};
    for (unsigned i = 0; i < 3; i++) {
        hold_take(&counted.hold);
        brigade_append(&brigade, allocated_bucket(&counted.hold));
    }
    hold_release(&counted.hold);
    brigade_consume(&brigade, 11);
    expect_int(counted.freed, 0);
    brigade_consume(&brigade, 1);
    expect_int(counted.freed, 1);
}

TEST(brigade, clear_frees_everything_half_sent_or_not)
{
    struct counted counted = counted_new();
    struct brigade brigade = {0};
    struct bucket end = {.kind = BUCKET_END};
    hold_take(&counted.hold);
    brigade_append(&brigade, allocated_bucket(&counted.hold));
    brigade_append(&brigade, allocated_bucket(NULL));
    brigade_append(&brigade, &end);
    brigade_consume(&brigade, 1);
    hold_release(&counted.hold);
    brigade_clear(&brigade);
    expect_int(counted.freed, 1);
    expect(brigade.head == NULL && brigade.tail == NULL);
    expect_int(brigade.len, 0);
}
