/* connection.c: see connection.h. */
#include "tools/load/connection.h"

#include "core/base/check.h"
#include "core/base/clock.h"
#include "tools/load/answer.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

/* Reads of one turn: a stream without end must not keep others waiting. */
enum { READS_MAX = 16 };

static int make_socket(sa_family_t family);
static uint16_t own_port(int fd);
static void on_ready(struct watch *watch, unsigned ready);
static void finish_connect(struct connection *connection);
static void connection_receive(struct connection *connection);
static void connection_consume(struct connection *connection, size_t len, uint64_t now_ns);
static void finish_answer(struct connection *connection, uint64_t now_ns);
static void on_end(struct connection *connection);
static void on_malformed(struct connection *connection, uint64_t now_ns);
static void connection_flush(struct connection *connection);
static size_t connection_gather(struct connection *connection, struct iovec *pieces);
static void connection_sent(struct connection *connection, size_t len);
static void begin_answer(struct connection *connection);
static struct bytes bytes_of_shot(const struct connection *connection, unsigned nth);
static void on_watch_closed(struct watch *watch);
static void keep_body(void *arg, const char *at, size_t len);

void connection_init(struct connection *connection, struct connection_shared *shared,
                     unsigned number, struct shot *shots)
{
    *connection = (struct connection){.shared = shared, .number = number, .fd = -1, .shots = shots};
    if (shared->plan->expect_hash) {
        connection->digest = digest_new();
        connection->parse.body_fn = keep_body;
        connection->parse.body_arg = connection->digest;
    }
}

void connection_deinit(struct connection *connection)
{
    CHECK(connection->state == CONNECTION_CLOSED);
    digest_free(connection->digest);
}

bool connection_open(struct connection *connection)
{
    const struct url *url = &connection->shared->plan->targets[0].url;
    CHECK(connection->state == CONNECTION_CLOSED);
    int fd = make_socket(url->address.ss_family);
    if (fd < 0) {
        return false;
    }
    connection->began_ns = clock_ns();
    int connected = connect(fd, (const struct sockaddr *)&url->address, url->address_len);
    if ((connected != 0 && errno != EINPROGRESS) ||
        !watch_open(connection->shared->loop, &connection->watch, fd, on_ready)) {
        int error = errno;
        (void)close(fd); /* nothing was sent */
        errno = error;
        return false;
    }
    connection->fd = fd;
    connection->port = own_port(fd);
    connection->state = CONNECTION_CONNECTING;
    connection->asked = connection->head = connection->in_flight = connection->unsent = 0;
    connection->sent_of_request = 0;
    connection->last = false;
    watch_set(&connection->watch, WATCH_WRITE);
    wheel_set(connection->shared->wheel, &connection->deadline,
              connection->began_ns + connection->shared->plan->settings->timeout_ns);
    return true;
}

static int make_socket(sa_family_t family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    if (fd >= 0 && family != AF_UNIX) {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* else slow, not wrong */
    }
    return fd;
}

/* connect() has chosen it, also where the connection is not made yet. */
static uint16_t own_port(int fd)
{
    struct sockaddr_storage own = {0};
    socklen_t len = sizeof own;
    CHECK(getsockname(fd, (struct sockaddr *)&own, &len) == 0);
    return own.ss_family == AF_INET    ? ntohs(((struct sockaddr_in *)(void *)&own)->sin_port)
           : own.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)(void *)&own)->sin6_port)
                                       : 0;
}

bool connection_has_room(const struct connection *connection)
{
    const struct plan *plan = connection->shared->plan;
    if (plan->fresh) {
        return connection->state == CONNECTION_CLOSED;
    }
    return connection->state == CONNECTION_OPEN && !connection->last &&
           connection->in_flight < plan->settings->pipeline;
}

