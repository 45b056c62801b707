/* test_outlet.c: the hand-over of buckets between a handler and its writer.
 *
 * The first part walks the contract in one thread. The second runs a processor and a writer against
 * each other: buckets are stamped, so that a lost, doubled or misplaced one is seen; every give is
 * a semaphore's post, so that a second give while the writer has the exchange is seen too.
 */
#include "core/exchange/outlet.h"

#include "tests/test.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

enum { HIGHWATER = 4096 };

static struct bucket memory(const char *text)
{
    return (struct bucket){.kind = BUCKET_MEMORY, .at = text, .len = strlen(text)};
}

/* Publishes one bucket, with an end behind it when `end` is one. */
static bool publish(struct outlet *outlet, struct bucket *bucket, struct bucket *end)
{
    struct brigade made = {0};
    if (bucket != NULL) {
        brigade_append(&made, bucket);
    }
    if (end != NULL) {
        brigade_append(&made, end);
    }
    bool give = outlet_publish(outlet, &made, end != NULL);
    expect(made.head == NULL);
    return give;
}

/* --- the contract, in one thread --- */

TEST(outlet, first_publish_gives_the_exchange_later_ones_do_not)
{
    struct outlet outlet;
    struct brigade sending = {0};
    struct bucket a = memory("a"), b = memory("b"), end = {.kind = BUCKET_END};
    outlet_init(&outlet);
    expect(publish(&outlet, &a, NULL));
    expect(!publish(&outlet, &b, NULL));
    expect(!publish(&outlet, NULL, &end));
    expect_int(outlet_collect(&outlet, &sending), COLLECT_SOME);
    expect(sending.head == &a && a.next == &b && b.next == &end);
    expect_int(sending.len, 2);
    brigade_clear(&sending);
    outlet_deinit(&outlet);
}

TEST(outlet, nothing_published_gives_nothing)
{
    struct outlet outlet;
    outlet_init(&outlet);
    expect(!publish(&outlet, NULL, NULL));
    outlet_deinit(&outlet);
}

TEST(outlet, a_writer_that_finds_nothing_has_let_go)
{
    struct outlet outlet;
    struct brigade sending = {0};
    struct bucket a = memory("a"), b = memory("b");
    outlet_init(&outlet);
    expect(publish(&outlet, &a, NULL));
    expect_int(outlet_collect(&outlet, &sending), COLLECT_SOME);
    expect_int(outlet_collect(&outlet, &sending), COLLECT_EMPTY);
    expect(publish(&outlet, &b, NULL));
    expect_int(outlet_collect(&outlet, &sending), COLLECT_SOME);
    expect(sending.head == &a && sending.tail == &b);
    brigade_clear(&sending);
    outlet_deinit(&outlet);
}

TEST(outlet, a_processor_waits_at_the_mark_and_is_called_at_half_of_it)
{
    struct outlet outlet;
    struct brigade sending = {0};
    struct bucket a = memory("0123456789");
    outlet_init(&outlet);
    expect(publish(&outlet, &a, NULL));
    expect(!outlet_wait_room(&outlet, 11));
    expect(outlet_wait_room(&outlet, 10));
    expect_int(outlet_collect(&outlet, &sending), COLLECT_SOME);
    expect(!outlet_sent(&outlet, 4, 10));
    expect(outlet_sent(&outlet, 1, 10));
    expect(!outlet_sent(&outlet, 5, 10));
    expect(!outlet_wait_room(&outlet, 10));
    brigade_clear(&sending);
    outlet_deinit(&outlet);
}

TEST(outlet, collecting_makes_no_room_only_sending_does)
{
    struct outlet outlet;
    struct brigade sending = {0};
    struct bucket a = memory("0123456789");
    outlet_init(&outlet);
    expect(publish(&outlet, &a, NULL));
    expect_int(outlet_collect(&outlet, &sending), COLLECT_SOME);
    expect(outlet_wait_room(&outlet, 10));
    expect(outlet_sent(&outlet, 10, 10));
    brigade_clear(&sending);
    outlet_deinit(&outlet);
}

TEST(outlet, a_cut_drops_what_waits_and_calls_the_processor)
{
    struct outlet outlet;
    struct brigade sending = {0};
    struct bucket a = memory("0123456789"), b = memory("b"), end = {.kind = BUCKET_END};
    outlet_init(&outlet);
    expect(publish(&outlet, &a, NULL));
    expect(outlet_wait_room(&outlet, 1));
    expect(!outlet_is_cut(&outlet));
    expect(outlet_cut(&outlet));
    expect(outlet_is_cut(&outlet));
    expect_int(outlet_collect(&outlet, &sending), COLLECT_EMPTY);
    expect(!outlet_wait_room(&outlet, 1));
    expect(!publish(&outlet, &b, NULL));
    expect(publish(&outlet, NULL, &end));
    expect_int(outlet_collect(&outlet, &sending), COLLECT_SOME);
    expect(sending.head == &end);
    brigade_clear(&sending);
    outlet_deinit(&outlet);
}

