/* conn.c: the steps: what is done to a connection, never waiting. See conn.h.
 *
 * Each step runs on the thread that has the connection, does a bounded amount of work and returns
 * a verdict. System calls here: recv, recvmsg, send, sendfile, shutdown.
 */
#include "core/exchange/conn.h"

#include "core/base/clock.h"
#include "core/exchange/arrival.h"
#include "core/options/settings.h"
#include "core/points/probes.h"
#include "core/points/tally.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

void peer_format(const struct peer *peer, char out[PEER_TEXT])
{
    static const struct in6_addr none;
    if (memcmp(&peer->address, &none, sizeof none) == 0) {
        strcpy(out, "unix:");
    } else if (IN6_IS_ADDR_V4MAPPED(&peer->address)) {
        CHECK(inet_ntop(AF_INET, &peer->address.s6_addr[12], out, PEER_TEXT) != NULL);
    } else {
        CHECK(inet_ntop(AF_INET6, &peer->address, out, PEER_TEXT) != NULL);
    }
}

/* --- reading --- */

/* The client's Keep-Alive: timeout counts where it is the shorter one: it will not wait longer, and
 * we need not. A longer one does not bind us. */
static uint64_t idle_limit_ns(const struct exchange *x)
{
    uint64_t ours_ns = x->settings->keepalive_timeout_ns;
    uint64_t theirs_ns = x->request.idle_limit_s * NS_PER_S;
    return theirs_ns != 0 && theirs_ns < ours_ns ? theirs_ns : ours_ns;
}

static enum verdict pass_whole_request(struct conn *conn)
{
    conn->idle_limit_ns = idle_limit_ns(conn->exchange);
    conn->exchange->stamps.whole_ns = stamp_now();
    PROBE(whole, conn->id, conn->exchange->id, conn->exchange->stamps.whole_ns,
          conn->exchange->stamps.first_byte_ns);
    conn->state = CONN_PROCESSING;
    return VERDICT_REQUEST_READY;
}

static enum verdict refuse_request(struct conn *conn, int status, enum close_reason reason)
{
    struct exchange *x = conn->exchange;
    x->refused_status = status;
    x->close = reason;
    return pass_whole_request(conn);
}

/* The 100 goes out through the writer like any answer (RFC 9110 10.1.1), then the body is read. */
static enum verdict send_continue(struct exchange *x)
{
    static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct bucket *bucket = must_calloc(1, sizeof *bucket);
    *bucket = (struct bucket){
        .kind = BUCKET_MEMORY, .allocated = true, .at = interim, .len = sizeof interim - 1};
    brigade_append(&x->sending, bucket);
    x->interim = true;
    return VERDICT_OUTPUT_READY;
}

static enum verdict parse_on(struct conn *conn)
{
    struct exchange *x = conn->exchange;
    switch (parse_step(&x->parse, &x->request, &x->input)) {
    case PARSE_MORE:
        conn->state = CONN_READING;
        return VERDICT_WANT_READ;
    case PARSE_CONTINUE:
        conn->state = CONN_READING;
        return send_continue(x);
    case PARSE_REFUSED:
        return refuse_request(conn, x->parse.status, CLOSE_REFUSED);
    case PARSE_WHOLE:
    default:
        return pass_whole_request(conn);
    }
}

/* Where more is to come the wait for it begins here. */
static enum verdict parse_input(struct conn *conn)
{
    enum verdict verdict = parse_on(conn);
    conn->exchange->blocked_ns = verdict == VERDICT_WANT_READ ? stamp_now() : 0;
    return verdict;
}

/* A request begins here: it is counted by the thread that sees it, as the pool is that thread's. */
static void begin_request(struct conn *conn, struct exchange_pool *pool)
{
    struct exchange *x = conn->exchange;
    if (pool->tally != NULL) {
        tally_add(pool->tally, COUNTER_BEGUN, 1);
    }
    x->position = conn->requests < UINT32_MAX ? (uint32_t)conn->requests + 1 : UINT32_MAX;
    x->stamps.arrived_ns = x->arrived_ns;
    x->stamps.first_byte_ns = x->received_ns;
    PROBE(arrived, conn->id, x->id, x->stamps.arrived_ns, x->stamps.first_byte_ns);
    PROBE(first_byte, conn->id, x->id, x->stamps.first_byte_ns);
    if (conn->requests == 0) {
        x->stamps.accepted_ns = conn->accepted_ns;
        x->stamps.adopted_ns = conn->adopted_ns;
    }
}

