/* bystanders.c: see bystanders.h.
 *
 *   CLOSED --> SENDING --> READING --> SILENT (idle)
 *                 ^           |
 *                 +-----------+  (slow)      and from anywhere back to CLOSED
 */
#include "tools/load/bystanders.h"

#include "core/base/check.h"
#include "core/base/clock.h"
#include "tools/load/response_parse.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    TICK_NS = 10000000,
    SLICES = 10,        /* ticks from one visit to the next */
    SILENT_VISITS = 10, /* visits from one check of a silent one to the next */
    OPEN_MAX = 200,     /* opened in one tick */
    READ_MAX = 16384,
    READS_MAX = 64,     /* of one visit */
    SLOW_BUFFER = 4096, /* receive buffer of a slow reader; the kernel doubles it */
};

enum bystander_state { CLOSED, SENDING, READING, SILENT };

struct bystander {
    enum bystander_kind kind;
    enum bystander_state state;
    int fd;
    size_t sent;   /* of its request */
    double credit; /* bytes that a slow one may send or take by now */
    uint64_t visited_ns;
    unsigned visits;
    struct response_parse parse;
};

struct bystanders {
    const struct plan *plan;
    struct loop_timer *tick;
    unsigned slice, opens_left;
    struct bystander_counts counts[BYSTANDER_KINDS];
    uint64_t count;
    struct bystander *at;
};

static void bystanders_on_tick(void *arg);
static void bystanders_visit(struct bystanders *all, struct bystander *one, uint64_t now_ns);
static void open_one(struct bystanders *all, struct bystander *one);
static void close_one(struct bystanders *all, struct bystander *one);
static void send_some(struct bystanders *all, struct bystander *one);
static bool read_some(struct bystanders *all, struct bystander *one);
static void take_answer(struct bystanders *all, struct bystander *one, const char *at, size_t len);
static void look_silent(struct bystanders *all, struct bystander *one);
static size_t bystanders_allowed(const struct bystander *one, enum bystander_kind slow,
                                 size_t most);

struct bystanders *bystanders_new(struct loop *loop, const struct plan *plan, struct seat seat)
{
    const struct load_settings *settings = plan->settings;
    const uint64_t wanted[] = {seat_share(seat, settings->idle),
                               seat_share(seat, settings->slow_readers),
                               seat_share(seat, settings->slow_senders)};
    uint64_t count = wanted[0] + wanted[1] + wanted[2];
    if (count == 0) {
        return NULL;
    }
    struct bystanders *all = must_calloc(1, sizeof *all);
    all->plan = plan;
    all->at = must_calloc(count, sizeof *all->at);
    for (unsigned kind = 0; kind < BYSTANDER_KINDS; kind++) {
        all->counts[kind].wanted = wanted[kind];
        for (uint64_t i = 0; i < wanted[kind]; i++) {
            all->at[all->count++] = (struct bystander){.kind = kind, .fd = -1};
        }
    }
    all->tick = loop_timer_new(loop, bystanders_on_tick, all);
    loop_timer_start(all->tick, 0);
    return all;
}

void bystanders_free(struct bystanders *all)
{
    if (all == NULL) {
        return;
    }
    loop_timer_free(all->tick);
    for (uint64_t i = 0; i < all->count; i++) {
        if (all->at[i].state != CLOSED) {
            close_one(all, &all->at[i]);
        }
    }
    free(all->at);
    free(all);
}

const char *bystander_name(enum bystander_kind kind)
{
    static const char *const names[] = {"idle", "slow readers", "slow senders"};
    return names[kind];
}

const char *bystander_key(enum bystander_kind kind)
{
    static const char *const keys[] = {"idle", "slow_readers", "slow_senders"};
    return keys[kind];
}

struct bystander_counts bystanders_count(const struct bystanders *all, enum bystander_kind kind)
{
    return all != NULL ? all->counts[kind] : (struct bystander_counts){0};
}

static void bystanders_on_tick(void *arg)
{
    struct bystanders *all = arg;
    uint64_t now_ns = clock_ns();
    all->opens_left = OPEN_MAX;
    for (uint64_t i = all->slice; i < all->count; i += SLICES) {
        bystanders_visit(all, &all->at[i], now_ns);
    }
    all->slice = (all->slice + 1) % SLICES;
    loop_timer_start(all->tick, TICK_NS);
}

