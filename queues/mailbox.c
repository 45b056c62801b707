/* mailbox.c: the queue between two thread groups. See mailbox.h for the rules it keeps. */
#include "queues/mailbox.h"

#include "core/base/clock.h"
#include "core/points/probes.h"

#include <stdio.h>
#include <string.h>

/* --- life --- */

/* Start-up only: no other thread knows the mailbox. */
void mailbox_init(struct mailbox *box, const struct mailbox_config *config) NO_ANALYSIS
{
    memset(box, 0, sizeof *box);
    box->config = *config;
    box->takers.least = config->takers;
    box->takers.most = config->takers_most > config->takers ? config->takers_most : config->takers;
    box->takers.awake_most = config->awake_most;
    box->takers.share = config->share;
    box->takers.direct = config->direct;
    box->takers.turn_bell = config->turn_bell;
    takers_init(&box->takers);
    condition_init(&box->room);
    snprintf(box->shared.stats.name, REPORT_NAME, "%s", config->name);
    box->config.name = box->shared.stats.name; /* the caller's may be freed later */
    box->shared.stats.bound = config->bound;
}

void mailbox_deinit(struct mailbox *box)
{
    condition_deinit(&box->room);
    takers_deinit(&box->takers);
}

void mailbox_on_room(struct mailbox *box, mailbox_room_fn *room_fn, void *arg)
{
    box->room_fn = room_fn;
    box->room_arg = arg;
}

void mailbox_on_spawn(struct mailbox *box, mailbox_spawn_fn *spawn_fn, void *arg)
{
    box->spawn_fn = spawn_fn;
    box->spawn_arg = arg;
}

/* --- putting --- */

/* It could not be started. What was put meanwhile has trusted in it, and may need a sleeper now; so
 * may the turn, if one took work and trusted in it to come for that. No other is started in its
 * place: the next put asks again. */
static void lose_taker(struct mailbox *box) EXCLUDES(box->takers.lock)
{
    struct calls calls = {.count = 0};
    uint64_t now_ns = clock_ns();
    lock_take(&box->takers.lock);
    takers_lose_locked(&box->takers);
    unsigned needed = takers_needed_locked(&box->takers, box->shared.items.count);
    (void)takers_call_sleepers_locked(&box->takers, &calls, needed, now_ns);
    if (box->takers.sleepers != NULL) {
        takers_call_for_turn_locked(&box->takers, &calls, now_ns);
    }
    lock_release(&box->takers.lock);
    calls_ring(&calls);
}

static void carry_out_calls(struct mailbox *box, const struct calls *calls)
    EXCLUDES(box->takers.lock)
{
    calls_ring(calls);
    for (unsigned i = 0; i < calls->spawn; i++) {
        if (!box->spawn_fn(box->spawn_arg)) {
            lose_taker(box);
        }
    }
}

/* Calls as many takers as what waits now needs. */
static void call_needed_locked(struct mailbox *box, struct calls *calls, uint64_t now_ns)
    REQUIRES(box->takers.lock)
{
    unsigned needed = takers_needed_locked(&box->takers, box->shared.items.count);
    takers_call_locked(&box->takers, calls, needed, now_ns);
}

static unsigned room_locked(const struct mailbox *box, enum put_how how) REQUIRES(box->takers.lock)
{
    if (how != PUT_BOUNDED) {
        return UINT32_MAX;
    }
    uint64_t depth = box->shared.items.count, bound = box->config.bound;
    if (box->config.strict) {
        bound = box->takers.coming + box->takers.most - box->takers.count;
    }
    return depth < bound ? (unsigned)(bound - depth) : 0;
}

static void count_put_locked(struct mailbox *box, unsigned put, unsigned refused)
    REQUIRES(box->takers.lock)
{
    box->shared.stats.put += put;
    box->shared.stats.refused += refused;
    box->shared.refused |= refused > 0;
    if (box->shared.items.count > box->shared.stats.depth_max) {
        box->shared.stats.depth_max = box->shared.items.count;
    }
    atomic_store_explicit(&box->waiting_hint, box->shared.items.count, memory_order_relaxed);
}

/* What has waited for this long shows that the takers trusted with it are held up, by a disk
 * perhaps. */
