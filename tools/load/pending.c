/* pending.c: a ring that doubles. See pending.h. */
#include "tools/load/pending.h"

#include "core/base/check.h"

#include <stdlib.h>
#include <string.h>

enum { PENDING_FIRST_CAPACITY = 1024 };

void pending_init(struct pending *pending, uint64_t most)
{
    *pending = (struct pending){.capacity = PENDING_FIRST_CAPACITY, .most = most};
    pending->at = must_alloc(pending->capacity * sizeof *pending->at);
}

void pending_deinit(struct pending *pending)
{
    free(pending->at);
}

static void pending_grow(struct pending *pending)
{
    struct due *larger = must_alloc(2 * pending->capacity * sizeof *larger);
    uint64_t behind = pending->capacity - pending->first; /* the ring is full */
    memcpy(larger, pending->at + pending->first, behind * sizeof *larger);
    memcpy(larger + behind, pending->at, pending->first * sizeof *larger);
    free(pending->at);
    pending->at = larger;
    pending->first = 0;
    pending->capacity *= 2;
}

bool pending_put(struct pending *pending, struct due due)
{
    if (pending->count == pending->most) {
        return false;
    }
    if (pending->count == pending->capacity) {
        pending_grow(pending);
    }
    pending->at[(pending->first + pending->count++) % pending->capacity] = due;
    return true;
}

bool pending_take(struct pending *pending, struct due *due)
{
    if (pending->count == 0) {
        return false;
    }
    *due = pending->at[pending->first];
    pending->first = (pending->first + 1) % pending->capacity;
    pending->count--;
    return true;
}

const struct due *pending_first(const struct pending *pending)
{
    return pending->count > 0 ? &pending->at[pending->first] : NULL;
}