TEST(outlet, a_cut_keeps_an_end_that_is_published)
{
    struct outlet outlet;
    struct brigade sending = {0};
    struct bucket a = memory("a"), end = {.kind = BUCKET_END};
    outlet_init(&outlet);
    expect(publish(&outlet, &a, &end));
    expect(!outlet_cut(&outlet));
    expect_int(outlet_collect(&outlet, &sending), COLLECT_SOME);
    expect(sending.tail == &end);
    brigade_clear(&sending);
    outlet_deinit(&outlet);
}

TEST(outlet, reset_forgets_the_last_request)
{
    struct outlet outlet;
    struct brigade sending = {0};
    struct bucket a = memory("a"), end = {.kind = BUCKET_END}, b = memory("b");
    outlet_init(&outlet);
    expect(publish(&outlet, &a, &end));
    outlet_cut(&outlet);
    expect_int(outlet_collect(&outlet, &sending), COLLECT_SOME);
    brigade_clear(&sending);
    outlet_reset(&outlet);
    expect(!outlet_is_cut(&outlet));
    expect(!outlet_wait_room(&outlet, 1));
    expect(publish(&outlet, &b, NULL));
    expect_int(outlet_collect(&outlet, &sending), COLLECT_SOME);
    expect_int(sending.len, 1);
    brigade_clear(&sending);
    outlet_deinit(&outlet);
}

/* --- two threads --- */

enum { BUCKETS = 20000 };

struct stamped {
    struct bucket bucket; /* first: to be found by a cast, and freed with it */
    struct hold hold;
    uint64_t sequence;
};

/* One answer, made and sent by two threads. The groups say which thread touches what. */
struct answer {
    struct outlet outlet;
    uint64_t cut_after; /* buckets that the writer sends before the client is gone */
    sem_t given;        /* the processor gave the exchange to the writer */
    sem_t room;         /* the writer gave it back */
    _Atomic uint64_t freed;
    _Atomic uint64_t sent_bytes;
    struct {
        uint64_t made, made_bytes, gives, waits, unsent_max;
    } processor;
    struct {
        struct brigade sending;
        uint64_t sent, takes, calls, ends;
        bool cut;
    } writer;
};

/* Every bucket is on the heap with its hold; releasing the hold, just before it is freed,
 * counts. */
static _Atomic uint64_t *freed_count;
static void stamped_free(struct hold *hold)
{
    (void)hold;
    atomic_fetch_add(freed_count, 1);
}

static struct bucket *stamped_new(uint64_t sequence)
{
    static const char zeros[97];
    struct stamped *stamped = must_calloc(1, sizeof(*stamped));
    hold_init(&stamped->hold, stamped_free);
    stamped->sequence = sequence;
    stamped->bucket.allocated = true;
    stamped->bucket.at = zeros;
    stamped->bucket.len = 1 + sequence % sizeof(zeros);
    stamped->bucket.hold = &stamped->hold;
    return &stamped->bucket;
}

static uint64_t semaphore_value(sem_t *semaphore)
{
    int value = 0;
    CHECK(sem_getvalue(semaphore, &value) == 0);
    return (uint64_t)value;
}

static void semaphore_wait(sem_t *semaphore)
{
    int error;
    do {
        error = sem_wait(semaphore);
    } while (error != 0);
}

/* Failures in here abort by CHECK: Criterion's own asserts are for the test's first thread only. */
static void hand_over(struct answer *answer, struct brigade *made, bool end)
{
    answer->processor.made_bytes += made->len;
    if (outlet_publish(&answer->outlet, made, end)) {
        answer->processor.gives++;
        CHECK(sem_post(&answer->given) == 0);
    }
    CHECK(made->head == NULL);
}

static void wait_for_room(struct answer *answer)
{
    uint64_t unsent = answer->processor.made_bytes - atomic_load(&answer->sent_bytes);
    if (unsent > answer->processor.unsent_max) {
        answer->processor.unsent_max = unsent;
    }
    if (outlet_wait_room(&answer->outlet, HIGHWATER)) {
        answer->processor.waits++;
        semaphore_wait(&answer->room);
    }
}