static const uint64_t overdue_ns = 2 * NS_PER_MS;

static bool is_overdue_locked(const struct mailbox *box, uint64_t now_ns) REQUIRES(box->takers.lock)
{
    const struct slip *oldest = box->shared.items.head;
    return oldest != NULL && !oldest->back && now_ns > oldest->put_ns + overdue_ns;
}

/* A quiet put does not wake a sleeper, unless it sleeps with hear_all. --wakeup always rings for
 * every put, also in vain when no taker sleeps: that is what it measures. */
static void call_for_put_locked(struct mailbox *box, struct calls *calls, enum put_how how,
                                uint64_t now_ns) REQUIRES(box->takers.lock)
{
    bool always = box->config.wakeup == WAKEUP_ALWAYS;
    if (how != PUT_QUIET || box->shared.hear_all || always) {
        unsigned needed = takers_needed_locked(&box->takers, box->shared.items.count);
        bool ring_one = always && box->takers.sleepers != NULL;
        bool one = needed == 0 && (ring_one || is_overdue_locked(box, now_ns));
        takers_call_locked(&box->takers, calls, one ? 1 : needed, now_ns);
    }
    if (always && calls->count == 0) {
        takers_call_last_locked(&box->takers, calls);
    }
    box->shared.stats.elided += calls->count == 0;
}

/* The newest sleeper gets the oldest slip, and so on. */
static void hand_out_locked(struct mailbox *box, struct chain *chain, struct calls *calls,
                            uint64_t now_ns) REQUIRES(box->takers.lock)
{
    while (chain->count > 0 && box->takers.sleepers != NULL && calls->count < CALLS_MOST) {
        takers_pop_locked(&box->takers, calls, now_ns)->slot = chain_next(chain);
    }
}

/* False: there is more to hand out, but first the takers that have a slip must be rung. */
static bool put_locked(struct mailbox *box, struct chain *chain, enum put_how how,
                       struct calls *calls, uint64_t now_ns) REQUIRES(box->takers.lock)
{
    unsigned before = chain->count;
    if (box->config.direct) {
        hand_out_locked(box, chain, calls, now_ns);
    }
    if (calls->count == CALLS_MOST && chain->count > 0) {
        count_put_locked(box, before - chain->count, 0);
        return false;
    }
    chain_move(&box->shared.items, chain, room_locked(box, how));
    count_put_locked(box, before - chain->count, chain->count);
    call_for_put_locked(box, calls, how, now_ns);
    return true;
}

bool mailbox_put(struct mailbox *box, struct chain *chain, enum put_how how)
{
    bool done = false;
    uint64_t now_ns = clock_ns();
    for (struct slip *slip = chain->head; slip != NULL; slip = slip->next) {
        slip->put_ns = now_ns;
        slip->back = false;
    }
    PROBE(put, box->config.name, chain->count, now_ns, how);
    while (!done) {
        struct calls calls = {.count = 0};
        lock_take(&box->takers.lock);
        done = put_locked(box, chain, how, &calls, now_ns);
        lock_release(&box->takers.lock);
        carry_out_calls(box, &calls);
    }
    return chain->count == 0;
}

/* --- taking --- */

static bool room_again_locked(struct mailbox *box) REQUIRES(box->takers.lock)
{
    if (!box->shared.refused || box->shared.items.count > box->config.bound / 2) {
        return false;
    }
    box->shared.refused = false;
    return true;
}

static void tell_room(struct mailbox *box) EXCLUDES(box->takers.lock)
{
    condition_broadcast(&box->room);
    if (box->room_fn != NULL) {
        box->room_fn(box->room_arg);
    }
}

/* The taker is up, and has given back what it will not begin of its last take. */
static void come_for_more_locked(struct mailbox *box, struct taker *taker, uint64_t now_ns)
    REQUIRES(box->takers.lock)
{
    uint64_t wakeup_ns;
    if (takers_wake_locked(&box->takers, taker, now_ns, &wakeup_ns) && box->config.measured) {
        histogram_record(&box->shared.stats.wakeup, wakeup_ns);
    }
    take_count(&taker->take, &box->shared.stats);
}

