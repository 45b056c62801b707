/* test_worker.c: what a thread hands on, in batches, and what it does where there is no room; how it
 * begins, ends and is counted.
 */
#include "stages/engine/worker.h"

#include "tests/stages/fake.h"

#include <pthread.h>
#include <sched.h>

enum { CLIENTS = 6, ROOM = 2, BATCH = 4 };

static struct worker *listener, *reader, *processor, *writer;
static struct client *clients[CLIENTS];

static void set_up(void)
{
    fake_set_up("L | R | P*2 | W");
    fake.settings.batch = BATCH;
    fake.settings.queue_size = ROOM;
}

static void start(void)
{
    int far;
    fake_start();
    listener = fake_worker(STAGE_LISTENER);
    reader = fake_worker(STAGE_READER);
    processor = fake_worker(STAGE_PROCESSOR);
    writer = fake_worker(STAGE_WRITER);
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i] = fake_client(listener, &far);
    }
}

static void stop(void)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        fake_close(reader, clients[i]);
    }
    fake_stop();
}

static void post(struct worker *from, const struct worker *to, unsigned number,
                 enum verdict verdict, bool ring)
{
    struct ticket *ticket = client_ticket(clients[number], STAGE_READER);
    ticket->stage = STAGE_READER;
    ticket->verdict = (unsigned char)verdict;
    worker_post(from, to->mailbox_number, ticket, ring);
}

/* Forward in the wiring: these may be refused. */
static void post_new(unsigned first, unsigned end)
{
    for (unsigned i = first; i < end; i++) {
        post(listener, reader, i, VERDICT_ACCEPTED, true);
    }
}

/* Backward: never refused. */
static void post_kept(unsigned first, unsigned end, bool ring)
{
    for (unsigned i = first; i < end; i++) {
        post(writer, reader, i, VERDICT_KEPT, ring);
    }
}

/* Takes all from the reader's mailbox: these clients, in this order. */
static void expect_taken(unsigned first, unsigned end)
{
    for (unsigned i = first; i < end; i++) {
        struct ticket *ticket = fake_take(reader);
        expect(ticket != NULL && client_of_ticket(ticket) == clients[i]);
    }
    expect(fake_take(reader) == NULL);
}

static uint64_t full_count(const struct worker *worker)
{
    return atomic_load(&worker->tally.counters[COUNTER_QUEUE_FULL]);
}

/* --- outboxes --- */

TEST(worker, gathers_tickets_until_it_flushes)
{
    set_up();
    start();
    post_kept(0, BATCH - 1, true);
    expect(fake_take(reader) == NULL);
    expect_int(writer->dirty_count, 1);
    expect(!worker_flush(writer));
    expect_int(writer->dirty_count, 0);
    expect_taken(0, BATCH - 1);
    stop();
}

TEST(worker, puts_a_full_batch_at_once)
{
    set_up();
    start();
    post_kept(0, BATCH, true);
    expect_taken(0, BATCH);
    expect(!worker_flush(writer));
    expect_int(writer->dirty_count, 0);
    stop();
}

TEST(worker, wakes_a_sleeper_when_one_ticket_of_a_batch_has_to)
{
    set_up();
    start();
    fake_sleep(reader);
    post_kept(0, 1, false);
    worker_flush(writer);
    expect(!fake_is_rung(reader));
    expect_taken(0, 1);
    fake_sleep(reader);
    post_kept(0, 1, false);
    post_kept(1, 2, true);
    post_kept(2, 3, false);
    worker_flush(writer);
    expect(fake_is_rung(reader));
    expect_taken(0, 3);
    fake_sleep(reader);
    post_kept(0, 1, false); /* that ring was for the batch before */
    worker_flush(writer);
    expect(!fake_is_rung(reader));
    expect_taken(0, 1);
    stop();
}

