/* test_server.c: the life of a server in this process, over real sockets: start, requests, drain,
 * cut, stop; for every kind of wiring. Nothing waits by time: a test goes on when the bytes it
 * waits for have come.
 */
#include "stages/life/server.h"

#include "tests/stages/life.h"

#include <dirent.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- serving --- */

static void serve_ordinary_requests(const char *wiring)
{
    set_up(wiring);
    start();
    int fd = dial();
    for (unsigned i = 0; i < 5; i++) {
        ask(fd, "/synthetic/bytes?n=100");
        struct answer answer = hear(fd);
        CHECK(answer.status == 200 && answer.body_len == 100 && !answer.closes);
    }
    ask(fd, "/nothing-here");
    CHECK(hear(fd).status == 404);
    say(fd, "POST /synthetic/echo HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhello");
    struct answer echo = hear(fd);
    CHECK(echo.status == 200 && strcmp(echo.body, "hello") == 0);
    say(fd, "GET / HTTP/1.1\r\nHost : test\r\n\r\n");
    struct answer refused = hear(fd);
    CHECK(refused.status == 400 && refused.closes);
    expect_end(fd);
    CHECK(end());
}

TEST(server, answers_requests_on_one_connection)
{
    in_every_wiring(serve_ordinary_requests);
}

enum { PIPELINED = 40 };

static void serve_a_pipeline(const char *wiring)
{
    set_up(wiring);
    start();
    int fd = dial();
    for (unsigned i = 0; i < PIPELINED; i++) {
        char target[60];
        snprintf(target, sizeof target, "/synthetic/bytes?n=%u", 1 + i);
        ask(fd, target);
    }
    for (unsigned i = 0; i < PIPELINED; i++) {
        CHECK(hear(fd).body_len == 1 + i);
    }
    close(fd);
    CHECK(end());
}

TEST(server, answers_pipelined_requests_in_order)
{
    in_every_wiring(serve_a_pipeline);
}

static void serve_in_bytes(const char *wiring)
{
    static const char text[] =
        "POST /synthetic/echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";
    int no_delay = 1;
    set_up(wiring);
    start();
    int fd = dial();
    CHECK(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &no_delay, sizeof no_delay) == 0);
    for (size_t i = 0; i < sizeof text - 1; i++) {
        CHECK(send(fd, text + i, 1, 0) == 1);
    }
    CHECK(strcmp(hear(fd).body, "hello") == 0);
    close(fd);
    CHECK(end());
}

TEST(server, reads_a_request_that_comes_byte_by_byte)
{
    in_every_wiring(serve_in_bytes);
}

/* --- many clients against small queues --- */

enum { CLIENTS = 24, ROUNDS = 8 };

/* Where a session serves its client for life, a thread is left for one more than these. */
static unsigned clients(void)
{
    const struct wiring_group *readers = &life.wiring.groups[life.wiring.group_of[STAGE_READER]];
    bool held = readers->kind == GROUP_POOL && wiring_idle_stage(&life.wiring) == STAGE_READER;
    return held && readers->count <= CLIENTS ? readers->count - 1 : CLIENTS;
}

static void ask_much(void)
{
    int fds[CLIENTS];
    unsigned count = clients();
    for (unsigned i = 0; i < count; i++) {
        fds[i] = dial();
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < count; i++) {
            ask(fds[i], "/synthetic/bytes?n=10");
            ask(fds[i], "/synthetic/bytes?n=20");
        }
        for (unsigned i = 0; i < count; i++) {
            CHECK(hear(fds[i]).body_len == 10);
            CHECK(hear(fds[i]).body_len == 20);
        }
    }
    for (unsigned i = 0; i < count; i++) {
        close(fds[i]);
    }
}

static void serve_through_queues_of_one(const char *wiring)
{
    set_up(wiring);
    life.settings.queue_size = 1;
    life.settings.batch = 2;
    start();
    ask_much();
    CHECK(end());
}

