/* worker.c: what every stage thread does: take, run, hand on, wait. See worker.h for the turn. */
#include "stages/worker.h"

#include "stages/reader.h"
#include "stages/route.h"
#include "stages/server.h"
#include "stages/writer.h"

#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

/* Exchanges kept for reuse by a reader; beyond these memory goes back. */
enum { EXCHANGES_KEPT = 1024 };

/* How long a client that was given back quietly may lie in the mailbox of a home that sleeps: its
 * descriptor is watched all the time, but its keep-alive timeout begins only when its home takes
 * it. */
static const uint64_t collect_ns = 50 * NS_PER_MS;

/* --- handing on --- */

static void put(struct worker *worker, struct outbox *outbox)
{
    enum put_how how = outbox->bounded ? PUT_BOUNDED : outbox->ring ? PUT_ADMITTED : PUT_QUIET;
    bool all = mailbox_put(outbox->mailbox, &outbox->chain, how);
    while (!all && worker->kind == GROUP_POOL) {
        mailbox_wait_room(outbox->mailbox);
        all = mailbox_put(outbox->mailbox, &outbox->chain, how);
    }
    if (!all && !outbox->refused) {
        tally_add(&worker->tally, COUNTER_QUEUE_FULL, 1);
    }
    worker->refused_count += (unsigned)!all - (unsigned)outbox->refused;
    outbox->refused = !all;
    outbox->ring = outbox->ring && !all;
}

void worker_post(struct worker *worker, unsigned mailbox_number, struct ticket *ticket, bool ring)
{
    struct outbox *outbox = &worker->outboxes[mailbox_number];
    chain_append(&outbox->chain, &ticket->slip);
    outbox->ring |= ring;
    if (!outbox->dirty) {
        outbox->dirty = true;
        worker->dirty[worker->dirty_count++] = mailbox_number;
    }
    if (outbox->chain.count >= worker->server->settings->batch && !outbox->refused) {
        put(worker, outbox);
    }
}

/* Outboxes that were refused stay listed. */
void worker_flush(struct worker *worker)
{
    unsigned left = 0;
    for (unsigned i = 0; i < worker->dirty_count; i++) {
        struct outbox *outbox = &worker->outboxes[worker->dirty[i]];
        if (outbox->chain.count > 0) {
            put(worker, outbox);
        }
        if (outbox->chain.count > 0) {
            worker->dirty[left++] = worker->dirty[i];
        } else {
            outbox->dirty = false;
        }
    }
    worker->dirty_count = left;
}

/* --- taking in --- */

static void run_taken(struct worker *worker, struct chain *chain)
{
    struct slip *slip;
    while ((slip = chain_next(chain)) != NULL) {
        route_ticket(worker, ticket_of(slip));
    }
}

bool worker_drain(struct worker *worker)
{
    struct chain chain = {0};
    unsigned taken = mailbox_take(worker->mailbox, &worker->taker, &chain,
                                  (unsigned)worker->server->settings->batch);
    run_taken(worker, &chain);
    return taken > 0;
}

/* --- deadlines --- */

static void arm_wheel(struct worker *worker)
{
    uint64_t next_ns = wheel_next_ns(&worker->wheel);
    if (next_ns == 0 || (worker->wheel_armed_ns != 0 && worker->wheel_armed_ns <= next_ns)) {
        return;
    }
    uint64_t now_ns = clock_coarse_ns();
    worker->wheel_armed_ns = next_ns;
    loop_timer_start(worker->wheel_timer, next_ns > now_ns ? next_ns - now_ns : 0);
}

static void on_wheel_timer(void *arg)
{
    struct worker *worker = arg;
    worker->wheel_armed_ns = 0;
    wheel_advance(&worker->wheel, clock_coarse_ns());
    arm_wheel(worker);
}

/* The coarse clock may be a step behind, so a step is added: a timeout is never early. */
void worker_deadline(struct worker *worker, struct deadline *deadline, uint64_t after_ns)
{
    bool was_set = deadline->next != NULL;
    wheel_set(&worker->wheel, deadline, clock_coarse_ns() + after_ns + CLOCK_COARSE_STEP_NS);
    if (!was_set || worker->wheel_armed_ns == 0 ||
        deadline->step << WHEEL_STEP_SHIFT < worker->wheel_armed_ns) {
        arm_wheel(worker);
    }
}

static void on_deadline(void *arg, struct deadline *deadline)
{
    struct worker *worker = arg;
    struct client *client = NULL;
    size_t home = offsetof(struct client, home_deadline),
           out = offsetof(struct client, out_deadline);
    if (deadline->kind == DEADLINE_OUT) {
        client = (struct client *)(void *)((char *)deadline - out);
        writer_expired(worker, client);
    } else {
        client = (struct client *)(void *)((char *)deadline - home);
        reader_expired(worker, client);
    }
}

