/* chain.h: slips on their way into or out of a mailbox, in order.
 *
 * Why intrusive: a connection is in at most one queue for each purpose. So its slip is part of it,
 * and a hand-over allocates nothing. A chain is its holder's: one thread at a time.
 */
#ifndef QUEUES_CHAIN_H
#define QUEUES_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

/* Embedded in the item that waits. */
struct slip {
    struct slip *next;
    uint64_t put_ns;
    bool back; /* was taken since, and given back */
};

/* All zero: empty. */
struct chain {
    struct slip *head, *tail;
    unsigned count;
};

void chain_append(struct chain *chain, struct slip *slip);
/* Takes the first slip, or NULL. */
struct slip *chain_next(struct chain *chain);

/* Moves everything from `from` behind `to`. */
void chain_splice(struct chain *to, struct chain *from);
/* Moves the first `most` slips of `from` behind `to`. */
void chain_move(struct chain *to, struct chain *from, unsigned most);

#endif
