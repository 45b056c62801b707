/* test_route.c: the one rule of the engine: which stage goes on with a client, by a call or through a
 * queue; whom that wakes; which thread of a group it is; and the way of a client that is closed.
 */
#include "stages/engine/route.h"

#include "stages/engine/home.h"
#include "stages/engine/out_watch.h"
#include "tests/stages/fake.h"

static struct worker *listener, *reader, *processor, *writer;

static void find_workers(void)
{
    listener = fake_worker(STAGE_LISTENER);
    reader = fake_worker(STAGE_READER);
    processor = fake_worker(STAGE_PROCESSOR);
    writer = fake_worker(STAGE_WRITER);
}

static struct client *new_client(void)
{
    int far;
    return fake_client(listener, &far);
}

static struct client *start(const char *wiring)
{
    fake_set_up(wiring);
    fake_start();
    find_workers();
    return new_client();
}

static void stop(struct client *client)
{
    fake_close(reader, client);
    fake_stop();
}

/* The one ticket that `from` has posted to `to`. */
static struct ticket *posted(struct worker *from, struct worker *to)
{
    worker_flush(from);
    struct ticket *ticket = fake_take(to);
    expect(ticket != NULL && fake_take(to) == NULL);
    return ticket;
}

static void expect_posted(struct worker *from, struct worker *to, const struct client *client,
                          enum stage stage, enum verdict verdict)
{
    struct ticket *ticket = posted(from, to);
    expect(client_of_ticket(ticket) == client);
    expect_text(stage_name((enum stage)ticket->stage), stage_name(stage));
    expect_int(ticket->verdict, verdict);
}