TEST(server, loses_nobody_when_queues_are_full)
{
    in_every_wiring(serve_through_queues_of_one);
}

static unsigned only_wakeup, only_doorbell;
static void serve_with_this_bell(const char *wiring)
{
    set_up(wiring);
    life.settings.wakeup = only_wakeup;
    life.settings.wakeup_spin_ns = only_wakeup == WAKEUP_SPIN ? 50 * NS_PER_US : 0;
    life.settings.doorbell = only_doorbell;
    life.settings.queue_size = 4;
    start();
    ask_much();
    CHECK(end());
}

TEST(server, works_with_every_wakeup_and_every_doorbell)
{
    for (only_wakeup = WAKEUP_ELIDED; only_wakeup <= WAKEUP_SPIN; only_wakeup++) {
        for (only_doorbell = DOORBELL_EVENTFD; only_doorbell <= DOORBELL_CONDVAR; only_doorbell++) {
            in_child(serve_with_this_bell, "staged");
            in_child(serve_with_this_bell, "LR*2 | PW*3");
        }
    }
}

/* --- threads on demand --- */

/* One thread to begin with: while it is with its client, another one comes and accepts. */
static void serve_beside_one_that_waits(const char *wiring)
{
    set_up(wiring);
    life.wiring.policies.spawn = SPAWN_ON_DEMAND;
    life.wiring.policies.min_threads = 1;
    start();
    int first = dial();
    ask(first, "/synthetic/bytes?n=1");
    hear(first);
    ask(first, "/synthetic/stream?chunks=1000&size=10&ms=5000");
    int second = dial();
    ask(second, "/synthetic/bytes?n=2");
    CHECK(hear(second).body_len == 2);
    close(second);
    CHECK(!server_wait_empty(&life.server, clock_ns()));
    server_cut(&life.server);
    close(first);
    (void)end();
}

TEST(server, starts_threads_while_others_are_busy)
{
    static const char *const on_demand[] = {"lrpw*4",       "LRPW@3", "L | rpw*4",
                                            "worker-stack", "staged", "L | R | pw*3"};
    for (unsigned i = 0; i < sizeof on_demand / sizeof *on_demand; i++) {
        in_child(serve_beside_one_that_waits, on_demand[i]);
    }
}

/* --- limits --- */

static void keep_to_the_limit(const char *wiring)
{
    set_up(wiring);
    life.settings.max_connections = 2;
    start();
    int first = dial(), second = dial();
    ask(first, "/synthetic/bytes?n=1");
    hear(first);
    ask(second, "/synthetic/bytes?n=1");
    hear(second);
    CHECK(atomic_load(&life.server.connections) == 2);
    int third = dial(); /* the kernel's queue takes it */
    ask(third, "/synthetic/bytes?n=3");
    ask(first, "/synthetic/bytes?n=1");
    hear(first);
    CHECK(atomic_load(&life.server.connections) == 2);
    CHECK(recv(third, &(char){0}, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
    close(second);
    CHECK(hear(third).body_len == 3);
    close(first);
    close(third);
    CHECK(end());
}

TEST(server, lets_the_next_one_in_when_one_leaves)
{
    /* Several listeners may each be one over. */
    static const char *const one_listener[] = {
        "staged", "staged-nolistener", "half-sync", "polled-pool", "event-mpm",
        "lrpw*4", "L | rpw*4",         "LRPW@3"};
    for (unsigned i = 0; i < sizeof one_listener / sizeof *one_listener; i++) {
        in_child(keep_to_the_limit, one_listener[i]);
    }
}

/* While the server stops, a client connects before each accept: its queue is never empty. The
 * linker puts this in the way of accept4(2). */
enum { LATE_MOST = 300, BACKLOG = 8 };
static struct {
    bool come;
    int fds[LATE_MOST];
    unsigned count;
} late;

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's names */
int __real_accept4(int fd, struct sockaddr *address, socklen_t *len, int flags);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *len, int flags);

int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *len, int flags)
{
    if (late.come && late.count < LATE_MOST && engine_phase(&life.server) != PHASE_RUNNING) {
        late.fds[late.count++] = dial();
    }
    return __real_accept4(fd, address, len, flags);
}
/* NOLINTEND(bugprone-reserved-identifier) */

