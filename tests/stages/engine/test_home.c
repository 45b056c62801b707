/* test_home.c: a client's wait at home: what it waits for and for how long, what ends it, and who goes
 * when the server drains or makes room. The linker puts a function of the test in the place of
 * trace_put(), which notes when a client was home again.
 */
#include "stages/engine/home.h"

#include "core/base/clock.h"
#include "stages/engine/out_watch.h"
#include "tests/aborts.h"
#include "tests/stages/fake.h"

enum { HEADER_S = 100, BODY_S = 200, IDLE_S = 50, CLIENTS = 4, CLIENTS_MOST = 5 };

static const char half_a_head[] = "GET / HT",
                  half_a_body[] = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc";

static struct worker *home;
static struct client *clients[CLIENTS_MOST];
static int fars[CLIENTS_MOST];
static unsigned client_count;

/* Another client, at home and new. */
static struct client *add_client(void)
{
    unsigned i = client_count++;
    CHECK(i < CLIENTS_MOST);
    clients[i] = fake_client(home, &fars[i]);
    home_adopt(home, clients[i], HOME_WAITING);
    return clients[i];
}

static struct client *start(const char *wiring)
{
    fake_set_up(wiring);
    fake.settings.header_timeout_ns = HEADER_S * NS_PER_S;
    fake.settings.body_timeout_ns = BODY_S * NS_PER_S;
    fake_start();
    home = fake_worker(fake.engine.idle_stage);
    client_count = 0;
    return add_client();
}

/* Closes those that are open still. */
static void stop(void)
{
    for (unsigned i = 0; i < client_count; i++) {
        if (!fake_is_closed(fars[i])) {
            fake_close(home, clients[i]);
        }
    }
    fake_stop();
}

static void read_part(struct client *client, const char *text)
{
    for (unsigned i = 0; i < client_count; i++) {
        if (clients[i] == client) {
            expect_int(fake_read(home, client, fars[i], text), VERDICT_WANT_READ);
        }
    }
}

/* It has been answered before. */
static void was_answered(struct client *client)
{
    client->conn.requests = 1;
    client->conn.idle_limit_ns = IDLE_S * NS_PER_S;
}

static uint64_t closed_for(enum close_reason reason)
{
    return atomic_load(&home->tally.closed[reason]);
}

/* --- at home, and away --- */

TEST(home, takes_a_client_behind_those_it_has_and_does_not_watch_it_yet)
{
    struct client *first = start("L | R | P*2 | W"), *second = add_client();
    expect(first->home.at == home && second->home.at == home);
    expect(home->home.clients.home.next == first && first->home.next == second);
    expect(home->home.clients.home.prev == second && second->home.prev == first);
    expect_int(atomic_load(&home->home.client_count), 2);
    expect_int(home->home.counts.in[HOME_WAITING], 2);
    expect(!first->home.watched && !home_awaits(home));
    stop();
}

static void adopt_twice(void)
{
    struct client *client = start("L | R | P*2 | W"); /* sets `home` */
    home_adopt(home, client, HOME_WAITING);
}

TEST(home, is_one_for_life)
{
    expect(aborts(adopt_twice));
}

TEST(home, calls_the_stage_that_waits_for_requests_when_a_client_sends)
{
    static const char *const wirings[] = {"L | R | P*2 | W", "LK | R | P*2 | W"};
    for (unsigned i = 0; i < 2; i++) {
        struct client *client = start(wirings[i]);
        expect_int(home_wait(home, client), VERDICT_NONE);
        loop_turn(home->loop.poll);
        expect_int(fake.call_count, 0);
        expect_int(send(fars[0], "x", 1, 0), 1);
        loop_turn(home->loop.poll);
        expect_int(fake.call_count, 1);
        fake_expect_call(0, FAKE_READABLE, fake.engine.idle_stage, home);
        expect(fake.calls[0].client == client);
        stop();
    }
}

TEST(home, of_a_reader_watches_a_client_that_is_away_and_a_pollers_does_not)
{
    struct client *client = start("L | R | P*2 | W");
    expect_int(home_wait(home, client), VERDICT_NONE);
    home_leave(home, client);
    expect_int(client->home.state, HOME_AWAY);
    expect_int(client->home.watch.events, WATCH_READ);
    expect(home_awaits(home));
    home_return(home, client);
    expect_int(client->home.state, HOME_WAITING);
    expect(!home_awaits(home));
    stop();
    client = start("LK | R | P*2 | W");
    expect_int(home_wait(home, client), VERDICT_NONE);
    home_leave(home, client);
    expect_int(client->home.state, HOME_AWAY);
    expect_int(client->home.watch.events, 0);
    stop();
}

