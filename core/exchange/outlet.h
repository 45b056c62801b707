/* outlet.h: where a handler's buckets meet the writer.
 *
 * Why: the writer may send the first part of an answer while the handler still makes the rest. The
 * outlet is the one member of an exchange that two threads use at the same time, so it has a lock.
 * All other members belong to the thread that has the exchange.
 *
 *   processor                                  writer
 *   outlet_publish: append, note the end  -->  outlet_collect: take all
 *        returns true when the writer has         returns COLLECT_EMPTY and lets the exchange
 *        let go: give it the exchange             go in the same critical section
 *   outlet_wait_room: above the mark?     <--  outlet_sent: below the mark again? wake
 *
 * The two booleans that move under the lock (writer_has, wants_room) make each hand-over happen
 * exactly once: see core/README.md, "Two threads at one answer".
 */
#ifndef CORE_EXCHANGE_OUTLET_H
#define CORE_EXCHANGE_OUTLET_H

#include "core/base/lock.h"
#include "core/exchange/bucket.h"

struct outlet {
    struct {
        struct lock lock;
        struct brigade waiting GUARDED; /* published, not collected */
        uint64_t unsent GUARDED;        /* bytes published and not yet taken by the kernel */
        bool writer_has GUARDED;        /* the writer has the exchange and will collect again */
        bool ended GUARDED;             /* the end of the request has been published */
        bool cut GUARDED;               /* the client has closed: what is published is dropped */
        bool wants_room GUARDED;        /* the processor let go until there is room */
    } shared;
};

enum collect { COLLECT_SOME, COLLECT_EMPTY };

void outlet_init(struct outlet *outlet);
void outlet_deinit(struct outlet *outlet);

/* For a new request: everything back to the start. No other thread may have the exchange. */
void outlet_reset(struct outlet *outlet);

/* Processor: moves all of `made` over. True: the writer does not have the exchange, give it now.
 * After a publish with `end` that returned false the processor does not use the exchange again. */
bool outlet_publish(struct outlet *outlet, struct brigade *made, bool end)
    EXCLUDES(outlet->shared.lock);

/* Processor: false when there is room below `highwater` or the answer was cut; true when the
 * processor must let go, and will be given the exchange again. */
bool outlet_wait_room(struct outlet *outlet, uint64_t highwater) EXCLUDES(outlet->shared.lock);

/* Either: has the client closed? A handler may stop early then. */
bool outlet_is_cut(struct outlet *outlet) EXCLUDES(outlet->shared.lock);

/* Writer: moves what is published into `sending`. COLLECT_EMPTY: there was nothing and, with the
 * same lock held, the writer has let go of the exchange: it must not use it again. */
enum collect outlet_collect(struct outlet *outlet, struct brigade *sending)
    EXCLUDES(outlet->shared.lock);

/* Writer: `sent` bytes are out. True: a processor waits for room and there is some now; give it the
 * exchange. */
bool outlet_sent(struct outlet *outlet, uint64_t sent, uint64_t highwater)
    EXCLUDES(outlet->shared.lock);

/* Writer: the client has closed. Drops what is published. True as for outlet_sent. */
bool outlet_cut(struct outlet *outlet) EXCLUDES(outlet->shared.lock);

#endif
