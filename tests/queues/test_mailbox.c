/* test_mailbox.c: the contract of the queue between two thread groups, one promise a test, in one
 * thread: a taker is only a struct, so whom a put rings can be seen without any thread asleep. What
 * many threads do to it is in test_mailbox_threads.c.
 */
#include "queues/mailbox.h"

#include "core/base/clock.h"
#include "core/report/report.h"
#include "tests/test.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>

enum { TAKERS_MAX = 40, ITEMS = 64 };

/* A mailbox with some takers, whose bells can be inspected, and numbered items. */
struct post_office {
    struct mailbox box;
    struct taker takers[TAKERS_MAX];
    struct slip slips[ITEMS];
    unsigned next;    /* slip to put */
    unsigned told;    /* calls of room_fn */
    unsigned spawned; /* calls of spawn_fn */
    bool spawn_fails;
};

static void on_room(void *arg)
{
    ((struct post_office *)arg)->told++;
}

static bool on_spawn(void *arg)
{
    struct post_office *office = arg;
    office->spawned++;
    return !office->spawn_fails;
}

/* Defaults that let a test name only what it is about. */
static struct mailbox_config config_for(unsigned takers)
{
    return (struct mailbox_config){.name = "box",
                                   .bound = 1000,
                                   .takers = takers,
                                   .wakeup = WAKEUP_ELIDED,
                                   .share = 4,
                                   .awake_most = takers,
                                   .measured = true};
}

static void open_office(struct post_office *office, struct mailbox_config config)
{
    mailbox_init(&office->box, &config);
    mailbox_on_room(&office->box, on_room, office);
    mailbox_on_spawn(&office->box, on_spawn, office);
    for (unsigned i = 0; i < TAKERS_MAX; i++) {
        taker_init(&office->takers[i], DOORBELL_EVENTFD, true);
    }
    office->next = office->told = office->spawned = 0;
    office->spawn_fails = false;
}

static void close_office(struct post_office *office)
{
    for (unsigned i = 0; i < TAKERS_MAX; i++) {
        taker_deinit(&office->takers[i]);
    }
    mailbox_deinit(&office->box);
}

static struct chain make_chain(struct post_office *office, unsigned count)
{
    struct chain chain = {0};
    for (unsigned i = 0; i < count; i++) {
        expect(office->next < ITEMS);
        chain_append(&chain, &office->slips[office->next++]);
    }
    return chain;
}

static unsigned number_of(const struct post_office *office, const struct slip *slip)
{
    return (unsigned)(slip - office->slips);
}

/* Puts the next `count` items, all of which must go in. */
static void put(struct post_office *office, unsigned count, enum put_how how)
{
    struct chain chain = make_chain(office, count);
    expect(mailbox_put(&office->box, &chain, how));
    expect(chain.head == NULL);
}

static bool is_rung(struct doorbell *bell)
{
    struct pollfd ready = {.fd = doorbell_fd(bell), .events = POLLIN};
    expect(poll(&ready, 1, 0) >= 0);
    doorbell_silence(bell);
    return (ready.revents & POLLIN) != 0;
}

/* Was this taker's bell rung since it was last asked? */
static bool was_rung(struct post_office *office, unsigned taker)
{
    return is_rung(&office->takers[taker].bell);
}

static unsigned count_rung(struct post_office *office, unsigned takers)
{
    unsigned rung = 0;
    for (unsigned i = 0; i < takers; i++) {
        rung += was_rung(office, i);
    }
    return rung;
}

static void all_sleep(struct post_office *office, unsigned takers)
{
    for (unsigned i = 0; i < takers; i++) {
        expect(mailbox_sleep(&office->box, &office->takers[i], false));
    }
}

/* Takes at most `most`; they must be `count` items in order, beginning with number `first`. */
static void expect_take(struct post_office *office, unsigned taker, unsigned most, unsigned first,
                        unsigned count)
{
    struct chain chain = {0};
    expect_int(mailbox_take(&office->box, &office->takers[taker], &chain, most), count);
    expect_int(chain.count, count);
    for (unsigned i = 0; i < count; i++) {
        struct slip *slip = chain_next(&chain);
        expect(slip != NULL);
        expect_int(number_of(office, slip), first + i);
    }
    expect(chain.head == NULL);
}

/* The statistics are large: read into static memory. */
static const struct queue_report *report_of(struct post_office *office)
{
    static struct queue_report report;
    mailbox_report(&office->box, &report);
    return &report;
}

/* --- chains --- */

TEST(chain, gives_slips_back_in_the_order_they_came)
{
    struct slip slips[3];
    struct chain chain = {0};
    expect(chain_next(&chain) == NULL);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 3; i++) {
            chain_append(&chain, &slips[i]);
            expect_int(chain.count, i + 1);
        }
        for (unsigned i = 0; i < 3; i++) {
            expect(chain_next(&chain) == &slips[i]);
        }
        expect(chain_next(&chain) == NULL && chain.tail == NULL);
        expect_int(chain.count, 0);
    }
}

/* --- order, batches, shares --- */

TEST(mailbox, is_first_in_first_out_over_puts_and_takes)
{
    static struct post_office office;
    open_office(&office, config_for(1));
    put(&office, 3, PUT_BOUNDED);
    put(&office, 1, PUT_ADMITTED);
    put(&office, 2, PUT_QUIET);
    expect_take(&office, 0, 4, 0, 4);
    put(&office, 2, PUT_BOUNDED);
    expect_take(&office, 0, 100, 4, 4);
    expect_take(&office, 0, 100, 8, 0);
    close_office(&office);
}

TEST(mailbox, take_takes_a_batch_at_most)
{
    static struct post_office office;
    open_office(&office, config_for(1));
    put(&office, 10, PUT_BOUNDED);
    expect_take(&office, 0, 1, 0, 1);
    expect_take(&office, 0, 8, 1, 8);
    expect_take(&office, 0, 8, 9, 1);
    close_office(&office);
}

TEST(mailbox, a_taker_of_several_leaves_the_others_their_share)
{
    static struct post_office office;
    open_office(&office, config_for(4));
    put(&office, 20, PUT_BOUNDED);
    expect_take(&office, 0, 64, 0, 6);
    expect_take(&office, 1, 64, 6, 4);
    expect_take(&office, 2, 2, 10, 2);
    close_office(&office);
}

/* --- when full --- */