/* --- a loop's thread --- */

static void on_bell(struct watch *watch, unsigned ready)
{
    (void)ready;
    struct worker *worker =
        (struct worker *)(void *)((char *)watch - offsetof(struct worker, bell_watch));
    doorbell_silence(&worker->taker.bell);
}

static void look_at_phase(struct worker *worker)
{
    int phase = (int)server_phase(worker->server);
    if (worker->listener != NULL) {
        listener_turn(worker->listener);
    }
    if (worker->phase_seen == phase) {
        return;
    }
    worker->phase_seen = phase;
    if (worker_holds(worker, STAGE_READER)) {
        reader_phase(worker);
    }
    if (phase == PHASE_CUTTING) {
        wheel_fire_all(&worker->wheel);
    }
}

static void look_at_shedding(struct worker *worker)
{
    if (atomic_load_explicit(&worker->shed, memory_order_relaxed) > 0) {
        reader_shed(worker, atomic_exchange(&worker->shed, 0));
    }
}

/* --wakeup spin:USEC: polls for a while before it blocks. */
static bool spin_finds_work(struct worker *worker)
{
    uint64_t spin_ns = worker->server->settings->wakeup_spin_ns;
    if (spin_ns == 0) {
        return false;
    }
    uint64_t until_ns = clock_ns() + spin_ns;
    do {
        if (atomic_load_explicit(&worker->mailbox->waiting_hint, memory_order_relaxed) > 0 ||
            loop_turn(worker->loop)) {
            return true;
        }
    } while (clock_ns() < until_ns);
    return false;
}

static void add(_Atomic uint64_t *total, uint64_t n)
{
    uint64_t old = atomic_load_explicit(total, memory_order_relaxed);
    atomic_store_explicit(total, old + n, memory_order_relaxed);
}

static void begin_idle(struct worker *worker)
{
    worker->slept_ns = clock_ns();
    atomic_store_explicit(&worker->idle_since_ns, worker->slept_ns, memory_order_relaxed);
}

/* woke_ns is set. */
static void end_idle(struct worker *worker)
{
    atomic_store_explicit(&worker->idle_since_ns, 0, memory_order_relaxed);
    add(&worker->idle_ns, worker->woke_ns - worker->slept_ns);
}

static void on_collect(void *arg)
{
    struct worker *worker = arg;
    worker->collecting = false;
}

static void collect_later(struct worker *worker)
{
    if (worker->away_count > 0 && !worker->collecting) {
        worker->collecting = true;
        loop_timer_start(worker->collect_timer, collect_ns);
    }
}

/* Blocks when nothing waits; a reader that has stopped watching somebody, or sees the server
 * ending, wants to hear of everything. */
static void wait(struct worker *worker)
{
    bool hear_all = worker->early_count > 0 || worker->phase_seen != PHASE_RUNNING;
    if (worker->refused_count == 0 && spin_finds_work(worker)) {
        return;
    }
    bool sleeps = mailbox_sleep(worker->mailbox, &worker->taker, hear_all);
    if (!sleeps) {
        loop_turn(worker->loop);
        return;
    }
    if (worker->log.len > 0) {
        access_log_flush(&worker->log);
    }
    collect_later(worker);
    begin_idle(worker);
    loop_block(worker->loop, &worker->woke_ns);
    end_idle(worker);
}

static bool is_finished(const struct worker *worker)
{
    return atomic_load(&worker->server->ended_groups) > worker->group && worker->dirty_count == 0;
}

static void loop_start(struct worker *worker)
{
    CHECK(watch_open(worker->loop, &worker->bell_watch, doorbell_fd(&worker->taker.bell), on_bell));
    watch_set(&worker->bell_watch, WATCH_READ);
    worker->wheel_timer = loop_timer_new(worker->loop, on_wheel_timer, worker);
    worker->collect_timer = loop_timer_new(worker->loop, on_collect, worker);
    wheel_init(&worker->wheel, clock_coarse_ns(), on_deadline, worker);
    if (worker_holds(worker, STAGE_LISTENER)) {
        worker->listener = listener_new(worker);
    }
}

static void on_bell_closed(struct watch *watch)
{
    (void)watch;
}

static void loop_end(struct worker *worker)
{
    CHECK(worker->clients.next == &worker->clients);
    if (worker->listener != NULL) {
        listener_close(worker->listener);
    }
    watch_close(&worker->bell_watch, on_bell_closed);
    loop_timer_free(worker->wheel_timer);
    loop_timer_free(worker->collect_timer);
    loop_free(worker->loop);
    if (worker->listener != NULL) {
        listener_free(worker->listener);
    }
}

