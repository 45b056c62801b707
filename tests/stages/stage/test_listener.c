/* test_listener.c: accepting over real sockets, in a loop that the test turns. Of the stages behind it
 * only the writer is real, since those that are turned away linger: new clients lie in the reader's
 * mailbox. */
#include "stages/stage/listener.h"

#include "core/base/log.h"
#include "stages/stage/accept_turn.h"
#include "stages/stage/sockets.h"
#include "stages/stage/writer.h"
#include "tests/stages/fake.h"

#include <arpa/inet.h>
#include <sys/resource.h>

enum { FARS = 8 };

static struct {
    struct sockets sockets;
    struct worker *worker, *reader;
    in_port_t port;
    int fars[FARS];
    unsigned far_count;
} world;

/* Settings may be changed before begin(). */
static void set_up(const char *wiring)
{
    memset(&world, 0, sizeof world);
    log_set_level(LOG_ERROR);
    fake_set_up(wiring);
    fake.settings.listen = (struct option_texts){.count = 1, .at = {"127.0.0.1:0"}};
    fake.settings.defer_accept = SWITCH_OFF;
    fake.settings.linger_timeout_ns = NS_PER_MS; /* those that linger are watched at once */
    fake.stages[STAGE_LISTENER] = &listener_stage;
    fake.stages[STAGE_WRITER] = &writer_stage;
}

static void begin(void)
{
    char error[SERVER_ERROR_MAX];
    fake_start();
    expect_msg(sockets_open(&world.sockets, &fake.settings, 1, error), "%s", error);
    world.port = (in_port_t)atoi(strrchr(world.sockets.names[0], ':') + 1);
    fake.engine.sockets = &world.sockets;
    fake.engine.listening = 1;
    world.worker = fake_worker(STAGE_LISTENER);
    world.reader = fake_worker(STAGE_READER);
    world.worker->listener = listener_new(world.worker);
}

