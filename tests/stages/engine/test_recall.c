/* test_recall.c: when sessions are rung for, how many, and until when. */
#include "stages/engine/recall.h"

#include "tests/test.h"

static struct {
    struct recall *recall;
    struct mailbox box;
    struct taker taker;
} pool;

static void set_up(void)
{
    const struct mailbox_config config = {
        .name = "rpw", .bound = 10, .takers = 1, .takers_most = 1, .share = 1, .awake_most = 1};
    pool.recall = recall_new();
    mailbox_init(&pool.box, &config);
    taker_init(&pool.taker, DOORBELL_EVENTFD, true);
}

static void tear_down(void)
{
    taker_deinit(&pool.taker);
    mailbox_deinit(&pool.box);
    recall_free(pool.recall);
}

static void post(void)
{
    recall_begin(pool.recall);
    recall_ring(pool.recall, &pool.box);
}

/* Its handler may complete the answer before it returns, and a session may poll the bell already. */
TEST(recall, rings_before_a_request_was_let_go_too)
{
    set_up();
    post();
    expect(!recall_is_expected(pool.recall));
    expect(recall_is_pressing(pool.recall));
    expect(recall_answer(pool.recall));
    tear_down();
}

TEST(recall, rings_for_every_ticket_from_then_on)
{
    set_up();
    recall_expect(pool.recall);
    recall_expect(pool.recall);
    expect(recall_is_expected(pool.recall));
    post();
    expect(recall_answer(pool.recall));
    post();
    expect(recall_answer(pool.recall));
    tear_down();
}

TEST(recall, wakes_one_session_for_each_ring)
{
    set_up();
    recall_expect(pool.recall);
    post();
    post();
    expect(recall_answer(pool.recall));
    expect(recall_answer(pool.recall));
    expect(!recall_answer(pool.recall));
    tear_down();
}

TEST(recall, leaves_the_sessions_alone_while_one_sleeps_in_the_queue)
{
    set_up();
    recall_expect(pool.recall);
    expect(mailbox_sleep(&pool.box, &pool.taker, false));
    post();
    expect(!recall_answer(pool.recall));
    tear_down();
}

TEST(recall, presses_until_a_session_has_each_of_the_tickets)
{
    set_up();
    expect(!recall_is_pressing(pool.recall));
    post();
    post();
    recall_end(pool.recall);
    expect(recall_is_pressing(pool.recall));
    recall_end(pool.recall);
    expect(!recall_is_pressing(pool.recall));
    tear_down();
}

/* Another session was faster: whoever answers the bell goes on waiting for its own client. */
TEST(recall, is_answered_for_nothing_when_the_ticket_was_taken_meanwhile)
{
    set_up();
    recall_expect(pool.recall);
    post();
    recall_end(pool.recall);
    expect(!recall_answer(pool.recall));
    recall_begin(pool.recall);
    expect(!recall_answer(pool.recall)); /* that ring is used up */
    tear_down();
}

TEST(recall, of_a_pool_that_has_none_is_freed_too)
{
    recall_free(NULL);
}
