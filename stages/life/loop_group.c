/* loop_group.c: the thread of a poll loop. See loop_group.h for its turn. */
#include "stages/life/loop_group.h"

#include "core/base/chaos.h"
#include "stages/engine/home.h"
#include "stages/stage/listener.h"
#include "stages/stage/poller.h"
#include "stages/stage/reader.h"
#include "stages/engine/engine.h"
#include "stages/engine/route.h"
#include "stages/stage/writer.h"

/* How long a client that was given back quietly may lie in the mailbox of a home that sleeps: its
 * descriptor is watched all the time, but its keep-alive timeout begins only when its home takes
 * it. */
static const uint64_t collect_ns = 50 * NS_PER_MS;

/* What a busy spell leaves in the pool of exchanges is freed after the second of two such spans at
 * the latest, in steps between which others get their turn. So many stay: a trickle of requests
 * reuses them and needs no timer. */
static const uint64_t trim_ns = 250 * NS_PER_MS;
static const uint64_t trim_step_ns = 5 * NS_PER_MS;
enum { EXCHANGES_AT_REST = 8 };

/* --- deadlines --- */

static void on_deadline(void *arg, struct deadline *deadline)
{
    struct worker *worker = arg;
    struct client *client = NULL;
    size_t home = offsetof(struct client, home.deadline),
           out = offsetof(struct client, out.deadline);
    if (deadline->kind == DEADLINE_OUT) {
        client = (struct client *)(void *)((char *)deadline - out);
        writer_expired(worker, client);
    } else {
        client = (struct client *)(void *)((char *)deadline - home);
        home_expired(worker, client);
    }
}

/* --- the turn --- */

static void on_bell(struct watch *watch, unsigned ready)
{
    (void)ready;
    struct worker *worker =
        (struct worker *)(void *)((char *)watch - offsetof(struct worker, loop.bell_watch));
    doorbell_silence(&worker->taker.bell);
}

static void check_phase(struct worker *worker)
{
    int phase = (int)engine_phase(worker->engine);
    if (worker->listener != NULL) {
        listener_turn(worker->listener);
    }
    if (worker->loop.phase_seen == phase) {
        return;
    }
    worker->loop.phase_seen = phase;
    chaos_point();
    if (phase == PHASE_DRAINING) {
        poller_tick(worker); /* what is readable already is not idle */
    }
    home_phase(worker);
    if (phase == PHASE_CUTTING) {
        deadlines_fire_all(&worker->loop.deadlines);
    }
}

static void look_at_shedding(struct worker *worker)
{
    if (atomic_load_explicit(&worker->home.shed, memory_order_relaxed) > 0) {
        home_shed(worker, atomic_exchange(&worker->home.shed, 0));
    }
    if (atomic_load_explicit(&worker->home.reap, memory_order_relaxed) &&
        atomic_exchange(&worker->home.reap, false)) {
        home_reap(worker);
    }
}

/* --- rounds --- */

static void begin_round(struct worker *worker, uint64_t now_ns)
{
    if (worker->loop.rounds != NULL) {
        rounds_begin(worker->loop.rounds, now_ns);
    }
}

static void end_round(struct worker *worker, uint64_t now_ns)
{
    if (worker->loop.rounds != NULL) {
        rounds_end(worker->loop.rounds, now_ns, loop_take_events(worker->loop.poll));
    }
}

/* Without waiting: one reading of the clock for both rounds. */
static bool poll_at_once(struct worker *worker)
{
    uint64_t now_ns = worker->loop.rounds != NULL ? clock_ns() : 0;
    end_round(worker, now_ns);
    begin_round(worker, now_ns);
    return loop_turn(worker->loop.poll);
}

/* --wakeup spin:USEC: polls for a while before it blocks. A poll that finds nothing begins no
 * round. */
static bool spin_finds_work(struct worker *worker)
{
    uint64_t spin_ns = worker->engine->settings->wakeup_spin_ns;
    if (spin_ns == 0) {
        return false;
    }
    uint64_t now_ns = clock_ns(), until_ns = now_ns + spin_ns;
    end_round(worker, now_ns);
    do {
        if (atomic_load_explicit(&worker->mailbox->waiting_hint, memory_order_relaxed) > 0 ||
            loop_turn(worker->loop.poll)) {
            begin_round(worker, now_ns);
            return true;
        }
        now_ns = clock_ns();
    } while (now_ns < until_ns);
    return false;
}

static void on_collect(void *arg)
{
    struct worker *worker = arg;
    worker->loop.collecting = false;
}

static void collect_later(struct worker *worker)
{
    if (home_awaits(worker) && !worker->loop.collecting) {
        worker->loop.collecting = true;
        loop_timer_start(worker->loop.collect_timer, collect_ns);
    }
}

static void on_trim(void *arg)
{
    struct worker *worker = arg;
    worker->loop.trimming = exchange_pool_trim(&worker->exchanges, EXCHANGES_AT_REST);
    if (worker->loop.trimming) {
        loop_timer_start(worker->loop.trim_timer, trim_step_ns);
    }
}

