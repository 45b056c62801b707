/* chain.c: a singly linked list with a tail. See chain.h. */
#include "queues/chain.h"

#include <stddef.h>

void chain_append(struct chain *chain, struct slip *slip)
{
    slip->next = NULL;
    if (chain->tail != NULL) {
        chain->tail->next = slip;
    } else {
        chain->head = slip;
    }
    chain->tail = slip;
    chain->count++;
}

struct slip *chain_next(struct chain *chain)
{
    struct slip *slip = chain->head;
    if (slip != NULL) {
        chain->head = slip->next;
        chain->tail = chain->head != NULL ? chain->tail : NULL;
        chain->count--;
    }
    return slip;
}

void chain_splice(struct chain *to, struct chain *from)
{
    if (from->head == NULL) {
        return;
    }
    if (to->tail != NULL) {
        to->tail->next = from->head;
    } else {
        to->head = from->head;
    }
    to->tail = from->tail;
    to->count += from->count;
    *from = (struct chain){0};
}

void chain_move(struct chain *to, struct chain *from, unsigned most)
{
    if (from->count <= most) {
        chain_splice(to, from);
        return;
    }
    for (unsigned i = 0; i < most; i++) {
        chain_append(to, chain_next(from));
    }
}
