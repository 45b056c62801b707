/* ready.c: a ring of connections. See ready.h. */
#include "tools/load/ready.h"

#include "core/base/check.h"

#include <stdlib.h>

void ready_init(struct ready *ready, unsigned capacity, enum dispatch dispatch, uint64_t seed,
                struct seat seat)
{
    *ready = (struct ready){.dispatch = dispatch, .capacity = capacity};
    random_seed(&ready->random, seed, RANDOM_DISPATCH, seat);
    ready->ring = must_alloc(capacity * sizeof(struct connection *));
}

void ready_deinit(struct ready *ready)
{
    free(ready->ring);
}

static struct connection **ready_place(struct ready *ready, unsigned nth)
{
    return &ready->ring[(ready->first + nth) % ready->capacity];
}

void ready_put(struct ready *ready, struct connection *connection)
{
    if (!connection->is_ready) {
        CHECK(ready->count < ready->capacity);
        connection->is_ready = true;
        *ready_place(ready, ready->count++) = connection;
    }
}

static struct connection *ready_take_first(struct ready *ready)
{
    struct connection *first = *ready_place(ready, 0);
    ready->first = (ready->first + 1) % ready->capacity;
    ready->count--;
    return first;
}

/* The last one takes its place. */
static struct connection *ready_take_nth(struct ready *ready, unsigned nth)
{
    struct connection **place = ready_place(ready, nth), *taken = *place;
    *place = *ready_place(ready, --ready->count);
    return taken;
}

static struct connection *ready_take_any(struct ready *ready)
{
    switch (ready->dispatch) {
    case DISPATCH_LONGEST_FREE:
        return ready_take_first(ready);
    case DISPATCH_LIFO:
        return ready_take_nth(ready, ready->count - 1);
    case DISPATCH_RANDOM:
    default:
        return ready_take_nth(ready, random_below(&ready->random, ready->count));
    }
}

struct connection *ready_take(struct ready *ready)
{
    while (ready->count > 0) {
        struct connection *connection = ready_take_any(ready);
        connection->is_ready = false;
        if (connection_has_room(connection)) {
            return connection;
        }
    }
    return NULL;
}
