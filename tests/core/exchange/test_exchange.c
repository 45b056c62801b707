/* test_exchange.c: the life of an exchange: from the pool, through requests, back to it. */
#include "core/exchange/exchange.h"

#include "core/exchange/conn.h"
#include "core/options/options.h"
#include "tests/test.h"

#include <pthread.h>

struct fixture {
    struct settings settings;
    struct exchange_pool pool;
    struct conn conn;
};

static void set_up(struct fixture *fixture, unsigned keep)
{
    *fixture = (struct fixture){.pool = {.keep = 0}};
    option_set_defaults(&fixture->settings);
    parse_init_process();
    exchange_pool_init(&fixture->pool, &fixture->settings, keep);
}

static void receive(struct exchange *x, const char *text)
{
    size_t len = strlen(text);
    expect(x->input.len + len <= x->input.capacity);
    memcpy(x->input.at + x->input.len, text, len);
    x->input.len += len;
}

TEST(exchange, starts_empty_with_room_for_the_largest_head)
{
    static struct fixture fixture;
    set_up(&fixture, 2);
    struct exchange *x = exchange_take(&fixture.pool, &fixture.conn);
    expect(x->conn == &fixture.conn && x->settings == &fixture.settings);
    expect_int(x->input.len, 0);
    expect_int(x->input.used, 0);
    expect(x->input.capacity >= fixture.settings.max_header_size + INPUT_SLACK);
    expect(x->response.made.head == NULL && x->sending.head == NULL);
    expect_int(x->close, CLOSE_NONE);
    exchange_put(&fixture.pool, x);
    exchange_pool_deinit(&fixture.pool);
}

TEST(exchange, what_was_pipelined_moves_to_the_front)
{
    static const char first[] = "GET /one HTTP/1.1\r\nHost: a\r\n\r\n";
    static const char second[] = "GET /two HTTP/1.1\r\nHost: a\r\n\r\n";
    static const char third[] = "GET /thr";
    static struct fixture fixture;
    set_up(&fixture, 2);
    struct exchange *x = exchange_take(&fixture.pool, &fixture.conn);
    receive(x, first);
    receive(x, second);
    receive(x, third);
    expect_int(parse_step(&x->parse, &x->request, &x->input), PARSE_WHOLE);
    expect_bytes(x->request.path, "/one");
    exchange_end(x);
    exchange_begin(x);
    expect_int(x->input.used, 0);
    expect_bytes(((struct bytes){x->input.at, x->input.len}), "GET /two HTTP/1.1\r\nHost: a\r\n\r\n"
                                                              "GET /thr");
    expect_int(parse_step(&x->parse, &x->request, &x->input), PARSE_WHOLE);
    expect_bytes(x->request.path, "/two");
    exchange_end(x);
    exchange_begin(x);
    expect_bytes(((struct bytes){x->input.at, x->input.len}), third);
    expect_int(parse_step(&x->parse, &x->request, &x->input), PARSE_MORE);
    exchange_end(x);
    exchange_put(&fixture.pool, x);
    exchange_pool_deinit(&fixture.pool);
}

TEST(exchange, each_request_starts_without_the_traces_of_the_last)
{
    static struct fixture fixture;
    set_up(&fixture, 2);
    struct exchange *x = exchange_take(&fixture.pool, &fixture.conn);
    uint64_t id = x->id;
    x->refused_status = 400;
    x->sent = x->received = x->pause_ns = x->cursor = 5;
    x->interim = x->would_block = true;
    x->cut = CLOSE_RESET;
    x->close = CLOSE_REFUSED;
    x->response.status = 200;
    x->response.text_len = 100;
    x->stamps.first_byte_ns = 7;
    outlet_cut(&x->outlet);
    exchange_end(x);
    exchange_begin(x);
    expect(x->id != id);
    expect(x->refused_status == 0 && x->sent == 0 && x->received == 0 && x->pause_ns == 0);
    expect(x->cursor == 0 && !x->interim && !x->would_block);
    expect(x->cut == CLOSE_NONE && x->close == CLOSE_NONE);
    expect(x->response.status == 0 && x->response.text_len == 0);
    expect_int(x->stamps.first_byte_ns, 0);
    expect(!outlet_is_cut(&x->outlet));
    exchange_put(&fixture.pool, x);
    exchange_pool_deinit(&fixture.pool);
}

TEST(exchange, end_frees_what_was_not_sent)
{
    static struct fixture fixture;
    set_up(&fixture, 2);
    struct exchange *x = exchange_take(&fixture.pool, &fixture.conn);
    for (unsigned i = 0; i < 2; i++) {
        struct bucket *bucket = must_calloc(1, sizeof *bucket);
        *bucket =
            (struct bucket){.allocated = true, .owned = true, .at = must_calloc(1, 10), .len = 10};
        brigade_append(i == 0 ? &x->response.made : &x->sending, bucket);
    }
    exchange_end(x);
    expect(x->response.made.head == NULL && x->sending.head == NULL);
    exchange_put(&fixture.pool, x);
    exchange_pool_deinit(&fixture.pool);
}

