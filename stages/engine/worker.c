/* worker.c: what every stage thread does: take, run, hand on, be counted. See worker.h. */
#include "stages/engine/worker.h"

#include "core/base/chaos.h"
#include "core/base/log.h"
#include "stages/engine/engine.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Exchanges kept for reuse; beyond these memory goes back. A loop has many requests under way, and
 * frees what it does not need (loop_group.c); a pool's thread has one. */
enum { LOOP_EXCHANGES = 1024, POOL_EXCHANGES = 2 };

/* --- handing on --- */

/* --overload reject: new connections that a full queue has refused are turned away; what else is in
 * the outbox stays. */
static void turn_away_refused(struct worker *worker, struct outbox *outbox)
{
    struct chain all = outbox->chain;
    struct slip *slip;
    outbox->chain = (struct chain){0};
    while ((slip = chain_next(&all)) != NULL) {
        struct ticket *ticket = ticket_of(slip);
        if (ticket->verdict == VERDICT_ACCEPTED) {
            worker->engine->stages[STAGE_LISTENER]->refused(worker, client_of_ticket(ticket));
        } else {
            chain_append(&outbox->chain, slip);
        }
    }
}

static bool worker_rejects(const struct worker *worker)
{
    return worker->listener != NULL && worker->engine->wiring.policies.overload == OVERLOAD_REJECT;
}

