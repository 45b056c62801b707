/* arrival.h: when the kernel received what a read brings.
 *
 * Linux stamps the packets of a TCP socket as they come in (SO_TIMESTAMPING, over loopback too),
 * and recvmsg brings the stamp of the newest byte it returns. A connection inherits this from the
 * socket it was accepted at, so it costs no system call. Unix sockets have no such stamps.
 */
#ifndef CORE_EXCHANGE_ARRIVAL_H
#define CORE_EXCHANGE_ARRIVAL_H

#include "core/exchange/exchange.h"
#include "core/options/settings.h"

#include <sys/types.h>

/* The connections that are accepted at this TCP socket from now on have stamps, if the settings say
 * so. An improvement only: where the kernel refuses, all arrivals are unknown. */
void arrival_enable(int listen_fd, const struct settings *settings);

/* Is the arrival of the next read's bytes measured? The pool's thread; once a read of a TCP
 * connection, since chance decides where they are sampled. */
bool arrival_wanted(struct exchange_pool *pool);

/* As recv. Sets `wall_ns` to when the kernel received the newest of the bytes, by CLOCK_REALTIME;
 * 0: it does not say. */
ssize_t arrival_recv(int fd, void *into, size_t room, int flags, uint64_t *wall_ns);

/* The same moment by clock_ns, for bytes whose read ended at `received_ns`: never later than that.
 * 0: not known, which is counted. The pool's thread. */
uint64_t arrival_ns(struct exchange_pool *pool, uint64_t wall_ns, uint64_t received_ns);

#endif