TEST(home, stops_watching_a_client_that_sends_while_it_is_away)
{
    struct client *client = start("L | R | P*2 | W");
    expect_int(home_wait(home, client), VERDICT_NONE);
    home_leave(home, client);
    home_came_early(home, client);
    expect_int(client->home.state, HOME_EARLY);
    expect_int(client->home.watch.events, 0);
    expect(home_awaits(home));
    home_return(home, client);
    home_leave(home, client); /* nobody has watched it since: its return has to wake home */
    expect_int(client->home.state, HOME_EARLY);
    home_return(home, client);
    expect_int(home_wait(home, client), VERDICT_NONE);
    expect_int(client->home.watch.events, WATCH_READ);
    home_leave(home, client);
    expect_int(client->home.state, HOME_AWAY);
    stop();
}

TEST(home, watches_those_that_were_held_back_when_there_is_room)
{
    struct client *held = start("L | R | P*2 | W"), *other = add_client();
    expect_int(home_wait(home, held), VERDICT_NONE);
    expect_int(home_wait(home, other), VERDICT_NONE);
    home_leave(home, other);
    home_came_early(home, other);
    home_hold_back(home, held);
    expect_int(held->home.state, HOME_HELD_BACK);
    expect_int(held->home.watch.events, 0);
    home_room(home);
    expect_int(held->home.state, HOME_WAITING);
    expect_int(held->home.watch.events, WATCH_READ);
    expect_int(other->home.state, HOME_EARLY);
    expect_int(other->home.watch.events, 0);
    stop();
}

TEST(home, lets_a_client_ripen_unwatched)
{
    struct client *client = start("LK | R | P*2 | W"), *held = add_client();
    expect_int(home_wait(home, client), VERDICT_NONE);
    expect_int(home_wait(home, held), VERDICT_NONE);
    home_let_ripen(home, client);
    expect_int(client->home.state, HOME_RIPE);
    expect_int(client->home.watch.events, 0);
    home_hold_back(home, held);
    home_room(home); /* it is not what waits for room */
    expect_int(client->home.state, HOME_RIPE);
    expect_int(client->home.watch.events, 0);
    home_leave(home, client); /* the interval is over: a reader has it */
    expect_int(client->home.state, HOME_AWAY);
    stop();
}

/* One watch for both where the writer is in home's loop. What a call of the writer has closed is not
 * read any more. */
static void close_when_writable(struct worker *worker, struct client *client)
{
    client->conn.close = CLOSE_RESET;
    client_close(worker, client);
}

TEST(home, does_not_read_a_client_that_was_closed_in_the_same_event)
{
    static const struct stage_entry closes = {.writable = close_when_writable};
    struct client *client = start("LRW | P*2");
    expect_int(home_wait(home, client), VERDICT_NONE);
    fake.engine.stages[STAGE_WRITER] = &closes;
    watch_set(&client->home.watch, WATCH_READ | WATCH_WRITE);
    expect_int(send(fars[0], "x", 1, 0), 1);
    loop_turn(home->loop.poll);
    expect_int(closed_for(CLOSE_RESET), 1);
    expect_int(fake.call_count, 0);
    stop();
}

TEST(home, does_not_read_a_client_whose_socket_has_only_room)
{
    struct client *client = start("LRW | P*2");
    expect(home_watch(home, client));
    watch_set(&client->home.watch, WATCH_READ | WATCH_WRITE);
    loop_turn(home->loop.poll);
    expect_int(fake.call_count, 1);
    fake_expect_call(0, FAKE_WRITABLE, STAGE_WRITER, home);
    stop();
}

static void note_each(struct worker *worker, struct client *client)
{
    expect(worker == home);
    fake_note((struct fake_call){.client = client});
    if (client == clients[0]) {
        client_close(worker, client);
    }
}