TEST(mailbox, what_does_not_fit_stays_with_the_putter_in_order)
{
    static struct post_office office;
    struct mailbox_config config = config_for(1);
    config.bound = 4;
    open_office(&office, config);
    struct chain chain = make_chain(&office, 7);
    expect(!mailbox_put(&office.box, &chain, PUT_BOUNDED));
    expect_int(chain.count, 3);
    expect(chain.head == &office.slips[4] && chain.tail == &office.slips[6]);
    expect(!mailbox_put(&office.box, &chain, PUT_BOUNDED));
    expect_int(chain.count, 3);
    expect_int(report_of(&office)->put, 4);
    expect_int(report_of(&office)->refused, 6);
    expect_take(&office, 0, 2, 0, 2);
    expect(!mailbox_put(&office.box, &chain, PUT_BOUNDED));
    expect_int(chain.count, 1);
    expect_take(&office, 0, 100, 2, 4);
    expect(mailbox_put(&office.box, &chain, PUT_BOUNDED));
    expect_take(&office, 0, 100, 6, 1);
    close_office(&office);
}

TEST(mailbox, what_was_admitted_earlier_is_never_refused)
{
    static struct post_office office;
    struct mailbox_config config = config_for(1);
    config.bound = 2;
    open_office(&office, config);
    put(&office, 2, PUT_BOUNDED);
    put(&office, 3, PUT_ADMITTED);
    put(&office, 4, PUT_QUIET);
    expect_int(report_of(&office)->refused, 0);
    expect_int(report_of(&office)->depth, 9);
    struct chain chain = make_chain(&office, 1);
    expect(!mailbox_put(&office.box, &chain, PUT_BOUNDED));
    expect_take(&office, 0, 100, 0, 9);
    close_office(&office);
}

TEST(mailbox, tells_of_room_once_when_half_empty_after_a_refusal)
{
    static struct post_office office;
    struct mailbox_config config = config_for(1);
    config.bound = 4;
    open_office(&office, config);
    struct chain chain = make_chain(&office, 6);
    expect(!mailbox_put(&office.box, &chain, PUT_BOUNDED));
    expect_take(&office, 0, 1, 0, 1);
    expect_int(office.told, 0);
    expect_take(&office, 0, 1, 1, 1);
    expect_int(office.told, 1);
    expect_take(&office, 0, 1, 2, 1);
    expect_take(&office, 0, 1, 3, 1);
    expect_int(office.told, 1);
    expect(mailbox_put(&office.box, &chain, PUT_BOUNDED));
    expect_take(&office, 0, 9, 4, 2);
    expect_int(office.told, 1);
    close_office(&office);
}

TEST(mailbox, a_bound_of_one_still_tells_of_room)
{
    static struct post_office office;
    struct mailbox_config config = config_for(1);
    config.bound = 1;
    open_office(&office, config);
    struct chain chain = make_chain(&office, 3);
    for (unsigned i = 0; i < 2; i++) {
        expect(!mailbox_put(&office.box, &chain, PUT_BOUNDED));
        expect_int(office.told, i);
        expect_take(&office, 0, 9, i, 1);
        expect_int(office.told, i + 1);
    }
    expect(mailbox_put(&office.box, &chain, PUT_BOUNDED));
    close_office(&office);
}

TEST(mailbox, says_nothing_of_room_when_nobody_was_refused)
{
    static struct post_office office;
    struct mailbox_config config = config_for(1);
    config.bound = 4;
    open_office(&office, config);
    put(&office, 4, PUT_BOUNDED);
    expect_take(&office, 0, 9, 0, 4);
    expect_int(office.told, 0);
    mailbox_wait_room(&office.box); /* returns at once: there is room */
    close_office(&office);
}

/* --- whom a put rings --- */

TEST(mailbox, rings_once_for_a_burst)
{
    static struct post_office office;
    open_office(&office, config_for(1));
    expect(mailbox_sleep(&office.box, &office.takers[0], false));
    for (unsigned i = 0; i < 5; i++) {
        put(&office, 2, PUT_BOUNDED);
    }
    expect(was_rung(&office, 0));
    expect(!was_rung(&office, 0));
    expect_int(report_of(&office)->rung, 1);
    expect_int(report_of(&office)->elided, 4);
    close_office(&office);
}

TEST(mailbox, rings_nobody_while_its_taker_is_awake)
{
    static struct post_office office;
    open_office(&office, config_for(1));
    for (unsigned i = 0; i < 5; i++) {
        put(&office, 2, i % 2 == 0 ? PUT_BOUNDED : PUT_ADMITTED);
    }
    expect(!was_rung(&office, 0));
    expect_int(report_of(&office)->rung, 0);
    expect_int(report_of(&office)->elided, 5);
    close_office(&office);
}

TEST(mailbox, rings_again_for_each_sleep)
{
    static struct post_office office;
    open_office(&office, config_for(1));
    for (unsigned i = 0; i < 5; i++) {
        expect(mailbox_sleep(&office.box, &office.takers[0], false));
        put(&office, 1, PUT_BOUNDED);
        expect(was_rung(&office, 0));
        expect_take(&office, 0, 9, i, 1);
        expect_int(report_of(&office)->rung, i + 1);
    }
    close_office(&office);
}

TEST(mailbox, with_wakeup_always_every_put_rings)
{
    static struct post_office office;
    struct mailbox_config config = config_for(1);
    config.wakeup = WAKEUP_ALWAYS;
    open_office(&office, config);
    expect_take(&office, 0, 9, 0, 0);
    for (unsigned i = 0; i < 5; i++) {
        put(&office, 1, i == 3 ? PUT_QUIET : PUT_BOUNDED);
        expect_msg(was_rung(&office, 0), "put %u rang nobody", i);
    }
    expect_int(report_of(&office)->rung, 5);
    expect_int(report_of(&office)->elided, 0);
    close_office(&office);
}

TEST(mailbox, a_quiet_put_leaves_a_sleeper_alone)
{
    static struct post_office office;
    open_office(&office, config_for(1));
    expect(mailbox_sleep(&office.box, &office.takers[0], false));
    put(&office, 2, PUT_QUIET);
    expect(!was_rung(&office, 0));
    put(&office, 1, PUT_BOUNDED);
    expect(was_rung(&office, 0));
    expect_take(&office, 0, 9, 0, 3);
    close_office(&office);
}

TEST(mailbox, a_quiet_put_rings_a_sleeper_that_wants_to_hear_of_everything)
{
    static struct post_office office;
    open_office(&office, config_for(1));
    expect(mailbox_sleep(&office.box, &office.takers[0], true));
    put(&office, 1, PUT_QUIET);
    expect(was_rung(&office, 0));
    expect_take(&office, 0, 9, 0, 1);
    expect(mailbox_sleep(&office.box, &office.takers[0], false));
    put(&office, 1, PUT_QUIET);
    expect(!was_rung(&office, 0));
    close_office(&office);
}

