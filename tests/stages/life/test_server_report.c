/* test_server_report.c: what a report and a sample say of workers, queues and sockets whose figures the
 * test has written itself. No thread runs here. */
#include "stages/life/server_report.h"

#include "stages/stage/sockets.h"
#include "tests/stages/fake.h"

#include <arpa/inet.h>

static struct worker *worker_at(unsigned index)
{
    return &fake.engine.workers[index];
}

/* Threads 0: L, 1: R, 2 and 3: P, 4: W. */
static void set_up(void)
{
    fake_set_up("L | R | P*2 | W");
    fake_start();
    fake.engine.started_ns = clock_ns() - NS_PER_S;
}

static const struct thread_report *thread_named(const struct report *report, const char *name)
{
    for (unsigned i = 0; i < report->thread_count; i++) {
        if (strcmp(report->threads[i].name, name) == 0) {
            return &report->threads[i];
        }
    }
    return NULL;
}

/* --- groups, queues, ways --- */

TEST(server_report, has_groups_queues_and_ways_in_the_order_of_the_wiring)
{
    static const char *const letters[] = {"L", "R", "P", "W"};
    static const char *const kinds[] = {"loop", "loop", "pool", "loop"};
    struct report report;
    set_up();
    atomic_store(&fake.engine.connections, 3);
    server_report(&fake.engine, &report);
    expect_int(report.connections, 3);
    expect(report.wall_ns >= NS_PER_S);
    expect_int(report.group_count, 4);
    expect_int(report.queue_count, 5);
    expect_text(report.queues[0].name, "accept");
    expect(report.queues[0].accept);
    expect_int(report.queues[0].group, 0);
    for (unsigned i = 0; i < 4; i++) {
        expect_text(report.groups[i].letters, letters[i]);
        expect_text(report.groups[i].kind, kinds[i]);
        expect_int(report.groups[i].threads, i == 2 ? 2 : 1);
        expect_text(report.queues[1 + i].name, letters[i]);
        expect_int(report.queues[1 + i].group, i);
        expect(!report.queues[1 + i].accept);
    }
    expect(report.way_count > 0 && report.ways[0].from == 0 && report.ways[0].to == 1);
    expect_text(report.ways[0].kind, "new");
    report_deinit(&report);
    atomic_store(&fake.engine.connections, 0);
    fake_stop();
}

TEST(server_report, tells_sessions_from_pools_and_shows_a_loop_that_is_run_in_turn)
{
    struct report report;
    fake_set_up("lrpw*3");
    fake_start();
    server_report(&fake.engine, &report);
    expect_text(report.groups[1].kind, "session");
    expect(report.groups[0].in_turn && !report.groups[1].in_turn);
    expect_int(report.thread_count, 0); /* such a loop has no thread */
    report_deinit(&report);
    fake_stop();
}

TEST(server_report, each_queue_belongs_to_the_group_that_takes_from_it)
{
    static const unsigned groups[] = {0, 0, 1, 1, 2, 3}; /* the accept queue first */
    struct report report;
    fake_set_up("L | R*2 | P*2 | W");
    fake_start();
    server_report(&fake.engine, &report);
    expect_int(report.queue_count, 6);
    for (unsigned i = 0; i < 6; i++) {
        expect_int(report.queues[i].group, groups[i]);
    }
    report_deinit(&report);
    fake_stop();
}

TEST(server_report, a_queue_shows_what_waits_in_it)
{
    struct report report;
    struct chain chain = {0};
    struct slip slips[3];
    set_up();
    for (unsigned i = 0; i < 3; i++) {
        chain_append(&chain, &slips[i]);
    }
    expect(mailbox_put(worker_at(4)->mailbox, &chain, PUT_ADMITTED));
    server_report(&fake.engine, &report);
    expect_int(report.queues[4].depth, 3);
    expect_int(report.queues[4].put, 3);
    expect_int(report.queues[3].put, 0);
    report_deinit(&report);
    fake_stop();
}

/* --- the kernel's accept queue --- */

enum { WAITING = 2 };

