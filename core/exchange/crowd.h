/* crowd.h: how many connections each address has open, for --max-connections-per-address.
 *
 * Use: crowd_enter right after accept, crowd_leave when that connection is closed, with the same
 * address. A peer without an address (a unix socket, all zero) is not counted.
 *
 * Thread-safety: any thread; listeners enter, readers leave.
 * Limits: an entry for each address with a connection open, so never more than --max-connections.
 */
#ifndef CORE_EXCHANGE_CROWD_H
#define CORE_EXCHANGE_CROWD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct crowd;

/* At most `limit` connections for each address, at least 1. */
struct crowd *crowd_new(uint64_t limit);
/* Everybody has left. NULL is allowed. */
void crowd_free(struct crowd *crowd);

/* False: this address has as many as it may, and is not counted once more. Without a crowd (NULL)
 * there is no limit. */
bool crowd_enter(struct crowd *crowd, const struct in6_addr *address);
void crowd_leave(struct crowd *crowd, const struct in6_addr *address);

#endif