TEST(mailbox, the_newest_sleeper_is_called_first)
{
    static struct post_office office;
    open_office(&office, config_for(3));
    all_sleep(&office, 3);
    for (unsigned i = 3; i-- > 0;) {
        put(&office, 4, PUT_BOUNDED);
        for (unsigned j = 0; j < 3; j++) {
            expect_int(was_rung(&office, j), j == i);
        }
    }
    close_office(&office);
}

TEST(mailbox, calls_as_many_sleepers_as_the_work_needs)
{
    for (unsigned depth = 1; depth <= 17; depth++) {
        static struct post_office office;
        open_office(&office, config_for(4));
        all_sleep(&office, 4);
        put(&office, depth, PUT_BOUNDED);
        unsigned needed = (depth + 3) / 4;
        expect_int(count_rung(&office, 4), needed < 4 ? needed : 4);
        close_office(&office);
    }
}

TEST(mailbox, trusts_each_awake_taker_with_a_share)
{
    static struct post_office office;
    open_office(&office, config_for(3));
    all_sleep(&office, 2); /* the third is awake */
    put(&office, 4, PUT_BOUNDED);
    expect_int(count_rung(&office, 2), 0);
    put(&office, 1, PUT_BOUNDED);
    expect_int(count_rung(&office, 2), 1);
    put(&office, 3, PUT_BOUNDED);
    expect_int(count_rung(&office, 2), 0);
    close_office(&office);
}

TEST(mailbox, keeps_no_more_awake_than_are_worth_having_awake)
{
    static struct post_office office;
    struct mailbox_config config = config_for(6);
    config.share = 1;
    config.awake_most = 2;
    open_office(&office, config);
    all_sleep(&office, 6);
    put(&office, 10, PUT_BOUNDED);
    expect_int(count_rung(&office, 6), 2);
    put(&office, 10, PUT_BOUNDED);
    expect_int(count_rung(&office, 6), 0);
    close_office(&office);
}

/* --- sleeping and waking --- */

TEST(mailbox, nobody_sleeps_while_something_waits)
{
    static struct post_office office;
    open_office(&office, config_for(1));
    put(&office, 1, PUT_QUIET);
    expect(!mailbox_sleep(&office.box, &office.takers[0], false));
    put(&office, 1, PUT_BOUNDED);
    expect(!was_rung(&office, 0));
    expect_take(&office, 0, 9, 0, 2);
    expect(mailbox_sleep(&office.box, &office.takers[0], false));
    close_office(&office);
}

TEST(mailbox, a_taker_that_wakes_by_itself_is_not_rung)
{
    static struct post_office office;
    open_office(&office, config_for(3));
    for (unsigned who = 0; who < 3; who++) {
        all_sleep(&office, 3);
        expect_take(&office, who, 9, 0, 0);
        put(&office, 4, PUT_BOUNDED);
        expect_int(count_rung(&office, 3), 0);
        put(&office, 8, PUT_BOUNDED);
        expect(!was_rung(&office, who));
        for (unsigned i = 0; i < 3; i++) {
            struct chain chain = {0};
            mailbox_take(&office.box, &office.takers[i], &chain, 64);
            was_rung(&office, i);
        }
        struct chain rest = {0};
        while (mailbox_take(&office.box, &office.takers[0], &rest, 64) > 0) {
            rest = (struct chain){0};
        }
    }
    close_office(&office);
}

TEST(mailbox, a_taker_that_says_twice_that_it_sleeps_is_one_sleeper)
{
    static struct post_office office;
    open_office(&office, config_for(1));
    expect(mailbox_sleep(&office.box, &office.takers[0], false));
    expect(mailbox_sleep(&office.box, &office.takers[0], true));
    put(&office, 1, PUT_QUIET);
    expect(was_rung(&office, 0));
    expect_take(&office, 0, 9, 0, 1);
    put(&office, 1, PUT_BOUNDED);
    expect(!was_rung(&office, 0));
    close_office(&office);
}

TEST(mailbox, a_taker_that_leaves_much_behind_calls_another)
{
    static struct post_office office;
    struct mailbox_config config = config_for(20);
    config.share = 1;
    open_office(&office, config);
    all_sleep(&office, 20);
    put(&office, 20, PUT_BOUNDED); /* a put calls sixteen at most */
    expect_int(count_rung(&office, 20), 16);
    expect_take(&office, 19, 1, 0, 1);
    expect_int(count_rung(&office, 20), 3);
    close_office(&office);
}

/* --- away --- */

TEST(mailbox, a_taker_that_goes_away_calls_another_for_what_waits)
{
    static struct post_office office;
    open_office(&office, config_for(2));
    all_sleep(&office, 1);
    put(&office, 2, PUT_BOUNDED);
    expect(!was_rung(&office, 0));
    mailbox_away(&office.box);
    expect(was_rung(&office, 0));
    mailbox_back(&office.box);
    close_office(&office);
}

TEST(mailbox, a_taker_that_goes_away_calls_nobody_when_nothing_waits)
{
    static struct post_office office;
    open_office(&office, config_for(2));
    all_sleep(&office, 1);
    mailbox_away(&office.box);
    expect(!was_rung(&office, 0));
    put(&office, 1, PUT_BOUNDED);
    expect(was_rung(&office, 0));
    mailbox_back(&office.box);
    close_office(&office);
}

TEST(mailbox, a_taker_that_is_back_is_relied_on_again)
{
    static struct post_office office;
    open_office(&office, config_for(2));
    mailbox_away(&office.box);
    mailbox_back(&office.box);
    all_sleep(&office, 1);
    put(&office, 4, PUT_BOUNDED);
    expect(!was_rung(&office, 0));
    close_office(&office);
}

TEST(mailbox, takers_that_are_away_do_not_count_as_awake)
{
    static struct post_office office;
    struct mailbox_config config = config_for(4);
    config.awake_most = 1;
    open_office(&office, config);
    all_sleep(&office, 1);
    mailbox_away(&office.box);
    mailbox_away(&office.box);
    put(&office, 4, PUT_BOUNDED); /* the one awake is trusted with four */
    expect(!was_rung(&office, 0));
    mailbox_away(&office.box);
    expect(was_rung(&office, 0));
    close_office(&office);
}