/* Under SCHED_BATCH a stage that is woken does not take the CPU from the stage that woke it: that
 * one finishes its batch first, and handoffs come in batches instead of one by one. See DESIGN.md,
 * Decisions. */
static void set_scheduling(const struct worker *worker)
{
    if (worker->server->settings->scheduling == SCHEDULING_BATCH) {
        struct sched_param none = {0};
        /* A sandbox may forbid it; then the server is slower and otherwise the same. */
        (void)pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
    }
}

static void begin_thread(struct worker *worker)
{
    atomic_store(&worker->tid, gettid());
    atomic_store(&worker->started_ns, clock_ns());
    CHECK(pthread_setname_np(pthread_self(), worker->name) == 0);
    set_scheduling(worker);
    if (worker->cpu >= 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET((size_t)worker->cpu, &set);
        CHECK(pthread_setaffinity_np(pthread_self(), sizeof set, &set) == 0);
    }
}

void *worker_loop_main(void *arg)
{
    struct worker *worker = arg;
    begin_thread(worker);
    loop_start(worker);
    while (!is_finished(worker)) {
        add(&worker->turns, 1);
        worker_drain(worker);
        look_at_phase(worker);
        look_at_shedding(worker);
        if (!worker_is_refused(worker)) {
            reader_room(worker);
            reader_first_reads(worker);
        }
        worker_flush(worker);
        wait(worker);
        worker_flush(worker);
    }
    loop_end(worker);
    return NULL;
}

/* --- a pool's thread --- */

void *worker_pool_main(void *arg)
{
    struct worker *worker = arg;
    unsigned batch = (unsigned)worker->server->settings->batch;
    begin_thread(worker);
    for (;;) {
        begin_idle(worker);
        unsigned taken = mailbox_wait(worker->mailbox, &worker->taker, &worker->taken, batch);
        worker->woke_ns = clock_ns();
        end_idle(worker);
        if (taken == 0) {
            return NULL;
        }
        add(&worker->turns, 1);
        run_taken(worker, &worker->taken);
        worker_flush(worker);
    }
}

/* --- life --- */

void worker_init(struct worker *worker)
{
    struct server *server = worker->server;
    worker->outboxes = must_calloc(server->mailbox_count, sizeof *worker->outboxes);
    worker->dirty = must_calloc(server->mailbox_count, sizeof *worker->dirty);
    for (unsigned i = 0; i < server->mailbox_count; i++) {
        worker->outboxes[i].mailbox = &server->mailboxes[i];
        worker->outboxes[i].bounded = server->mailbox_groups[i] > worker->group;
    }
    worker->clients.next = worker->clients.prev = &worker->clients;
    exchange_pool_init(&worker->pool, server->settings, EXCHANGES_KEPT);
    tally_init(&worker->tally, server->measured);
    if (server->access_log != NULL && worker_holds(worker, STAGE_WRITER)) {
        access_log_buffer_init(&worker->log, server->access_log);
    }
    /* A condition variable can wake no poll loop. */
    bool loop = worker->kind == GROUP_LOOP;
    int doorbell = (int)server->settings->doorbell;
    taker_init(&worker->taker, loop && doorbell == DOORBELL_CONDVAR ? DOORBELL_EVENTFD : doorbell,
               loop);
    worker->loop = loop ? loop_new() : NULL;
    if (server->trace != NULL) {
        worker->ring = trace_ring(server->trace, worker->number);
    }
}

void worker_deinit(struct worker *worker)
{
    CHECK(worker->dirty_count == 0);
    free(worker->outboxes);
    free(worker->dirty);
    exchange_pool_deinit(&worker->pool);
    taker_deinit(&worker->taker);
    tally_deinit(&worker->tally);
    if (worker->log.log != NULL) {
        access_log_buffer_deinit(&worker->log);
    }
}

void worker_requeued(struct worker *worker, const struct client *client)
{
    const struct exchange *x = client->conn.exchange;
    const struct stamps *stamps = &x->stamps;
    if (worker->server->measured) {
        tally_interval(&worker->tally, INTERVAL_REQUEUE_WAIT,
                       (int64_t)(stamps->requeued_ns - stamps->last_sent_ns));
    }
    if (worker->ring != NULL) {
        struct trace_record record = {.kind = TRACE_REQUEUE,
                                      .request_id = x->id,
                                      .connection_id = client->conn.id,
                                      .last_sent_ns = stamps->last_sent_ns,
                                      .requeued_ns = stamps->requeued_ns,
                                      .thread_read = (uint16_t)worker->number};
        if (!trace_put(worker->ring, &record)) {
            tally_add(&worker->tally, COUNTER_TRACE_LOST, 1);
        }
    }
}