/* The client has sent two requests, of which the first is answered; or that one only. */
static void pipeline(struct client *client, bool more)
{
    if (client->conn.exchange == NULL) {
        (void)fake_read(reader, client, fake.far[fake.client_count - 1],
                        "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    struct input *input = &client->conn.exchange->input;
    input->used = more ? input->len / 2 : input->len;
}

/* --- where to --- */

#define GOAL(verdict) VERDICT_##verdict, #verdict

TEST(route, leads_each_verdict_to_the_stage_and_the_group_that_the_wiring_has)
{
    static const struct {
        const char *wiring;
        enum stage from;
        enum verdict verdict;
        const char *said;
        bool more;
        enum stage stage;
        const char *group;
    } goals[] = {
        {"L | R | P*2 | W", STAGE_LISTENER, GOAL(ACCEPTED), false, STAGE_READER, "R"},
        {"L | R | P*2 | W", STAGE_READER, GOAL(WANT_READ), false, STAGE_READER, "R"},
        {"L | R | P*2 | W", STAGE_READER, GOAL(REQUEST_READY), false, STAGE_PROCESSOR, "P"},
        {"L | R | P*2 | W", STAGE_WRITER, GOAL(WANT_ROOM), false, STAGE_PROCESSOR, "P"},
        {"L | R | P*2 | W", STAGE_PROCESSOR, GOAL(WANT_TIME), false, STAGE_PROCESSOR, "P"},
        {"L | R | P*2 | W", STAGE_PROCESSOR, GOAL(OUTPUT_READY), false, STAGE_WRITER, "W"},
        {"L | R | P*2 | W", STAGE_WRITER, GOAL(WANT_WRITE), false, STAGE_WRITER, "W"},
        {"L | R | P*2 | W", STAGE_WRITER, GOAL(LINGER), false, STAGE_WRITER, "W"},
        {"L | R | P*2 | W", STAGE_WRITER, GOAL(KEPT), false, STAGE_READER, "R"},
        {"L | R | P*2 | W", STAGE_WRITER, GOAL(KEPT), true, STAGE_READER, "R"},
        {"L | R | P*2 | W", STAGE_WRITER, GOAL(RESUME), false, STAGE_READER, "R"},
        {"L | R | P*2 | W", STAGE_WRITER, GOAL(CLOSE), false, STAGE_READER, "R"},
        {"LK | R | P*2 | W", STAGE_LISTENER, GOAL(ACCEPTED), false, STAGE_POLLER, "LK"},
        {"LK | R | P*2 | W", STAGE_POLLER, GOAL(READABLE), false, STAGE_READER, "R"},
        {"LK | R | P*2 | W", STAGE_READER, GOAL(WANT_READ), false, STAGE_POLLER, "LK"},
        {"LK | R | P*2 | W", STAGE_WRITER, GOAL(KEPT), false, STAGE_POLLER, "LK"},
        {"LK | R | P*2 | W", STAGE_WRITER, GOAL(KEPT), true, STAGE_READER, "R"},
        {"LK | R | P*2 | W", STAGE_WRITER, GOAL(CLOSE), false, STAGE_POLLER, "LK"},
        {"L | rpw*4", STAGE_READER, GOAL(OUTPUT_READY), false, STAGE_WRITER, "rpw"},
        {"L | rpw*4", STAGE_READER, GOAL(LINGER), false, STAGE_WRITER, "L"},
        {"L | rpw*4 | W", STAGE_READER, GOAL(OUTPUT_READY), false, STAGE_WRITER, "rpw"},
        {"L | rpw*4 | W", STAGE_WRITER, GOAL(OUTPUT_READY), false, STAGE_WRITER, "W"},
        {"L | rpw*4 | W", STAGE_READER, GOAL(WANT_WRITE), false, STAGE_WRITER, "W"},
        {"L | rpw*4 | W", STAGE_READER, GOAL(LINGER), false, STAGE_WRITER, "W"},
        {"L | Rpw | P*2 | W", STAGE_READER, GOAL(OUTPUT_READY), false, STAGE_WRITER, "Rpw"},
        {"L | Rpw | P*2 | W", STAGE_READER, GOAL(WANT_WRITE), false, STAGE_WRITER, "W"},
        {"L | Rpw | P*2 | W", STAGE_READER, GOAL(WANT_ROOM), false, STAGE_PROCESSOR, "P"},
        {"L | Rpw | P*2 | W", STAGE_READER, GOAL(WANT_TIME), false, STAGE_PROCESSOR, "P"},
        {"L | Rpw | P*2 | W", STAGE_PROCESSOR, GOAL(OUTPUT_READY), false, STAGE_WRITER, "W"},
        {"L | K | rpw*4", STAGE_LISTENER, GOAL(ACCEPTED), false, STAGE_POLLER, "K"},
        {"L | K | rpw*4", STAGE_READER, GOAL(LINGER), false, STAGE_WRITER, "K"},
        /* its own reader puts the exchange back first */
        {"L | K | rpw*4", STAGE_READER, GOAL(KEPT), false, STAGE_READER, "rpw"},
    };
    for (unsigned i = 0; i < sizeof goals / sizeof *goals; i++) {
        char group[GROUP_LETTERS];
        fake_set_up(goals[i].wiring);
        fake_start();
        struct route_goal goal =
            route_goal(fake_worker(goals[i].from), goals[i].verdict, goals[i].more);
        group_letters(&fake.engine.wiring.groups[goal.group], group);
        expect_msg(goal.stage == goals[i].stage && strcmp(group, goals[i].group) == 0,
                   "%s: %s of %s leads to %s of %s", goals[i].wiring, goals[i].said,
                   stage_name(goals[i].from), stage_name(goal.stage), group);
        fake_stop();
    }
}

TEST(route, calls_the_stages_of_its_own_thread)
{
    struct client *client = start("LRPW");
    fake_say(STAGE_PROCESSOR, VERDICT_OUTPUT_READY);
    route(reader, client, VERDICT_REQUEST_READY);
    expect_int(fake.call_count, 2);
    fake_expect_call(0, FAKE_ENTER, STAGE_PROCESSOR, reader);
    fake_expect_call(1, FAKE_ENTER, STAGE_WRITER, reader);
    expect_int(fake.calls[0].verdict, VERDICT_REQUEST_READY);
    expect_int(fake.calls[1].verdict, VERDICT_OUTPUT_READY);
    expect(fake.calls[0].direct && fake.calls[1].direct);
    expect(fake.calls[0].client == client);
    expect_int(reader->dirty_count, 0);
    stop(client);
}

TEST(route, posts_to_another_threads_queue_and_the_ticket_goes_on_there)
{
    struct client *client = start("L | R | P*2 | W");
    pipeline(client, false);
    fake_say(STAGE_PROCESSOR, VERDICT_OUTPUT_READY);
    route(reader, client, VERDICT_REQUEST_READY);
    expect_int(fake.call_count, 0);
    struct ticket *ticket = posted(reader, processor);
    expect(client_of_ticket(ticket) == client);
    route_ticket(processor, ticket);
    expect_int(fake.call_count, 1);
    fake_expect_call(0, FAKE_ENTER, STAGE_PROCESSOR, processor);
    expect_int(fake.calls[0].verdict, VERDICT_REQUEST_READY);
    expect(!fake.calls[0].direct);
    expect_posted(processor, writer, client, STAGE_WRITER, VERDICT_OUTPUT_READY);
    stop(client);
}

TEST(route, does_nothing_with_a_client_that_is_held)
{
    struct client *client = start("LRPW");
    route(reader, client, VERDICT_NONE);
    expect_int(fake.call_count, 0);
    expect_int(reader->dirty_count, 0);
    stop(client);
}

/* A client may have sent a thousand requests at once. */
TEST(route, lets_others_have_their_turn_after_some_steps_for_one_client)
{
    struct client *client = start("LRPW");
    for (unsigned i = 0; i < FAKE_CALLS / 2; i++) {
        fake_say(STAGE_PROCESSOR, VERDICT_OUTPUT_READY);
        fake_say(STAGE_WRITER, VERDICT_WANT_ROOM);
    }
    route(reader, client, VERDICT_WANT_ROOM);
    unsigned steps = fake.call_count;
    expect(steps >= 2 && steps < FAKE_CALLS);
    struct ticket *ticket = posted(reader, reader);
    route_ticket(reader, ticket);
    expect(fake.call_count > steps && fake.call_count < FAKE_CALLS);
    expect(!fake.calls[steps].direct);
    stop(client);
}

TEST(route, has_no_others_to_wait_for_in_a_session)
{
    struct client *client = start("L | rpw*4");
    for (unsigned i = 0; i < FAKE_CALLS / 2; i++) {
        fake_say(STAGE_PROCESSOR, VERDICT_OUTPUT_READY);
        fake_say(STAGE_WRITER, i < FAKE_CALLS / 2 - 1 ? VERDICT_WANT_ROOM : VERDICT_NONE);
    }
    route(reader, client, VERDICT_WANT_ROOM);
    expect_int(fake.call_count, FAKE_CALLS);
    expect_int(reader->dirty_count, 0);
    stop(client);
}

TEST(route, knows_whether_a_kept_client_stays_in_the_thread)
{
    static const struct {
        const char *wiring;
        bool keeps;
    } cases[] = {{"LRPW", true},
                 {"LRW | P*2", true},
                 {"L | R | P*2 | W", false},
                 {"LK | R | P*2 | W", false},
                 {"L | rpw*4", true}};
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct client *client = start(cases[i].wiring);
        pipeline(client, false);
        expect_msg(route_keeps(writer, client) == cases[i].keeps, "wiring '%s'", cases[i].wiring);
        stop(client);
    }
}

TEST(route, keeps_a_client_of_a_poller_where_more_has_come_and_the_reader_is_here)
{
    struct client *client = start("LK | RW | P*2");
    pipeline(client, false);
    expect(!route_keeps(writer, client));
    pipeline(client, true);
    expect(route_keeps(writer, client));
    stop(client);
}

/* --- whom it wakes --- */

enum { AT_HOME = 1, MORE = 2, DRAINING = 4, PAUSED = 8 };

/* Does the client's home, which sleeps, wake up for this? */
static bool wakes_home(const char *wiring, enum verdict verdict, unsigned how)
{
    struct client *client = start(wiring);
    struct worker *home = fake_worker(fake.engine.idle_stage);
    home_adopt(home, client, HOME_WAITING);
    if ((how & AT_HOME) != 0) {
        expect_int(home_wait(home, client), VERDICT_NONE);
    }
    home_leave(home, client);
    pipeline(client, (how & MORE) != 0);
    atomic_store(&fake.engine.phase, (how & DRAINING) != 0 ? PHASE_DRAINING : PHASE_RUNNING);
    atomic_store(&fake.engine.accepting_paused, (how & PAUSED) != 0);
    fake_sleep(home);
    route(writer, client, verdict);
    worker_flush(writer);
    bool rung = fake_is_rung(home);
    expect(fake_take(home) != NULL);
    stop(client);
    return rung;
}

TEST(route, gives_a_kept_client_back_quietly_to_a_reader_that_watches_it)
{
    expect(!wakes_home("L | R | P*2 | W", VERDICT_KEPT, AT_HOME));
    expect(wakes_home("L | R | P*2 | W", VERDICT_KEPT, 0));
    expect(wakes_home("L | R | P*2 | W", VERDICT_KEPT, AT_HOME | MORE));
    expect(wakes_home("L | R | P*2 | W", VERDICT_KEPT, AT_HOME | DRAINING));
}

TEST(route, wakes_a_poller_which_has_stopped_watching)
{
    expect(wakes_home("LK | R | P*2 | W", VERDICT_KEPT, AT_HOME));
}

TEST(route, wakes_nobody_to_close_while_descriptors_are_not_short)
{
    expect(!wakes_home("L | R | P*2 | W", VERDICT_CLOSE, AT_HOME));
    expect(!wakes_home("LK | R | P*2 | W", VERDICT_CLOSE, AT_HOME));
    expect(wakes_home("L | R | P*2 | W", VERDICT_CLOSE, AT_HOME | PAUSED));
    expect(wakes_home("L | R | P*2 | W", VERDICT_CLOSE, AT_HOME | DRAINING));
}

TEST(route, wakes_the_reader_to_go_on_inside_a_request)
{
    expect(wakes_home("L | R | P*2 | W", VERDICT_RESUME, AT_HOME));
}

TEST(route, wakes_other_stages)
{
    struct client *client = start("L | R | P*2 | W");
    fake_sleep(reader);
    route(listener, client, VERDICT_ACCEPTED);
    worker_flush(listener);
    expect(fake_is_rung(reader));
    expect(fake_take(reader) != NULL);
    pipeline(client, false);
    fake_sleep(writer);
    route(processor, client, VERDICT_OUTPUT_READY);
    worker_flush(processor);
    expect(fake_is_rung(writer));
    expect(fake_take(writer) != NULL);
    stop(client);
}

/* --- closing --- */

TEST(route, closes_a_client_without_home_where_it_is)
{
    struct client *client = start("L | rpw*4");
    route(reader, client, VERDICT_CLOSE);
    expect(fake_is_closed(fake.far[0]));
    expect_int(fake.call_count, 0);
    fake_stop();
}

TEST(route, closes_a_client_in_the_thread_that_is_its_home)
{
    struct client *client = start("L | R | P*2 | W");
    home_adopt(reader, client, HOME_WAITING);
    home_leave(reader, client);
    route(processor, client, VERDICT_CLOSE);
    expect(!fake_is_closed(fake.far[0]));
    struct ticket *ticket = posted(processor, reader);
    expect_int(ticket->verdict, VERDICT_CLOSE);
    route_ticket(reader, ticket);
    expect(fake_is_closed(fake.far[0]));
    expect_int(fake.call_count, 0);
    fake_stop();
}

TEST(route, closes_first_in_the_loop_that_has_the_second_watch)
{
    struct client *client = start("L | R | P*2 | W");
    home_adopt(reader, client, HOME_WAITING);
    home_leave(reader, client);
    expect(out_watch_set(writer, client, WATCH_WRITE));
    route(reader, client, VERDICT_CLOSE); /* home itself does not close it yet */
    struct ticket *ticket = posted(reader, writer);
    expect_int(ticket->stage, STAGE_WRITER);
    expect_int(fake.call_count, 0);
    route_ticket(writer, ticket);
    fake_expect_call(0, FAKE_ENTER, STAGE_WRITER, writer);
    expect_int(fake.calls[0].verdict, VERDICT_CLOSE);
    expect(fake.calls[0].direct && !fake_is_closed(fake.far[0]));
    out_watch_close(writer, client); /* as the writer does then */
    loop_turn(writer->loop.poll);
    expect_posted(writer, reader, client, STAGE_READER, VERDICT_CLOSE);
    stop(client);
}

/* --- which thread --- */

TEST(route, seats_a_new_client_in_the_thread_that_accepted_it_and_spreads_the_rest)
{
    struct client *client = start("LRPW*3");
    for (unsigned i = 0; i < 3; i++) {
        route_seats(&fake.engine.workers[i], client);
        expect_int(client->seat[0], i);
    }
    stop(client);
    client = start("L | R*3 | P*2 | W");
    bool seen[3] = {false};
    for (uint64_t id = 1; id <= 3; id++) {
        client->conn.id = id;
        route_seats(listener, client);
        expect(client->seat[1] < 3);
        seen[client->seat[1]] = true;
        route(listener, client, VERDICT_ACCEPTED);
        expect_posted(listener, reader + client->seat[1], client, STAGE_READER, VERDICT_ACCEPTED);
    }
    expect(seen[0] && seen[1] && seen[2]);
    stop(client);
}

TEST(route, posts_to_another_thread_of_the_same_group_when_the_client_belongs_there)
{
    struct client *client = start("LRPW*2");
    client->seat[0] = 1;
    route(&fake.engine.workers[0], client, VERDICT_OUTPUT_READY);
    expect_int(fake.call_count, 0);
    expect_posted(&fake.engine.workers[0], &fake.engine.workers[1], client, STAGE_WRITER,
                  VERDICT_OUTPUT_READY);
    route(&fake.engine.workers[1], client, VERDICT_OUTPUT_READY);
    expect_int(fake.call_count, 1);
    stop(client);
}

/* Of three processing loops these have so many tickets waiting; whose queue gets the request? */
static unsigned seat_for_request(struct client *client, const unsigned waiting[3])
{
    struct chain chain = {0};
    struct slip slips[3][4];
    pipeline(client, false);
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned j = 0; j < waiting[i]; j++) {
            chain_append(&chain, &slips[i][j]);
        }
        CHECK(mailbox_put(processor[i].mailbox, &chain, PUT_ADMITTED));
    }
    route(reader, client, VERDICT_REQUEST_READY);
    worker_flush(reader);
    unsigned seat = 99;
    for (unsigned i = 0; i < 3; i++) {
        while (fake_take(&processor[i]) != NULL) {
        }
        seat = mailbox_depth(processor[i].mailbox).put > waiting[i] ? i : seat;
    }
    expect_int(seat, client->seat[processor->group]);
    return seat;
}