TEST(mailbox, what_is_given_back_goes_to_the_front_in_order)
{
    static struct post_office office;
    open_office(&office, config_for(1));
    struct chain chain = {0};
    put(&office, 6, PUT_BOUNDED);
    expect_int(mailbox_take(&office.box, &office.takers[0], &chain, 4), 4);
    expect_int(number_of(&office, chain_next(&chain)), 0);
    mailbox_give_back(&office.box, &office.takers[0], &chain);
    expect(chain.head == NULL && chain.tail == NULL);
    expect_int(chain.count, 0);
    put(&office, 1, PUT_BOUNDED);
    expect_take(&office, 0, 9, 1, 6);
    mailbox_give_back(&office.box, &office.takers[0], &chain); /* nothing */
    expect_take(&office, 0, 9, 7, 0);
    close_office(&office);
}

/* --- handed out directly --- */

static struct mailbox_config direct_config(unsigned takers, bool strict)
{
    struct mailbox_config config = config_for(takers);
    config.direct = true;
    config.strict = strict;
    return config;
}

/* All takers have looked in; those from `first` on sleep, the last of them last. */
static void all_have_looked(struct post_office *office, unsigned first, unsigned takers)
{
    for (unsigned i = 0; i < takers; i++) {
        expect_take(office, i, 1, 0, 0);
    }
    for (unsigned i = first; i < takers; i++) {
        expect(mailbox_sleep(&office->box, &office->takers[i], false));
    }
}

TEST(mailbox, direct_gives_the_oldest_slip_to_the_newest_sleeper)
{
    static struct post_office office;
    open_office(&office, direct_config(3, false));
    all_have_looked(&office, 0, 3);
    put(&office, 2, PUT_BOUNDED);
    expect_int(report_of(&office)->depth, 0);
    expect(was_rung(&office, 2) && was_rung(&office, 1) && !was_rung(&office, 0));
    expect_take(&office, 0, 64, 0, 0); /* another one's is not to be had */
    expect_take(&office, 1, 64, 1, 1);
    expect_take(&office, 2, 64, 0, 1);
    expect_int(report_of(&office)->put, 2);
    close_office(&office);
}

TEST(mailbox, direct_keeps_in_order_what_finds_nobody_idle)
{
    static struct post_office office;
    open_office(&office, direct_config(2, false));
    all_have_looked(&office, 2, 2);
    put(&office, 3, PUT_BOUNDED);
    expect_int(report_of(&office)->depth, 3);
    expect_take(&office, 1, 64, 0, 1); /* one at a time: the next may be idle sooner */
    expect_take(&office, 0, 64, 1, 1);
    expect(!mailbox_sleep(&office.box, &office.takers[0], false));
    expect_take(&office, 0, 64, 2, 1);
    expect_int(count_rung(&office, 2), 0);
    close_office(&office);
}

TEST(mailbox, direct_hands_out_as_much_as_there_are_sleepers)
{
    static struct post_office office;
    open_office(&office, direct_config(TAKERS_MAX, true));
    all_have_looked(&office, 0, TAKERS_MAX);
    put(&office, TAKERS_MAX, PUT_BOUNDED);
    expect_int(count_rung(&office, TAKERS_MAX), TAKERS_MAX);
    expect_int(report_of(&office)->refused, 0);
    for (unsigned i = 0; i < TAKERS_MAX; i++) {
        expect_take(&office, TAKERS_MAX - 1 - i, 64, i, 1);
    }
    close_office(&office);
}

TEST(mailbox, one_that_was_handed_a_slip_does_not_fall_asleep_over_it)
{
    static struct post_office office;
    open_office(&office, direct_config(1, false));
    all_have_looked(&office, 0, 1);
    put(&office, 1, PUT_BOUNDED);
    expect(!mailbox_sleep(&office.box, &office.takers[0], false));
    put(&office, 1, PUT_BOUNDED);
    expect_take(&office, 0, 64, 0, 1);
    expect_take(&office, 0, 64, 1, 1);
    close_office(&office);
}

TEST(mailbox, strict_refuses_when_nobody_is_idle)
{
    static struct post_office office;
    open_office(&office, direct_config(2, true));
    all_have_looked(&office, 1, 2);
    struct chain chain = make_chain(&office, 2);
    expect(!mailbox_put(&office.box, &chain, PUT_BOUNDED));
    expect_int(chain.count, 1);
    expect(chain.head == &office.slips[1]);
    expect_int(report_of(&office)->refused, 1);
    expect_int(report_of(&office)->depth, 0);
    expect_take(&office, 0, 64, 0, 0);
    expect(mailbox_sleep(&office.box, &office.takers[0], false));
    expect(mailbox_put(&office.box, &chain, PUT_BOUNDED));
    expect_take(&office, 0, 64, 1, 1);
    close_office(&office);
}

TEST(mailbox, strict_never_refuses_what_was_admitted_earlier)
{
    static struct post_office office;
    open_office(&office, direct_config(1, true));
    all_have_looked(&office, 1, 1);
    put(&office, 2, PUT_ADMITTED);
    put(&office, 1, PUT_QUIET);
    expect_int(report_of(&office)->depth, 3);
    close_office(&office);
}

TEST(mailbox, strict_counts_on_takers_that_have_not_looked_yet)
{
    static struct post_office office;
    open_office(&office, direct_config(2, true));
    struct chain chain = make_chain(&office, 3);
    expect(!mailbox_put(&office.box, &chain, PUT_BOUNDED));
    expect_int(chain.count, 1);
    expect_take(&office, 0, 64, 0, 1);
    expect_take(&office, 1, 64, 1, 1);
    expect(!mailbox_put(&office.box, &chain, PUT_BOUNDED));
    close_office(&office);
}

TEST(mailbox, strict_counts_on_takers_that_can_be_started)
{
    static struct post_office office;
    struct mailbox_config config = direct_config(1, true);
    config.takers_most = 3;
    open_office(&office, config);
    all_have_looked(&office, 1, 1);
    struct chain chain = make_chain(&office, 3);
    expect(!mailbox_put(&office.box, &chain, PUT_BOUNDED));
    expect_int(chain.count, 1);
    expect_int(office.spawned, 2);
    expect_take(&office, 1, 64, 0, 1);
    expect_take(&office, 2, 64, 1, 1);
    close_office(&office);
}

/* --- takers on demand --- */

/* One taker at the start, which is awake; one is trusted with four items. */
static struct mailbox_config demand_config(unsigned most)
{
    struct mailbox_config config = config_for(1);
    config.takers_most = config.awake_most = most;
    config.idle_ns = 1;
    return config;
}

TEST(mailbox, asks_for_another_taker_exactly_when_one_is_needed)
{
    static struct post_office office;
    open_office(&office, demand_config(4));
    put(&office, 4, PUT_BOUNDED);
    expect_int(office.spawned, 0);
    put(&office, 1, PUT_BOUNDED);
    expect_int(office.spawned, 1);
    put(&office, 3, PUT_BOUNDED); /* the new one is trusted with them, though it has not run yet */
    expect_int(office.spawned, 1);
    put(&office, 5, PUT_BOUNDED);
    expect_int(office.spawned, 3);
    close_office(&office);
}