static void stop_though_clients_keep_coming(const char *wiring)
{
    set_up(wiring);
    life.settings.backlog = BACKLOG;
    late.come = true;
    start();
    server_drain(&life.server);
    CHECK(server_wait_empty(&life.server, clock_ns() + PATIENCE_S * NS_PER_S));
    CHECK(late.count == BACKLOG + 1); /* the kernel queues one more than it is asked to */
    server_cut(&life.server);
    stop();
    for (unsigned i = 0; i < late.count; i++) {
        close(late.fds[i]);
    }
}

TEST(server, accepts_no_more_while_it_stops_than_the_kernel_can_have_queued)
{
    static const char *const one_listener[] = {"staged",       "half-sync", "L | rpw*4",
                                               "worker-stack", "lrpw*4",    "LRPW@3"};
    for (unsigned i = 0; i < sizeof one_listener / sizeof *one_listener; i++) {
        in_child(stop_though_clients_keep_coming, one_listener[i]);
    }
}

/* --- reporting --- */

/* Workers that are no threads. */
static unsigned loops_in_turn(void)
{
    unsigned count = 0;
    for (unsigned i = 0; i < life.server.group_count; i++) {
        count += life.server.groups[i].in_turn;
    }
    return count;
}

/* What was put into the queues of a group; a thread that goes on where it is puts nothing. */
static uint64_t count_puts(const struct report *report, unsigned group)
{
    uint64_t puts = 0;
    for (unsigned i = 0; i < report->queue_count; i++) {
        puts += report->queues[i].group == group ? report->queues[i].put : 0;
    }
    return puts;
}

