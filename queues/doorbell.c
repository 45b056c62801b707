/* doorbell.c: eventfd, pipe and condition variable behind the same verbs. See doorbell.h. */
#include "queues/doorbell.h"

#include "core/base/chaos.h"
#include "core/base/clock.h"
#include "core/points/probes.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void make_eventfd(struct doorbell *bell)
{
    int flags = EFD_CLOEXEC | (bell->polled ? EFD_NONBLOCK : 0);
    bell->read_fd = bell->write_fd = eventfd(0, flags);
    if (bell->read_fd < 0) {
        die(EXIT_WORLD, "cannot make a doorbell: eventfd: %s", strerror(errno));
    }
}

/* As small as a pipe can be made, so that one read answers all rings in it. */
enum { PIPE_RINGS = 4096 };

/* The write end never blocks: a full pipe holds rings enough. */
static void make_pipe(struct doorbell *bell)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        die(EXIT_WORLD, "cannot make a doorbell: pipe2: %s", strerror(errno));
    }
    bell->read_fd = ends[0];
    bell->write_fd = ends[1];
    CHECK(fcntl(bell->write_fd, F_SETFL, O_NONBLOCK) == 0);
    CHECK(fcntl(bell->write_fd, F_SETPIPE_SZ, PIPE_RINGS) >= 0);
    if (bell->polled) {
        CHECK(fcntl(bell->read_fd, F_SETFL, O_NONBLOCK) == 0);
    }
}

void doorbell_init(struct doorbell *bell, int kind, bool polled)
{
    CHECK(!(polled && kind == DOORBELL_CONDVAR));
    *bell = (struct doorbell){.kind = kind, .polled = polled, .read_fd = -1, .write_fd = -1};
    lock_init(&bell->shared.lock, RANK_DOORBELL);
    condition_init(&bell->rung);
    if (kind == DOORBELL_EVENTFD) {
        make_eventfd(bell);
    } else if (kind == DOORBELL_PIPE) {
        make_pipe(bell);
    }
}

void doorbell_deinit(struct doorbell *bell)
{
    if (bell->read_fd >= 0) {
        close(bell->read_fd);
    }
    if (bell->kind == DOORBELL_PIPE) {
        close(bell->write_fd);
    }
    condition_deinit(&bell->rung);
    lock_deinit(&bell->shared.lock);
}

static void ring_condition(struct doorbell *bell)
{
    lock_take(&bell->shared.lock);
    bell->shared.ringing = true;
    lock_release(&bell->shared.lock);
    condition_signal(&bell->rung);
}

/* EAGAIN means that the descriptor is full of unanswered rings: its owner will not sleep then. */
static void ring_fd(const struct doorbell *bell)
{
    static const uint64_t ring = 1;
    size_t len = bell->kind == DOORBELL_EVENTFD ? sizeof ring : 1;
    ssize_t written;
    do {
        written = write(bell->write_fd, &ring, len);
    } while (written < 0 && errno == EINTR);
    CHECK(written > 0 || errno == EAGAIN);
}

void doorbell_ring(struct doorbell *bell)
{
    PROBE(ring, bell);
    chaos_point();
    if (bell->kind == DOORBELL_CONDVAR) {
        ring_condition(bell);
    } else {
        ring_fd(bell);
    }
}

static bool wait_condition(struct doorbell *bell, uint64_t until_ns)
{
    bool in_time = true;
    lock_take(&bell->shared.lock);
    while (!bell->shared.ringing && in_time) {
        in_time = condition_wait(&bell->rung, &bell->shared.lock, until_ns);
    }
    bool rung = bell->shared.ringing;
    bell->shared.ringing = false;
    lock_release(&bell->shared.lock);
    if (rung) {
        PROBE(wake, bell);
    }
    return rung;
}

/* Reads all rings there are: an eventfd's counter, or a byte each from a pipe. */
static ssize_t drain_rings(const struct doorbell *bell)
{
    char rings[PIPE_RINGS];
    ssize_t got;
    chaos_point();
    do {
        got = read(bell->read_fd, rings,
                   bell->kind == DOORBELL_EVENTFD ? sizeof(uint64_t) : sizeof rings);
    } while (got < 0 && errno == EINTR);
    chaos_point();
    if (got > 0) {
        PROBE(wake, bell);
    }
    return got;
}

/* A descriptor that blocks has no timeout of its own. A ring counts even when the time is over. */
static bool poll_bell_until(const struct doorbell *bell, uint64_t until_ns)
{
    struct pollfd poll_fd = {.fd = bell->read_fd, .events = POLLIN};
    for (;;) {
        uint64_t now_ns = clock_ns();
        uint64_t left_ns = now_ns < until_ns ? until_ns - now_ns : 0;
        int ready = poll(&poll_fd, 1, (int)((left_ns + NS_PER_MS - 1) / NS_PER_MS));
        CHECK(ready >= 0 || errno == EINTR);
        if (ready > 0 || left_ns == 0) {
            return ready > 0;
        }
    }
}

bool doorbell_wait_until(struct doorbell *bell, uint64_t until_ns)
{
    CHECK(!bell->polled);
    if (bell->kind == DOORBELL_CONDVAR) {
        return wait_condition(bell, until_ns);
    }
    if (until_ns != 0 && !poll_bell_until(bell, until_ns)) {
        return false;
    }
    CHECK(drain_rings(bell) > 0);
    return true;
}

void doorbell_wait(struct doorbell *bell)
{
    (void)doorbell_wait_until(bell, 0);
}

int doorbell_fd(const struct doorbell *bell)
{
    return bell->read_fd;
}

void doorbell_silence(struct doorbell *bell)
{
    CHECK(bell->polled);
    CHECK(drain_rings(bell) > 0 || errno == EAGAIN);
}