TEST(mailbox, never_asks_for_more_takers_than_there_may_be)
{
    static struct post_office office;
    struct mailbox_config config = demand_config(3);
    config.share = 1;
    config.awake_most = 100;
    open_office(&office, config);
    put(&office, 30, PUT_BOUNDED);
    put(&office, 30, PUT_ADMITTED);
    mailbox_away(&office.box);
    expect_int(office.spawned, 2);
    close_office(&office);
}

TEST(mailbox, asks_for_no_more_takers_than_are_worth_having_awake)
{
    static struct post_office office;
    struct mailbox_config config = demand_config(10);
    config.awake_most = 2;
    open_office(&office, config);
    put(&office, 30, PUT_BOUNDED);
    expect_int(office.spawned, 1);
    mailbox_away(&office.box);
    expect_int(office.spawned, 2);
    mailbox_back(&office.box);
    close_office(&office);
}

TEST(mailbox, calls_sleepers_before_it_asks_for_another_taker)
{
    static struct post_office office;
    open_office(&office, demand_config(2));
    all_sleep(&office, 1);
    put(&office, 4, PUT_BOUNDED);
    expect(was_rung(&office, 0));
    expect_int(office.spawned, 0);
    put(&office, 1, PUT_BOUNDED);
    expect_int(office.spawned, 1);
    close_office(&office);
}

TEST(mailbox, asks_for_nobody_while_there_are_sleepers_it_could_not_ring_yet)
{
    static struct post_office office;
    struct mailbox_config config = config_for(20);
    config.takers_most = config.awake_most = TAKERS_MAX;
    config.share = 1;
    open_office(&office, config);
    all_sleep(&office, 20);
    put(&office, 20, PUT_BOUNDED); /* a put rings sixteen */
    expect_int(count_rung(&office, 20), 16);
    expect_int(office.spawned, 0);
    close_office(&office);
}

TEST(mailbox, with_wakeup_always_a_put_asks_for_nobody_who_is_not_needed)
{
    static struct post_office office;
    struct mailbox_config config = demand_config(4);
    config.wakeup = WAKEUP_ALWAYS;
    open_office(&office, config);
    for (unsigned i = 0; i < 4; i++) {
        put(&office, 1, PUT_BOUNDED);
    }
    expect_int(office.spawned, 0);
    put(&office, 1, PUT_BOUNDED);
    expect_int(office.spawned, 1);
    close_office(&office);
}

TEST(mailbox, a_taker_that_cannot_be_started_loses_nothing)
{
    static struct post_office office;
    open_office(&office, demand_config(2));
    office.spawn_fails = true;
    put(&office, 5, PUT_BOUNDED);
    expect_int(office.spawned, 1);
    put(&office, 1, PUT_BOUNDED); /* asks again: it did not count */
    expect_int(office.spawned, 2);
    expect_take(&office, 0, 3, 0, 3);
    office.spawn_fails = false;
    put(&office, 2, PUT_BOUNDED);
    expect_int(office.spawned, 3);
    expect_take(&office, 0, 2, 3, 2);
    expect_take(&office, 1, 3, 5, 2);
    expect_take(&office, 0, 9, 7, 1);
    close_office(&office);
}

/* While it is being started, the others go to sleep and more work comes, trusting in it. */
static bool fail_to_spawn_late(void *arg)
{
    struct post_office *office = arg;
    expect_take(office, 0, 3, 0, 3);
    expect_take(office, 0, 3, 3, 2);
    expect(mailbox_sleep(&office->box, &office->takers[0], false));
    put(office, 1, PUT_BOUNDED);
    expect(!was_rung(office, 0));
    return false;
}

TEST(mailbox, a_taker_that_cannot_be_started_is_not_relied_on)
{
    static struct post_office office;
    open_office(&office, demand_config(2));
    mailbox_on_spawn(&office.box, fail_to_spawn_late, &office);
    put(&office, 5, PUT_BOUNDED);
    expect(was_rung(&office, 0));
    close_office(&office);
}

TEST(mailbox, a_strict_put_fits_again_after_a_taker_could_not_be_started)
{
    static struct post_office office;
    struct mailbox_config config = direct_config(1, true);
    config.takers_most = 2;
    open_office(&office, config);
    all_have_looked(&office, 1, 1);
    office.spawn_fails = true;
    put(&office, 1, PUT_BOUNDED); /* was promised a taker: waits for whoever is idle first */
    struct chain chain = make_chain(&office, 1);
    expect(!mailbox_put(&office.box, &chain, PUT_BOUNDED));
    expect_take(&office, 0, 9, 0, 1);
    office.spawn_fails = false;
    expect(mailbox_put(&office.box, &chain, PUT_BOUNDED));
    expect_take(&office, 1, 9, 1, 1);
    close_office(&office);
}

/* A pool's thread sleeps in mailbox_wait itself, so it cannot have a bell that is polled. */
static enum wait_end wait_as_pool(struct post_office *office)
{
    struct taker taker;
    struct chain chain = {0};
    taker_init(&taker, DOORBELL_CONDVAR, false);
    enum wait_end end = mailbox_wait(&office->box, &taker, &chain, 9);
    taker_deinit(&taker);
    return end;
}

TEST(mailbox, an_idle_taker_retires_while_there_are_more_than_have_to_stay)
{
    static struct post_office office;
    open_office(&office, demand_config(3));
    put(&office, 9, PUT_BOUNDED);
    expect_int(office.spawned, 2);
    expect_take(&office, 0, 3, 0, 3);
    expect_take(&office, 0, 64, 3, 3);
    expect_take(&office, 0, 64, 6, 2);
    expect_take(&office, 0, 64, 8, 1);
    expect_int(wait_as_pool(&office), WAIT_RETIRED);
    expect_int(wait_as_pool(&office), WAIT_RETIRED);
    put(&office, 9, PUT_BOUNDED); /* their places can be taken again */
    expect_int(office.spawned, 4);
    close_office(&office);
}

struct idler {
    struct post_office *office;
    struct taker taker;
    pthread_t thread;
    enum wait_end end;
};

static void *idle(void *arg)
{
    struct idler *idler = arg;
    do {
        struct chain chain = {0};
        idler->end = mailbox_wait(&idler->office->box, &idler->taker, &chain, 9);
    } while (idler->end == WAIT_TOOK);
    return NULL;
}

