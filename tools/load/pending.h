/* pending.h: requests that are due and wait for a connection, their clocks running, in the order in
 * which they became due. Grows to a bound; at the bound the newest is refused. One thread. */
#ifndef TOOLS_LOAD_PENDING_H
#define TOOLS_LOAD_PENDING_H

#include <stdbool.h>
#include <stdint.h>

struct due {
    uint64_t due_ns;
    uint64_t released_ns; /* when the generator came to it: its own lag behind due_ns */
};

struct pending {
    struct due *at;              /* a ring; malloc'd */
    uint64_t capacity;           /* a power of two */
    uint64_t first, count, most; /* most: that it may hold */
};

void pending_init(struct pending *pending, uint64_t most);
void pending_deinit(struct pending *pending);
/* False: full. */
bool pending_put(struct pending *pending, struct due due);
/* False: empty. */
bool pending_take(struct pending *pending, struct due *due);
/* The oldest; NULL: empty. */
const struct due *pending_first(const struct pending *pending);

#endif