/* A listening socket whose accept queue is full, with so many clients. Returns where it listens. */
static struct sockaddr_in fill_accept_queue(struct sockets *sockets, int fds[WAITING])
{
    char error[SERVER_ERROR_MAX];
    struct sockaddr_in address;
    socklen_t len = sizeof address;
    expect_msg(sockets_open(sockets, &fake.settings, 1, error), "%s", error);
    CHECK(getsockname(sockets->at[0], (struct sockaddr *)&address, &len) == 0);
    for (unsigned i = 0; i < WAITING; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        CHECK(connect(fds[i], (struct sockaddr *)&address, sizeof address) == 0);
    }
    return address;
}

/* Its closed descriptor's number belongs to a client by now, which has figures of its own. */
static void replace(int fd, const struct sockaddr_in *address)
{
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    CHECK(connect(client, (const struct sockaddr *)address, sizeof *address) != 0);
    CHECK(dup2(client, fd) == fd);
    close(client);
}

TEST(server_report, the_accept_queue_has_the_depth_peak_and_bound_of_the_sockets)
{
    struct sockets sockets;
    struct report report;
    int fds[WAITING];
    fake_set_up("L | R | P*2 | W");
    fake.settings.listen = (struct option_texts){.count = 1, .at = {"127.0.0.1:0"}};
    fake.settings.defer_accept = SWITCH_OFF;
    fake.settings.backlog = WAITING - 1; /* the kernel takes one more */
    fake_start();
    struct sockaddr_in address = fill_accept_queue(&sockets, fds);
    int copy = fcntl(sockets.at[0], F_DUPFD_CLOEXEC, 0);
    fake.engine.listening_fds = sockets.at;
    fake.engine.listening_count = 1;
    server_note_backlog(&fake.engine);
    server_report(&fake.engine, &report);
    expect_int(report.queues[0].depth, WAITING);
    expect_int(report.queues[0].bound, WAITING - 1);
    report_deinit(&report);
    replace(sockets.at[0], &address);
    server_report(&fake.engine, &report);
    expect_int(report.queues[0].depth, 0);
    expect_int(report.queues[0].depth_max, WAITING);
    expect_int(report.queues[0].bound, WAITING - 1); /* the last report has it, too */
    report_deinit(&report);
    for (unsigned i = 0; i < WAITING; i++) {
        close(fds[i]);
    }
    close(copy);
    fake_stop();
    sockets_close(&sockets);
}

/* --- threads --- */

TEST(server_report, a_thread_is_busy_for_as_long_as_it_is_not_idle)
{
    struct report report;
    set_up();
    uint64_t now_ns = clock_ns();
    struct worker *busy = worker_at(1), *idle = worker_at(4), *ended = worker_at(0);
    atomic_store(&busy->started_ns, now_ns - 10 * NS_PER_S);
    atomic_store(&busy->idle_ns, 4 * NS_PER_S);
    atomic_store(&busy->wall_before_ns, 5 * NS_PER_S);
    atomic_store(&idle->started_ns, now_ns - 10 * NS_PER_S);
    atomic_store(&idle->idle_since_ns, now_ns - 8 * NS_PER_S);
    atomic_store(&ended->wall_before_ns, 3 * NS_PER_S);
    atomic_store(&ended->idle_ns, 2 * NS_PER_S);
    server_report(&fake.engine, &report);
    uint64_t passed_ns = clock_ns() - now_ns;
    const struct thread_report *thread = thread_named(&report, "q-R");
    expect(thread != NULL && !thread->idle);
    expect(thread->wall_ns >= 15 * NS_PER_S && thread->wall_ns <= 15 * NS_PER_S + passed_ns);
    expect_int(thread->wall_ns - thread->busy_ns, 4 * NS_PER_S);
    thread = thread_named(&report, "q-W");
    expect(thread != NULL && thread->idle);
    expect_int(thread->busy_ns, 2 * NS_PER_S);
    thread = thread_named(&report, "q-L");
    expect(thread != NULL);
    expect_int(thread->wall_ns, 3 * NS_PER_S);
    expect_int(thread->busy_ns, NS_PER_S);
    report_deinit(&report);
    fake_stop();
}