/* It is idle for longer than its nanosecond many times over while it is given time. */
static void start_idling(struct idler *idler)
{
    taker_init(&idler->taker, DOORBELL_CONDVAR, false);
    expect_int(pthread_create(&idler->thread, NULL, idle, idler), 0);
    for (uint64_t until_ns = clock_ns() + 10 * NS_PER_MS; clock_ns() < until_ns;) {
        sched_yield();
    }
}

static void end_idling(struct idler *idler)
{
    mailbox_close(&idler->office->box);
    expect_int(pthread_join(idler->thread, NULL), 0);
    taker_deinit(&idler->taker);
}

TEST(mailbox, the_last_takers_never_retire)
{
    static struct post_office office;
    struct idler idler = {.office = &office};
    open_office(&office, demand_config(3));
    start_idling(&idler);
    end_idling(&idler);
    expect_int(idler.end, WAIT_OVER);
    close_office(&office);
}

static bool fail_while_the_other_idles(void *arg)
{
    start_idling(arg);
    return false;
}

TEST(mailbox, nobody_retires_for_one_that_may_fail_to_start)
{
    static struct post_office office;
    struct idler idler = {.office = &office};
    open_office(&office, demand_config(2));
    mailbox_on_spawn(&office.box, fail_while_the_other_idles, &idler);
    put(&office, 5, PUT_BOUNDED);
    end_idling(&idler);
    expect_int(idler.end, WAIT_OVER);
    close_office(&office);
}

TEST(mailbox, a_closed_mailbox_asks_for_nobody)
{
    static struct post_office office;
    open_office(&office, demand_config(3));
    mailbox_close(&office.box);
    put(&office, 9, PUT_ADMITTED);
    mailbox_away(&office.box);
    expect_int(office.spawned, 0);
    mailbox_back(&office.box);
    close_office(&office);
}

/* --- turns --- */

/* The bell of the loop that idle takers run in turn. */
static struct taker loop;

static struct mailbox_config turn_config(unsigned takers)
{
    struct mailbox_config config = config_for(takers);
    config.turn_bell = &loop.bell;
    return config;
}

static void open_turns(struct post_office *office, struct mailbox_config config)
{
    taker_init(&loop, DOORBELL_EVENTFD, true);
    open_office(office, config);
}

static void close_turns(struct post_office *office)
{
    close_office(office);
    taker_deinit(&loop);
}

static void expect_wait(struct post_office *office, unsigned taker, enum wait_end end)
{
    struct chain chain = {0};
    expect_int(mailbox_wait(&office->box, &office->takers[taker], &chain, 9), end);
    expect_int(chain.count > 0, end == WAIT_TOOK);
}

TEST(mailbox, one_idle_taker_has_the_turn_and_the_others_sleep)
{
    static struct post_office office;
    struct mailbox_config config = turn_config(1);
    config.takers_most = config.awake_most = 2;
    config.idle_ns = 1;
    open_turns(&office, config);
    put(&office, 5, PUT_BOUNDED); /* so that there are two, and one may retire */
    expect_int(office.spawned, 1);
    expect_take(&office, 0, 9, 0, 3);
    expect_take(&office, 0, 9, 3, 2);
    expect_wait(&office, 0, WAIT_TURN);
    expect_int(wait_as_pool(&office), WAIT_RETIRED); /* it slept, and had no turn */
    mailbox_end_turn(&office.box, &office.takers[0]);
    expect_wait(&office, 0, WAIT_TURN);
    close_turns(&office);
}

TEST(mailbox, work_comes_before_the_turn)
{
    static struct post_office office;
    open_turns(&office, turn_config(1));
    put(&office, 1, PUT_BOUNDED);
    expect_wait(&office, 0, WAIT_TOOK);
    expect_wait(&office, 0, WAIT_TURN);
    close_turns(&office);
}

TEST(mailbox, who_takes_work_while_the_turn_is_free_calls_the_newest_sleeper_for_it_once)
{
    static struct post_office office;
    open_turns(&office, turn_config(3));
    expect_wait(&office, 0, WAIT_TURN);
    expect_take(&office, 1, 9, 0, 0);
    expect_take(&office, 2, 9, 0, 0);
    expect(mailbox_sleep(&office.box, &office.takers[1], false));
    expect(mailbox_sleep(&office.box, &office.takers[2], false));
    put(&office, 2, PUT_BOUNDED); /* the one that has the turn is awake and trusted with it */
    mailbox_end_turn(&office.box, &office.takers[0]);
    expect_take(&office, 0, 1, 0, 1);
    expect(!was_rung(&office, 0) && !was_rung(&office, 1) && was_rung(&office, 2));
    expect(!is_rung(&loop.bell));
    expect_take(&office, 0, 1, 1, 1); /* one is on its way */
    expect(!was_rung(&office, 1));
    expect_wait(&office, 2, WAIT_TURN);
    close_turns(&office);
}

/* The case that stood still once: the called taker finds work, and would leave the turn to no thread. */
TEST(mailbox, one_called_for_the_turn_that_finds_work_passes_the_call_on)
{
    static struct post_office office;
    open_turns(&office, turn_config(3));
    expect_wait(&office, 0, WAIT_TURN);
    expect_take(&office, 1, 9, 0, 0);
    expect_take(&office, 2, 9, 0, 0);
    expect(mailbox_sleep(&office.box, &office.takers[1], false));
    expect(mailbox_sleep(&office.box, &office.takers[2], false));
    put(&office, 2, PUT_BOUNDED);
    mailbox_end_turn(&office.box, &office.takers[0]);
    expect_take(&office, 0, 1, 0, 1);
    expect(was_rung(&office, 2));
    expect_take(&office, 2, 1, 1, 1);
    expect(was_rung(&office, 1));
    expect_wait(&office, 1, WAIT_TURN);
    close_turns(&office);
}

TEST(mailbox, a_put_wakes_the_one_that_sleeps_in_the_loop_through_the_loops_bell)
{
    static struct post_office office;
    open_turns(&office, turn_config(1));
    expect_wait(&office, 0, WAIT_TURN);
    expect(!mailbox_wants(&office.box, &office.takers[0]));
    expect(mailbox_sleep(&office.box, &office.takers[0], false));
    put(&office, 1, PUT_BOUNDED);
    expect(is_rung(&loop.bell));
    expect(!was_rung(&office, 0));
    expect(mailbox_wants(&office.box, &office.takers[0]));
    mailbox_end_turn(&office.box, &office.takers[0]);
    expect_wait(&office, 0, WAIT_TOOK);
    expect(mailbox_sleep(&office.box, &office.takers[0], false)); /* at home again */
    put(&office, 1, PUT_BOUNDED);
    expect(was_rung(&office, 0));
    expect(!is_rung(&loop.bell));
    close_turns(&office);
}