static void *process(void *arg)
{
    struct answer *answer = arg;
    struct bucket end = {.kind = BUCKET_END};
    struct brigade made = {0};
    while (answer->processor.made < BUCKETS && !outlet_is_cut(&answer->outlet)) {
        uint64_t burst = 1 + answer->processor.made % 3;
        for (uint64_t i = 0; i < burst; i++) {
            brigade_append(&made, stamped_new(answer->processor.made++));
        }
        hand_over(answer, &made, false);
        wait_for_room(answer);
    }
    brigade_append(&made, &end);
    hand_over(answer, &made, true);
    /* `end` lies on this stack: stay until the writer has seen it. */
    semaphore_wait(&answer->room);
    return NULL;
}

static void call_processor(struct answer *answer, bool wanted)
{
    if (wanted) {
        answer->writer.calls++;
        CHECK(sem_post(&answer->room) == 0);
    }
}

/* Sends the first bucket, which must be the next in order. */
static void send_first(struct answer *answer)
{
    struct bucket *bucket = answer->writer.sending.head;
    uint64_t len = bucket->len;
    CHECK(((struct stamped *)bucket)->sequence == answer->writer.sent);
    answer->writer.sent++;
    brigade_consume(&answer->writer.sending, len);
    atomic_fetch_add(&answer->sent_bytes, len);
    call_processor(answer, outlet_sent(&answer->outlet, len, HIGHWATER));
}

static void lose_client(struct answer *answer)
{
    answer->writer.cut = true;
    call_processor(answer, outlet_cut(&answer->outlet));
}

/* True when the end of the answer was reached. */
static bool send_all(struct answer *answer)
{
    while (answer->writer.sending.head != NULL) {
        if (answer->writer.sending.head->kind == BUCKET_END) {
            answer->writer.ends++;
            answer->writer.sending = (struct brigade){0};
            return true;
        }
        if (answer->writer.cut) {
            brigade_consume(&answer->writer.sending, answer->writer.sending.head->len);
            continue;
        }
        send_first(answer);
        if (answer->writer.sent == answer->cut_after) {
            lose_client(answer);
        }
    }
    return false;
}

static void *write_out(void *arg)
{
    struct answer *answer = arg;
    bool ended = false;
    while (!ended) {
        semaphore_wait(&answer->given);
        answer->writer.takes++;
        while (!ended && outlet_collect(&answer->outlet, &answer->writer.sending) == COLLECT_SOME) {
            /* No thread gives what the writer has. */
            CHECK(semaphore_value(&answer->given) == 0);
            ended = send_all(answer);
        }
    }
    CHECK(sem_post(&answer->room) == 0);
    return NULL;
}

static void run_answer(struct answer *answer)
{
    pthread_t processor, writer;
    freed_count = &answer->freed;
    outlet_init(&answer->outlet);
    expect_int(sem_init(&answer->given, 0, 0), 0);
    expect_int(sem_init(&answer->room, 0, 0), 0);
    expect_int(pthread_create(&writer, NULL, write_out, answer), 0);
    expect_int(pthread_create(&processor, NULL, process, answer), 0);
    expect_int(pthread_join(processor, NULL), 0);
    expect_int(pthread_join(writer, NULL), 0);
    expect_int(answer->writer.takes, answer->processor.gives);
    expect_int(answer->writer.calls, answer->processor.waits);
    expect_int(answer->writer.ends, 1);
    expect_int(answer->freed, answer->processor.made);
    expect_int(semaphore_value(&answer->given), 0);
    expect_int(semaphore_value(&answer->room), 0);
    outlet_deinit(&answer->outlet);
    sem_destroy(&answer->given);
    sem_destroy(&answer->room);
}

TEST(outlet, two_threads_hand_every_bucket_over_once_and_in_order)
{
    struct answer answer = {.cut_after = UINT64_MAX};
    run_answer(&answer);
    expect(answer.processor.made >= BUCKETS);
    expect_int(answer.writer.sent, answer.processor.made);
    expect_int(answer.sent_bytes, answer.processor.made_bytes);
    /* A burst is at most three buckets of 97 bytes. */
    expect(answer.processor.unsent_max < HIGHWATER + 3 * 97);
}

TEST(outlet, two_threads_agree_on_a_cut_at_any_time)
{
    for (uint64_t cut_after = 1; cut_after < BUCKETS; cut_after = cut_after * 2 + 1) {
        struct answer answer = {.cut_after = cut_after};
        run_answer(&answer);
        expect_int(answer.writer.sent, cut_after);
    }
}
