/* exchange.c: the life of an exchange: pool, begin, end. See exchange.h. */
#include "core/exchange/exchange.h"

#include "core/base/pages.h"
#include "core/options/settings.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Ids are given out in blocks, one block a thread, so that no request touches a shared cache
 * line. */
enum { ID_BLOCK = 1 << 10 };

static uint64_t next_id(void)
{
    static _Atomic uint64_t next_block;
    static _Thread_local uint64_t next, end;
    if (next == end) {
        next = atomic_fetch_add(&next_block, 1) * ID_BLOCK + 1;
        end = next + ID_BLOCK;
    }
    return next++;
}

void exchange_pool_init(struct exchange_pool *pool, const struct settings *settings, unsigned keep)
{
    *pool = (struct exchange_pool){
        .settings = settings,
        .input_capacity = settings->max_header_size + INPUT_SLACK,
        .keep = keep,
    };
}

void exchange_pool_on_complete(struct exchange_pool *pool, complete_fn *fn, void *arg)
{
    pool->complete_fn = fn;
    pool->complete_arg = arg;
}

void exchange_pool_count(struct exchange_pool *pool, struct tally *tally)
{
    pool->tally = tally;
}

/* Fresh pages are zero, and those of the tail, from text on, are left untouched: a small request
 * does not touch pages that it does not need. */
static struct exchange *exchange_new(const struct exchange_pool *pool)
{
    struct exchange *x = pages_alloc(sizeof *x + pool->input_capacity);
    x->settings = pool->settings;
    x->complete_fn = pool->complete_fn;
    x->complete_arg = pool->complete_arg;
    x->input = (struct input){.at = x->in, .capacity = pool->input_capacity};
    outlet_init(&x->outlet);
    return x;
}

static void exchange_free(struct exchange *x)
{
    outlet_deinit(&x->outlet);
    pages_free(x, sizeof *x + x->input.capacity);
}

/* One is kept at least. */
static struct exchange *take_kept(struct exchange_pool *pool)
{
    struct exchange *x = pool->free;
    pool->free = x->next;
    pool->kept--;
    pool->unused = pool->kept < pool->unused ? pool->kept : pool->unused;
    return x;
}

void exchange_pool_deinit(struct exchange_pool *pool)
{
    while (pool->kept > 0) {
        exchange_free(take_kept(pool));
    }
}

bool exchange_pool_trim(struct exchange_pool *pool, unsigned least)
{
    for (unsigned i = 0; i < EXCHANGES_TRIMMED && pool->unused > 0 && pool->kept > least; i++) {
        pool->unused--;
        exchange_free(take_kept(pool));
    }
    if (pool->unused > 0 && pool->kept > least) {
        return true;
    }
    pool->unused = pool->kept;
    return false;
}

struct exchange *exchange_take(struct exchange_pool *pool, struct conn *conn)
{
    struct exchange *x = pool->kept > 0 ? take_kept(pool) : exchange_new(pool);
    x->next = NULL;
    x->conn = conn;
    x->input.len = 0;
    x->input.used = 0;
    exchange_begin(x);
    return x;
}

/* After exchange_end, or before anything was read. */
void exchange_put(struct exchange_pool *pool, struct exchange *x)
{
    parse_end(&x->parse);
    x->conn = NULL;
    if (pool->kept == pool->keep) {
        exchange_free(x);
        return;
    }
    x->next = pool->free;
    pool->free = x;
    pool->kept++;
}

void exchange_begin(struct exchange *x)
{
    struct input *input = &x->input;
    if (input->used > 0) {
        input->len -= input->used;
        memmove(input->at, input->at + input->used, input->len);
        input->used = 0;
    }
    x->id = next_id();
    x->handler = NULL;
    x->uncounted = false;
    x->refused_status = 0;
    x->response = (struct response){0};
    x->sent = 0;
    x->interim = false;
    x->cut = CLOSE_NONE;
    x->would_block = false;
    x->head_due_ns = 0;
    x->head_late = false;
    x->blocked_ns = 0;
    x->received = 0;
    x->lay_ns = 0;
    x->close = CLOSE_NONE;
    x->forwards = 0;
    x->pause_ns = 0;
    x->cursor = 0;
    x->stamps = (struct stamps){0};
    outlet_reset(&x->outlet);
    parse_begin(&x->parse, &x->request,
                (struct parse_limits){.header_size = x->settings->max_header_size,
                                      .body_size = x->settings->max_body_size});
}

void exchange_end(struct exchange *x)
{
    brigade_clear(&x->response.made);
    brigade_clear(&x->sending);
    parse_end(&x->parse);
    free(x->forward_text);
    x->forward_text = NULL;
}