static void measure_take_locked(struct mailbox *box, struct taker *taker, const struct chain *chain,
                                uint64_t now_ns, uint64_t cpu_wait_ns) REQUIRES(box->takers.lock)
{
    if (!box->config.measured || chain->count == 0) {
        return;
    }
    if (box->config.gives_back) {
        take_note(&taker->take, chain, now_ns, cpu_wait_ns);
    } else {
        take_count_now(&box->shared.stats, chain, now_ns, cpu_wait_ns);
    }
}

/* Takes a fair share, so that no item waits behind work that another taker could do. Calls another
 * taker if more is left than those that are awake are trusted with. */
static void take_locked(struct mailbox *box, struct taker *taker, struct chain *chain,
                        struct calls *calls, unsigned most, uint64_t now_ns, uint64_t cpu_wait_ns)
    REQUIRES(box->takers.lock)
{
    unsigned share = box->config.direct ? 1 : box->shared.items.count / box->config.awake_most + 1;
    if (taker->slot != NULL) {
        chain_append(chain, taker->slot);
        taker->slot = NULL;
    } else {
        chain_move(chain, &box->shared.items, most < share ? most : share);
    }
    atomic_store_explicit(&box->waiting_hint, box->shared.items.count, memory_order_relaxed);
    measure_take_locked(box, taker, chain, now_ns, cpu_wait_ns);
    call_needed_locked(box, calls, now_ns);
    if (chain->count > 0) {
        takers_call_for_turn_locked(&box->takers, calls, now_ns);
    }
}

unsigned mailbox_take(struct mailbox *box, struct taker *taker, struct chain *chain, unsigned most)
{
    struct calls calls = {.count = 0};
    uint64_t now_ns = clock_ns();
    uint64_t cpu_wait_ns = CPU_WAIT_UNKNOWN;
    if (box->config.measured) {
        cpu_wait_ns = cpu_wait_look(&taker->cpu_wait, now_ns);
    }
    lock_take(&box->takers.lock);
    come_for_more_locked(box, taker, now_ns);
    take_locked(box, taker, chain, &calls, most, now_ns, cpu_wait_ns);
    bool room = room_again_locked(box);
    lock_release(&box->takers.lock);
    cpu_wait_end(&taker->cpu_wait, cpu_wait_ns, chain->count, now_ns);
    PROBE(take, box->config.name, chain->count, now_ns);
    carry_out_calls(box, &calls);
    if (room) {
        tell_room(box);
    }
    return chain->count;
}

bool mailbox_sleep(struct mailbox *box, struct taker *taker, bool hear_all)
{
    lock_take(&box->takers.lock);
    bool sleeps = box->shared.items.count == 0 && taker->slot == NULL && !box->takers.closed;
    if (sleeps && !taker->asleep) {
        takers_sleep_locked(&box->takers, taker);
    }
    box->shared.hear_all = hear_all;
    lock_release(&box->takers.lock);
    return sleeps;
}

/* --wakeup spin:USEC: polls for a time before it sleeps. */
static void spin_for_items(const struct mailbox *box)
{
    if (box->config.spin_ns == 0 ||
        box->config.strict) { /* strict: only sleepers are handed work */
        return;
    }
    uint64_t until_ns = clock_ns() + box->config.spin_ns;
    while (atomic_load_explicit(&box->waiting_hint, memory_order_relaxed) == 0 &&
           clock_ns() < until_ns) {
        __builtin_ia32_pause();
    }
}

/* What an idle taker does next. WAIT_TOOK stands for sleeping, since taking comes after it. */
static enum wait_end lie_down_locked(struct mailbox *box, struct taker *taker)
    REQUIRES(box->takers.lock)
{
    if (box->shared.items.count > 0) {
        return WAIT_TOOK;
    }
    if (box->takers.closed) {
        return WAIT_OVER;
    }
    if (takers_begin_turn_locked(&box->takers, taker)) {
        return WAIT_TURN;
    }
    takers_sleep_locked(&box->takers, taker);
    return WAIT_TOOK;
}

/* True: it was idle for too long, and still is: it leaves. */
static bool retire_taker(struct mailbox *box, struct taker *taker) EXCLUDES(box->takers.lock)
{
    lock_take(&box->takers.lock);
    bool leaves = takers_retire_locked(&box->takers, taker);
    lock_release(&box->takers.lock);
    return leaves;
}

