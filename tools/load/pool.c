/* pool.c: see pool.h. */
#include "tools/load/pool.h"

#include "core/base/check.h"
#include "core/base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    OPENING_MAX = 128,    /* at a time: all at once would be more than a listen backlog holds */
    RETRY_NS = 100000000, /* before a connection that was refused is tried again */
};

void pool_init(struct pool *pool, const struct connection_shared *shared, struct results *results,
               struct ready *ready, unsigned first, unsigned count, unsigned most)
{
    uint64_t pipeline = shared->plan->settings->pipeline;
    *pool = (struct pool){
        .shared = *shared, .results = results, .ready = ready, .count = count, .most = most};
    pool->shared.buffer = must_alloc(CONNECTION_BUFFER);
    pool->connections = must_calloc(most, sizeof *pool->connections);
    pool->shots = must_calloc(most * pipeline, sizeof *pool->shots);
    for (unsigned i = 0; i < most; i++) {
        connection_init(&pool->connections[i], &pool->shared, first + i,
                        pool->shots + i * pipeline);
    }
}

void pool_deinit(struct pool *pool)
{
    for (unsigned i = 0; i < pool->most; i++) {
        connection_deinit(&pool->connections[i]);
    }
    free(pool->connections);
    free(pool->shots);
    free(pool->shared.buffer);
}

bool pool_is_settled(const struct pool *pool)
{
    return pool->settled == pool->count;
}

/* Only first attempts are made before all are settled. */
static void pool_settle_one(struct pool *pool)
{
    if (!pool_is_settled(pool)) {
        pool->settled++;
    }
}

static void pool_add_broken(struct pool *pool, struct connection *connection)
{
    connection->next_broken = pool->broken;
    pool->broken = connection;
}

static void pool_open(struct pool *pool, struct connection *connection)
{
    if (pool->shared.plan->fresh) {
        pool_settle_one(pool);
        ready_put(pool->ready, connection);
    } else if (!connection_open(connection)) {
        pool_on_refused(pool, connection, strerror(errno));
        pool_settle_one(pool);
        pool_add_broken(pool, connection);
    }
}

void pool_open_more(struct pool *pool)
{
    while (pool->next < pool->count && pool->next - pool->settled < OPENING_MAX) {
        pool_open(pool, &pool->connections[pool->next++]);
    }
}

void pool_grow(struct pool *pool, uint64_t waiting)
{
    while (pool->count < pool->most && pool->growing < waiting && pool->growing < OPENING_MAX) {
        struct connection *connection = &pool->connections[pool->count++];
        pool->next++;
        pool->settled++;
        pool->growing += pool->shared.plan->fresh ? 0 : 1;
        waiting -= pool->shared.plan->fresh ? 1 : 0;
        pool_open(pool, connection);
    }
}

static void pool_has_grown(struct pool *pool)
{
    pool->growing -= pool->growing > 0 ? 1 : 0;
}

void pool_on_opened(struct pool *pool, struct connection *connection, uint64_t took_ns)
{
    pool_has_grown(pool);
    pool->results->opened++;
    connection->refused = false;
    connection->retry_ns = 0;
    fine_record(&pool->results->connect, took_ns);
    pool_settle_one(pool);
    if (!pool->shared.plan->fresh) {
        ready_put(pool->ready, connection);
    }
}

void pool_on_refused(struct pool *pool, struct connection *connection, const char *words)
{
    pool_has_grown(pool);
    connection->refused = true;
    connection->retry_ns = clock_ns() + RETRY_NS;
    if (!pool->shared.plan->fresh) { /* else it is the error of a request */
        errors_note(&pool->results->errors, LOAD_CONNECT, words);
    }
    snprintf(pool->refused, sizeof pool->refused, "%s", words);
}

void pool_on_closed(struct pool *pool, struct connection *connection)
{
    bool settled = pool_is_settled(pool);
    if (connection->refused) {
        pool_settle_one(pool);
    }
    if (settled && !connection->refused) {
        pool_open(pool, connection);
    } else {
        pool_add_broken(pool, connection);
    }
}

void pool_retry(struct pool *pool, uint64_t now_ns)
{
    struct connection *next = pool->broken;
    pool->broken = NULL;
    while (next != NULL) {
        struct connection *connection = next;
        next = connection->next_broken;
        if (connection->retry_ns <= now_ns) {
            pool_open(pool, connection);
        } else {
            pool_add_broken(pool, connection);
        }
    }
}

void pool_shut(struct pool *pool, enum load_error error, const char *words)
{
    for (unsigned i = 0; i < pool->count; i++) {
        connection_shut(&pool->connections[i], error, words);
    }
}