TEST(route, gives_a_request_to_the_processing_loop_with_the_shortest_queue)
{
    struct client *client = start("L | R | PW*3");
    client->seat[processor->group] = 0;
    expect_int(seat_for_request(client, (unsigned[]){2, 3, 1}), 2);
    stop(client);
    client = start("L | R | PW*3");
    client->seat[processor->group] = 1;
    expect_int(seat_for_request(client, (unsigned[]){1, 1, 1}), 1);
    stop(client);
}

TEST(route, leaves_a_request_where_the_writer_of_the_loop_watches_the_client)
{
    struct client *client = start("L | R | PW*3");
    client->seat[processor->group] = 1;
    client->out.watch = &(struct out_watch){.client = client};
    expect_int(seat_for_request(client, (unsigned[]){0, 3, 0}), 1);
    client->out.watch = NULL;
    stop(client);
}

TEST(route, leaves_a_request_in_a_loop_that_is_home)
{
    struct slip slip;
    struct chain chain = {0};
    struct client *client = start("LRPW*2");
    route_seats(&fake.engine.workers[0], client);
    chain_append(&chain, &slip);
    CHECK(mailbox_put(fake.engine.workers[0].mailbox, &chain, PUT_ADMITTED));
    route(&fake.engine.workers[0], client, VERDICT_REQUEST_READY);
    fake_expect_call(0, FAKE_ENTER, STAGE_PROCESSOR, &fake.engine.workers[0]);
    stop(client);
}

