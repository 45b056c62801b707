/* thinking.h: the users of a closed loop that think, as the times at which they ask again: a heap,
 * the earliest first, since think times differ. One thread. */
#ifndef TOOLS_LOAD_THINKING_H
#define TOOLS_LOAD_THINKING_H

#include <stdint.h>

struct thinking {
    uint64_t *due_ns; /* malloc'd */
    uint64_t count, most;
};

void thinking_init(struct thinking *thinking, uint64_t most);
void thinking_deinit(struct thinking *thinking);
/* There must be room. */
void thinking_put(struct thinking *thinking, uint64_t due_ns);
/* UINT64_MAX: nobody thinks. */
uint64_t thinking_first(const struct thinking *thinking);
/* The first one; there must be one. */
uint64_t thinking_take(struct thinking *thinking);

#endif