TEST(home, visits_each_that_is_at_home_also_while_they_are_closed)
{
    (void)start("L | R | P*2 | W");
    (void)add_client();
    (void)add_client();
    home_leave(home, clients[1]);
    home_each(home, note_each);
    expect_int(fake.call_count, 2);
    expect(fake.calls[0].client == clients[0] && fake.calls[1].client == clients[2]);
    expect_int(atomic_load(&home->home.client_count), 2);
    stop();
}

/* --- how long --- */

/* Its deadline has been set to so many seconds since `before_ns`. */
static void expect_deadline_s(const struct client *client, uint64_t before_ns, uint64_t seconds)
{
    uint64_t tick_ns = home->loop.deadlines.tick_ns, due_ns = client->home.deadline.due_ns;
    expect(deadline_is_set(&client->home.deadline));
    expect(due_ns >= before_ns + seconds * NS_PER_S);
    expect(due_ns <= clock_coarse_ns() + tick_ns + seconds * NS_PER_S);
}

/* Waits, for this long from now. */
static void expect_wait_s(struct client *client, uint64_t seconds)
{
    uint64_t before_ns = clock_coarse_ns();
    expect_int(home_wait(home, client), VERDICT_NONE);
    expect_deadline_s(client, before_ns, seconds);
}

TEST(home, waits_for_a_first_head_for_the_body_and_between_requests_as_long_as_each_may_take)
{
    struct client *client = start("L | R | P*2 | W");
    expect_wait_s(client, HEADER_S);
    read_part(client, half_a_body);
    expect_wait_s(client, BODY_S);
    exchange_put(&home->exchanges, client->conn.exchange);
    client->conn.exchange = NULL;
    was_answered(client);
    expect_wait_s(client, IDLE_S);
    client->conn.idle_limit_ns = 2 * NS_PER_S; /* the request asked for less */
    expect_wait_s(client, 2);
    stop();
}

static void pass_time(void)
{
    uint64_t now_ns = clock_coarse_ns();
    while (clock_coarse_ns() <= now_ns) {
    }
}

/* That request has come to its end, and part of the next one is there. */
static void begin_next_head(struct client *client)
{
    exchange_end(client->conn.exchange);
    exchange_begin(client->conn.exchange);
    expect(conn_has_input(&client->conn));
}

TEST(home, gives_a_head_one_deadline_however_often_the_client_comes_and_goes)
{
    struct client *client = start("L | R | P*2 | W");
    was_answered(client);
    read_part(client, half_a_head);
    expect_wait_s(client, HEADER_S);
    uint64_t due_ns = client->home.deadline.due_ns;
    pass_time();
    expect_int(home_wait(home, client), VERDICT_NONE);
    expect_int(client->home.deadline.due_ns, due_ns);
    begin_next_head(client);
    expect_wait_s(client, HEADER_S);
    expect(client->home.deadline.due_ns > due_ns);
    stop();
}

TEST(home, gives_each_part_of_a_body_its_time)
{
    struct client *client = start("L | R | P*2 | W");
    read_part(client, half_a_body);
    expect_wait_s(client, BODY_S);
    uint64_t due_ns = client->home.deadline.due_ns;
    pass_time();
    expect_wait_s(client, BODY_S);
    expect(client->home.deadline.due_ns > due_ns);
    stop();
}

TEST(home, ends_the_wait_of_a_client_that_cannot_be_watched)
{
    FILE *file = tmpfile(); /* the kernel cannot watch a file */
    struct client *client = start("L | R | P*2 | W");
    CHECK(file != NULL && dup2(fileno(file), client->conn.fd) == client->conn.fd);
    expect_int(home_wait(home, client), VERDICT_CLOSE);
    expect_int(client->conn.close, CLOSE_RESOURCES);
    fake_close(home, client);
    CHECK(fclose(file) == 0);
    fake_stop();
}

/* --- when the time is over --- */

TEST(home, ends_a_connection_that_sent_nothing_in_time)
{
    struct client *client = start("L | R | P*2 | W");
    expect_int(home_wait(home, client), VERDICT_NONE);
    home_expired(home, client);
    expect(fake_is_closed(fars[0]));
    expect_int(closed_for(CLOSE_HEADER_TIMEOUT), 1);
    stop();
}