/* --- from outside --- */

TEST(route, takes_output_from_any_thread_also_when_the_queue_is_full)
{
    fake_set_up("L | R | P*2 | W");
    fake.settings.queue_size = 1;
    fake_start();
    find_workers();
    struct client *first = new_client(), *second = new_client();
    fake_sleep(writer);
    route_output(&fake.engine, first);
    expect(fake_is_rung(writer));
    route_output(&fake.engine, second);
    struct ticket *ticket = fake_take(writer);
    expect(ticket != NULL && client_of_ticket(ticket) == first);
    expect_int(ticket->stage, STAGE_WRITER);
    expect_int(ticket->verdict, VERDICT_OUTPUT_READY);
    ticket = fake_take(writer);
    expect(ticket != NULL && client_of_ticket(ticket) == second);
    fake_close(reader, first);
    stop(second);
}

/* --- sessions and requests under way --- */

TEST(route, leaves_a_client_at_the_end_of_its_sessions_queue)
{
    struct client *client = start("L | rpw*4"), *other = new_client();
    route(listener, client, VERDICT_ACCEPTED);
    worker_flush(listener);
    route_leave(reader, other);
    worker_flush(reader);
    expect(client_of_ticket(fake_take(reader)) == client);
    expect_posted(reader, reader, other, STAGE_READER, VERDICT_READABLE);
    fake_close(reader, other);
    stop(client);
}