static void put_outbox(struct worker *worker, struct outbox *outbox)
{
    enum put_how how = outbox->bounded ? PUT_BOUNDED : outbox->ring ? PUT_ADMITTED : PUT_QUIET;
    bool all = mailbox_put(outbox->mailbox, &outbox->chain, how);
    while (!all && worker->kind == GROUP_POOL) {
        mailbox_wait_room(outbox->mailbox);
        all = mailbox_put(outbox->mailbox, &outbox->chain, how);
    }
    if (!all && worker_rejects(worker)) {
        turn_away_refused(worker, outbox);
        all = outbox->chain.count == 0;
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
    if (outbox->chain.count >= worker->engine->settings->batch && !outbox->refused) {
        put_outbox(worker, outbox);
    }
}

enum { GATHER_TURNS = 8 };

bool worker_gathers(struct worker *worker)
{
    return worker->dirty_count > 0 && worker->refused_count == 0 &&
           worker->gathered++ < GATHER_TURNS;
}

/* Outboxes that were refused stay listed. */
bool worker_flush(struct worker *worker)
{
    bool was_refused = worker_is_refused(worker);
    unsigned left = 0;
    worker->gathered = 0;
    for (unsigned i = 0; i < worker->dirty_count; i++) {
        struct outbox *outbox = &worker->outboxes[worker->dirty[i]];
        if (outbox->chain.count > 0) {
            put_outbox(worker, outbox);
        }
        if (outbox->chain.count > 0) {
            worker->dirty[left++] = worker->dirty[i];
        } else {
            outbox->dirty = false;
        }
    }
    worker->dirty_count = left;
    return was_refused && !worker_is_refused(worker);
}

/* --- away --- */

void worker_go_away(struct worker *worker)
{
    if (worker->pool.is_away) {
        return;
    }
    worker->pool.is_away = true;
    (void)worker_flush(worker);
    mailbox_give_back(worker->mailbox, &worker->taker, &worker->pool.taken);
    mailbox_away(worker->mailbox);
}

void worker_come_back(struct worker *worker)
{
    if (worker->pool.is_away) {
        worker->pool.is_away = false;
        mailbox_back(worker->mailbox);
    }
}

/* --- the thread --- */

static const uint64_t log_every_ns = 60 * NS_PER_S;

/* Under SCHED_BATCH a stage that is woken does not take the CPU from the stage that woke it: that
 * one finishes its batch first, and handoffs come in batches instead of one by one. See DESIGN.md,
 * Decisions. */
static void set_scheduling(const struct worker *worker)
{
    if (worker->engine->settings->scheduling == SCHEDULING_BATCH) {
        struct sched_param none = {0};
        /* A sandbox may forbid it; then the server is slower and otherwise the same. */
        (void)pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
    }
}

/* A thread that was started on demand has the affinity of the thread that started it, which may be
 * pinned.
 * The CPUs may have been taken from this process since it started: then the thread runs where it
 * may. */
static void set_affinity(const struct worker *worker)
{
    static struct log_rate rate;
    cpu_set_t set = worker->engine->cpus;
    if (worker->cpu >= 0) {
        CPU_ZERO(&set);
        CPU_SET((size_t)worker->cpu, &set);
    }
    int error = pthread_setaffinity_np(pthread_self(), sizeof set, &set);
    if (error == 0) {
        return;
    }
    if (worker->cpu >= 0) {
        log_rated(&rate, log_every_ns, LOG_WARN, "cannot pin thread %s to CPU %d: %s", worker->name,
                  worker->cpu, strerror(error));
    } else {
        log_rated(&rate, log_every_ns, LOG_WARN, "cannot give thread %s the CPUs of the server: %s",
                  worker->name, strerror(error));
    }
}

/* The name is last: a thread that bears it runs where and as it shall. */
void worker_begin(struct worker *worker)
{
    chaos_begin(worker->name);
    atomic_store(&worker->tid, gettid());
    atomic_store(&worker->started_ns, clock_ns());
    set_scheduling(worker);
    set_affinity(worker);
    CHECK(pthread_setname_np(pthread_self(), worker->name) == 0);
}

/* Its figures are kept, so that a later thread in its place goes on counting. */
void worker_end(struct worker *worker)
{
    worker_count(&worker->wall_before_ns, clock_ns() - atomic_load(&worker->started_ns));
    atomic_store(&worker->started_ns, 0);
    atomic_store(&worker->tid, 0);
    if (worker->log.len > 0) {
        access_log_flush(&worker->log);
    }
}

void worker_count(_Atomic uint64_t *total, uint64_t n)
{
    uint64_t old = atomic_load_explicit(total, memory_order_relaxed);
    atomic_store_explicit(total, old + n, memory_order_relaxed);
}

/* Log lines wait for no longer than their thread works. */
void worker_begin_idle(struct worker *worker)
{
    if (worker->log.len > 0) {
        access_log_flush(&worker->log);
    }
    worker->slept_ns = clock_ns();
    atomic_store_explicit(&worker->idle_since_ns, worker->slept_ns, memory_order_relaxed);
}

/* woke_ns is set. */
void worker_end_idle(struct worker *worker)
{
    atomic_store_explicit(&worker->idle_since_ns, 0, memory_order_relaxed);
    worker_count(&worker->idle_ns, worker->woke_ns - worker->slept_ns);
}

/* --- life --- */

void worker_init(struct worker *worker)
{
    struct engine *engine = worker->engine;
    worker->outboxes = must_calloc(engine->mailbox_count, sizeof *worker->outboxes);
    worker->dirty = must_calloc(engine->mailbox_count, sizeof *worker->dirty);
    for (unsigned i = 0; i < engine->mailbox_count; i++) {
        worker->outboxes[i].mailbox = &engine->mailboxes[i];
        worker->outboxes[i].bounded = engine->mailbox_groups[i] > worker->group;
    }
    worker->home.clients.home.next = worker->home.clients.home.prev = &worker->home.clients;
    worker->poller.fresh_tail = &worker->poller.fresh;
    worker->loop.runner = worker;
    exchange_pool_init(&worker->exchanges, engine->settings,
                       worker->kind == GROUP_LOOP ? LOOP_EXCHANGES : POOL_EXCHANGES);
    exchange_pool_on_complete(&worker->exchanges, engine->stages[STAGE_PROCESSOR]->complete,
                              engine);
    exchange_pool_count(&worker->exchanges, &worker->tally);
    tally_init_lazily(&worker->tally, engine->measured);
    if (worker->kind == GROUP_POOL) {
        tally_share(&worker->tally, &engine->interval_sets);
    }
    if (engine->access_log != NULL && worker_may_run(worker, STAGE_WRITER)) {
        access_log_buffer_init(&worker->log, engine->access_log);
    }
    /* A condition variable can wake no poll loop. */
    bool loop = worker->kind == GROUP_LOOP;
    int doorbell = (int)engine->settings->doorbell;
    taker_init(&worker->taker, loop && doorbell == DOORBELL_CONDVAR ? DOORBELL_EVENTFD : doorbell,
               loop);
    worker->loop.poll = loop ? loop_new() : NULL;
    if (loop && engine->measured) {
        worker->loop.rounds = must_calloc(1, sizeof *worker->loop.rounds);
    }
    if (engine->trace != NULL) {
        worker->ring = trace_ring(engine->trace, worker->number);
    }
}

void worker_deinit(struct worker *worker)
{
    CHECK(worker->dirty_count == 0);
    free(worker->outboxes);
    free(worker->dirty);
    exchange_pool_deinit(&worker->exchanges);
    taker_deinit(&worker->taker);
    tally_deinit(&worker->tally);
    free(worker->loop.rounds);
    if (worker->log.log != NULL) {
        access_log_buffer_deinit(&worker->log);
    }
}

void workers_nudge(struct engine *engine)
{
    for (unsigned i = 0; i < engine->worker_count; i++) {
        if (engine->workers[i].kind == GROUP_LOOP) {
            doorbell_ring(&engine->workers[i].taker.bell);
        }
    }
}