TEST(home, ends_a_connection_that_was_idle_for_too_long)
{
    struct client *client = start("L | R | P*2 | W");
    was_answered(client);
    expect_int(home_wait(home, client), VERDICT_NONE);
    home_expired(home, client);
    expect(fake_is_closed(fars[0]));
    expect_int(closed_for(CLOSE_KEEPALIVE_TIMEOUT), 1);
    stop();
}

/* The client gets an answer that says so. */
static void expect_refused(const char *part, enum close_reason reason)
{
    struct client *client = start("L | R | P*2 | W");
    read_part(client, part);
    expect_int(home_wait(home, client), VERDICT_NONE);
    home_expired(home, client);
    expect(!fake_is_closed(fars[0]));
    expect_int(client->home.state, HOME_AWAY);
    expect_int(client->conn.exchange->refused_status, 408);
    expect_int(client->conn.exchange->close, reason);
    expect_int(atomic_load(&home->tally.counters[COUNTER_WHOLE]), 1);
    worker_flush(home);
    struct ticket *ticket = fake_take(fake_worker(STAGE_PROCESSOR));
    expect(ticket != NULL && client_of_ticket(ticket) == client);
    expect_int(ticket->verdict, VERDICT_REQUEST_READY);
    stop();
}

TEST(home, refuses_a_request_whose_rest_does_not_come)
{
    expect_refused(half_a_head, CLOSE_HEADER_TIMEOUT);
    expect_refused(half_a_body, CLOSE_BODY_TIMEOUT);
}

TEST(home, lets_the_deadline_of_a_client_that_is_away_or_held_back_pass)
{
    struct client *away = start("L | R | P*2 | W"), *held = add_client();
    expect_int(home_wait(home, away), VERDICT_NONE);
    expect_int(home_wait(home, held), VERDICT_NONE);
    home_leave(home, away);
    home_hold_back(home, held);
    deadlines_clear(&home->loop.deadlines, &away->home.deadline);
    deadlines_clear(&home->loop.deadlines, &held->home.deadline);
    uint64_t before_ns = clock_coarse_ns();
    home_expired(home, away);
    home_expired(home, held);
    expect(!fake_is_closed(fars[0]) && !fake_is_closed(fars[1]));
    expect_deadline_s(away, before_ns, 1);
    expect_deadline_s(held, before_ns, 1);
    expect_int(fake.call_count, 0);
    stop();
}

/* Bytes that came in time may lie behind a busy spell of the thread. */
TEST(home, reads_once_more_before_it_gives_a_client_up)
{
    struct client *client = start("L | R | P*2 | W");
    was_answered(client);
    expect_int(home_wait(home, client), VERDICT_NONE);
    deadlines_clear(&home->loop.deadlines, &client->home.deadline);
    expect_int(send(fars[0], "x", 1, 0), 1);
    uint64_t before_ns = clock_coarse_ns();
    home_expired(home, client);
    expect_int(fake.call_count, 1);
    fake_expect_call(0, FAKE_READABLE, STAGE_READER, home);
    expect(!fake_is_closed(fars[0]));
    expect_deadline_s(client, before_ns, 1); /* if it is held back */
    stop();
}

TEST(home, reads_once_more_for_each_head_however_the_client_drips)
{
    struct client *client = start("L | R | P*2 | W");
    read_part(client, half_a_head);
    expect_int(home_wait(home, client), VERDICT_NONE);
    expect_int(send(fars[0], "T", 1, 0), 1);
    home_expired(home, client);
    expect_int(fake.call_count, 1);
    expect_int(client->conn.exchange->refused_status, 0);
    expect_int(home_wait(home, client), VERDICT_NONE);
    home_expired(home, client); /* a byte is there again, or still */
    expect_int(fake.call_count, 1);
    expect_int(client->conn.exchange->refused_status, 408);
    stop();
}

TEST(home, reads_once_more_for_the_next_head_too)
{
    struct client *client = start("L | R | P*2 | W");
    read_part(client, half_a_head);
    expect_int(home_wait(home, client), VERDICT_NONE);
    expect_int(send(fars[0], "T", 1, 0), 1);
    home_expired(home, client);
    begin_next_head(client);
    expect_int(home_wait(home, client), VERDICT_NONE);
    home_expired(home, client);
    expect_int(fake.call_count, 2);
    expect_int(client->conn.exchange->refused_status, 0);
    stop();
}

