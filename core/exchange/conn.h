/* conn.h: one client's connection.
 *
 * Its state says where a connection is (conn_states.def); the groups below say which thread may
 * touch its members. Giving a connection on is final: the giver does not use it again.
 */
#ifndef CORE_EXCHANGE_CONN_H
#define CORE_EXCHANGE_CONN_H

#include "core/exchange/exchange.h"
#include "core/exchange/verdict.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum conn_state {
#define CONN_STATE(id, where, who) CONN_##id,
#include "core/exchange/conn_states.def"
#undef CONN_STATE
    CONN_STATE_COUNT
};

/* A client's address in 16 bytes: IPv6, or IPv4 mapped into it; all zero for a unix socket. */
struct peer {
    struct in6_addr address;
    in_port_t port; /* network order */
    bool local;     /* loopback or unix socket */
};

enum { PEER_TEXT = 48 };
/* The address as text, without port; "unix:" for a unix socket. */
void peer_format(const struct peer *peer, char out[PEER_TEXT]);

struct conn {
    /* fixed once accepted */
    int fd;
    struct peer peer;
    uint64_t id; /* unique in this process, from 1 */
    uint64_t accepted_ns;

    /* the thread that has the connection, as its state says */
    enum conn_state state;
    enum close_reason close;   /* why it is being closed */
    struct exchange *exchange; /* NULL while idle */
    uint64_t requests;         /* finished */
    uint64_t idle_limit_ns;    /* --keepalive-timeout, or less if the last request asked for less */
    uint64_t adopted_ns;       /* when the first stage that reads had it */
    uint64_t lingered;         /* bytes discarded by the lingering close */
};

/* --- the steps: what is done to a connection. None locks a queue or logs, and but for the one that
 * says so none waits. --- */

/* Reader: reads once and parses. WANT_READ, REQUEST_READY, OUTPUT_READY (100 Continue), CLOSE. */
enum verdict conn_read(struct conn *conn, struct exchange_pool *pool);

/* The same in a session, whose socket blocks: waits for the first bytes, for as long as the
 * socket's receive timeout says. WANT_READ without input: that has passed. */
enum verdict conn_read_waiting(struct conn *conn, struct exchange_pool *pool);

/* Reader: the connection has been handed back between two requests. Bytes that came behind the last
 * one are parsed: as conn_read; with none, the exchange goes back to the pool and WANT_READ. */
enum verdict conn_next(struct conn *conn, struct exchange_pool *pool);

/* Reader: a timeout of this kind passed. REQUEST_READY (with a refusal to send, 408) or CLOSE. */
enum verdict conn_read_timeout(struct conn *conn, enum close_reason reason);

/* Reader: the 100 of an Expect has been sent: what came of the body meanwhile is parsed. As
 * conn_read. */
enum verdict conn_resume(struct conn *conn);

/* Is there anything to read: bytes, the end of the stream, or an error? Takes nothing. A
 * deadline that has passed, and a server that drains or makes room, ask this before they end a
 * connection: what the client sent in time may lie in the socket behind a busy spell of the
 * thread. */
bool conn_is_readable(const struct conn *conn);

/* Has the client sent anything of a request? Decides which timeout applies. */
static inline bool conn_has_input(const struct conn *conn)
{
    return conn->exchange != NULL && conn->exchange->input.len > 0;
}

/* The connection is to be closed for this reason. CLOSE. */
static inline enum verdict conn_close_for(struct conn *conn, enum close_reason reason)
{
    conn->close = reason;
    return VERDICT_CLOSE;
}

/* Writer: sends what has been collected until the socket is full, nothing is left, or a fair share
 * is sent. Returns
 *   WANT_WRITE   exchange->would_block: the socket is full; else the share is used up
 *   NONE         all is sent, the end is not collected yet
 *   KEPT         the end was reached
 *   RESUME       the 100 is sent
 *   CLOSE        the client has closed, or a file shrank */
enum verdict conn_send(struct conn *conn);

/* Writer: shutdown of the sending side. LINGER, or CLOSE when the socket is dead. */
enum verdict conn_linger_begin(struct conn *conn);
/* Writer: reads and discards. LINGER: the client has not closed yet; CLOSE: it has, or sent too
 * much. */
enum verdict conn_linger(struct conn *conn);

#endif