TEST(mailbox, a_slip_handed_to_the_one_in_the_loop_ends_its_turn)
{
    static struct post_office office;
    struct mailbox_config config = turn_config(1);
    config.direct = true;
    open_turns(&office, config);
    expect_wait(&office, 0, WAIT_TURN);
    expect(mailbox_sleep(&office.box, &office.takers[0], false));
    put(&office, 1, PUT_BOUNDED);
    expect(is_rung(&loop.bell));
    expect(!mailbox_sleep(&office.box, &office.takers[0], false));
    expect(mailbox_wants(&office.box, &office.takers[0]));
    mailbox_end_turn(&office.box, &office.takers[0]);
    expect_wait(&office, 0, WAIT_TOOK);
    close_turns(&office);
}

TEST(mailbox, one_that_slept_in_the_loop_and_ends_its_turn_is_awake)
{
    static struct post_office office;
    open_turns(&office, turn_config(1));
    expect_wait(&office, 0, WAIT_TURN);
    expect(mailbox_sleep(&office.box, &office.takers[0], false));
    mailbox_end_turn(&office.box, &office.takers[0]);
    put(&office, 1, PUT_BOUNDED);
    expect(!is_rung(&loop.bell) && !was_rung(&office, 0));
    expect_wait(&office, 0, WAIT_TOOK);
    close_turns(&office);
}

TEST(mailbox, who_takes_work_while_the_turn_is_free_and_nobody_sleeps_asks_for_another_taker)
{
    static struct post_office office;
    struct mailbox_config config = turn_config(1);
    config.takers_most = config.awake_most = 2;
    open_turns(&office, config);
    expect_wait(&office, 0, WAIT_TURN);
    put(&office, 1, PUT_BOUNDED);
    mailbox_end_turn(&office.box, &office.takers[0]);
    expect_int(office.spawned, 0);
    expect_wait(&office, 0, WAIT_TOOK);
    expect_int(office.spawned, 1); /* or no thread runs the loop while the work takes its time */
    expect_wait(&office, 1, WAIT_TURN);
    mailbox_end_turn(&office.box, &office.takers[1]);
    expect_int(office.spawned, 1);
    close_turns(&office);
}

/* While it is being started another taker has the turn, takes work, and trusts in it. */
static bool fail_to_spawn_for_the_turn(void *arg)
{
    struct post_office *office = arg;
    expect_wait(office, 1, WAIT_TURN);
    expect(mailbox_sleep(&office->box, &office->takers[2], false));
    put(office, 1, PUT_BOUNDED);
    mailbox_end_turn(&office->box, &office->takers[1]);
    expect_take(office, 1, 1, 1, 1);
    expect(!was_rung(office, 2));
    return false;
}

/* Or no thread runs the loop while both work, though one sleeps. */
TEST(mailbox, a_sleeper_is_called_for_the_turn_when_a_taker_cannot_be_started)
{
    static struct post_office office;
    struct mailbox_config config = turn_config(3);
    config.takers_most = config.awake_most = 4;
    open_turns(&office, config);
    mailbox_on_spawn(&office.box, fail_to_spawn_for_the_turn, &office);
    expect_take(&office, 1, 9, 0, 0);
    expect_take(&office, 2, 9, 0, 0);
    put(&office, 1, PUT_BOUNDED);
    expect_take(&office, 0, 1, 0, 1);
    expect(was_rung(&office, 2));
    expect_wait(&office, 2, WAIT_TURN);
    close_turns(&office);
}

TEST(mailbox, close_wakes_the_one_in_the_loop_and_gives_no_more_turns)
{
    static struct post_office office;
    open_turns(&office, turn_config(2));
    expect_wait(&office, 0, WAIT_TURN);
    expect(mailbox_sleep(&office.box, &office.takers[0], false));
    expect(mailbox_sleep(&office.box, &office.takers[1], false));
    mailbox_close(&office.box);
    expect(is_rung(&loop.bell) && was_rung(&office, 1));
    expect_wait(&office, 1, WAIT_OVER);
    mailbox_end_turn(&office.box, &office.takers[0]);
    expect_wait(&office, 0, WAIT_OVER);
    close_turns(&office);
}

/* --- closing --- */

TEST(mailbox, close_calls_every_sleeper)
{
    static struct post_office office;
    open_office(&office, config_for(TAKERS_MAX));
    all_sleep(&office, TAKERS_MAX);
    mailbox_close(&office.box);
    expect_int(count_rung(&office, TAKERS_MAX), TAKERS_MAX);
    expect(!mailbox_sleep(&office.box, &office.takers[0], false));
    close_office(&office);
}

TEST(mailbox, what_is_left_when_it_closes_is_still_taken)
{
    static struct post_office office;
    open_office(&office, config_for(1));
    struct chain chain = {0};
    put(&office, 3, PUT_BOUNDED);
    mailbox_close(&office.box);
    expect_int(mailbox_wait(&office.box, &office.takers[0], &chain, 2), WAIT_TOOK);
    expect_int(chain.count, 2);
    expect_int(number_of(&office, chain.head), 0);
    chain = (struct chain){0};
    expect_int(mailbox_wait(&office.box, &office.takers[0], &chain, 2), WAIT_TOOK);
    expect_int(number_of(&office, chain_next(&chain)), 2);
    for (unsigned i = 0; i < 2; i++) {
        expect_int(mailbox_wait(&office.box, &office.takers[0], &chain, 2), WAIT_OVER);
        expect(chain.head == NULL);
    }
    close_office(&office);
}

/* --- what is counted --- */

TEST(mailbox, reports_depth_peak_and_what_was_put)
{
    static struct post_office office;
    open_office(&office, config_for(1));
    put(&office, 5, PUT_BOUNDED);
    expect_take(&office, 0, 3, 0, 3);
    put(&office, 1, PUT_QUIET);
    const struct queue_report *report = report_of(&office);
    expect_text(report->name, "box");
    expect_int(report->bound, 1000);
    expect_int(report->depth, 3);
    expect_int(report->depth_max, 5);
    expect_int(report->put, 6);
    expect_take(&office, 0, 9, 3, 3);
    expect_int(report_of(&office)->depth, 0);
    expect_int(report_of(&office)->depth_max, 5);
    close_office(&office);
}

