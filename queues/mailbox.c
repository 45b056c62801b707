/* mailbox.c: the queue between two thread groups. See mailbox.h for the rules it keeps. */
#include "queues/mailbox.h"

#include "core/clock.h"

#include <string.h>

/* --- chains --- */

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

/* Moves everything from `from` behind `to`. */
static void chain_splice(struct chain *to, struct chain *from)
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

/* Moves the first `most` slips of `from` behind `to`. */
static void chain_move(struct chain *to, struct chain *from, unsigned most)
{
    if (from->count <= most) {
        chain_splice(to, from);
        return;
    }
    for (unsigned i = 0; i < most; i++) {
        chain_append(to, chain_next(from));
    }
}

/* --- life --- */

void mailbox_init(struct mailbox *box, const struct mailbox_config *config)
{
    memset(box, 0, sizeof *box);
    box->config = *config;
    doorbell_init(&box->bell, config->doorbell, config->loop);
    condition_init(&box->room);
    lock_init(&box->shared.lock, RANK_MAILBOX);
    snprintf(box->shared.stats.name, REPORT_NAME, "%s", config->name);
    box->shared.stats.bound = config->bound;
}

void mailbox_deinit(struct mailbox *box)
{
    doorbell_deinit(&box->bell);
    condition_deinit(&box->room);
    lock_deinit(&box->shared.lock);
}

void mailbox_on_room(struct mailbox *box, mailbox_room_fn *room_fn, void *arg)
{
    box->room_fn = room_fn;
    box->room_arg = arg;
}

/* --- putting --- */

static uint64_t stamp_of(const struct mailbox *box)
{
    return box->config.measured ? clock_ns() : 0;
}

/* How many sleepers the work that waits now needs. Takers that are awake, or already called, are
 * trusted with `share` items each, because they will look again before they sleep. */
static unsigned sleepers_needed_locked(struct mailbox *box) REQUIRES(box->shared.lock)
{
    unsigned callable = box->shared.asleep - box->shared.rung;
    unsigned awake = box->config.takers - callable - box->shared.away;
    unsigned depth = box->shared.items.count;
    if (callable == 0 || depth == 0 || depth <= awake * box->config.share) {
        return 0;
    }
    unsigned more = (depth - awake * box->config.share + box->config.share - 1) / box->config.share;
    return more < callable ? more : callable;
}

/* Decides how often to ring, and notes it. The ringing itself comes after unlocking. */
static unsigned call_locked(struct mailbox *box, uint64_t now_ns) REQUIRES(box->shared.lock)
{
    unsigned needed = sleepers_needed_locked(box);
    if (needed > 0 && box->shared.rung == 0) {
        box->shared.rung_ns = now_ns;
    }
    box->shared.rung += needed;
    if (needed == 0 && box->config.wakeup == WAKEUP_ALWAYS) {
        needed = 1;
    }
    if (needed > 0) {
        box->shared.stats.rung += needed;
    } else {
        box->shared.stats.elided++;
    }
    return needed;
}

static unsigned room_locked(const struct mailbox *box, enum put_how how) REQUIRES(box->shared.lock)
{
    if (how != PUT_BOUNDED) {
        return UINT32_MAX;
    }
    uint64_t depth = box->shared.items.count;
    return depth < box->config.bound ? (unsigned)(box->config.bound - depth) : 0;
}

static void count_put_locked(struct mailbox *box, unsigned put, unsigned refused)
    REQUIRES(box->shared.lock)
{
    box->shared.stats.put += put;
    box->shared.stats.refused += refused;
    box->shared.refused |= refused > 0;
    if (box->shared.items.count > box->shared.stats.depth_max) {
        box->shared.stats.depth_max = box->shared.items.count;
    }
    atomic_store_explicit(&box->waiting_hint, box->shared.items.count, memory_order_relaxed);
}

/* A quiet put leaves a sleeper alone, unless it wants to hear of everything. */
static bool rings_locked(const struct mailbox *box, enum put_how how) REQUIRES(box->shared.lock)
{
    return how != PUT_QUIET || box->shared.hear_all || box->config.wakeup == WAKEUP_ALWAYS;
}

bool mailbox_put(struct mailbox *box, struct chain *chain, enum put_how how)
{
    uint64_t now_ns = stamp_of(box);
    for (struct slip *slip = chain->head; slip != NULL; slip = slip->next) {
        slip->put_ns = now_ns;
    }
    lock_take(&box->shared.lock);
    unsigned before = chain->count;
    chain_move(&box->shared.items, chain, room_locked(box, how));
    count_put_locked(box, before - chain->count, chain->count);
    unsigned rings = 0;
    if (rings_locked(box, how)) {
        rings = call_locked(box, now_ns);
    } else {
        box->shared.stats.elided++;
    }
    lock_release(&box->shared.lock);
    if (rings > 0) {
        doorbell_ring(&box->bell, rings);
    }
    return chain->count == 0;
}

/* --- taking --- */

static bool room_again_locked(struct mailbox *box) REQUIRES(box->shared.lock)
{
    if (!box->shared.refused || box->shared.items.count > box->config.bound / 2) {
        return false;
    }
    box->shared.refused = false;
    return true;
}

static void tell_room(struct mailbox *box)
{
    condition_broadcast(&box->room);
    if (box->room_fn != NULL) {
        box->room_fn(box->room_arg);
    }
}

/* Histograms have one writer at a time because the lock is held. */
static void measure_take_locked(struct mailbox *box, const struct chain *chain, uint64_t now_ns)
    REQUIRES(box->shared.lock)
{
    for (const struct slip *slip = chain->head; slip != NULL; slip = slip->next) {
        histogram_record(&box->shared.stats.wait, now_ns - slip->put_ns);
    }
    histogram_record(&box->shared.stats.batch, chain->count);
}