/* What a read has brought, and, where that was wanted, when the kernel received it by its clock. */
static enum verdict take_in(struct conn *conn, struct exchange_pool *pool, size_t len,
                            const uint64_t *wall_ns)
{
    struct exchange *x = conn->exchange;
    x->received_ns = stamp_now();
    x->arrived_ns = wall_ns != NULL ? arrival_ns(pool, *wall_ns, x->received_ns) : 0;
    if (x->input.len == 0) {
        begin_request(conn, pool);
    } else if (x->blocked_ns != 0) {
        x->stamps.read_blocked_ns += x->received_ns - x->blocked_ns;
    }
    x->input.len += len;
    x->received += len;
    return parse_input(conn);
}

/* An empty exchange is not kept: an idle connection has none. */
static enum verdict nothing_yet(struct conn *conn, struct exchange_pool *pool)
{
    if (conn->exchange->input.len == 0) {
        exchange_put(pool, conn->exchange);
        conn->exchange = NULL;
        conn->state = CONN_IDLE;
    }
    return VERDICT_WANT_READ;
}

/* Our threads block all signals, and yet there is EINTR: under a debugger, and where libuv (1.45 or
 * later) tears down an io_uring while a call with a timeout waits. */
static enum verdict receive_input(struct conn *conn, struct exchange_pool *pool, int flags)
{
    if (conn->exchange == NULL) {
        conn->exchange = exchange_take(pool, conn);
    }
    struct input *input = &conn->exchange->input;
    CHECK(input->len < input->capacity);
    /* A unix socket, which has no port, has no stamps. */
    bool wanted = conn->peer.port != 0 && arrival_wanted(pool);
    uint64_t wall_ns = 0;
    ssize_t got;
    do {
        char *into = input->at + input->len;
        size_t room = input->capacity - input->len;
        got = wanted ? arrival_recv(conn->fd, into, room, flags, &wall_ns)
                     : recv(conn->fd, into, room, flags);
    } while (got < 0 && errno == EINTR);
    if (got > 0) {
        return take_in(conn, pool, (size_t)got, wanted ? &wall_ns : NULL);
    }
    if (got == 0) {
        return conn_close_for(conn, input->len == 0 ? CLOSE_CLIENT_CLOSED : CLOSE_CLIENT_GONE);
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        return nothing_yet(conn, pool);
    }
    return conn_close_for(conn, CLOSE_RESET);
}

enum verdict conn_read(struct conn *conn, struct exchange_pool *pool)
{
    return receive_input(conn, pool, MSG_DONTWAIT);
}

enum verdict conn_read_waiting(struct conn *conn, struct exchange_pool *pool)
{
    return receive_input(conn, pool, 0);
}

