/* test_turn_away.c: what a client sees that is not to be served, and what it counts for. */
#include "stages/stage/turn_away.h"

#include "core/base/log.h"
#include "stages/stage/linger.h"
#include "tests/stages/fake.h"

enum { LINGER_AT_A_TIME = 64 };

static struct {
    struct worker *worker;
    struct client *client;
    int far;
} away;

static void set_up(void)
{
    log_set_level(LOG_ERROR);
    fake_set_up("L | R | P*2 | W");
    fake.settings.max_connections_per_address = 1;
    fake_start();
    away.worker = fake_worker(STAGE_LISTENER);
    away.client = fake_client(away.worker, &away.far);
}

/* The client closes, and the loop that lingers finds that at the end of its grace. */
static void tear_down(void)
{
    CHECK(shutdown(away.far, SHUT_RDWR) == 0);
    route(away.worker, away.client, linger_expired(away.worker, away.client));
    fake_stop();
}

static uint64_t counted(enum counter counter)
{
    return atomic_load(&away.worker->tally.counters[counter]);
}

static uint64_t places(enum place place)
{
    return atomic_load(&fake.engine.places[place]);
}

/* The whole answer, to the end of what the server sends. */
static void hear(char *text, size_t size)
{
    size_t len = 0;
    ssize_t got;
    while ((got = recv(away.far, text + len, size - 1 - len, 0)) > 0) {
        len += (size_t)got;
    }
    expect_int(got, 0); /* neither reset nor still open */
    text[len] = '\0';
}

static void expect_answer(const char *status_line, const char *body)
{
    char text[1024], length[40];
    hear(text, sizeof text);
    snprintf(length, sizeof length, "\r\nContent-Length: %zu\r\n", strlen(body));
    expect_msg(strncmp(text, status_line, strlen(status_line)) == 0, "%s", text);
    expect_msg(strstr(text, "\r\nConnection: close\r\n") != NULL, "%s", text);
    expect_msg(strstr(text, "\r\nRetry-After: 1\r\n") != NULL, "%s", text);
    expect_msg(strstr(text, "\r\nDate: ") != NULL && strstr(text, length) != NULL, "%s", text);
    const char *end = strstr(text, "\r\n\r\n");
    expect(end != NULL);
    expect_text(end + 4, body);
}

TEST(turn_away, a_busy_server_says_503_lingers_and_gives_the_place_to_others)
{
    set_up();
    expect_int(places(PLACE_SERVED), 1);
    turn_away_busy(away.worker, away.client);
    expect_answer("HTTP/1.1 503 Service Unavailable\r\n", "503 Service Unavailable\n");
    expect_int(places(PLACE_SERVED), 0);
    expect_int(places(PLACE_TURNED_AWAY), 1);
    expect(away.client->out.lingering);
    expect_int(away.client->conn.close, CLOSE_TURNED_AWAY);
    expect_int(counted(COUNTER_TURNED_AWAY), 1);
    expect_int(counted(COUNTER_TURNED_AWAY_ADDRESS), 0);
    tear_down();
    expect_int(places(PLACE_TURNED_AWAY), 0);
}

TEST(turn_away, an_address_with_too_many_connections_is_answered_429)
{
    set_up();
    turn_away_address(away.worker, away.client);
    expect_answer("HTTP/1.1 429 Too Many Requests\r\n", "429 Too Many Requests\n");
    expect_int(counted(COUNTER_TURNED_AWAY_ADDRESS), 1);
    expect_int(counted(COUNTER_TURNED_AWAY), 0);
    tear_down();
}

/* What the client has sent would reset the connection, and take the answer with it. */
TEST(turn_away, what_the_client_has_sent_already_does_not_cost_it_the_answer)
{
    set_up();
    CHECK(send(away.far, "GET / HTTP/1.1\r\n", 16, MSG_NOSIGNAL) == 16);
    for (unsigned i = 0; i < LINGER_AT_A_TIME; i++) {
        expect(places_take(&fake.engine, PLACE_TURNED_AWAY));
    }
    turn_away_busy(away.worker, away.client);
    expect_int(atomic_load(&fake.engine.connections), 0);
    expect_answer("HTTP/1.1 503 Service Unavailable\r\n", "503 Service Unavailable\n");
    fake_stop();
}

TEST(turn_away, one_more_than_may_linger_is_answered_and_closed_at_once)
{
    set_up();
    for (unsigned i = 0; i < LINGER_AT_A_TIME; i++) {
        expect(places_take(&fake.engine, PLACE_TURNED_AWAY));
    }
    turn_away_busy(away.worker, away.client);
    expect_int(atomic_load(&fake.engine.connections), 0);
    expect_int(places(PLACE_SERVED), 0);
    expect_int(places(PLACE_TURNED_AWAY), LINGER_AT_A_TIME);
    expect_int(counted(COUNTER_LINGER_SKIPPED), 1);
    expect_int(atomic_load(&away.worker->tally.closed[CLOSE_TURNED_AWAY]), 1);
    fake_stop();
}

TEST(turn_away, one_that_had_a_place_among_those_turned_away_keeps_it)
{
    set_up();
    places_give(&fake.engine, PLACE_SERVED);
    expect(places_take(&fake.engine, PLACE_TURNED_AWAY));
    away.client->place = PLACE_TURNED_AWAY;
    turn_away_busy(away.worker, away.client);
    expect_int(places(PLACE_TURNED_AWAY), 1);
    expect(away.client->out.lingering);
    tear_down();
}