/* One sleeper is up: if it was called, one call is answered. */
static void wake_up_locked(struct mailbox *box, uint64_t now_ns) REQUIRES(box->shared.lock)
{
    CHECK(box->shared.asleep > 0);
    box->shared.asleep--;
    if (box->shared.rung == 0) {
        return;
    }
    box->shared.rung--;
    if (box->shared.rung_ns != 0 && now_ns != 0) {
        histogram_record(&box->shared.stats.wakeup, now_ns - box->shared.rung_ns);
        box->shared.rung_ns = 0;
    }
}

/* Takes, and calls another taker if this one leaves more than the awake ones can be trusted with. */
static unsigned take_locked(struct mailbox *box, struct chain *chain, unsigned most, uint64_t now_ns)
    REQUIRES(box->shared.lock)
{
    chain_move(chain, &box->shared.items, most);
    atomic_store_explicit(&box->waiting_hint, box->shared.items.count, memory_order_relaxed);
    if (now_ns != 0 && chain->count > 0) {
        measure_take_locked(box, chain, now_ns);
    }
    unsigned rings = sleepers_needed_locked(box);
    return rings > 0 ? call_locked(box, now_ns) : 0;
}

unsigned mailbox_take(struct mailbox *box, struct chain *chain, unsigned most)
{
    uint64_t now_ns = stamp_of(box);
    lock_take(&box->shared.lock);
    if (box->shared.asleep > 0) {
        wake_up_locked(box, now_ns);
    }
    take_locked(box, chain, most, now_ns);
    bool room = room_again_locked(box);
    lock_release(&box->shared.lock);
    if (room) {
        tell_room(box);
    }
    return chain->count;
}

bool mailbox_sleep(struct mailbox *box, bool hear_all)
{
    lock_take(&box->shared.lock);
    bool empty = box->shared.items.count == 0;
    box->shared.asleep = empty && !box->shared.closed ? 1 : 0;
    box->shared.hear_all = hear_all;
    bool sleeping = box->shared.asleep > 0;
    lock_release(&box->shared.lock);
    return sleeping;
}

/* --wakeup spin:USEC: looks for a while before it sleeps. */
static void spin(const struct mailbox *box)
{
    if (box->config.spin_ns == 0) {
        return;
    }
    uint64_t until_ns = clock_ns() + box->config.spin_ns;
    while (atomic_load_explicit(&box->waiting_hint, memory_order_relaxed) == 0 && clock_ns() < until_ns) {
        __builtin_ia32_pause();
    }
}

unsigned mailbox_wait(struct mailbox *box, struct chain *chain, unsigned most)
{
    lock_take(&box->shared.lock);
    while (box->shared.items.count == 0 && !box->shared.closed) {
        lock_release(&box->shared.lock);
        spin(box);
        lock_take(&box->shared.lock);
        if (box->shared.items.count > 0 || box->shared.closed) {
            break;
        }
        box->shared.asleep++;
        lock_release(&box->shared.lock);
        doorbell_wait(&box->bell);
        uint64_t now_ns = stamp_of(box);
        lock_take(&box->shared.lock);
        wake_up_locked(box, now_ns);
    }
    unsigned rings = take_locked(box, chain, most, stamp_of(box));
    bool room = room_again_locked(box);
    lock_release(&box->shared.lock);
    if (rings > 0) {
        doorbell_ring(&box->bell, rings);
    }
    if (room) {
        tell_room(box);
    }
    return chain->count;
}

void mailbox_give_back(struct mailbox *box, struct chain *chain)
{
    lock_take(&box->shared.lock);
    chain_splice(chain, &box->shared.items);
    box->shared.items = *chain;
    *chain = (struct chain){0};
    atomic_store_explicit(&box->waiting_hint, box->shared.items.count, memory_order_relaxed);
    lock_release(&box->shared.lock);
}

void mailbox_away(struct mailbox *box)
{
    lock_take(&box->shared.lock);
    box->shared.away++;
    unsigned rings = sleepers_needed_locked(box) > 0 ? call_locked(box, stamp_of(box)) : 0;
    lock_release(&box->shared.lock);
    if (rings > 0) {
        doorbell_ring(&box->bell, rings);
    }
}

void mailbox_back(struct mailbox *box)
{
    lock_take(&box->shared.lock);
    CHECK(box->shared.away > 0);
    box->shared.away--;
    lock_release(&box->shared.lock);
}

void mailbox_wait_room(struct mailbox *box)
{
    lock_take(&box->shared.lock);
    while (box->shared.items.count >= box->config.bound && !box->shared.closed) {
        box->shared.refused = true;
        condition_wait(&box->room, &box->shared.lock, 0);
    }
    lock_release(&box->shared.lock);
}

void mailbox_nudge(struct mailbox *box)
{
    doorbell_ring(&box->bell, 1);
}

/* Every sleeper of a pool is called; a loop looks because it is nudged. */
void mailbox_close(struct mailbox *box)
{
    lock_take(&box->shared.lock);
    box->shared.closed = true;
    lock_release(&box->shared.lock);
    doorbell_ring(&box->bell, box->config.takers);
    condition_broadcast(&box->room);
}

void mailbox_report(struct mailbox *box, struct queue_report *report)
{
    lock_take(&box->shared.lock);
    memcpy(report, &box->shared.stats, sizeof *report);
    report->depth = box->shared.items.count;
    lock_release(&box->shared.lock);
}