TEST(worker, waits_for_more_for_some_turns_while_it_has_something_to_put)
{
    set_up();
    start();
    expect(!worker_gathers(writer));
    post_kept(0, 1, true);
    unsigned turns = 0;
    while (worker_gathers(writer)) {
        turns++;
        expect(turns < 1000);
    }
    expect(turns > 1);
    worker_flush(writer);
    expect(!worker_gathers(writer));
    post_kept(1, 2, true);
    for (unsigned i = 0; i < turns; i++) {
        expect(worker_gathers(writer)); /* as long as before */
    }
    expect(!worker_gathers(writer));
    worker_flush(writer);
    stop();
}

/* --- refused --- */

TEST(worker, keeps_what_a_full_queue_refuses_until_there_is_room)
{
    set_up();
    start();
    post_new(0, 3);
    expect(!worker_flush(listener));
    expect(worker_is_refused(listener) && !worker_gathers(listener));
    expect_int(full_count(listener), 1);
    expect(!worker_flush(listener));
    expect_int(full_count(listener), 1); /* the same stop */
    expect_taken(0, ROOM);
    expect(worker_flush(listener));
    expect(!worker_is_refused(listener));
    expect(!worker_flush(listener));
    expect_taken(ROOM, 3);
    stop();
}

TEST(worker, that_is_refused_keeps_the_order_of_what_comes_after)
{
    set_up();
    start();
    post_new(0, BATCH);
    expect(worker_is_refused(listener));
    expect_taken(0, ROOM);
    post_new(BATCH, CLIENTS); /* behind it, at the next flush */
    expect(fake_take(reader) == NULL);
    worker_flush(listener);
    for (unsigned i = ROOM; i < CLIENTS; i += ROOM) {
        expect_taken(i, i + ROOM);
        worker_flush(listener);
    }
    expect(!worker_is_refused(listener));
    stop();
}

TEST(worker, that_is_refused_in_one_queue_puts_into_the_others)
{
    set_up();
    start();
    post(listener, writer, 3, VERDICT_OUTPUT_READY, true);
    post_new(0, 3);
    worker_flush(listener);
    expect(worker_is_refused(listener));
    expect_int(listener->refused_count, 1);
    expect_int(listener->dirty_count, 1);
    expect(fake_take(writer) != NULL);
    expect_taken(0, ROOM);
    expect(worker_flush(listener));
    expect_taken(ROOM, 3);
    stop();
}

TEST(worker, is_never_refused_what_goes_back_in_the_wiring)
{
    set_up();
    start();
    post_kept(0, CLIENTS, true);
    worker_flush(writer);
    expect(!worker_is_refused(writer));
    expect_taken(0, CLIENTS);
    stop();
}

TEST(worker, hears_when_a_queue_that_refused_has_room)
{
    set_up();
    start();
    post_new(0, 3);
    worker_flush(listener);
    (void)fake_is_rung(listener);
    expect(fake_take(reader) != NULL && fake_take(reader) != NULL);
    expect(fake_is_rung(listener));
    worker_flush(listener);
    expect_taken(ROOM, 3);
    stop();
}

TEST(worker, has_new_connections_turned_away_where_the_policy_says_reject)
{
    static max_align_t some_listener; /* never looked into */
    set_up();
    start();
    listener->listener = (struct listener *)(void *)&some_listener;
    fake.engine.wiring.policies.overload = OVERLOAD_REJECT;
    post_new(0, 3);
    worker_flush(listener);
    expect(!worker_is_refused(listener));
    expect_int(fake.call_count, 1);
    fake_expect_call(0, FAKE_REFUSED, STAGE_LISTENER, listener);
    expect(fake.calls[0].client == clients[ROOM]);
    expect_int(full_count(listener), 0);
    expect_taken(0, ROOM);
    stop();
}

TEST(worker, turns_no_connection_away_that_has_been_served_before)
{
    static max_align_t some_listener;
    set_up();
    start();
    listener->listener = (struct listener *)(void *)&some_listener;
    fake.engine.wiring.policies.overload = OVERLOAD_REJECT;
    post_new(0, ROOM);
    post(listener, reader, ROOM, VERDICT_READABLE, true);
    worker_flush(listener);
    expect(worker_is_refused(listener));
    expect_int(fake.call_count, 0);
    expect_taken(0, ROOM);
    expect(worker_flush(listener));
    expect_taken(ROOM, ROOM + 1);
    stop();
}

