/* Which spans of work become slices of their thread. */
#include "tools/trace/lanes.h"

#include "tests/test.h"

enum { MOST = 5000 };

struct decided {
    unsigned count[MOST]; /* how often each ticket was decided */
    bool exclusive[MOST];
    struct lane_span spans[MOST];
    unsigned exclusives;
};

static void note(void *to, const struct lane_span *span, bool exclusive)
{
    struct decided *decided = to;
    decided->count[span->ticket]++;
    decided->exclusive[span->ticket] = exclusive;
    decided->spans[span->ticket] = *span;
    decided->exclusives += exclusive;
}

static void put(struct lanes *lanes, uint32_t lane, uint64_t begin_ns, uint64_t end_ns,
                uint32_t ticket)
{
    lanes_put(lanes, &(struct lane_span){begin_ns, end_ns, lane, ticket});
}

static void finish(struct lanes *lanes)
{
    while (lanes_advance(lanes)) {
    }
    lanes_deinit(lanes);
}

TEST(lanes, spans_that_touch_do_not_overlap)
{
    static struct decided decided;
    struct lanes lanes;
    lanes_init(&lanes, 2, 8, note, &decided);
    put(&lanes, 0, 20, 30, 0);
    put(&lanes, 0, 10, 20, 1);
    put(&lanes, 1, 15, 25, 2); /* another lane */
    finish(&lanes);
    expect_int(decided.exclusives, 3);
}

TEST(lanes, of_two_that_overlap_the_longer_one_gives_way)
{
    static struct decided decided;
    struct lanes lanes;
    lanes_init(&lanes, 1, 8, note, &decided);
    put(&lanes, 0, 10, 1000, 0); /* a handler that waited meanwhile */
    put(&lanes, 0, 20, 30, 1);
    put(&lanes, 0, 25, 100, 2); /* longer than what it begins in */
    put(&lanes, 0, 40, 50, 3);
    finish(&lanes);
    expect(!decided.exclusive[0] && decided.exclusive[1]);
    expect(!decided.exclusive[2] && decided.exclusive[3]);
}

TEST(lanes, a_span_that_comes_too_late_gives_way)
{
    static struct decided decided;
    struct lanes lanes;
    lanes_init(&lanes, 1, 1, note, &decided);
    put(&lanes, 0, 100, 110, 0);
    put(&lanes, 0, 200, 210, 1);
    put(&lanes, 0, 300, 310, 2); /* by now the first one has been decided */
    put(&lanes, 0, 50, 60, 3);
    finish(&lanes);
    expect(decided.exclusive[0] && decided.exclusive[1] && decided.exclusive[2]);
    expect(!decided.exclusive[3]);
    expect_int(decided.count[3], 1);
}

TEST(lanes, what_was_decided_when_the_window_ran_empty_counts)
{
    static struct decided decided;
    struct lanes lanes;
    lanes_init(&lanes, 1, 4, note, &decided);
    put(&lanes, 0, 100, 110, 0);
    while (lanes_advance(&lanes)) {
    }
    put(&lanes, 0, 105, 108, 1);
    put(&lanes, 0, 110, 120, 2);
    finish(&lanes);
    expect(decided.exclusive[0] && !decided.exclusive[1] && decided.exclusive[2]);
}

static uint64_t random_below(uint64_t *seed, uint64_t limit)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (*seed >> 33) % limit;
}

static void expect_no_overlap(const struct decided *decided, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        for (unsigned k = i + 1; k < count && decided->exclusive[i]; k++) {
            const struct lane_span *a = &decided->spans[i], *b = &decided->spans[k];
            expect(!decided->exclusive[k] || a->lane != b->lane || a->end_ns <= b->begin_ns ||
                   b->end_ns <= a->begin_ns);
        }
    }
}

TEST(lanes, random_spans_are_decided_once_and_never_overlap)
{
    static struct decided decided;
    struct lanes lanes;
    uint64_t seed = 1;
    lanes_init(&lanes, 3, 100, note, &decided);
    for (uint32_t i = 0; i < MOST; i++) {
        uint64_t begin_ns = 10 * i + random_below(&seed, 1500);
        put(&lanes, (uint32_t)random_below(&seed, 3), begin_ns,
            begin_ns + 1 + random_below(&seed, 60), i);
    }
    finish(&lanes);
    for (unsigned i = 0; i < MOST; i++) {
        expect_int(decided.count[i], 1);
    }
    expect_no_overlap(&decided, MOST);
    expect(decided.exclusives > MOST / 10 && decided.exclusives < MOST);
}

TEST(lanes, work_that_was_exclusive_stays_so_in_any_order_inside_the_window)
{
    static struct decided decided;
    struct lanes lanes;
    uint64_t seed = 2;
    lanes_init(&lanes, 1, 64, note, &decided);
    for (uint32_t base = 0; base < MOST / 50; base++) {
        for (uint32_t i = 0; i < 50; i++) {
            uint32_t ticket = base * 50 + i * 7 % 50; /* each once: 7 is prime to 50 */
            put(&lanes, 0, 100 * ticket, 100 * ticket + 1 + random_below(&seed, 100), ticket);
        }
    }
    finish(&lanes);
    expect_int(decided.exclusives, MOST);
}