TEST(server_report, a_pools_threads_that_have_had_nothing_to_do_are_a_number)
{
    struct report report;
    set_up();
    atomic_store(&worker_at(2)->turns, 1);
    atomic_store(&worker_at(2)->pool.life, THREAD_RUNS);
    atomic_store(&worker_at(3)->pool.life, THREAD_RUNS);
    server_report(&fake.engine, &report);
    expect_int(report.thread_count, 4);
    expect(thread_named(&report, "q-P/0") != NULL && thread_named(&report, "q-P/1") == NULL);
    expect_int(report.threads_unused, 1);
    report_deinit(&report);
    atomic_store(&worker_at(3)->pool.life, THREAD_NONE); /* it was never started */
    server_report(&fake.engine, &report);
    expect_int(report.threads_unused, 0);
    report_deinit(&report);
    fake_stop();
}

/* --- what is counted --- */

TEST(server_report, sums_what_all_threads_have_counted)
{
    struct report report;
    set_up();
    atomic_store(&worker_at(2)->turns, 1);
    tally_add(&worker_at(1)->tally, COUNTER_BEGUN, 5);
    tally_add(&worker_at(0)->tally, COUNTER_ACCEPTED, 2);
    tally_add(&worker_at(2)->tally, COUNTER_HANDED, 3);
    tally_add(&worker_at(4)->tally, COUNTER_REQUESTS, 4);
    tally_close(&worker_at(1)->tally, CLOSE_CUT);
    tally_close(&worker_at(4)->tally, CLOSE_CUT);
    atomic_store(&fake.engine.completed, 1); /* by none of the threads */
    atomic_store(&fake.engine.groups[2].started, 6);
    server_report(&fake.engine, &report);
    expect_int(atomic_load(&report.tally.counters[COUNTER_BEGUN]), 5);
    expect_int(atomic_load(&report.tally.counters[COUNTER_ACCEPTED]), 2);
    expect_int(atomic_load(&report.tally.counters[COUNTER_HANDED]), 4);
    expect_int(atomic_load(&report.tally.counters[COUNTER_REQUESTS]), 4);
    expect_int(atomic_load(&report.tally.counters[COUNTER_THREADS_STARTED]), 6);
    expect_int(atomic_load(&report.tally.closed[CLOSE_CUT]), 2);
    report_deinit(&report);
    fake_stop();
}

/* --- samples --- */

TEST(server_report, a_sample_has_the_flow_the_queues_and_the_busy_times)
{
    enum { QUEUES = 5, THREADS = 5 };
    struct trace_sample sample;
    struct trace_sample_queue queues[QUEUES];
    uint64_t busy_ns[THREADS] = {0};
    const char *names[QUEUES];
    struct chain chain = {0};
    struct slip slips[2];
    set_up();
    server_queue_names(&fake.engine, names);
    expect_text(names[0], "accept");
    expect_text(names[3], "P");
    chain_append(&chain, &slips[0]);
    chain_append(&chain, &slips[1]);
    expect(mailbox_put(worker_at(2)->mailbox, &chain, PUT_ADMITTED));
    atomic_store(&fake.engine.connections, 9);
    atomic_store(&fake.engine.completed, 1);
    atomic_store(&worker_at(1)->started_ns, clock_ns() - NS_PER_S);
    tally_add(&worker_at(1)->tally, COUNTER_BEGUN, 7);
    tally_add(&worker_at(1)->tally, COUNTER_WHOLE, 6);
    tally_add(&worker_at(4)->tally, COUNTER_REQUESTS, 5);
    for (unsigned i = 0; i < 2; i++) { /* counted from the front and from the back in turn */
        memset(&sample, 0, sizeof sample);
        server_sample(&fake.engine, &sample, queues, busy_ns);
        expect_int(sample.flow[TRACE_FLOW_BEGUN], 7);
        expect_int(sample.flow[TRACE_FLOW_WHOLE], 6);
        expect_int(sample.flow[TRACE_FLOW_STARTED], 0);
        expect_int(sample.flow[TRACE_FLOW_HANDED], 1);
        expect_int(sample.flow[TRACE_FLOW_ENDED], 5);
    }
    expect_int(sample.connections, 9);
    expect_int(queues[3].depth, 2);
    expect_int(queues[3].put, 2);
    expect_int(queues[4].depth, 0);
    expect(busy_ns[1] >= NS_PER_S);
    expect_int(busy_ns[2], 0);
    atomic_store(&fake.engine.connections, 0);
    fake_stop();
}