static void *flush_processor(void *arg)
{
    (void)arg;
    worker_flush(processor);
    return NULL;
}

/* It has no watches to care for, and the threads behind it go on. */
TEST(worker, of_a_pool_waits_where_it_is_refused)
{
    pthread_t thread;
    set_up();
    start();
    for (unsigned i = 0; i < 3; i++) {
        post(processor, writer, i, VERDICT_OUTPUT_READY, true);
    }
    expect_int(pthread_create(&thread, NULL, flush_processor, NULL), 0);
    uint64_t until_ns = clock_ns() + 20 * NS_PER_S;
    for (unsigned taken = 0; taken < 3;) {
        struct ticket *ticket = fake_take(writer);
        expect(clock_ns() < until_ns);
        expect(ticket == NULL || client_of_ticket(ticket) == clients[taken]);
        taken += ticket != NULL;
        sched_yield();
    }
    expect_int(pthread_join(thread, NULL), 0);
    expect_int(processor->dirty_count, 0);
    expect(!worker_is_refused(processor));
    stop();
}

/* --- away --- */

static unsigned away_count(struct mailbox *box)
{
    lock_take(&box->takers.lock);
    unsigned away = box->takers.away;
    lock_release(&box->takers.lock);
    return away;
}

TEST(worker, that_goes_away_gives_back_what_it_has_not_begun_and_puts_what_it_has_done)
{
    struct chain chain = {0};
    set_up();
    start();
    struct worker *other = processor + 1; /* the pool's second thread */
    post(reader, processor, 0, VERDICT_REQUEST_READY, true);
    worker_flush(reader);
    expect_int(mailbox_wait(processor->mailbox, &processor->taker, &processor->pool.taken, BATCH),
               WAIT_TOOK);
    post(processor, writer, 1, VERDICT_OUTPUT_READY, true);
    worker_go_away(processor);
    worker_go_away(processor);
    expect(processor->pool.is_away && processor->pool.taken.count == 0);
    expect_int(away_count(processor->mailbox), 1);
    expect(fake_take(writer) != NULL);
    expect_int(mailbox_wait(other->mailbox, &other->taker, &chain, BATCH), WAIT_TOOK);
    expect(client_of_ticket(ticket_of(chain_next(&chain))) == clients[0]);
    worker_come_back(processor);
    worker_come_back(processor);
    expect(!processor->pool.is_away);
    expect_int(away_count(processor->mailbox), 0);
    stop();
}

/* --- the thread --- */

static struct {
    char name[16];
    int tid;
    cpu_set_t cpus;
    uint64_t started_ns;
} seen;

static void *live(void *arg)
{
    struct worker *worker = arg;
    worker_begin(worker);
    CHECK(pthread_getname_np(pthread_self(), seen.name, sizeof seen.name) == 0);
    CHECK(pthread_getaffinity_np(pthread_self(), sizeof seen.cpus, &seen.cpus) == 0);
    seen.tid = atomic_load(&worker->tid) == gettid() ? gettid() : 0;
    seen.started_ns = atomic_load(&worker->started_ns);
    while (clock_ns() == seen.started_ns) {
    }
    worker_end(worker);
    return NULL;
}

static void run_thread(struct worker *worker)
{
    pthread_t thread;
    memset(&seen, 0, sizeof seen);
    expect_int(pthread_create(&thread, NULL, live, worker), 0);
    expect_int(pthread_join(thread, NULL), 0);
}

static unsigned last_cpu(void)
{
    cpu_set_t usable;
    CHECK(sched_getaffinity(0, sizeof usable, &usable) == 0);
    unsigned cpu = CPU_SETSIZE - 1;
    while (!CPU_ISSET(cpu, &usable)) {
        cpu--;
    }
    return cpu;
}