/* Does a way that every request takes end in a queue of this group? */
static bool has_way_in(const struct report *report, unsigned group)
{
    static const char *const usual[] = {"new", "readable", "request", "answer", "kept"};
    for (unsigned i = 0; i < report->way_count; i++) {
        const struct way_report *way = &report->ways[i];
        for (unsigned k = 0; k < sizeof usual / sizeof *usual; k++) {
            if (way->to == group && way->from != group && strcmp(way->kind, usual[k]) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* Does some loop run stages of other groups itself? Then requests need not take a way into a queue. */
static bool is_inlining(void)
{
    unsigned inlined = 0;
    for (unsigned i = 0; i < life.wiring.group_count; i++) {
        inlined |= life.wiring.groups[i].inlined;
    }
    return inlined != 0;
}

/* The connection comes back to where it waits before its client's next request is read, so each
 * way has been taken when the last answer is heard. */
static void take_the_ways(const char *wiring)
{
    struct report report;
    set_up(wiring);
    start();
    int fd = dial();
    for (unsigned i = 0; i < 3; i++) {
        ask(fd, "/synthetic/bytes?n=10");
        hear(fd);
    }
    server_report(&life.server, &report);
    for (unsigned i = 0; i < report.group_count; i++) {
        bool taken = count_puts(&report, i) > 0;
        if (taken != has_way_in(&report, i) && (taken || !is_inlining())) {
            fprintf(stderr, "group %u, %s: %lu puts\n", i, report.groups[i].letters,
                    (unsigned long)count_puts(&report, i));
            abort();
        }
    }
    report_deinit(&report);
    close(fd);
    CHECK(end());
}

TEST(server, reports_the_ways_that_requests_take)
{
    in_every_wiring(take_the_ways);
}

static void count_what_was_done(const char *wiring)
{
    set_up(wiring);
    start();
    for (unsigned i = 0; i < 3; i++) {
        int fd = dial();
        for (unsigned j = 0; j < 4; j++) {
            ask(fd, "/synthetic/bytes?n=10");
            hear(fd);
        }
        close(fd);
    }
    server_drain(&life.server);
    CHECK(server_wait_empty(&life.server, clock_ns() + PATIENCE_S * NS_PER_S));
    struct report report;
    server_report(&life.server, &report);
    CHECK(report.connections == 0);
    CHECK(report.tally.counters[COUNTER_ACCEPTED] == 3);
    CHECK(report.tally.counters[COUNTER_CLOSED] == 3);
    CHECK(report.tally.counters[COUNTER_REQUESTS] == 12);
    CHECK(report.tally.counters[COUNTER_REFUSED] == 0);
    unsigned told = report.thread_count + report.threads_unused + loops_in_turn();
    bool all = life.wiring.policies.spawn != SPAWN_ON_DEMAND; /* others may not have come yet */
    CHECK(all ? told == life.server.worker_count : told <= life.server.worker_count);
    for (unsigned i = 0; i < report.queue_count; i++) {
        CHECK(report.queues[i].depth == 0);
    }
    report_deinit(&report);
    stop();
}

TEST(server, reports_what_was_done)
{
    in_every_wiring(count_what_was_done);
}

static uint64_t reported_backlog(void)
{
    struct report report;
    server_report(&life.server, &report);
    CHECK(report.queues[0].accept);
    uint64_t bound = report.queues[0].bound;
    report_deinit(&report);
    return bound;
}

/* No snapshot is taken before the sockets are closed, as in a short run. */
static void report_after_listening(const char *wiring)
{
    set_up(wiring);
    life.settings.backlog = 7;
    start();
    uint64_t bound = 7 * (uint64_t)life.sockets.threads;
    server_drain(&life.server);
    CHECK(server_wait_empty(&life.server, clock_ns() + PATIENCE_S * NS_PER_S));
    CHECK(reported_backlog() == bound);
    stop();
}

TEST(server, the_last_report_has_the_bound_of_the_accept_queue)
{
    in_every_wiring(report_after_listening);
}

TEST(server, a_socket_that_listeners_share_is_one_queue)
{
    set_up("LR*2 | PW*2");
    life.settings.backlog = 7;
    life.settings.accept_mutex = SWITCH_ON;
    start();
    expect_int(reported_backlog(), 7);
    stop();
}

/* --- the end --- */

static void drain_idle_clients(const char *wiring)
{
    set_up(wiring);
    start();
    int fds[CLIENTS], silent = dial();
    unsigned count = clients();
    for (unsigned i = 0; i < count; i++) {
        fds[i] = dial();
        ask(fds[i], "/synthetic/bytes?n=10");
        CHECK(!hear(fds[i]).closes);
    }
    server_drain(&life.server);
    for (unsigned i = 0; i < count; i++) {
        expect_end(fds[i]);
    }
    expect_end(silent);
    CHECK(server_wait_empty(&life.server, clock_ns() + PATIENCE_S * NS_PER_S));
    CHECK(try_connect() < 0 && errno == ECONNREFUSED);
    stop();
}

TEST(server, draining_closes_idle_clients_and_the_sockets)
{
    in_every_wiring(drain_idle_clients);
}

static const char stream_target[] = "/synthetic/stream?chunks=6&size=10&ms=20";

static void drain_in_flight(const char *wiring)
{
    char head[4096];
    set_up(wiring);
    start();
    int streaming = dial(), half = dial();
    ask(streaming, stream_target);
    hear_head(streaming, head, sizeof head);
    CHECK(strstr(head, "Transfer-Encoding: chunked") != NULL);
    ask(half, "/synthetic/bytes?n=1");
    hear(half);
    server_drain(&life.server);
    CHECK(hear_chunks(streaming) == 60); /* whole, though the server ends */
    expect_end(streaming);
    expect_end(half);
    CHECK(server_wait_empty(&life.server, clock_ns() + PATIENCE_S * NS_PER_S));
    stop();
}

TEST(server, draining_lets_answers_in_flight_end)
{
    in_every_wiring(drain_in_flight);
}

static void cut_in_flight(const char *wiring)
{
    char head[4096];
    set_up(wiring);
    start();
    uint64_t begin_ns = clock_ns();
    int endless = dial(), half = dial();
    ask(endless, "/synthetic/stream?chunks=1000&size=10&ms=5000");
    hear_head(endless, head, sizeof head);
    say(half, "GET / HT");
    server_drain(&life.server);
    CHECK(!server_wait_empty(&life.server, clock_ns() + 50 * NS_PER_MS));
    server_cut(&life.server);
    CHECK(server_wait_empty(&life.server, clock_ns() + PATIENCE_S * NS_PER_S));
    stop();
    CHECK(clock_ns() - begin_ns < 20 * NS_PER_S);
    close(endless);
    close(half);
}

TEST(server, cutting_ends_what_would_go_on)
{
    in_every_wiring(cut_in_flight);
}

/* --- answers completed by other threads --- */

static void answer_from_elsewhere(const char *wiring)
{
    set_up(wiring);
    start();
    int fd = dial();
    static const char *const targets[] = {
        "/synthetic/async?ms=20",        "/synthetic/bytes?n=7",   "/synthetic/async?ms=0",
        "/synthetic/async?ms=1",         "/synthetic/async?ms=20", "/synthetic/bytes?n=9",
        "/synthetic/async?ms=0&after=5",
    };
    static const size_t lens[] = {22, 7, 21, 21, 22, 9, 21};
    enum { TARGETS = sizeof lens / sizeof *lens };
    for (unsigned i = 0; i < TARGETS; i++) {
        ask(fd, targets[i]); /* pipelined */
    }
    for (unsigned i = 0; i < TARGETS; i++) {
        struct answer answer = hear(fd);
        CHECK(answer.status == 200 && answer.body_len == lens[i]);
    }
    close(fd);
    CHECK(end());
}

TEST(server, answers_completed_by_other_threads_keep_their_order)
{
    in_every_wiring(answer_from_elsewhere);
}

enum { PENDING = 10 }; /* below the budget of reaped-pool */

static uint64_t started_requests(void)
{
    uint64_t started = 0;
    for (unsigned i = 0; i < life.server.worker_count; i++) {
        started += tally_passed(&life.server.workers[i].tally, COUNTER_STARTED);
    }
    return started;
}

/* Until a handler has each of them: a request that is not read before the server drains is not
 * answered. */
static void await_started(uint64_t count)
{
    uint64_t give_up_ns = clock_ns() + PATIENCE_S / 2 * NS_PER_S;
    while (started_requests() < count) {
        CHECK(clock_ns() < give_up_ns);
        sched_yield();
    }
}

/* Clients that are still there get notice that the server stops; those that have gone do not delay it. */
static void cut_pending(const char *wiring)
{
    int fds[PENDING];
    set_up(wiring);
    start();
    for (unsigned i = 0; i < PENDING; i++) {
        fds[i] = dial();
        ask(fds[i], "/synthetic/async?ms=60000");
        ask(fds[i], "/synthetic/bytes?n=7");
    }
    await_started(PENDING);
    for (unsigned i = 0; i < PENDING; i += 2) {
        close(fds[i]);
    }
    int probe = dial();
    ask(probe, "/synthetic/bytes?n=7");
    hear(probe); /* no thread is held */
    server_drain(&life.server);
    CHECK(!server_wait_empty(&life.server, clock_ns() + 50 * NS_PER_MS));
    server_cut(&life.server);
    for (unsigned i = 1; i < PENDING; i += 2) {
        CHECK(hear(fds[i]).status == 503);
        expect_end(fds[i]);
    }
    CHECK(server_wait_empty(&life.server, clock_ns() + PATIENCE_S * NS_PER_S));
    server_stop(&life.server);
    close(probe);
    CHECK(rmdir(life.root) == 0);
}

TEST(server, cutting_completes_what_others_would_complete_later)
{
    in_every_wiring(cut_pending);
}

/* --- nothing is left behind --- */

static unsigned count_entries(const char *directory)
{
    unsigned count = 0;
    DIR *dir = opendir(directory);
    CHECK(dir != NULL);
    while (readdir(dir) != NULL) {
        count++;
    }
    closedir(dir);
    return count;
}

/* A joined thread's entry goes a moment later than the join. */
static bool threads_fall_to(unsigned count)
{
    uint64_t until_ns = clock_ns() + 10 * NS_PER_S;
    while (count_entries("/proc/self/task") > count && clock_ns() < until_ns) {
        sched_yield();
    }
    return count_entries("/proc/self/task") <= count;
}

/* What is lost in some lives only shows in many of them; descriptors are the same in sanitized
 * builds, where a life costs much more. */
#ifdef TEST_PLAIN
enum { LIVES = 4 };
#else
enum { LIVES = 20 };
#endif

static void live_often(const char *wiring, unsigned lives)
{
    unsigned descriptors = 0;
    for (unsigned i = 0; i < lives; i++) {
        set_up(wiring);
        start();
        int fd = dial();
        ask(fd, "/synthetic/bytes?n=10");
        CHECK(hear(fd).body_len == 10);
        close(fd);
        CHECK(end());
        if (i == 0) { /* what is opened once for good is open by now */
            descriptors = count_entries("/proc/self/fd");
        }
        CHECK(count_entries("/proc/self/fd") == descriptors);
    }
}

static void live_again_and_again(const char *wiring)
{
    live_often(wiring, LIVES);
}

static unsigned threads_at_start(void)
{
    unsigned count = 0;
    for (unsigned i = 0; i < life.server.group_count; i++) {
        const struct group *group = &life.server.groups[i];
        count += group->in_turn ? 0 : group->least;
    }
    return count;
}

static void live_and_count_threads(const char *wiring)
{
    unsigned threads = count_entries("/proc/self/task");
    for (unsigned i = 0; i < 3; i++) {
        set_up(wiring);
        start();
        CHECK(count_entries("/proc/self/task") >= threads + threads_at_start());
        CHECK(end());
    }
    /* ThreadSanitizer has a thread of its own, once; three lives would leave six or more. */
    CHECK(threads_fall_to(threads + 1));
}

TEST(server, leaves_no_descriptor_open_in_many_lives)
{
    in_every_wiring(live_again_and_again);
}

TEST(server, leaves_no_thread_running)
{
    in_every_wiring(live_and_count_threads);
}

/* The port is taken: the start fails with a reason that names it, and may be tried again. */
static void fail_to_start(const char *wiring)
{
    char error[SERVER_ERROR_MAX] = "", address[40];
    struct sockaddr_in taken = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof taken;
    int holder = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(bind(holder, (struct sockaddr *)&taken, sizeof taken) == 0 && listen(holder, 1) == 0);
    CHECK(getsockname(holder, (struct sockaddr *)&taken, &len) == 0);
    snprintf(address, sizeof address, "127.0.0.1:%u", ntohs(taken.sin_port));
    set_up(wiring);
    unsigned descriptors = count_entries("/proc/self/fd");
    for (unsigned i = 0; i < 2; i++) {
        life.settings.listen.at[i] = i == 0 ? "127.0.0.1:0" : address;
        life.settings.listen.count = 2;
    }
    CHECK(!try_to_start(error));
    CHECK(strstr(error, address) != NULL && strchr(error, '\n') == NULL);
    CHECK(count_entries("/proc/self/fd") == descriptors);
    close(holder);
    start();
    CHECK(end());
}

TEST(server, a_start_that_fails_leaves_nothing_open)
{
    in_every_wiring(fail_to_start);
}

/* In this process, so that LeakSanitizer checks what is left; the last, for draining is for
 * good. */
TEST(server, leaves_no_memory_behind)
{
    for (unsigned i = 0; i < WIRINGS; i++) {
        live_and_count_threads(wirings[i]);
        live_often(wirings[i], 2);
    }
}