bool conn_is_readable(const struct conn *conn)
{
    char byte;
    ssize_t got = recv(conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

enum verdict conn_next(struct conn *conn, struct exchange_pool *pool)
{
    struct exchange *x = conn->exchange;
    if (x->input.used == x->input.len) {
        x->input.len = x->input.used = 0;
        return nothing_yet(conn, pool);
    }
    exchange_begin(x);
    x->lay_ns = stamp_now() - x->received_ns;
    begin_request(conn, pool);
    return parse_input(conn);
}

enum verdict conn_resume(struct conn *conn)
{
    return parse_input(conn);
}

/* A client that has begun a request gets a 408 (RFC 9110 15.5.9), another one is just closed. */
enum verdict conn_read_timeout(struct conn *conn, enum close_reason reason)
{
    struct exchange *x = conn->exchange;
    if (conn_has_input(conn)) {
        uint64_t now_ns = stamp_now();
        x->stamps.read_blocked_ns += x->blocked_ns != 0 ? now_ns - x->blocked_ns : 0;
        x->blocked_ns = 0;
        return refuse_request(conn, 408, reason);
    }
    return conn_close_for(conn, reason);
}

/* --- sending --- */

enum {
    SEND_VECTORS = 16,
    /* One connection's share of a turn: a fast client of a huge answer must not hold up the
     * others. */
    SEND_SHARE = 1 << 20,
};

/* The memory at the front of the brigade as vectors; a pattern is repeated into several. */
static unsigned gather_vectors(const struct brigade *brigade, struct iovec vectors[SEND_VECTORS])
{
    unsigned count = 0;
    const struct bucket *bucket = brigade->head;
    for (; bucket != NULL && count < SEND_VECTORS; bucket = bucket->next) {
        if (bucket->kind == BUCKET_MEMORY) {
            vectors[count++] = (struct iovec){(char *)bucket->at + bucket->offset, bucket->len};
        } else if (bucket->kind == BUCKET_PATTERN) {
            uint64_t left = bucket->len;
            size_t from = (size_t)(bucket->offset % bucket->period);
            while (left > 0 && count < SEND_VECTORS) {
                size_t len = left < bucket->period - from ? (size_t)left : bucket->period - from;
                vectors[count++] = (struct iovec){(char *)bucket->at + from, len};
                left -= len;
                from = 0;
            }
        } else {
            break;
        }
    }
    return count;
}

/* Without MSG_MORE, though a file may follow: holding the head back for it was measured to cost a
 * fifth more CPU a request than the small segment (100 KB file over loopback: 29 against 24
 * microseconds). */
static ssize_t send_memory(int fd, const struct brigade *brigade)
{
    struct iovec vectors[SEND_VECTORS];
    unsigned count = gather_vectors(brigade, vectors);
    if (count == 1) {
        return send(fd, vectors[0].iov_base, vectors[0].iov_len, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    struct msghdr message = {.msg_iov = vectors, .msg_iovlen = count};
    return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* The socket is non-blocking, which sendfile, having no flags, needs. */
static ssize_t send_file(int fd, const struct bucket *bucket)
{
    off_t offset = (off_t)bucket->offset;
    size_t len = bucket->len < SEND_SHARE ? (size_t)bucket->len : SEND_SHARE;
    ssize_t sent = sendfile(fd, bucket->fd, &offset, len);
    if (sent == 0) {
        errno = ENODATA; /* the file has shrunk below its declared length */
        return -1;
    }
    return sent;
}

static void stamp_sent(struct exchange *x, size_t sent)
{
    x->sent += sent;
    x->stamps.last_sent_ns = stamp_now();
    if (x->stamps.first_sent_ns == 0) {
        x->stamps.first_sent_ns = x->stamps.last_sent_ns;
        PROBE(first_sent, x->conn->id, x->id, x->stamps.first_sent_ns, x->stamps.first_byte_ns,
              x->interim);
    }
}

static enum verdict send_failed(struct exchange *x)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        x->would_block = true;
        return VERDICT_WANT_WRITE;
    }
    x->cut = errno == ENODATA || errno == EIO ? CLOSE_SERVER_ERROR : CLOSE_RESET;
    return VERDICT_CLOSE;
}

static enum verdict all_sent(struct exchange *x)
{
    if (x->interim) {
        x->interim = false;
        x->sent = 0;
        x->stamps.first_sent_ns = x->stamps.last_sent_ns = 0;
        return VERDICT_RESUME;
    }
    return x->sending.head != NULL ? VERDICT_KEPT : VERDICT_NONE;
}

/* The kernel says that a socket is writable when a third of its buffer is free and less than half
 * of
 * --unsent-limit is unsent. With a large limit that is room for more than a share: then no send
 * ever finds it full, though the client is waited for after each. */
static bool socket_is_full(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
    return poll(&poll_fd, 1, 0) == 0;
}

enum verdict conn_send(struct conn *conn)
{
    struct exchange *x = conn->exchange;
    uint64_t share = SEND_SHARE;
    x->would_block = false;
    while (x->sending.head != NULL && x->sending.head->kind != BUCKET_END) {
        if (share == 0) {
            x->would_block = socket_is_full(conn->fd);
            return VERDICT_WANT_WRITE;
        }
        ssize_t sent = x->sending.head->kind == BUCKET_FILE ? send_file(conn->fd, x->sending.head)
                                                            : send_memory(conn->fd, &x->sending);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0) {
            return send_failed(x);
        }
        brigade_consume(&x->sending, (uint64_t)sent);
        stamp_sent(x, (size_t)sent);
        share -= (uint64_t)sent < share ? (uint64_t)sent : share;
    }
    return all_sent(x);
}

/* --- lingering close (RFC 9112 9.6) --- */

enum {
    LINGER_PIECE = 16384,
    LINGER_PIECES = 8,         /* in one turn */
    LINGER_MOST = 16 * 1 << 20 /* bytes discarded before we close all the same */
};

enum verdict conn_linger_begin(struct conn *conn)
{
    if (shutdown(conn->fd, SHUT_WR) != 0) {
        return VERDICT_CLOSE; /* ENOTCONN: reset meanwhile */
    }
    conn->state = CONN_LINGERING;
    return VERDICT_LINGER;
}

enum verdict conn_linger(struct conn *conn)
{
    char discard[LINGER_PIECE];
    for (unsigned i = 0; i < LINGER_PIECES; i++) {
        ssize_t got = recv(conn->fd, discard, sizeof discard, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
            return VERDICT_LINGER;
        }
        conn->lingered += got > 0 ? (uint64_t)got : 0;
        if (got <= 0 || conn->lingered > LINGER_MOST) {
            return VERDICT_CLOSE;
        }
    }
    return VERDICT_LINGER;
}
