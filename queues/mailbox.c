/* mailbox.c: the queue between two thread groups. See mailbox.h for the rules it keeps. */
#include "queues/mailbox.h"

#include "core/base/clock.h"
#include "core/points/probes.h"

#include <stdio.h>
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

/* Start-up only: no other thread knows the taker. */
void taker_init(struct taker *taker, int doorbell, bool polled) NO_ANALYSIS
{
    *taker = (struct taker){0};
    doorbell_init(&taker->bell, doorbell, polled);
    taker->rung = &taker->bell;
}

void taker_deinit(struct taker *taker)
{
    doorbell_deinit(&taker->bell);
}

/* Start-up only: no other thread knows the mailbox. */
void mailbox_init(struct mailbox *box, const struct mailbox_config *config) NO_ANALYSIS
{
    memset(box, 0, sizeof *box);
    box->config = *config;
    if (box->config.takers_most < config->takers) {
        box->config.takers_most = config->takers;
    }
    condition_init(&box->room);
    lock_init(&box->shared.lock, RANK_MAILBOX);
    snprintf(box->shared.stats.name, REPORT_NAME, "%s", config->name);
    box->config.name = box->shared.stats.name; /* the caller's may be freed later */
    box->shared.stats.bound = config->bound;
    box->shared.takers = box->shared.coming = config->takers;
}