static struct recall *recall_of(const struct worker *worker)
{
    return fake.engine.groups[worker->group].recall;
}

TEST(route, presses_for_output_that_comes_to_sessions_until_one_has_it)
{
    struct client *client = start("L | rpw*4");
    route_lets_go(reader);
    route_output(&fake.engine, client);
    expect(recall_is_pressing(recall_of(reader)));
    expect(recall_answer(recall_of(reader))); /* nobody sleeps in the queue */
    route_ticket(reader, fake_take(reader));
    expect(!recall_is_pressing(recall_of(reader)));
    fake_expect_call(0, FAKE_ENTER, STAGE_WRITER, reader);
    stop(client);
}

/* A new connection waits for sessions; a request that is under way does not. */
static bool presses(enum verdict verdict, bool more)
{
    struct client *client = start("L | rp*4 | W");
    pipeline(client, more);
    route_lets_go(reader);
    route(writer, client, verdict);
    bool rung = recall_answer(recall_of(reader));
    struct ticket *ticket = posted(writer, reader);
    expect_int(ticket->pressing, rung);
    route_ticket(reader, ticket);
    expect(!recall_is_pressing(recall_of(reader)));
    stop(client);
    return rung;
}

TEST(route, presses_for_what_is_under_way_only)
{
    expect(presses(VERDICT_WANT_ROOM, false));
    expect(presses(VERDICT_RESUME, false));
    expect(presses(VERDICT_KEPT, true));
    expect(!presses(VERDICT_KEPT, false));
    expect(!presses(VERDICT_ACCEPTED, false));
}

