/* ready.c: a ring of connections. See ready.h. */
#include "tools/load/ready.h"

#include "core/base/check.h"

#include <stdlib.h>

void ready_init(struct ready *ready, unsigned capacity)
{
    *ready = (struct ready){.capacity = capacity};
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

struct connection *ready_take(struct ready *ready)
{
    while (ready->count > 0) {
        struct connection *connection = *ready_place(ready, 0);
        ready->first = (ready->first + 1) % ready->capacity;
        ready->count--;
        connection->is_ready = false;
        if (connection_has_room(connection)) {
            return connection;
        }
    }
    return NULL;
}