TEST(home, reads_a_body_once_more_each_time)
{
    struct client *client = start("L | R | P*2 | W");
    read_part(client, half_a_body);
    expect_int(home_wait(home, client), VERDICT_NONE);
    expect_int(send(fars[0], "d", 1, 0), 1);
    home_expired(home, client);
    home_expired(home, client);
    expect_int(fake.call_count, 2);
    expect_int(client->conn.exchange->refused_status, 0);
    stop();
}

/* --- the end of the server --- */

/* An idle client, one inside a request, one whose bytes lie in the socket, and one that is away. */
static void start_four(const char *wiring)
{
    (void)start(wiring);
    for (unsigned i = 1; i < CLIENTS; i++) {
        (void)add_client();
    }
    read_part(clients[1], half_a_head);
    for (unsigned i = 0; i < CLIENTS; i++) {
        expect_int(home_wait(home, clients[i]), VERDICT_NONE);
    }
    expect_int(send(fars[2], "x", 1, 0), 1);
    home_leave(home, clients[3]);
}

/* "x" for each that is closed, "-" for each that is open. */
static void expect_closed(const char *which)
{
    char closed[CLIENTS_MOST + 1] = "";
    for (unsigned i = 0; i < client_count; i++) {
        closed[i] = fake_is_closed(fars[i]) ? 'x' : '-';
    }
    expect_text(closed, which);
}

TEST(home, ends_idle_clients_when_the_server_drains)
{
    start_four("L | R | P*2 | W");
    atomic_store(&fake.engine.phase, PHASE_DRAINING);
    home_phase(home);
    expect_closed("x---");
    expect_int(closed_for(CLOSE_DRAINED), 1);
    stop();
}

TEST(home, ends_all_that_are_at_home_when_the_server_cuts)
{
    start_four("L | R | P*2 | W");
    atomic_store(&fake.engine.phase, PHASE_CUTTING);
    home_phase(home);
    expect_closed("xxx-");
    expect_int(closed_for(CLOSE_CUT), 3);
    stop();
}

static enum verdict wait_in(enum phase phase, const char *part, enum close_reason reason)
{
    struct client *client = start("L | R | P*2 | W");
    if (part != NULL) {
        read_part(client, part);
    }
    atomic_store(&fake.engine.phase, phase);
    enum verdict verdict = home_wait(home, client);
    expect_int(client->conn.close, reason);
    stop();
    return verdict;
}

TEST(home, lets_nobody_stay_idle_once_the_server_ends)
{
    expect_int(wait_in(PHASE_DRAINING, NULL, CLOSE_DRAINED), VERDICT_CLOSE);
    expect_int(wait_in(PHASE_DRAINING, half_a_head, CLOSE_NONE), VERDICT_NONE);
    expect_int(wait_in(PHASE_CUTTING, NULL, CLOSE_DRAINED), VERDICT_CLOSE);
    expect_int(wait_in(PHASE_CUTTING, half_a_head, CLOSE_CUT), VERDICT_CLOSE);
}

TEST(home, sends_one_whom_another_loop_watches_there_first)
{
    struct client *client = start("L | R | P*2 | W");
    struct worker *writer = fake_worker(STAGE_WRITER);
    expect_int(home_wait(home, client), VERDICT_NONE);
    client->out.watch = &(struct out_watch){.client = client};
    client->out.worker = writer;
    home_dismiss(home, client, CLOSE_CUT);
    worker_flush(home);
    expect(!fake_is_closed(fars[0]));
    expect_int(client->home.state, HOME_AWAY);
    struct ticket *ticket = fake_take(writer);
    expect(ticket != NULL && ticket->verdict == VERDICT_CLOSE);
    client->out.watch = NULL;
    stop();
}

/* The writer has a watch of an earlier answer, and the client waits for room in the next queue. */
TEST(home, cuts_one_that_is_held_back_and_watched_by_another_loop)
{
    struct client *client = start("L | R | P*2 | W");
    struct worker *writer = fake_worker(STAGE_WRITER);
    expect_int(home_wait(home, client), VERDICT_NONE);
    home_hold_back(home, client);
    client->out.watch = &(struct out_watch){.client = client};
    client->out.worker = writer;
    atomic_store(&fake.engine.phase, PHASE_CUTTING);
    home_phase(home);
    worker_flush(home);
    struct ticket *ticket = fake_take(writer);
    expect(ticket != NULL && client_of_ticket(ticket) == client);
    expect_int(ticket->verdict, VERDICT_CLOSE);
    client->out.watch = NULL;
    fake_close(home, client);
    stop();
}

