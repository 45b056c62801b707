/* turn_away.c: 503 and 429 for clients that get no further than the listener. See turn_away.h. */
#include "stages/stage/turn_away.h"

#include "core/http/date.h"
#include "core/base/log.h"
#include "core/exchange/response.h"
#include "stages/stage/linger.h"
#include "stages/engine/places.h"
#include "stages/engine/route.h"
#include "stages/engine/engine.h"

#include <stdio.h>
#include <sys/socket.h>

static const uint64_t log_every_ns = 60 * NS_PER_S;

static void send_answer(int fd, int status)
{
    char body[64], answer[512];
    int body_len = snprintf(body, sizeof body, "%d %s\n", status, status_phrase(status));
    int len =
        snprintf(answer, sizeof answer,
                 "HTTP/1.1 %d %s\r\nDate: %.*s\r\nRetry-After: 1\r\n"
                 "Content-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n"
                 "Connection: close\r\n\r\n%s",
                 status, status_phrase(status), HTTP_DATE_LEN, http_date_now(), body_len, body);
    /* A failure concerns no one: the connection ends anyway. */
    (void)send(fd, answer, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void turn_away(struct worker *worker, struct client *client, int status,
                      enum counter counter)
{
    tally_add(&worker->tally, counter, 1);
    client->conn.close = CLOSE_TURNED_AWAY;
    send_answer(client->conn.fd, status);
    places_turn_away(worker->engine, client);
    bool lingers = client->place == PLACE_TURNED_AWAY;
    route(worker, client, lingers ? linger_begin(worker, client) : linger_skip(worker, client));
}

void turn_away_busy(struct worker *worker, struct client *client)
{
    static struct log_rate rate;
    log_rated(&rate, log_every_ns, LOG_WARN,
              "turning connections away with 503: no room for more (%llu open)",
              (unsigned long long)atomic_load(&worker->engine->connections));
    turn_away(worker, client, 503, COUNTER_TURNED_AWAY);
}

void turn_away_address(struct worker *worker, struct client *client)
{
    static struct log_rate rate;
    char address[PEER_TEXT];
    peer_format(&client->conn.peer, address);
    log_rated(&rate, log_every_ns, LOG_WARN,
              "turning away %s, which has %llu connections open (--max-connections-per-address)",
              address, (unsigned long long)worker->engine->settings->max_connections_per_address);
    turn_away(worker, client, 429, COUNTER_TURNED_AWAY_ADDRESS);
}
