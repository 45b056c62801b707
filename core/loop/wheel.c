/* wheel.c: a hashed timing wheel. See wheel.h. */
#include "core/loop/wheel.h"

#include "core/base/check.h"

#include <stddef.h>

static void unlink_deadline(struct wheel *wheel, struct deadline *deadline)
{
    CHECK(wheel->count > 0);
    deadline->prev->next = deadline->next;
    deadline->next->prev = deadline->prev;
    deadline->next = deadline->prev = NULL;
    wheel->count--;
}

static void link_deadline(struct wheel *wheel, struct deadline *deadline)
{
    struct deadline *head = &wheel->slots[deadline->step % WHEEL_SLOTS];
    deadline->next = head;
    deadline->prev = head->prev;
    head->prev->next = deadline;
    head->prev = deadline;
    wheel->count++;
}

void wheel_init(struct wheel *wheel, uint64_t now_ns, deadline_fn *fn, void *arg)
{
    for (unsigned i = 0; i < WHEEL_SLOTS; i++) {
        wheel->slots[i].next = wheel->slots[i].prev = &wheel->slots[i];
    }
    wheel->step = now_ns >> WHEEL_STEP_SHIFT;
    wheel->count = 0;
    wheel->fn = fn;
    wheel->arg = arg;
}

/* A step is checked when it is over, so that everything in it is due. */
void wheel_set(struct wheel *wheel, struct deadline *deadline, uint64_t due_ns)
{
    uint64_t step = due_ns >> WHEEL_STEP_SHIFT;
    step = step < wheel->step ? wheel->step : step;
    deadline->due_ns = due_ns;
    if (deadline->next != NULL) {
        if (deadline->step <= step) {
            return;
        }
        unlink_deadline(wheel, deadline);
    }
    deadline->step = step;
    link_deadline(wheel, deadline);
}

void wheel_clear(struct wheel *wheel, struct deadline *deadline)
{
    if (deadline->next != NULL) {
        unlink_deadline(wheel, deadline);
    }
}

/* Steps before `end` are over. The slot's entries are first moved to a list of their own, because
 * fn may change the wheel; an entry that is cleared meanwhile unlinks itself from there. */
static void look_at_slot(struct wheel *wheel, uint64_t slot, uint64_t end, uint64_t now_ns)
{
    struct deadline *head = &wheel->slots[slot % WHEEL_SLOTS];
    if (head->next == head) {
        return;
    }
    struct deadline pending = {.next = head->next, .prev = head->prev};
    pending.next->prev = pending.prev->next = &pending;
    head->next = head->prev = head;
    while (pending.next != &pending) {
        struct deadline *deadline = pending.next;
        unlink_deadline(wheel, deadline);
        if (deadline->step >= end) {
            link_deadline(wheel, deadline);
        } else if (deadline->due_ns > now_ns) {
            wheel_set(wheel, deadline, deadline->due_ns);
        } else {
            wheel->fn(wheel->arg, deadline);
        }
    }
}

/* Asleep for more than a revolution: one revolution sees every slot. */
void wheel_advance(struct wheel *wheel, uint64_t now_ns)
{
    uint64_t end = now_ns >> WHEEL_STEP_SHIFT;
    if (end > wheel->step + WHEEL_SLOTS) {
        wheel->step = end - WHEEL_SLOTS;
    }
    while (wheel->step < end) {
        uint64_t slot = wheel->step++;
        look_at_slot(wheel, slot, end, now_ns);
    }
}

void wheel_fire_all(struct wheel *wheel)
{
    for (unsigned i = 0; i < WHEEL_SLOTS; i++) {
        struct deadline *head = &wheel->slots[i];
        for (uint64_t left = wheel->count; left > 0 && head->next != head; left--) {
            struct deadline *deadline = head->next;
            unlink_deadline(wheel, deadline);
            wheel->fn(wheel->arg, deadline);
        }
    }
}

uint64_t wheel_next_ns(const struct wheel *wheel)
{
    if (wheel->count == 0) {
        return 0;
    }
    for (unsigned i = 0; i < WHEEL_SLOTS; i++) {
        const struct deadline *head = &wheel->slots[(wheel->step + i) % WHEEL_SLOTS];
        if (head->next != head) {
            return (wheel->step + i + 1) << WHEEL_STEP_SHIFT;
        }
    }
    return (wheel->step + WHEEL_SLOTS) << WHEEL_STEP_SHIFT;
}