void mailbox_deinit(struct mailbox *box)
{
    condition_deinit(&box->room);
    lock_deinit(&box->shared.lock);
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

/* How many more takers the work that waits now needs. Takers that are awake, or already called,
 * are trusted with `share` items each, because they check the queue again before they sleep.
 * Where work is handed out directly, the items that wait found no idle taker: takers that are
 * being started get them. */
static unsigned more_needed_locked(const struct mailbox *box) REQUIRES(box->shared.lock)
{
    if (box->config.direct) {
        unsigned waiting = box->shared.items.count, coming = box->shared.coming;
        return waiting > coming ? waiting - coming : 0;
    }
    unsigned awake = box->shared.takers - box->shared.asleep - box->shared.away;
    unsigned trusted = awake * box->config.share, depth = box->shared.items.count;
    unsigned most = box->config.awake_most > awake ? box->config.awake_most - awake : 0;
    if (depth <= trusted) {
        return 0;
    }
    unsigned more = (depth - trusted + box->config.share - 1) / box->config.share;
    return more < most ? more : most;
}

/* Whom to ring once the lock is free, and how many to start. They are copied here because a taker
 * that is up changes its links. */
enum { CALLS_MOST = 16 };
struct calls {
    struct doorbell *at[CALLS_MOST];
    unsigned count, spawn;
};

/* Takes the newest sleeper off the stack: it counts as awake from now on. A taker lives longer
 * than its thread sleeps, so ringing it late is safe: it is awake, and checks the queue once
 * more in vain. */
static struct taker *pop_taker_locked(struct mailbox *box, struct calls *calls, uint64_t now_ns)
    REQUIRES(box->shared.lock)
{
    struct taker *taker = box->shared.sleepers;
    box->shared.sleepers = taker->next;
    box->shared.asleep--;
    taker->asleep = false;
    taker->called_ns = now_ns;
    atomic_store(&taker->called, true);
    calls->at[calls->count++] = taker->rung;
    box->shared.stats.rung++;
    return taker;
}

/* Sleepers that do not fit into `calls` are called by those that do, when they take. Returns how
 * many of `count` were not called. */
static unsigned call_sleepers_locked(struct mailbox *box, struct calls *calls, unsigned count,
                                     uint64_t now_ns) REQUIRES(box->shared.lock)
{
    while (count > 0 && calls->count < CALLS_MOST && box->shared.sleepers != NULL) {
        (void)pop_taker_locked(box, calls, now_ns);
        count--;
    }
    return count;
}

/* Calls `count` takers: sleepers first, then, when all are up, new ones where they come on
 * demand. */
static void call_locked(struct mailbox *box, struct calls *calls, unsigned count, uint64_t now_ns)
    REQUIRES(box->shared.lock)
{
    count = call_sleepers_locked(box, calls, count, now_ns);
    bool none = box->shared.closed || box->shared.sleepers != NULL;
    unsigned may = none ? 0 : box->config.takers_most - box->shared.takers;
    unsigned more = count < may ? count : may;
    box->shared.takers += more; /* they count as awake before they run */
    box->shared.coming += more;
    calls->spawn += more;
}

static void ring_all(const struct calls *calls)
{
    for (unsigned i = 0; i < calls->count; i++) {
        doorbell_ring(calls->at[i]);
    }
}

/* It could not be started. What was put meanwhile has trusted in it, and may need a sleeper now; no
 * other is started in its place: the next put asks again. */
static void lose_taker(struct mailbox *box) EXCLUDES(box->shared.lock)
{
    struct calls calls = {.count = 0};
    uint64_t now_ns = clock_ns();
    lock_take(&box->shared.lock);
    box->shared.takers--;
    box->shared.coming--;
    (void)call_sleepers_locked(box, &calls, more_needed_locked(box), now_ns);
    lock_release(&box->shared.lock);
    ring_all(&calls);
}

static void carry_out_calls(struct mailbox *box, const struct calls *calls)
    EXCLUDES(box->shared.lock)
{
    ring_all(calls);
    for (unsigned i = 0; i < calls->spawn; i++) {
        if (!box->spawn_fn(box->spawn_arg)) {
            lose_taker(box);
        }
    }
}

static unsigned room_locked(const struct mailbox *box, enum put_how how) REQUIRES(box->shared.lock)
{
    if (how != PUT_BOUNDED) {
        return UINT32_MAX;
    }
    uint64_t depth = box->shared.items.count, bound = box->config.bound;
    if (box->config.strict) {
        bound = box->shared.coming + box->config.takers_most - box->shared.takers;
    }
    return depth < bound ? (unsigned)(bound - depth) : 0;
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

/* What has waited for this long shows that the takers trusted with it are held up, by a disk
 * perhaps. */
static const uint64_t overdue_ns = 2 * NS_PER_MS;

static bool is_overdue_locked(const struct mailbox *box, uint64_t now_ns) REQUIRES(box->shared.lock)
{
    const struct slip *oldest = box->shared.items.head;
    return oldest != NULL && !oldest->back && now_ns > oldest->put_ns + overdue_ns;
}

/* A quiet put does not wake a sleeper, unless it sleeps with hear_all. --wakeup always rings for
 * every put, also in vain when no taker sleeps: that is what it measures. */
static void call_for_put_locked(struct mailbox *box, struct calls *calls, enum put_how how,
                                uint64_t now_ns) REQUIRES(box->shared.lock)
{
    bool always = box->config.wakeup == WAKEUP_ALWAYS;
    if (how != PUT_QUIET || box->shared.hear_all || always) {
        unsigned needed = more_needed_locked(box);
        bool ring_one = always && box->shared.sleepers != NULL;
        bool one = needed == 0 && (ring_one || is_overdue_locked(box, now_ns));
        call_locked(box, calls, one ? 1 : needed, now_ns);
    }
    if (always && calls->count == 0 && box->shared.last != NULL) {
        calls->at[calls->count++] = box->shared.last->rung;
        box->shared.stats.rung++;
    }
    box->shared.stats.elided += calls->count == 0;
}

/* The newest sleeper gets the oldest slip, and so on. */
static void hand_out_locked(struct mailbox *box, struct chain *chain, struct calls *calls,
                            uint64_t now_ns) REQUIRES(box->shared.lock)
{
    while (chain->count > 0 && box->shared.sleepers != NULL && calls->count < CALLS_MOST) {
        pop_taker_locked(box, calls, now_ns)->slot = chain_next(chain);
    }
}

/* False: there is more to hand out, but first the takers that have a slip must be rung. */
static bool put_locked(struct mailbox *box, struct chain *chain, enum put_how how,
                       struct calls *calls, uint64_t now_ns) REQUIRES(box->shared.lock)
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
        lock_take(&box->shared.lock);
        done = put_locked(box, chain, how, &calls, now_ns);
        lock_release(&box->shared.lock);
        carry_out_calls(box, &calls);
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

static void tell_room(struct mailbox *box) EXCLUDES(box->shared.lock)
{
    condition_broadcast(&box->room);
    if (box->room_fn != NULL) {
        box->room_fn(box->room_arg);
    }
}

/* Histograms have one writer at a time because the lock is held. The taker's stamp is from before
 * it had the lock: what was put in between has not waited. Of a wait as much was for a CPU as the
 * taker has waited for one since its last take, and never more than all of it. */
static void measure_wait_locked(struct mailbox *box, uint64_t wait_ns, uint64_t cpu_wait_ns,
                                unsigned slips) REQUIRES(box->shared.lock)
{
    struct queue_report *stats = &box->shared.stats;
    histogram_record_times(&stats->wait, wait_ns, slips);
    if (cpu_wait_ns != CPU_WAIT_UNKNOWN) {
        histogram_record_times(&stats->sampled_wait, wait_ns, slips);
        histogram_record_times(&stats->cpu_wait, cpu_wait_ns < wait_ns ? cpu_wait_ns : wait_ns,
                               slips);
    }
}

static void note_wait(struct take *take, uint64_t wait_ns, unsigned slips)
{
    if (take->runs == TAKE_RUNS) {
        take->run[TAKE_RUNS - 1].slips += slips;
    } else {
        take->run[take->runs++] = (struct take_run){.wait_ns = wait_ns, .slips = slips};
    }
    take->slips += slips;
}

/* Of those that were taken last. */
static void forget_waits(struct take *take, unsigned slips)
{
    CHECK(slips <= take->slips);
    take->slips -= slips;
    while (slips > 0) {
        struct take_run *last = &take->run[take->runs - 1];
        unsigned less = slips < last->slips ? slips : last->slips;
        last->slips -= less;
        slips -= less;
        take->runs -= last->slips == 0;
    }
}

/* What the taker has noted and not given back. */
static void count_take_locked(struct mailbox *box, struct take *take) REQUIRES(box->shared.lock)
{
    for (unsigned i = 0; i < take->runs; i++) {
        measure_wait_locked(box, take->run[i].wait_ns, take->cpu_wait_ns, take->run[i].slips);
    }
    if (take->slips > 0) {
        histogram_record(&box->shared.stats.batch, take->slips);
    }
    take->runs = take->slips = 0;
}

/* What was put together has waited alike, and lies together. */
static void measure_take_locked(struct mailbox *box, struct take *take, const struct chain *chain,
                                uint64_t now_ns, uint64_t cpu_wait_ns) REQUIRES(box->shared.lock)
{
    const struct slip *slip = chain->head;
    take->cpu_wait_ns = cpu_wait_ns;
    while (slip != NULL) {
        uint64_t put_ns = slip->put_ns;
        unsigned slips = 0;
        for (; slip != NULL && slip->put_ns == put_ns; slip = slip->next) {
            slips++;
        }
        uint64_t wait_ns = now_ns > put_ns ? now_ns - put_ns : 0;
        if (box->config.gives_back) {
            note_wait(take, wait_ns, slips);
        } else {
            measure_wait_locked(box, wait_ns, cpu_wait_ns, slips);
        }
    }
    if (!box->config.gives_back) {
        histogram_record(&box->shared.stats.batch, chain->count);
    }
}

static void leave_stack_locked(struct mailbox *box, struct taker *taker) REQUIRES(box->shared.lock)
{
    struct taker **at = &box->shared.sleepers;
    while (*at != taker) {
        at = &(*at)->next;
    }
    *at = taker->next;
    box->shared.asleep--;
    taker->asleep = false;
}

/* The taker is up, by a ring or by itself. */
static void wake_up_locked(struct mailbox *box, struct taker *taker, uint64_t now_ns)
    REQUIRES(box->shared.lock)
{
    box->shared.last = taker;
    if (box->shared.turn_called == taker) {
        box->shared.turn_called = NULL;
    }
    box->shared.coming -= !taker->here;
    taker->here = true;
    if (taker->asleep) {
        leave_stack_locked(box, taker);
    } else if (taker->called_ns != 0 && box->config.measured) {
        uint64_t wakeup_ns = now_ns > taker->called_ns ? now_ns - taker->called_ns : 0;
        histogram_record(&box->shared.stats.wakeup, wakeup_ns);
    }
    taker->called_ns = 0;
    atomic_store_explicit(&taker->called, false, memory_order_relaxed);
}

static void go_to_sleep_locked(struct mailbox *box, struct taker *taker) REQUIRES(box->shared.lock)
{
    CHECK(!taker->asleep);
    atomic_store_explicit(&taker->called, false, memory_order_relaxed);
    taker->asleep = true;
    taker->called_ns = 0;
    taker->next = box->shared.sleepers;
    box->shared.sleepers = taker;
    box->shared.asleep++;
}

/* A taker that takes work while no taker has the turn calls a sleeper to it, unless one is
 * called already. So always one of these is true: a taker has the turn, one is coming for it, or
 * all work. */
static void call_for_turn_locked(struct mailbox *box, const struct chain *taken,
                                 struct calls *calls, uint64_t now_ns) REQUIRES(box->shared.lock)
{
    bool free = box->config.turn_bell != NULL && !box->shared.turn_taken;
    if (!free || taken->count == 0 || box->shared.turn_called != NULL || box->shared.coming > 0 ||
        calls->count == CALLS_MOST) { /* then those that are called see to it */
        return;
    }
    box->shared.turn_called = box->shared.sleepers; /* NULL: one more is started, if there may be */
    call_locked(box, calls, 1, now_ns);
}

/* Takes a fair share, so that no item waits behind work that another taker could do. Calls another
 * taker if more is left than those that are awake are trusted with. */
static void take_locked(struct mailbox *box, struct taker *taker, struct chain *chain,
                        struct calls *calls, unsigned most, uint64_t now_ns, uint64_t cpu_wait_ns)
    REQUIRES(box->shared.lock)
{
    unsigned share = box->config.direct ? 1 : box->shared.items.count / box->config.awake_most + 1;
    if (taker->slot != NULL) {
        chain_append(chain, taker->slot);
        taker->slot = NULL;
    } else {
        chain_move(chain, &box->shared.items, most < share ? most : share);
    }
    atomic_store_explicit(&box->waiting_hint, box->shared.items.count, memory_order_relaxed);
    if (box->config.measured && chain->count > 0) {
        measure_take_locked(box, &taker->take, chain, now_ns, cpu_wait_ns);
    }
    call_locked(box, calls, more_needed_locked(box), now_ns);
    call_for_turn_locked(box, chain, calls, now_ns);
}

unsigned mailbox_take(struct mailbox *box, struct taker *taker, struct chain *chain, unsigned most)
{
    struct calls calls = {.count = 0};
    uint64_t now_ns = clock_ns();
    uint64_t cpu_wait_ns = CPU_WAIT_UNKNOWN;
    if (box->config.measured) {
        cpu_wait_ns = cpu_wait_look(&taker->cpu_wait, now_ns);
    }
    lock_take(&box->shared.lock);
    wake_up_locked(box, taker, now_ns);
    count_take_locked(box, &taker->take);
    take_locked(box, taker, chain, &calls, most, now_ns, cpu_wait_ns);
    bool room = room_again_locked(box);
    lock_release(&box->shared.lock);
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
    lock_take(&box->shared.lock);
    bool sleeps = box->shared.items.count == 0 && taker->slot == NULL && !box->shared.closed;
    if (sleeps && !taker->asleep) {
        go_to_sleep_locked(box, taker);
    }
    box->shared.hear_all = hear_all;
    lock_release(&box->shared.lock);
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
    REQUIRES(box->shared.lock)
{
    if (box->shared.items.count > 0) {
        return WAIT_TOOK;
    }
    if (box->shared.closed) {
        return WAIT_OVER;
    }
    if (box->config.turn_bell != NULL && !box->shared.turn_taken) {
        box->shared.turn_taken = true;
        taker->rung = box->config.turn_bell;
        return WAIT_TURN;
    }
    go_to_sleep_locked(box, taker);
    return WAIT_TOOK;
}

/* True: it was idle for too long, and still is: it leaves. Those that are on their way are not
 * counted on to stay, for they may fail to start. */
static bool retire_taker(struct mailbox *box, struct taker *taker) EXCLUDES(box->shared.lock)
{
    lock_take(&box->shared.lock);
    unsigned here = box->shared.takers - box->shared.coming;
    bool leaves = taker->asleep && here > box->config.takers && !box->shared.closed;
    if (leaves) {
        leave_stack_locked(box, taker);
        box->shared.takers--;
        box->shared.last = box->shared.last == taker ? NULL : box->shared.last;
        taker->here = false;
    }
    lock_release(&box->shared.lock);
    return leaves;
}

/* Sleeps until it is called. False: it has retired. */
static bool sleep_until_called(struct mailbox *box, struct taker *taker) EXCLUDES(box->shared.lock)
{
    if (box->config.takers_most == box->config.takers) {
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
        lock_take(&box->shared.lock);
        enum wait_end end = lie_down_locked(box, taker);
        bool sleeps = taker->asleep;
        lock_release(&box->shared.lock);
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
    lock_take(&box->shared.lock);
    CHECK(box->shared.turn_taken);
    box->shared.turn_taken = false;
    taker->rung = &taker->bell;
    if (taker->asleep) { /* it slept in the loop, and something else woke it */
        leave_stack_locked(box, taker);
    }
    lock_release(&box->shared.lock);
}

void mailbox_give_back(struct mailbox *box, struct taker *taker, struct chain *chain)
{
    for (struct slip *slip = chain->head; slip != NULL; slip = slip->next) {
        slip->back = true;
    }
    lock_take(&box->shared.lock);
    if (taker->take.slips > 0) { /* measured */
        forget_waits(&taker->take, chain->count);
        count_take_locked(box, &taker->take);
    }
    chain_splice(chain, &box->shared.items);
    box->shared.items = *chain;
    *chain = (struct chain){0};
    atomic_store_explicit(&box->waiting_hint, box->shared.items.count, memory_order_relaxed);
    lock_release(&box->shared.lock);
}

void mailbox_away(struct mailbox *box)
{
    struct calls calls = {.count = 0};
    uint64_t now_ns = clock_ns();
    lock_take(&box->shared.lock);
    box->shared.away++;
    call_locked(box, &calls, more_needed_locked(box), now_ns);
    lock_release(&box->shared.lock);
    carry_out_calls(box, &calls);
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

void mailbox_close(struct mailbox *box)
{
    bool more = true;
    while (more) {
        struct calls calls = {.count = 0};
        lock_take(&box->shared.lock);
        box->shared.closed = true;
        call_locked(box, &calls, CALLS_MOST, 0);
        more = box->shared.sleepers != NULL;
        lock_release(&box->shared.lock);
        carry_out_calls(box, &calls);
    }
    condition_broadcast(&box->room);
}

bool mailbox_has_sleeper(struct mailbox *box)
{
    lock_take(&box->shared.lock);
    bool has = box->shared.asleep > 0;
    lock_release(&box->shared.lock);
    return has;
}

struct mailbox_depth mailbox_depth(struct mailbox *box)
{
    lock_take(&box->shared.lock);
    struct mailbox_depth depth = {
        .put = box->shared.stats.put,
        .depth = box->shared.items.count,
        .depth_max = box->shared.stats.depth_max,
    };
    lock_release(&box->shared.lock);
    return depth;
}

void mailbox_report(struct mailbox *box, struct queue_report *report)
{
    lock_take(&box->shared.lock);
    memcpy(report, &box->shared.stats, sizeof *report);
    report->depth = box->shared.items.count;
    lock_release(&box->shared.lock);
}