/* Sleeps until it is called. False: it has retired. */
static bool sleep_until_called(struct mailbox *box, struct taker *taker) EXCLUDES(box->takers.lock)
{
    if (box->takers.most == box->takers.least) {
        doorbell_wait(&taker->bell);
        return true;
    }
    while (!doorbell_wait_until(&taker->bell, clock_ns() + box->config.idle_ns)) {
        if (retire_taker(box, taker)) {
            return false;
        }
    }
    return true;
}

enum wait_end mailbox_wait(struct mailbox *box, struct taker *taker, struct chain *chain,
                           unsigned most)
{
    for (bool first = true;; first = false) {
        if (mailbox_take(box, taker, chain, most) > 0) {
            return WAIT_TOOK;
        }
        if (first) {
            spin_for_items(box);
        }
        lock_take(&box->takers.lock);
        enum wait_end end = lie_down_locked(box, taker);
        bool sleeps = taker->asleep;
        lock_release(&box->takers.lock);
        if (end != WAIT_TOOK) {
            return end;
        }
        if (sleeps && !sleep_until_called(box, taker)) {
            return WAIT_RETIRED;
        }
    }
}

void mailbox_end_turn(struct mailbox *box, struct taker *taker)
{
    lock_take(&box->takers.lock);
    takers_end_turn_locked(&box->takers, taker);
    lock_release(&box->takers.lock);
}

void mailbox_give_back(struct mailbox *box, struct taker *taker, struct chain *chain)
{
    for (struct slip *slip = chain->head; slip != NULL; slip = slip->next) {
        slip->back = true;
    }
    lock_take(&box->takers.lock);
    if (taker->take.slips > 0) { /* measured */
        take_forget(&taker->take, chain->count);
        take_count(&taker->take, &box->shared.stats);
    }
    chain_splice(chain, &box->shared.items);
    box->shared.items = *chain;
    *chain = (struct chain){0};
    atomic_store_explicit(&box->waiting_hint, box->shared.items.count, memory_order_relaxed);
    lock_release(&box->takers.lock);
}

void mailbox_away(struct mailbox *box)
{
    struct calls calls = {.count = 0};
    uint64_t now_ns = clock_ns();
    lock_take(&box->takers.lock);
    box->takers.away++;
    call_needed_locked(box, &calls, now_ns);
    lock_release(&box->takers.lock);
    carry_out_calls(box, &calls);
}

void mailbox_back(struct mailbox *box)
{
    lock_take(&box->takers.lock);
    CHECK(box->takers.away > 0);
    box->takers.away--;
    lock_release(&box->takers.lock);
}

void mailbox_wait_room(struct mailbox *box)
{
    lock_take(&box->takers.lock);
    while (box->shared.items.count >= box->config.bound && !box->takers.closed) {
        box->shared.refused = true;
        condition_wait(&box->room, &box->takers.lock, 0);
    }
    lock_release(&box->takers.lock);
}

void mailbox_close(struct mailbox *box)
{
    bool more = true;
    while (more) {
        struct calls calls = {.count = 0};
        lock_take(&box->takers.lock);
        box->takers.closed = true;
        takers_call_locked(&box->takers, &calls, CALLS_MOST, 0);
        more = box->takers.sleepers != NULL;
        lock_release(&box->takers.lock);
        carry_out_calls(box, &calls);
    }
    condition_broadcast(&box->room);
}

bool mailbox_has_sleeper(struct mailbox *box)
{
    lock_take(&box->takers.lock);
    bool has = box->takers.asleep > 0;
    lock_release(&box->takers.lock);
    return has;
}

struct mailbox_depth mailbox_depth(struct mailbox *box)
{
    lock_take(&box->takers.lock);
    struct mailbox_depth depth = {
        .put = box->shared.stats.put,
        .depth = box->shared.items.count,
        .depth_max = box->shared.stats.depth_max,
    };
    lock_release(&box->takers.lock);
    return depth;
}

void mailbox_report(struct mailbox *box, struct queue_report *report)
{
    lock_take(&box->takers.lock);
    memcpy(report, &box->shared.stats, sizeof *report);
    report->depth = box->shared.items.count;
    report->rung = box->takers.rung;
    lock_release(&box->takers.lock);
}