static int try_dial(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(world.port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* The kernel has completed the connection when this returns. */
static int dial(void)
{
    int fd = try_dial();
    CHECK(fd >= 0 && world.far_count < FARS);
    world.fars[world.far_count++] = fd;
    return fd;
}

/* One turn of the loop's thread. */
static void turn(void)
{
    listener_turn(world.worker->listener);
    (void)loop_turn(world.worker->loop.poll);
    (void)worker_flush(world.worker);
}

/* The next new client, or NULL. */
static struct client *next_client(void)
{
    struct ticket *ticket = fake_take(world.reader);
    if (ticket == NULL) {
        return NULL;
    }
    expect_int(ticket->verdict, VERDICT_ACCEPTED);
    return client_of_ticket(ticket);
}

/* Closes so many new clients, and there are no more. */
static void expect_clients(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct client *client = next_client();
        expect_msg(client != NULL, "%u clients, expected %u", i, count);
        client_close(world.reader, client);
    }
    expect(next_client() == NULL);
}

static uint64_t counted(enum counter counter)
{
    return atomic_load(&world.worker->tally.counters[counter]);
}

static uint64_t open_now(void)
{
    return atomic_load(&fake.engine.connections);
}

/* Those that linger go when they see that the client has gone. */
static void tear_down(void)
{
    struct listener *listener = world.worker->listener;
    struct client *client;
    for (unsigned i = 0; i < world.far_count; i++) {
        close(world.fars[i]);
    }
    listener_close(listener);
    (void)worker_flush(world.worker);
    while ((client = next_client()) != NULL) {
        client_close(world.reader, client);
    }
    while (open_now() > 0) {
        (void)loop_turn(world.worker->loop.poll);
    }
    fake_stop();
    listener_free(listener);
    crowd_free(fake.engine.crowd);
    sockets_close(&world.sockets);
}

/* --- accepting --- */

TEST(listener, hands_new_clients_to_the_reader_and_counts_them)
{
    set_up("L | R | P*2 | W");
    begin();
    (void)dial();
    (void)dial();
    turn();
    expect_int(counted(COUNTER_ACCEPTED), 2);
    expect_int(open_now(), 2);
    expect_int(atomic_load(&fake.engine.places[PLACE_SERVED]), 2);
    struct client *client = next_client();
    expect(client != NULL && client->conn.peer.local && client->conn.peer.port != 0);
    expect_int(client->place, PLACE_SERVED);
    expect((fcntl(client->conn.fd, F_GETFL) & O_NONBLOCK) != 0 && client->session.polls);
    client_close(world.reader, client);
    expect_clients(1);
    tear_down();
}

TEST(listener, sockets_block_where_sessions_wait_in_them)
{
    set_up("L | rpw*4");
    begin();
    (void)dial();
    turn();
    struct client *client = next_client();
    expect(client != NULL);
    expect((fcntl(client->conn.fd, F_GETFL) & O_NONBLOCK) == 0 && !client->session.polls);
    client_close(world.reader, client);
    tear_down();
}

TEST(listener, accepts_so_many_in_one_turn)
{
    set_up("L | R | P*2 | W");
    fake.settings.accept_limit = 2;
    begin();
    for (unsigned i = 0; i < 5; i++) {
        (void)dial();
    }
    turn();
    expect_clients(2);
    turn();
    expect_clients(2);
    turn();
    expect_clients(1);
    tear_down();
}

/* --- limits --- */

TEST(listener, pauses_at_the_limit_and_goes_on_when_one_is_closed)
{
    set_up("L | R | P*2 | W");
    fake.settings.max_connections = 2;
    begin();
    for (unsigned i = 0; i < 3; i++) {
        (void)dial();
    }
    turn();
    expect_int(open_now(), 2);
    expect_int(counted(COUNTER_ACCEPT_PAUSED_FULL), 1);
    expect(atomic_load(&fake.engine.accepting_paused));
    turn();
    expect_int(open_now(), 2);
    expect_int(counted(COUNTER_ACCEPT_PAUSED_FULL), 1); /* once for each pause */
    client_close(world.reader, next_client());
    expect(!atomic_load(&fake.engine.accepting_paused));
    turn();
    expect_int(open_now(), 2);
    expect_int(counted(COUNTER_ACCEPTED), 3);
    expect_clients(2);
    tear_down();
}

TEST(listener, pauses_while_the_queue_behind_it_is_full)
{
    set_up("L | R | P*2 | W");
    begin();
    world.worker->refused_count = 1;
    (void)dial();
    turn();
    expect_int(open_now(), 0);
    expect_int(counted(COUNTER_ACCEPT_PAUSED_QUEUE), 1);
    expect(!loop_turn(world.worker->loop.poll)); /* it does not even watch */
    world.worker->refused_count = 0;
    turn();
    expect_clients(1);
    tear_down();
}

/* --- turning away --- */

/* The client hears this status. */
static void expect_status(int far, const char *status)
{
    char text[13] = "";
    expect_int(recv(far, text, sizeof text - 1, MSG_WAITALL), sizeof text - 1);
    expect_msg(strncmp(text + 9, status, 3) == 0, "%s", text);
}

TEST(listener, an_address_with_too_many_connections_is_turned_away)
{
    set_up("L | R | P*2 | W");
    begin();
    fake.engine.crowd = crowd_new(1);
    (void)dial();
    int second = dial();
    turn();
    expect_status(second, "429");
    expect_int(counted(COUNTER_TURNED_AWAY_ADDRESS), 1);
    expect_clients(1);
    tear_down();
}

/* It rests for a moment then, so that another process has its chance. */
TEST(listener, with_reject_one_above_the_limit_is_answered_and_accepting_rests)
{
    set_up("L | R | P*2 | W");
    fake.settings.overload = OVERLOAD_REJECT;
    fake.settings.max_connections = 1;
    begin();
    (void)dial();
    int second = dial(), third = dial();
    turn();
    expect_status(second, "503");
    expect_int(counted(COUNTER_TURNED_AWAY), 1);
    expect_int(counted(COUNTER_ACCEPTED), 2);
    expect_int(atomic_load(&fake.engine.places[PLACE_SERVED]), 1);
    expect_int(counted(COUNTER_ACCEPT_PAUSED_FULL), 0);
    while (counted(COUNTER_ACCEPTED) < 3) {
        loop_block(world.worker->loop.poll, &world.worker->woke_ns);
        listener_turn(world.worker->listener);
    }
    expect_status(third, "503");
    (void)worker_flush(world.worker);
    expect_clients(1);
    tear_down();
}

TEST(listener, with_reject_one_before_a_full_queue_is_answered)
{
    set_up("L | R | P*2 | W");
    fake.settings.overload = OVERLOAD_REJECT;
    begin();
    world.worker->refused_count = 1;
    int far = dial();
    turn();
    expect_status(far, "503");
    expect_int(counted(COUNTER_ACCEPT_PAUSED_QUEUE), 0);
    world.worker->refused_count = 0;
    expect_clients(0);
    tear_down();
}

TEST(listener, a_client_that_the_queue_has_refused_is_answered)
{
    set_up("L | R | P*2 | W");
    fake.settings.overload = OVERLOAD_REJECT;
    begin();
    int far = dial();
    turn();
    struct client *client = next_client();
    expect(client != NULL);
    listener_stage.refused(world.worker, client);
    expect_status(far, "503");
    expect_int(counted(COUNTER_TURNED_AWAY), 1);
    tear_down();
}

/* --- making place --- */

TEST(listener, with_reap_an_idle_connection_is_wished_away_for_one_that_waits)
{
    set_up("L | R | P*2 | W");
    fake.settings.overload = OVERLOAD_REAP;
    fake.settings.max_connections = 1;
    begin();
    (void)dial();
    turn();
    expect_int(places_wish(&fake.engine), PLACE_WISH_NONE); /* nobody waits */
    (void)dial();
    turn();
    expect_int(places_wish(&fake.engine), PLACE_WISH_WANTED);
    expect(atomic_load(&world.reader->home.reap));
    expect_int(counted(COUNTER_ACCEPT_PAUSED_FULL), 1);
    client_close(world.reader, next_client());
    turn();
    expect_int(counted(COUNTER_ACCEPTED), 2);
    expect_int(places_wish(&fake.engine), PLACE_WISH_NONE);
    expect_clients(1);
    tear_down();
}

TEST(listener, without_descriptors_it_asks_for_idle_ones_and_tries_again_later)
{
    struct rlimit limit;
    set_up("L | R | P*2 | W");
    begin();
    int far = dial();
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK(setrlimit(RLIMIT_NOFILE, &(struct rlimit){(rlim_t)far + 1, limit.rlim_max}) == 0);
    turn();
    expect_int(counted(COUNTER_ACCEPT_FAILED), 1);
    expect_int(open_now(), 0);
    expect_int(atomic_load(&fake.engine.places[PLACE_SERVED]), 0);
    expect(atomic_load(&world.reader->home.shed) > 0);
    expect(!loop_turn(world.worker->loop.poll)); /* it does not watch meanwhile */
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    while (counted(COUNTER_ACCEPTED) == 0) {
        loop_block(world.worker->loop.poll, &world.worker->woke_ns);
    }
    (void)worker_flush(world.worker);
    expect_clients(1);
    tear_down();
}

/* --- the end --- */

TEST(listener, a_server_that_drains_serves_whom_the_kernel_has_completed_and_closes_its_sockets)
{
    set_up("L | R | P*2 | W");
    fake.settings.accept_limit = 1;
    begin();
    for (unsigned i = 0; i < 3; i++) {
        (void)dial();
    }
    atomic_store(&fake.engine.phase, PHASE_DRAINING);
    turn();
    expect_int(open_now(), 3);
    expect_int(world.sockets.at[0], -1);
    expect_int(atomic_load(&fake.engine.listening), 0);
    expect_int(try_dial(), -1);
    turn(); /* it has nothing to do any more */
    expect_clients(3);
    tear_down();
}

/* --- the accept mutex --- */

/* One turn of a loop that may have nothing to do: something else wakes it. */
static void turn_awake(void)
{
    doorbell_ring(&world.worker->taker.bell);
    turn();
}

static void on_bell(struct watch *watch, unsigned ready)
{
    (void)watch;
    (void)ready;
    doorbell_silence(&world.worker->taker.bell);
}

static void on_bell_closed(struct watch *watch)
{
    (void)watch;
}

static struct watch bell;

/* Its bell is watched, as in a server: so a loop with nothing to do blocks. */
static void begin_in_turn(void)
{
    set_up("L | R | P*2 | W");
    fake.engine.turn = accept_turn_new();
    begin();
    CHECK(watch_open(world.worker->loop.poll, &bell, doorbell_fd(&world.worker->taker.bell),
                     on_bell));
    watch_set(&bell, WATCH_READ);
}

static void end_in_turn(void)
{
    watch_close(&bell, on_bell_closed);
    tear_down();
    accept_turn_free(fake.engine.turn);
}

TEST(listener, accepts_only_in_its_turn_and_gives_the_turn_back)
{
    begin_in_turn();
    expect_int(accept_turn_try(fake.engine.turn), ACCEPT_TRY_TAKEN); /* another process has it */
    (void)dial();
    turn_awake();
    expect_int(open_now(), 0);
    accept_turn_release(fake.engine.turn);
    turn_awake();
    expect_int(open_now(), 1);
    expect_int(accept_turn_try(fake.engine.turn), ACCEPT_TRY_TAKEN);
    accept_turn_release(fake.engine.turn);
    expect_clients(1);
    end_in_turn();
}

TEST(listener, tries_for_its_turn_again_though_nothing_else_wakes_it)
{
    begin_in_turn();
    expect_int(accept_turn_try(fake.engine.turn), ACCEPT_TRY_TAKEN);
    (void)dial();
    turn();
    loop_block(world.worker->loop.poll, &world.worker->woke_ns);
    expect_int(open_now(), 0);
    accept_turn_release(fake.engine.turn);
    loop_block(world.worker->loop.poll, &world.worker->woke_ns);
    expect_int(open_now(), 1);
    (void)worker_flush(world.worker);
    expect_clients(1);
    end_in_turn();
}