static void trim_later(struct worker *worker)
{
    if (worker->exchanges.kept > EXCHANGES_AT_REST && !worker->loop.trimming) {
        worker->loop.trimming = true;
        loop_timer_start(worker->loop.trim_timer, trim_ns);
    }
}

/* A thread that runs a loop in turn is asleep in its own mailbox as well. */
static bool falls_asleep(struct worker *worker, bool hear_all)
{
    struct worker *runner = worker->loop.runner;
    return mailbox_sleep(worker->mailbox, &worker->taker, hear_all) &&
           (runner == worker || mailbox_sleep(runner->mailbox, &runner->taker, false));
}

/* A thread that runs a loop in turn is idle while the loop is. */
static void block_loop(struct worker *worker)
{
    struct worker *runner = worker->loop.runner;
    worker_begin_idle(worker);
    if (runner != worker) {
        worker_begin_idle(runner);
    }
    end_round(worker, worker->slept_ns);
    loop_block(worker->loop.poll, &worker->woke_ns);
}

/* Before the first callback, which may take long: a report shows the thread as busy then. */
static void on_wake(void *arg)
{
    struct worker *worker = arg, *runner = worker->loop.runner;
    worker_end_idle(worker);
    begin_round(worker, worker->woke_ns);
    if (runner != worker) {
        runner->woke_ns = worker->woke_ns;
        worker_end_idle(runner);
    }
}

/* Blocks when nothing waits. With hear_all where a client of this reader is unwatched, or where the
 * server ends: then quiet puts wake it too. */
static void wait_for_events(struct worker *worker)
{
    bool hear_all =
        worker->home.counts.in[HOME_EARLY] > 0 || worker->loop.phase_seen != PHASE_RUNNING;
    if (worker->refused_count == 0 && spin_finds_work(worker)) {
        return;
    }
    if (!falls_asleep(worker, hear_all)) {
        (void)poll_at_once(worker);
        return;
    }
    collect_later(worker);
    trim_later(worker);
    block_loop(worker);
}

bool loop_group_is_over(const struct worker *worker)
{
    return atomic_load(&worker->engine->ended_groups) > worker->group && worker->dirty_count == 0;
}

static void on_poll_interval(void *arg)
{
    poller_tick(arg);
}

void loop_group_start(struct worker *worker)
{
    if (!watch_open(worker->loop.poll, &worker->loop.bell_watch, doorbell_fd(&worker->taker.bell),
                    on_bell)) {
        die_at_once("cannot watch the doorbell of thread %s: no memory or no watch left",
                    worker->name);
    }
    watch_set(&worker->loop.bell_watch, WATCH_READ);
    worker->loop.collect_timer = loop_timer_new(worker->loop.poll, on_collect, worker);
    worker->loop.trim_timer = loop_timer_new(worker->loop.poll, on_trim, worker);
    worker->poller.timer = loop_timer_new(worker->loop.poll, on_poll_interval, worker);
    loop_on_wake(worker->loop.poll, on_wake, worker);
    deadlines_start(&worker->loop.deadlines, worker->loop.poll, on_deadline, worker);
    if (worker_runs(worker, STAGE_LISTENER)) {
        worker->listener = listener_new(worker);
    }
}

static void on_bell_closed(struct watch *watch)
{
    (void)watch;
}

void loop_group_end(struct worker *worker)
{
    CHECK(worker->home.clients.home.next == &worker->home.clients);
    if (worker->listener != NULL) {
        listener_close(worker->listener);
    }
    watch_close(&worker->loop.bell_watch, on_bell_closed);
    deadlines_end(&worker->loop.deadlines);
    loop_timer_free(worker->loop.collect_timer);
    loop_timer_free(worker->loop.trim_timer);
    loop_timer_free(worker->poller.timer);
    loop_free(worker->loop.poll);
    if (worker->listener != NULL) {
        listener_free(worker->listener);
    }
}

/* What came in during this turn, unless a queue downstream is full. */
static void look_at_new(struct worker *worker)
{
    if (worker_is_refused(worker)) {
        return;
    }
    home_room(worker);
    reader_first_reads(worker);
    poller_first_looks(worker);
}

void loop_group_turn(struct worker *worker)
{
    worker_count(&worker->turns, 1);
    bool busy = route_drain(worker);
    check_phase(worker);
    look_at_shedding(worker);
    look_at_new(worker);
    /* A thread that has the turn serves what it finds: it gathers nothing. */
    bool in_turn = worker->loop.runner != worker;
    if (!in_turn && worker_gathers(worker) && (poll_at_once(worker) || busy)) {
        return;
    }
    route_inline_idle(worker);
    if (worker_flush(worker)) {
        return; /* there is room again for the clients that were held back */
    }
    if (!in_turn || !mailbox_wants(worker->loop.runner->mailbox, &worker->loop.runner->taker)) {
        wait_for_events(worker);
    }
}

void *loop_group_main(void *arg)
{
    struct worker *worker = arg;
    worker_begin(worker);
    loop_group_start(worker);
    while (!loop_group_is_over(worker)) {
        loop_group_turn(worker);
    }
    loop_group_end(worker);
    worker_end(worker);
    return NULL;
}
