/* outlet.c: the hand-over of buckets. See outlet.h for the callers. */
#include "core/exchange/outlet.h"

void outlet_init(struct outlet *outlet)
{
    *outlet = (struct outlet){0};
    lock_init(&outlet->shared.lock, RANK_OUTLET);
}

void outlet_deinit(struct outlet *outlet)
{
    lock_deinit(&outlet->shared.lock);
}

/* Takes no lock: the thread that begins a request has the whole exchange. The hand-over to the
 * next thread, through a mailbox, publishes what is written here. */
void outlet_reset(struct outlet *outlet) NO_ANALYSIS
{
    CHECK(outlet->shared.waiting.head == NULL);
    outlet->shared.unsent = 0;
    outlet->shared.writer_has = false;
    outlet->shared.ended = false;
    outlet->shared.cut = false;
    outlet->shared.wants_room = false;
}

/* The end is published even after a cut: the writer finishes the exchange when it collects it. */
bool outlet_publish(struct outlet *outlet, struct brigade *made, bool end)
{
    struct brigade dropped = {0};
    lock_take(&outlet->shared.lock);
    CHECK(!outlet->shared.ended);
    if (outlet->shared.cut && !end) {
        brigade_splice(&dropped, made);
    } else {
        outlet->shared.unsent += made->len;
        brigade_splice(&outlet->shared.waiting, made);
    }
    outlet->shared.ended = end;
    bool give = !outlet->shared.writer_has && (outlet->shared.waiting.head != NULL);
    outlet->shared.writer_has |= give;
    lock_release(&outlet->shared.lock);
    brigade_clear(&dropped);
    return give;
}

bool outlet_wait_room(struct outlet *outlet, uint64_t highwater)
{
    lock_take(&outlet->shared.lock);
    bool wait = outlet->shared.unsent >= highwater && !outlet->shared.cut;
    outlet->shared.wants_room = wait;
    lock_release(&outlet->shared.lock);
    return wait;
}

bool outlet_is_cut(struct outlet *outlet)
{
    lock_take(&outlet->shared.lock);
    bool cut = outlet->shared.cut;
    lock_release(&outlet->shared.lock);
    return cut;
}

enum collect outlet_collect(struct outlet *outlet, struct brigade *sending)
{
    lock_take(&outlet->shared.lock);
    bool some = outlet->shared.waiting.head != NULL;
    brigade_splice(sending, &outlet->shared.waiting);
    outlet->shared.writer_has = some;
    lock_release(&outlet->shared.lock);
    return some ? COLLECT_SOME : COLLECT_EMPTY;
}

/* Half of the mark, so that a processor is not called back for every packet. */
bool outlet_sent(struct outlet *outlet, uint64_t sent, uint64_t highwater)
{
    lock_take(&outlet->shared.lock);
    CHECK(outlet->shared.unsent >= sent);
    outlet->shared.unsent -= sent;
    bool wake = outlet->shared.wants_room && outlet->shared.unsent <= highwater / 2;
    if (wake) {
        outlet->shared.wants_room = false;
    }
    lock_release(&outlet->shared.lock);
    return wake;
}

/* Buckets are freed outside the lock: a hold's last release may close a file. */
bool outlet_cut(struct outlet *outlet)
{
    struct brigade dropped = {0};
    lock_take(&outlet->shared.lock);
    outlet->shared.cut = true;
    if (!outlet->shared.ended) {
        brigade_splice(&dropped, &outlet->shared.waiting);
    }
    bool wake = outlet->shared.wants_room;
    outlet->shared.wants_room = false;
    lock_release(&outlet->shared.lock);
    brigade_clear(&dropped);
    return wake;
}
