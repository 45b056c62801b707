/* arrival.c: the kernel's stamps of received bytes. See arrival.h. */
#include "core/exchange/arrival.h"

#include "core/base/clock.h"
#include "core/points/tally.h"

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <string.h>
#include <sys/socket.h>

void arrival_enable(int listen_fd, const struct settings *settings)
{
    static const int how = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
    if (stamps_are_taken() && settings->socket_times != SOCKET_TIMES_OFF &&
        settings->trace_level != TRACE_OFF) {
        (void)setsockopt(listen_fd, SOL_SOCKET, SO_TIMESTAMPING, &how, sizeof how);
    }
}

/* A linear congruential generator (D. Knuth, MMIX), whose high bits are the random ones. */
static bool is_sampled(struct exchange_pool *pool)
{
    pool->dice = pool->dice * 6364136223846793005u + 1442695040888963407u;
    return pool->dice >> 61 == 0; /* one in eight */
}

bool arrival_wanted(struct exchange_pool *pool)
{
    uint64_t which = pool->settings->socket_times;
    return stamps_are_taken() && which != SOCKET_TIMES_OFF &&
           (which == SOCKET_TIMES_ON || is_sampled(pool));
}

/* The first of the three stamps is that of the kernel; the others are of network cards. */
static uint64_t stamp_of_message(struct msghdr *message)
{
    const struct cmsghdr *control = CMSG_FIRSTHDR(message);
    struct timespec stamp;
    if (control == NULL || control->cmsg_level != SOL_SOCKET ||
        control->cmsg_type != SCM_TIMESTAMPING) {
        return 0;
    }
    memcpy(&stamp, CMSG_DATA(control), sizeof stamp);
    return (uint64_t)stamp.tv_sec * NS_PER_S + (uint64_t)stamp.tv_nsec;
}

ssize_t arrival_recv(int fd, void *into, size_t room, int flags, uint64_t *wall_ns)
{
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(struct scm_timestamping))];
    } control;
    struct iovec vector = {into, room};
    struct msghdr message = {.msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t got = recvmsg(fd, &message, flags);
    *wall_ns = got > 0 ? stamp_of_message(&message) : 0;
    return got;
}

static void count_arrival(const struct exchange_pool *pool, enum counter counter)
{
    if (pool->tally != NULL) {
        tally_add(pool->tally, counter, 1);
    }
}

uint64_t arrival_ns(struct exchange_pool *pool, uint64_t wall_ns, uint64_t received_ns)
{
    uint64_t at_ns = wall_ns != 0 ? clock_offset_apply(&pool->clock, wall_ns, received_ns) : 0;
    if (at_ns == 0) {
        count_arrival(pool, COUNTER_ARRIVAL_UNKNOWN);
    } else if (at_ns > received_ns) {
        count_arrival(pool, COUNTER_ARRIVAL_CLAMPED);
        at_ns = received_ns;
    }
    return at_ns;
}