static void bystanders_visit(struct bystanders *all, struct bystander *one, uint64_t now_ns)
{
    double rate = (double)all->plan->settings->slow_rate;
    one->credit += rate * (double)(now_ns - one->visited_ns) / (double)NS_PER_S;
    one->credit = one->credit > rate ? rate : one->credit; /* a second's worth at most */
    one->visited_ns = now_ns;
    one->visits++;
    switch (one->state) {
    case CLOSED:
        open_one(all, one);
        break;
    case SENDING:
        send_some(all, one);
        break;
    case READING:
        for (unsigned i = 0; i < READS_MAX && one->state == READING && read_some(all, one); i++) {
        }
        break;
    case SILENT:
        look_silent(all, one);
        break;
    }
}

/* Whether it could be connected shows at the first send. */
static void open_one(struct bystanders *all, struct bystander *one)
{
    const struct url *url = &all->plan->targets[0].url;
    if (all->opens_left == 0) {
        return;
    }
    all->opens_left--;
    int fd = socket(url->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int size = SLOW_BUFFER;
    if (fd >= 0 && one->kind == BYSTANDER_SLOW_READER) {
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size); /* larger: less slow */
    }
    if (fd < 0 || (connect(fd, (const struct sockaddr *)&url->address, url->address_len) != 0 &&
                   errno != EINPROGRESS)) {
        all->counts[one->kind].refused++;
        if (fd >= 0) {
            (void)close(fd); /* never connected */
        }
        return;
    }
    one->fd = fd;
    one->state = SENDING;
    one->sent = 0;
    one->credit = 0;
    all->counts[one->kind].opened++;
    all->counts[one->kind].open++;
}

static void close_one(struct bystanders *all, struct bystander *one)
{
    (void)close(one->fd); /* nothing of it is measured */
    one->fd = -1;
    one->state = CLOSED;
    all->counts[one->kind].open--;
}

static void end_one(struct bystanders *all, struct bystander *one)
{
    all->counts[one->kind].ended++;
    close_one(all, one);
}

static void send_some(struct bystanders *all, struct bystander *one)
{
    struct bytes request = all->plan->targets[0].keep;
    size_t most = bystanders_allowed(one, BYSTANDER_SLOW_SENDER, request.len - one->sent);
    if (most == 0) {
        return;
    }
    ssize_t len = send(one->fd, request.at + one->sent, most, MSG_NOSIGNAL);
    if (len < 0) {
        if (errno != EAGAIN) {
            end_one(all, one);
        }
        return;
    }
    all->counts[one->kind].bytes_sent += (size_t)len;
    one->credit -= (double)len;
    one->sent += (size_t)len;
    if (one->sent == request.len) {
        one->state = READING;
        response_begin(&one->parse, all->plan->head);
    }
}

/* False: there is no more for now. */
static bool read_some(struct bystanders *all, struct bystander *one)
{
    char buffer[READ_MAX];
    size_t most = bystanders_allowed(one, BYSTANDER_SLOW_READER, sizeof buffer);
    if (most == 0) {
        return false;
    }
    ssize_t len = recv(one->fd, buffer, most, 0);
    if (len > 0) {
        one->credit -= (double)len;
        all->counts[one->kind].bytes_received += (size_t)len;
        take_answer(all, one, buffer, (size_t)len);
    } else if (len == 0 || errno != EAGAIN) {
        end_one(all, one);
    }
    return len > 0;
}

static void take_answer(struct bystanders *all, struct bystander *one, const char *at, size_t len)
{
    size_t used;
    enum response_verdict verdict = response_step(&one->parse, at, len, &used);
    if (verdict == RESPONSE_MORE) {
        return;
    }
    if (verdict == RESPONSE_MALFORMED || used != len) {
        end_one(all, one);
        return;
    }
    all->counts[one->kind].answers++;
    if (!one->parse.keep_alive) {
        close_one(all, one);
    } else if (one->kind == BYSTANDER_IDLE) {
        one->state = SILENT;
    } else {
        one->state = SENDING;
        one->sent = 0;
    }
}

/* Did the server end it? */
static void look_silent(struct bystanders *all, struct bystander *one)
{
    char byte;
    if (one->visits % SILENT_VISITS == 0 && (recv(one->fd, &byte, 1, 0) >= 0 || errno != EAGAIN)) {
        end_one(all, one);
    }
}

/* A kind that is not the slow one here takes all it can. */
static size_t bystanders_allowed(const struct bystander *one, enum bystander_kind slow, size_t most)
{
    if (one->kind != slow) {
        return most;
    }
    size_t credit = one->credit > 0 ? (size_t)one->credit : 0;
    return credit < most ? credit : most;
}
