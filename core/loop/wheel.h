/* wheel.h: deadlines of many connections, in constant time each.
 *
 * A hashed timing wheel (Varghese and Lauck 1987, scheme 6), with one addition: moving a deadline
 * later is a plain store; the entry stays where it is and is put right when its old time comes. A
 * keep-alive connection's deadline moves with every request and is checked once in a timeout.
 *
 * Thread-safety: one thread, which passes the time to each call. Deadlines fire late by up to one
 * step and never early.
 */
#ifndef CORE_LOOP_WHEEL_H
#define CORE_LOOP_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WHEEL_SLOTS = 256, WHEEL_STEP_SHIFT = 24 /* 2^24 ns: 16.8 ms */ };

/* Embedded in what has a deadline; all zero is "none". */
struct deadline {
    struct deadline *next, *prev; /* NULL: not in a wheel */
    uint64_t due_ns;              /* the time that counts */
    uint64_t step;                /* when the wheel checks it: never later than due_ns */
    unsigned kind;                /* the owner's own: which of its deadlines this is */
};

static inline bool deadline_is_set(const struct deadline *deadline)
{
    return deadline->next != NULL;
}

typedef void deadline_fn(void *arg, struct deadline *deadline);

struct wheel {
    struct deadline slots[WHEEL_SLOTS]; /* list heads */
    uint64_t step;                      /* all steps before this have been checked */
    uint64_t count;
    deadline_fn *fn; /* called for a deadline that has passed and is out of the wheel */
    void *arg;
};

void wheel_init(struct wheel *wheel, uint64_t now_ns, deadline_fn *fn, void *arg);

/* Sets or moves a deadline. */
void wheel_set(struct wheel *wheel, struct deadline *deadline, uint64_t due_ns);
/* Nothing happens if it is not set. */
void wheel_clear(struct wheel *wheel, struct deadline *deadline);

/* Fires all that is due. fn may set and clear any deadline. */
void wheel_advance(struct wheel *wheel, uint64_t now_ns);
/* Fires everything, due or not. */
void wheel_fire_all(struct wheel *wheel);

/* When wheel_advance has an entry to check next; 0 when the wheel is empty. */
uint64_t wheel_next_ns(const struct wheel *wheel);

#endif
