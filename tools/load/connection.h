/* connection.h: one connection of the load: making it, sending requests, reading answers.
 *
 *            connection_open                  connection made
 *   CLOSED ------------------> CONNECTING ----------------------> OPEN
 *     ^                            | refused, late                  | answered with close, limit,
 *     |   the loop has forgotten   v                                v reset, ended, late
 *     +------------------------- CLOSING <--------------------------+
 *
 * It decides nothing about when to ask: it notifies its owner, the drive, which asks. A
 * request on it is a *shot*, with its times; answers come in the order of the shots. Bytes are
 * written once for each batch of shots and read into a buffer that all connections share, since an
 * answer is checked and not kept.
 *
 * Nothing is allocated for a request. The watch stays armed for reading as long as it is open. The
 * loop's thread.
 */
#ifndef TOOLS_LOAD_CONNECTION_H
#define TOOLS_LOAD_CONNECTION_H

#include "core/loop/loop.h"
#include "core/loop/wheel.h"
#include "tools/load/errors.h"
#include "tools/load/plan.h"
#include "tools/load/response_parse.h"

/* Times are 0 where a phase was not reached. */
struct shot {
    uint64_t due_ns;
    uint64_t released_ns; /* the generator came to it */
    uint64_t sent_ns;     /* just before the system call that sent its first byte */
    uint64_t first_byte_ns;
    uint32_t target;
    uint32_t position; /* which request on its connection, from 1 */
    bool measured;
};

struct connection;

/* What became of a shot. */
struct outcome {
    enum load_error error;
    const char *words; /* what is wrong, for the first example; "" when good */
    int status;        /* 0: none came */
    uint64_t body;     /* bytes */
    uint64_t done_ns;  /* 0: never answered */
};

/* Callbacks; `owner` is the argument of each. */
struct connection_events {
    void (*opened)(void *owner, struct connection *connection, uint64_t took_ns);
    /* Could not be made; `closed` follows. */
    void (*refused)(void *owner, struct connection *connection, enum load_error error,
                    const char *words);
    /* Answered or not, each shot ends here once. The connection may be asked again from within. */
    void (*ended)(void *owner, struct connection *connection, const struct shot *shot,
                  const struct outcome *outcome);
    /* Bytes came and nothing was asked: it is closed. */
    void (*unasked)(void *owner, struct connection *connection);
    /* CLOSED again: may be opened. */
    void (*closed)(void *owner, struct connection *connection);
};

/* What the connections of a run share. */
struct connection_shared {
    const struct plan *plan;
    struct loop *loop;
    struct wheel *wheel; /* its fn calls connection_expire */
    const struct connection_events *events;
    void *owner;
    char *buffer; /* answers are read into it */
    uint64_t bytes_sent, bytes_received;
};
enum { CONNECTION_BUFFER = 1 << 16 };

enum connection_state {
    CONNECTION_CLOSED,
    CONNECTION_CONNECTING,
    CONNECTION_OPEN,
    CONNECTION_CLOSING,
};

struct connection {
    struct watch watch; /* first: a watch is its connection */
    struct deadline deadline;
    struct connection_shared *shared;
    unsigned number;
    int fd;
    uint16_t port; /* its own, in host byte order; 0: of a unix socket */
    enum connection_state state;
    bool busy; /* its events are being handled: what is asked is sent at the end */
    bool last; /* the server said close, or its limit is reached: nothing more is asked */
    uint64_t began_ns;
    uint64_t asked;         /* on this connection, since it was opened */
    struct shot *shots;     /* a ring of --pipeline places */
    unsigned head;          /* the oldest without its answer */
    unsigned in_flight;     /* from head on */
    unsigned unsent;        /* the newest of these, not or not wholly sent */
    size_t sent_of_request; /* bytes of the first unsent one */
    struct response_parse parse;
    struct digest *digest; /* NULL: bodies are not hashed */

    /* The drive's lists. */
    struct connection *next_ready, *next_broken;
    bool is_ready;
    bool refused; /* could not be made, the last time */
    uint64_t retry_ns;
};

void connection_init(struct connection *connection, struct connection_shared *shared,
                     unsigned number, struct shot *shots);
void connection_deinit(struct connection *connection);

/* CLOSED -> CONNECTING; opened or refused is called later, never from within, but for an error at
 * once: false, with errno, and still CLOSED. */
bool connection_open(struct connection *connection);

/* May it be asked? Where each request has a connection of its own: may it be opened for one? */
bool connection_has_room(const struct connection *connection);

/* One more request; it must have room: where each request has a connection of its own, that one is
 * being made (connection_open) and the request is sent when it is there. The outcome is reported
 * later, never from within. */
void connection_ask(struct connection *connection, unsigned target, uint64_t due_ns,
                    uint64_t released_ns, bool measured);

/* Its deadline has passed. */
void connection_expire(struct connection *connection, uint64_t now_ns);

/* Gives up: every shot ends with `error`. Not from within its own events. CLOSED is reported later. */
void connection_shut(struct connection *connection, enum load_error error, const char *words);

static inline struct connection *connection_of_deadline(struct deadline *deadline)
{
    return (struct connection *)(void *)((char *)deadline - offsetof(struct connection, deadline));
}

#endif