void connection_ask(struct connection *connection, unsigned target, uint64_t due_ns,
                    uint64_t released_ns, bool measured)
{
    const struct load_settings *settings = connection->shared->plan->settings;
    bool made_for_it = connection->state == CONNECTION_CONNECTING && connection->in_flight == 0;
    CHECK(connection_has_room(connection) || (connection->shared->plan->fresh && made_for_it));
    unsigned at = (connection->head + connection->in_flight) % (unsigned)settings->pipeline;
    connection->shots[at] = (struct shot){
        .due_ns = due_ns,
        .released_ns = released_ns,
        .target = target,
        .position = (uint32_t)++connection->asked,
        .measured = measured,
    };
    connection->in_flight++;
    connection->unsent++;
    connection->last = connection->asked == settings->requests_per_connection;
    if (connection->in_flight == 1) {
        begin_answer(connection);
    }
    if (!connection->busy && connection->state == CONNECTION_OPEN) {
        connection_flush(connection);
    }
}

void connection_expire(struct connection *connection, uint64_t now_ns)
{
    struct connection_shared *shared = connection->shared;
    uint64_t timeout_ns = shared->plan->settings->timeout_ns;
    if (connection->state == CONNECTION_CONNECTING) {
        shared->events->refused(shared->owner, connection, LOAD_CONNECT, "timed out");
        connection_shut(connection, LOAD_CONNECT, "timed out");
        return;
    }
    if (connection->in_flight == 0) {
        return;
    }
    uint64_t expires_ns = connection->shots[connection->head].sent_ns + timeout_ns;
    if (expires_ns > now_ns) {
        wheel_set(shared->wheel, &connection->deadline, expires_ns);
    } else {
        connection_shut(connection, LOAD_TIMEOUT, "no answer in time");
    }
}

void connection_shut(struct connection *connection, enum load_error error, const char *words)
{
    struct connection_shared *shared = connection->shared;
    if (connection->state == CONNECTION_CLOSED || connection->state == CONNECTION_CLOSING) {
        return;
    }
    connection->state = CONNECTION_CLOSING;
    wheel_clear(shared->wheel, &connection->deadline);
    watch_close(&connection->watch, on_watch_closed);
    (void)close(connection->fd); /* what was unsent is counted below */
    connection->fd = -1;
    while (connection->in_flight > 0) {
        struct shot shot = connection->shots[connection->head];
        connection->head = (connection->head + 1) % (unsigned)shared->plan->settings->pipeline;
        connection->in_flight--;
        struct outcome outcome = {.error = error, .words = words};
        shared->events->ended(shared->owner, connection, &shot, &outcome);
    }
    connection->unsent = 0;
}

static void on_watch_closed(struct watch *watch)
{
    struct connection *connection = (struct connection *)(void *)watch;
    connection->state = CONNECTION_CLOSED;
    connection->shared->events->closed(connection->shared->owner, connection);
}

static void on_ready(struct watch *watch, unsigned ready)
{
    struct connection *connection = (struct connection *)(void *)watch;
    connection->busy = true;
    if (connection->state == CONNECTION_CONNECTING) {
        finish_connect(connection);
    } else if (ready & WATCH_READ) {
        connection_receive(connection);
    }
    connection->busy = false;
    if (connection->state == CONNECTION_OPEN) {
        connection_flush(connection);
    }
}

static void finish_connect(struct connection *connection)
{
    struct connection_shared *shared = connection->shared;
    int error = 0;
    socklen_t len = sizeof error;
    CHECK(getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0);
    if (error != 0) {
        shared->events->refused(shared->owner, connection, LOAD_CONNECT, strerror(error));
        connection_shut(connection, LOAD_CONNECT, strerror(error));
        return;
    }
    wheel_clear(shared->wheel, &connection->deadline);
    connection->state = CONNECTION_OPEN;
    watch_set(&connection->watch, WATCH_READ);
    shared->events->opened(shared->owner, connection, clock_ns() - connection->began_ns);
}