TEST(mailbox, measures_each_wait_each_batch_and_each_wakeup)
{
    static struct post_office office;
    open_office(&office, config_for(1));
    expect(mailbox_sleep(&office.box, &office.takers[0], false));
    put(&office, 5, PUT_BOUNDED);
    expect_take(&office, 0, 3, 0, 3);
    expect_take(&office, 0, 9, 3, 2);
    expect_take(&office, 0, 9, 5, 0);
    const struct queue_report *report = report_of(&office);
    expect_int(report->wait.count, 5);
    expect_int(report->batch.count, 2);
    expect_int(report->batch.max, 3);
    expect_int(report->wakeup.count, 1);
    close_office(&office);
}

TEST(mailbox, measures_no_wakeup_of_a_taker_that_was_not_called)
{
    static struct post_office office;
    open_office(&office, config_for(1));
    expect(mailbox_sleep(&office.box, &office.takers[0], false));
    expect_take(&office, 0, 9, 0, 0);
    put(&office, 1, PUT_BOUNDED);
    expect_take(&office, 0, 9, 0, 1);
    expect_int(report_of(&office)->wakeup.count, 0);
    close_office(&office);
}

/* However they were put and taken: two puts in one take, one put in two. */
TEST(mailbox, measures_the_wait_of_each_item_once)
{
    static struct post_office office;
    open_office(&office, config_for(1));
    put(&office, 3, PUT_BOUNDED);
    while (clock_ns() < office.slips[0].put_ns + NS_PER_MS) {
    }
    put(&office, 4, PUT_BOUNDED);
    expect_take(&office, 0, 2, 0, 2);
    expect_int(report_of(&office)->wait.count, 2);
    expect_take(&office, 0, 9, 2, 5);
    expect_int(report_of(&office)->wait.count, 7);
    expect(report_of(&office)->wait.sum >= 3 * NS_PER_MS);
    close_office(&office);
}

/* Its wait goes on, and neither the first take's wait nor its batch has it. */
TEST(mailbox, measures_what_is_given_back_when_it_is_taken_for_good)
{
    static struct post_office office;
    struct mailbox_config config = config_for(1);
    struct chain chain = {0};
    config.gives_back = true;
    open_office(&office, config);
    put(&office, 3, PUT_BOUNDED);
    put(&office, 4, PUT_BOUNDED);
    expect_int(mailbox_take(&office.box, &office.takers[0], &chain, 6), 6);
    expect_int(report_of(&office)->wait.count, 0);
    expect_int(number_of(&office, chain_next(&chain)), 0);
    expect_int(number_of(&office, chain_next(&chain)), 1);
    mailbox_give_back(&office.box, &office.takers[0], &chain);
    expect_int(report_of(&office)->wait.count, 2);
    expect_int(report_of(&office)->batch.max, 2);
    uint64_t before_ns = report_of(&office)->wait.sum;
    while (clock_ns() < office.slips[6].put_ns + NS_PER_MS) {
    }
    expect_take(&office, 0, 9, 2, 5);
    expect_take(&office, 0, 9, 7, 0);
    expect_int(report_of(&office)->wait.count, 7);
    expect_int(report_of(&office)->batch.count, 2);
    expect(report_of(&office)->wait.sum >= before_ns + 5 * NS_PER_MS);
    close_office(&office);
}

TEST(mailbox, keeps_no_histograms_unless_it_is_measured)
{
    static struct post_office office;
    struct mailbox_config config = config_for(1);
    config.measured = false;
    open_office(&office, config);
    expect(mailbox_sleep(&office.box, &office.takers[0], false));
    put(&office, 2, PUT_BOUNDED);
    expect_take(&office, 0, 9, 0, 2);
    expect_int(report_of(&office)->put, 2);
    expect_int(report_of(&office)->wait.count + report_of(&office)->batch.count +
                   report_of(&office)->wakeup.count,
               0);
    close_office(&office);
}

/* --- what part of a wait is one for a CPU --- */

/* Keeps a CPU busy until stopped. */
static void *compete(void *arg)
{
    while (!atomic_load((_Atomic bool *)arg)) {
    }
    return NULL;
}

static void stay_on(cpu_set_t *usable)
{
    cpu_set_t one;
    unsigned cpu = 0;
    while (!CPU_ISSET(cpu, usable)) {
        cpu++;
    }
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    expect_int(pthread_setaffinity_np(pthread_self(), sizeof one, &one), 0);
}

/* Waits, as a taker that is at work, until another has had this CPU for so long. */
static uint64_t work_until_kept_waiting(uint64_t ns)
{
    uint64_t before_ns, now_ns;
    expect(thread_runqueue_ns(&before_ns));
    do {
        expect(thread_runqueue_ns(&now_ns));
    } while (now_ns < before_ns + ns);
    return now_ns - before_ns;
}

TEST(mailbox, splits_the_wait_when_its_taker_had_no_cpu)
{
    struct post_office office;
    struct queue_report report;
    struct chain chain = {0};
    pthread_t rival;
    cpu_set_t usable;
    _Atomic bool over = false;
    open_office(&office, config_for(1));
    expect_int(pthread_getaffinity_np(pthread_self(), sizeof usable, &usable), 0);
    stay_on(&usable);
    expect_int(pthread_create(&rival, NULL, compete, &over), 0);   /* on the same CPU */
    (void)mailbox_take(&office.box, &office.takers[0], &chain, 9); /* the first look */
    put(&office, 3, PUT_BOUNDED);
    uint64_t kept_ns = work_until_kept_waiting(2 * NS_PER_MS);
    expect_int(mailbox_take(&office.box, &office.takers[0], &chain, 9), 3);
    atomic_store(&over, true);
    expect_int(pthread_join(rival, NULL), 0);
    expect_int(pthread_setaffinity_np(pthread_self(), sizeof usable, &usable), 0);

    mailbox_report(&office.box, &report);
    expect_int(report.cpu_wait.count, 3);
    expect_int(report.sampled_wait.count, 3);
    expect(report.cpu_wait.sum >= 3 * kept_ns);
    expect(report.cpu_wait.sum <= report.sampled_wait.sum);
    expect_int(report.sampled_wait.sum, report.wait.sum);
    close_office(&office);
}

TEST(mailbox, splits_few_of_the_waits)
{
    struct post_office office;
    struct queue_report report;
    uint64_t from_ns = clock_ns();
    open_office(&office, config_for(1));
    for (unsigned i = 0; i < ITEMS; i++) {
        put(&office, 1, PUT_BOUNDED);
        expect_take(&office, 0, 9, i, 1);
    }
    uint64_t samples_most = 2 + (clock_ns() - from_ns) / (10 * NS_PER_MS);
    mailbox_report(&office.box, &report);
    expect_int(report.wait.count, ITEMS);
    expect(report.sampled_wait.count >= 1 && report.sampled_wait.count <= samples_most);
    close_office(&office);
}