TEST(exchange, a_pool_keeps_no_more_than_it_was_told)
{
    static struct fixture fixture;
    struct exchange *taken[4];
    set_up(&fixture, 2);
    for (unsigned i = 0; i < 4; i++) {
        taken[i] = exchange_take(&fixture.pool, &fixture.conn);
        receive(taken[i], "GET");
    }
    for (unsigned i = 0; i < 4; i++) {
        exchange_put(&fixture.pool, taken[i]);
        expect_int(fixture.pool.kept, i < 2 ? i + 1 : 2);
    }
    struct exchange *again = exchange_take(&fixture.pool, &fixture.conn);
    expect(again == taken[1]);
    expect_int(again->input.len, 0);
    exchange_put(&fixture.pool, again);
    exchange_pool_deinit(&fixture.pool);
    expect_int(fixture.pool.kept, 0);
}

/* Takes so many at a time, and puts them back. */
static void spell(struct fixture *fixture, unsigned count)
{
    struct exchange *taken[2 * EXCHANGES_TRIMMED];
    for (unsigned i = 0; i < count; i++) {
        taken[i] = exchange_take(&fixture->pool, &fixture->conn);
    }
    for (unsigned i = 0; i < count; i++) {
        exchange_put(&fixture->pool, taken[i]);
    }
}

static void trim(struct fixture *fixture, unsigned least, unsigned kept)
{
    exchange_pool_trim(&fixture->pool, least);
    expect_int(fixture->pool.kept, kept);
}

TEST(exchange, a_pool_frees_what_nobody_took_between_two_trims)
{
    static struct fixture fixture;
    set_up(&fixture, 8);
    spell(&fixture, 8);
    trim(&fixture, 0, 8); /* all were taken */
    spell(&fixture, 3);
    spell(&fixture, 5);
    trim(&fixture, 0, 5);
    spell(&fixture, 5);
    trim(&fixture, 0, 5);
    trim(&fixture, 0, 0);
    trim(&fixture, 0, 0);
    spell(&fixture, 1);
    exchange_pool_deinit(&fixture.pool);
}

TEST(exchange, a_pool_leaves_the_least_number_that_it_was_told)
{
    static struct fixture fixture;
    set_up(&fixture, 8);
    spell(&fixture, 8);
    trim(&fixture, 3, 8);
    trim(&fixture, 3, 3);
    trim(&fixture, 3, 3);
    spell(&fixture, 2);
    trim(&fixture, 3, 3);
    exchange_pool_deinit(&fixture.pool);
}

TEST(exchange, a_pool_frees_so_many_at_a_time_that_others_need_not_wait)
{
    static struct fixture fixture;
    enum { SPELL = EXCHANGES_TRIMMED + 30 };
    set_up(&fixture, SPELL);
    spell(&fixture, SPELL);
    expect(!exchange_pool_trim(&fixture.pool, 8)); /* all were taken */
    expect(exchange_pool_trim(&fixture.pool, 8));
    expect_int(fixture.pool.kept, 30);
    spell(&fixture, 20); /* these are needed meanwhile */
    expect(!exchange_pool_trim(&fixture.pool, 8));
    expect_int(fixture.pool.kept, 20);
    exchange_pool_deinit(&fixture.pool);
}

/* --- ids --- */

enum { THREADS = 4, IDS_EACH = 2000 };

struct ids {
    struct fixture fixture;
    uint64_t at[IDS_EACH];
};

static void *take_ids(void *arg)
{
    struct ids *ids = arg;
    struct exchange *x = exchange_take(&ids->fixture.pool, &ids->fixture.conn);
    for (unsigned i = 0; i < IDS_EACH; i++) {
        exchange_begin(x);
        ids->at[i] = x->id;
    }
    exchange_put(&ids->fixture.pool, x);
    return NULL;
}

static int compare_ids(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

TEST(exchange, no_two_requests_have_the_same_id)
{
    static struct ids ids[THREADS];
    static uint64_t all[THREADS * IDS_EACH];
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        set_up(&ids[i].fixture, 1);
        expect_int(pthread_create(&threads[i], NULL, take_ids, &ids[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        expect_int(pthread_join(threads[i], NULL), 0);
        memcpy(&all[i * IDS_EACH], ids[i].at, sizeof ids[i].at);
        exchange_pool_deinit(&ids[i].fixture.pool);
    }
    qsort(all, THREADS * IDS_EACH, sizeof *all, compare_ids);
    expect(all[0] > 0);
    for (unsigned i = 1; i < THREADS * IDS_EACH; i++) {
        expect(all[i - 1] != all[i]);
    }
}