/* --- making room --- */

TEST(home, sheds_the_oldest_idle_clients_and_no_others)
{
    start_four("L | R | P*2 | W");
    struct client *last = add_client();
    expect_int(home_wait(home, last), VERDICT_NONE);
    home_shed(home, 1);
    expect_closed("x----");
    home_shed(home, 5);
    expect_closed("x---x");
    home_return(home, clients[3]);
    home_shed(home, 5);
    expect_closed("x--xx");
    expect_int(closed_for(CLOSE_SHED), 3);
    stop();
}

TEST(home, reaps_its_oldest_idle_client_when_a_place_is_wanted)
{
    start_four("L | R | P*2 | W");
    home_return(home, clients[3]);
    home_reap(home);
    expect_closed("----"); /* no place is wanted */
    places_reap(&fake.engine);
    home_reap(home);
    home_reap(home);
    expect_closed("x---");
    expect_int(closed_for(CLOSE_REAPED), 1);
    stop();
}

TEST(home, without_an_idle_client_leaves_the_wish_to_others)
{
    struct client *client = start("L | R | P*2 | W");
    read_part(client, half_a_head);
    expect_int(home_wait(home, client), VERDICT_NONE);
    places_reap(&fake.engine);
    home_reap(home);
    expect_closed("-");
    expect_int(places_wish(&fake.engine), PLACE_WISH_WANTED);
    stop();
}

TEST(home, reaps_the_next_client_that_comes_home_idle_and_that_one_only)
{
    struct client *busy = start("L | R | P*2 | W"), *idle = add_client(), *next = add_client();
    read_part(busy, half_a_head);
    places_reap(&fake.engine);
    expect_int(home_wait(home, busy), VERDICT_NONE);
    expect_int(places_wish(&fake.engine), PLACE_WISH_WANTED);
    expect_int(home_wait(home, idle), VERDICT_CLOSE);
    expect_int(idle->conn.close, CLOSE_REAPED);
    expect_int(home_wait(home, next), VERDICT_NONE);
    stop();
}

/* --- when it was home again --- */

static struct {
    unsigned count;
    struct trace_record last;
} written;

bool __wrap_trace_put(struct trace_ring *ring, const struct trace_record *record);
bool __wrap_trace_put(struct trace_ring *ring, const struct trace_record *record)
{
    (void)ring;
    written.count++;
    written.last = *record;
    return true;
}

/* A client that was answered at 1000 and given back, at 2000 in its ticket. */
static struct client *given_back(bool quiet)
{
    static max_align_t ring; /* never looked into */
    struct client *client = start("L | R | P*2 | W");
    home->ring = (struct trace_ring *)(void *)&ring;
    written.count = 0;
    client->answered_ns = 1000;
    client_ticket(client, STAGE_READER)->quiet = quiet;
    client_ticket(client, STAGE_READER)->slip.put_ns = 2000;
    return client;
}

/* Home slept from 1500 to `woke_ns`. */
static uint64_t requeued_ns(bool quiet, uint64_t woke_ns, bool direct)
{
    struct client *client = given_back(quiet);
    home->slept_ns = 1500;
    home->woke_ns = woke_ns;
    home_stamp_requeue(home, client, direct);
    expect_int(written.count, 1);
    expect_int(written.last.last_sent_ns, 1000);
    home_stamp_requeue(home, client, direct); /* once for each answer */
    expect_int(written.count, 1);
    stop();
    return written.last.requeued_ns;
}

TEST(home, had_a_client_again_at_once_after_a_call_and_while_it_slept)
{
    expect_int(requeued_ns(false, 3000, true), 1000);
    expect_int(requeued_ns(true, 3000, false), 2000);
    uint64_t now_ns = clock_ns();
    expect(requeued_ns(true, 1700, false) >= now_ns);  /* it was awake by then */
    expect(requeued_ns(false, 3000, false) >= now_ns); /* it was rung for */
}

TEST(home, had_no_client_again_that_was_not_answered)
{
    struct client *client = given_back(false);
    client->answered_ns = 0;
    home_stamp_requeue(home, client, false);
    expect_int(written.count, 0);
    stop();
}