/* After a session has handed a request on like this, do its pool's idle waits hear the bell? */
static bool expects(const char *wiring, enum verdict verdict, bool more)
{
    struct client *client = start(wiring);
    pipeline(client, more);
    route(reader, client, verdict);
    bool expected = recall_is_expected(recall_of(reader));
    stop(client);
    return expected;
}

TEST(route, expects_a_request_back_where_the_session_has_more_to_do_for_it)
{
    expect(expects("L | rw*4 | P*2", VERDICT_REQUEST_READY, false)); /* it sends the answer */
    expect(!expects("L | r*4 | P*2 | W", VERDICT_REQUEST_READY, false));
    expect(expects("L | r*4 | P*2 | W", VERDICT_REQUEST_READY, true)); /* the next one is here */
    expect(!expects("L | rp*4 | W", VERDICT_OUTPUT_READY, false));
    expect(expects("L | rp*4 | W", VERDICT_OUTPUT_READY, true));
    expect(expects("L | rpw*4 | W", VERDICT_WANT_WRITE, false));
    expect(!expects("L | rpw*4 | W", VERDICT_LINGER, false));
}

TEST(route, expects_the_body_back_after_an_interim_answer)
{
    struct client *client = start("L | rp*4 | W");
    pipeline(client, false);
    client->conn.exchange->interim = true;
    route(reader, client, VERDICT_OUTPUT_READY);
    expect(recall_is_expected(recall_of(reader)));
    stop(client);
}

TEST(route, lets_go_without_a_word_where_no_session_waits_for_clients)
{
    struct client *client = start("L | R | P*2 | W");
    route_lets_go(processor);
    expect(recall_of(processor) == NULL);
    stop(client);
}

/* --- what has been taken --- */

TEST(route, runs_what_was_taken_in_order_and_one_batch_at_a_time)
{
    enum { BATCH = 2, CLIENTS = 3 };
    struct client *clients[CLIENTS];
    fake_set_up("L | R | P*2 | W");
    fake.settings.batch = BATCH;
    fake_start();
    find_workers();
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i] = new_client();
        route(listener, clients[i], VERDICT_ACCEPTED);
    }
    worker_flush(listener);
    expect(route_drain(reader));
    expect_int(fake.call_count, BATCH);
    expect(route_drain(reader));
    expect_int(fake.call_count, CLIENTS);
    expect(!route_drain(reader));
    for (unsigned i = 0; i < CLIENTS; i++) {
        fake_expect_call(i, FAKE_ENTER, STAGE_READER, reader);
        expect(fake.calls[i].client == clients[i]);
        fake_close(reader, clients[i]);
    }
    fake_stop();
}