TEST(worker, names_its_thread_and_runs_where_it_is_pinned)
{
    char pin[16];
    set_up();
    snprintf(pin, sizeof pin, "W=%u", last_cpu());
    fake.settings.pin = pin;
    start();
    run_thread(writer);
    expect_text(seen.name, "q-W");
    expect(seen.tid != 0 && seen.started_ns != 0);
    expect_int(CPU_COUNT(&seen.cpus), 1);
    expect(CPU_ISSET(last_cpu(), &seen.cpus));
    run_thread(reader);
    expect_text(seen.name, "q-R");
    expect(CPU_EQUAL(&seen.cpus, &fake.engine.cpus));
    stop();
}

TEST(worker, goes_on_counting_when_a_later_thread_takes_its_place)
{
    set_up();
    start();
    run_thread(processor);
    uint64_t once_ns = atomic_load(&processor->wall_before_ns);
    expect(once_ns > 0);
    expect_int(atomic_load(&processor->started_ns), 0);
    expect_int(atomic_load(&processor->tid), 0);
    run_thread(processor);
    expect(atomic_load(&processor->wall_before_ns) > once_ns);
    stop();
}

TEST(worker, counts_its_waits_when_they_are_over)
{
    set_up();
    start();
    worker_begin_idle(reader);
    expect(reader->slept_ns != 0);
    expect_int(atomic_load(&reader->idle_since_ns), reader->slept_ns);
    expect_int(atomic_load(&reader->idle_ns), 0);
    reader->woke_ns = reader->slept_ns + 70;
    worker_end_idle(reader);
    expect_int(atomic_load(&reader->idle_since_ns), 0);
    expect_int(atomic_load(&reader->idle_ns), 70);
    worker_begin_idle(reader);
    reader->woke_ns = reader->slept_ns + 7;
    worker_end_idle(reader);
    expect_int(atomic_load(&reader->idle_ns), 77);
    stop();
}

static void add_log_line(struct worker *worker, const char *line)
{
    memcpy(worker->log.at + worker->log.len, line, strlen(line));
    worker->log.len += strlen(line);
}

TEST(worker, writes_its_log_lines_when_it_waits_and_when_it_ends)
{
    char path[] = "/tmp/quartet-worker-XXXXXX", text[16] = "";
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    set_up();
    fake.engine.access_log = access_log_open(path);
    expect(fake.engine.access_log != NULL);
    start();
    expect(reader->log.log == NULL); /* only those that send have lines */
    add_log_line(writer, "one\n");
    worker_begin_idle(writer);
    expect_int(pread(fd, text, sizeof text - 1, 0), 4);
    expect_text(text, "one\n");
    add_log_line(writer, "two\n");
    run_thread(writer);
    expect_int(pread(fd, text, sizeof text - 1, 0), 8);
    expect_text(text, "one\ntwo\n");
    stop();
    access_log_close(fake.engine.access_log);
    CHECK(close(fd) == 0 && unlink(path) == 0);
}

/* --- life --- */

TEST(worker,
     counts_the_requests_that_its_pool_of_exchanges_begins_and_completes_them_by_the_processor)
{
    int far;
    set_up();
    start();
    struct client *client = fake_client(listener, &far);
    (void)fake_read(reader, client, far, "GET /");
    expect_int(atomic_load(&reader->tally.counters[COUNTER_BEGUN]), 1);
    struct exchange *x = client->conn.exchange;
    x->complete_fn(x->complete_arg, x);
    expect_int(fake.call_count, 1);
    expect_int(fake.calls[0].entry, FAKE_COMPLETE);
    expect(fake.calls[0].client == client);
    fake_close(reader, client);
    stop();
}

TEST(worker, of_a_loop_has_a_bell_that_can_be_watched_also_where_pools_have_none)
{
    set_up();
    fake.settings.doorbell = DOORBELL_CONDVAR;
    start();
    expect_int(reader->taker.bell.kind, DOORBELL_EVENTFD);
    expect(reader->loop.poll != NULL);
    expect_int(processor->taker.bell.kind, DOORBELL_CONDVAR);
    expect(processor->loop.poll == NULL);
    stop();
}

TEST(worker, is_nudged_where_it_is_a_loop)
{
    set_up();
    start();
    workers_nudge(&fake.engine);
    expect(fake_is_rung(listener) && fake_is_rung(reader) && fake_is_rung(writer));
    expect(!fake_is_rung(processor));
    stop();
}
