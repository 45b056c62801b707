/* thinking.c: a binary heap. See thinking.h. */
#include "tools/load/thinking.h"

#include "core/base/check.h"

#include <stdlib.h>

void thinking_init(struct thinking *thinking, uint64_t most)
{
    *thinking = (struct thinking){.most = most};
    thinking->due_ns = must_alloc((most + 1) * sizeof *thinking->due_ns);
}

void thinking_deinit(struct thinking *thinking)
{
    free(thinking->due_ns);
}

/* A parent at i has its children at 2i + 1 and 2i + 2, and is never later than they are. */
void thinking_put(struct thinking *thinking, uint64_t due_ns)
{
    CHECK(thinking->count < thinking->most);
    uint64_t at = thinking->count++;
    while (at > 0 && thinking->due_ns[(at - 1) / 2] > due_ns) {
        thinking->due_ns[at] = thinking->due_ns[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    thinking->due_ns[at] = due_ns;
}

uint64_t thinking_first(const struct thinking *thinking)
{
    return thinking->count > 0 ? thinking->due_ns[0] : UINT64_MAX;
}

uint64_t thinking_take(struct thinking *thinking)
{
    CHECK(thinking->count > 0);
    uint64_t first = thinking->due_ns[0], moved = thinking->due_ns[--thinking->count], at = 0,
             child;
    while ((child = 2 * at + 1) < thinking->count) {
        if (child + 1 < thinking->count && thinking->due_ns[child + 1] < thinking->due_ns[child]) {
            child++;
        }
        if (thinking->due_ns[child] >= moved) {
            break;
        }
        thinking->due_ns[at] = thinking->due_ns[child];
        at = child;
    }
    thinking->due_ns[at] = moved;
    return first;
}