static void connection_receive(struct connection *connection)
{
    for (unsigned i = 0; i < READS_MAX && connection->state == CONNECTION_OPEN; i++) {
        ssize_t len = recv(connection->fd, connection->shared->buffer, CONNECTION_BUFFER, 0);
        if (len > 0) {
            uint64_t now_ns = clock_ns();
            connection->shared->bytes_received += (size_t)len;
            connection_consume(connection, (size_t)len, now_ns);
        } else if (len == 0) {
            on_end(connection);
        } else if (errno != EAGAIN && errno != EINTR) {
            connection_shut(connection, LOAD_RESET, strerror(errno));
        }
        if (len < CONNECTION_BUFFER) {
            return; /* all of it: a later byte makes the watch call again */
        }
    }
}

static void connection_consume(struct connection *connection, size_t len, uint64_t now_ns)
{
    const char *at = connection->shared->buffer;
    while (len > 0 && connection->state == CONNECTION_OPEN) {
        struct shot *shot = &connection->shots[connection->head];
        if (connection->in_flight == 0 || shot->sent_ns == 0) {
            connection->shared->events->unasked(connection->shared->owner, connection);
            connection_shut(connection, LOAD_MALFORMED, "");
            return;
        }
        if (shot->first_byte_ns == 0) {
            shot->first_byte_ns = now_ns;
        }
        size_t used;
        enum response_verdict verdict = response_step(&connection->parse, at, len, &used);
        at += used;
        len -= used;
        if (verdict == RESPONSE_WHOLE) {
            finish_answer(connection, now_ns);
        } else if (verdict == RESPONSE_MALFORMED) {
            on_malformed(connection, now_ns);
        }
    }
}

/* The oldest shot has its answer. An answer to a request that is not wholly sent (a 413, say)
 * leaves the connection unusable: the rest of the request would be read as another one. */
static void finish_answer(struct connection *connection, uint64_t now_ns)
{
    struct connection_shared *shared = connection->shared;
    struct shot shot = connection->shots[connection->head];
    struct outcome outcome = {
        .status = connection->parse.status, .body = connection->parse.body, .done_ns = now_ns};
    char words[ERROR_EXAMPLE_MAX] = "";
    outcome.error =
        answer_error(shared->plan, &connection->parse, connection->digest, shot.target, words);
    outcome.words = words;
    bool cut = connection->unsent == connection->in_flight;
    bool close = cut || !connection->parse.keep_alive;
    connection->head = (connection->head + 1) % (unsigned)shared->plan->settings->pipeline;
    connection->in_flight--;
    connection->last = connection->last || close;
    if (cut) {
        connection->unsent--;
    }
    if (connection->in_flight > 0) {
        begin_answer(connection);
    }
    shared->events->ended(shared->owner, connection, &shot, &outcome);
    if (connection->last && (close || connection->in_flight == 0)) {
        connection_shut(connection, LOAD_CLOSED, "the answer before it said close");
    }
}

static void on_end(struct connection *connection)
{
    if (connection->in_flight > 0 && connection->parse.begun) {
        if (response_end(&connection->parse) == RESPONSE_WHOLE) {
            finish_answer(connection, clock_ns());
            return;
        }
        on_malformed(connection, 0);
        return;
    }
    connection_shut(connection, LOAD_CLOSED, "ended before the first byte of the answer");
}

/* Not HTTP, or cut. A body that is shorter than declared is an error of its own kind. The shots
 * behind it are lost with the connection. */
static void on_malformed(struct connection *connection, uint64_t now_ns)
{
    struct connection_shared *shared = connection->shared;
    const struct response_parse *parse = &connection->parse;
    struct shot shot = connection->shots[connection->head];
    bool cut_body = now_ns == 0 && parse->status != 0;
    char words[ERROR_EXAMPLE_MAX];
    struct outcome outcome = {.error = cut_body      ? LOAD_LENGTH
                                       : now_ns == 0 ? LOAD_CLOSED
                                                     : LOAD_MALFORMED,
                              .words = words,
                              .status = parse->status,
                              .body = parse->body};
    if (cut_body && parse->has_length) {
        snprintf(words, sizeof words, "ended after %llu of %llu bytes",
                 (unsigned long long)parse->body, (unsigned long long)parse->length);
    } else {
        snprintf(words, sizeof words, "%s", parse->fault);
    }
    connection->head = (connection->head + 1) % (unsigned)shared->plan->settings->pipeline;
    connection->in_flight--;
    connection->last = true; /* `ended` may ask for more, elsewhere */
    shared->events->ended(shared->owner, connection, &shot, &outcome);
    connection_shut(connection, LOAD_CLOSED, "the answer before it was cut or malformed");
}

/* Sends what is unsent, in one call where the socket takes it. A peer that has closed shows at the
 * reading side, behind the answer that it may have sent before. */
static void connection_flush(struct connection *connection)
{
    struct iovec pieces[64];
    while (connection->unsent > 0) {
        size_t count = connection_gather(connection, pieces);
        struct msghdr message = {.msg_iov = pieces, .msg_iovlen = count};
        /* The usual one piece is cheaper without a list of them. */
        ssize_t len =
            count == 1 ? send(connection->fd, pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL)
                       : sendmsg(connection->fd, &message, MSG_NOSIGNAL);
        if (len < 0 && errno == EINTR) {
            continue;
        }
        if (len < 0) {
            watch_set(&connection->watch,
                      errno == EAGAIN ? WATCH_READ | WATCH_WRITE : (unsigned)WATCH_READ);
            return;
        }
        connection_sent(connection, (size_t)len);
    }
    watch_set(&connection->watch, WATCH_READ);
}

static size_t connection_gather(struct connection *connection, struct iovec *pieces)
{
    struct connection_shared *shared = connection->shared;
    uint64_t now_ns = clock_ns();
    for (unsigned i = 0; i < connection->unsent; i++) {
        unsigned nth = connection->in_flight - connection->unsent + i;
        unsigned at = (connection->head + nth) % (unsigned)shared->plan->settings->pipeline;
        struct bytes request = bytes_of_shot(connection, nth);
        size_t done = i == 0 ? connection->sent_of_request : 0;
        pieces[i] = (struct iovec){(char *)request.at + done, request.len - done};
        if (connection->shots[at].sent_ns == 0) {
            connection->shots[at].sent_ns = now_ns;
        }
    }
    wheel_set(shared->wheel, &connection->deadline, now_ns + shared->plan->settings->timeout_ns);
    return connection->unsent;
}

static void connection_sent(struct connection *connection, size_t len)
{
    connection->shared->bytes_sent += len;
    len += connection->sent_of_request;
    while (connection->unsent > 0) {
        size_t size = bytes_of_shot(connection, connection->in_flight - connection->unsent).len;
        if (len < size) {
            break;
        }
        len -= size;
        connection->unsent--;
    }
    connection->sent_of_request = len;
}

/* The bytes of the nth shot in flight. Which of them is the last of the connection follows from how
 * many were asked: its request says close. */
static struct bytes bytes_of_shot(const struct connection *connection, unsigned nth)
{
    const struct plan *plan = connection->shared->plan;
    unsigned at = (connection->head + nth) % (unsigned)plan->settings->pipeline;
    const struct target *target = &plan->targets[connection->shots[at].target];
    uint64_t number = connection->asked - connection->in_flight + nth + 1;
    return number == plan->settings->requests_per_connection ? target->close : target->keep;
}

static void begin_answer(struct connection *connection)
{
    response_begin(&connection->parse, connection->shared->plan->head);
    if (connection->digest != NULL) {
        digest_begin(connection->digest);
    }
}

static void keep_body(void *arg, const char *at, size_t len)
{
    digest_add(arg, at, len);
}
