/* ready.h: the connections that have room for a request, and which of them is next: any of them, as
 * of users who know nothing of each other; the one that has been free for longest, so that all are
 * used alike; or the one that was used last, so that as few are used as can be. A connection is in
 * it once at most. One thread.
 */
#ifndef TOOLS_LOAD_READY_H
#define TOOLS_LOAD_READY_H

#include "tools/load/connection.h"
#include "tools/load/random_source.h"

/* In the order of the words of --dispatch. */
enum dispatch { DISPATCH_RANDOM, DISPATCH_LONGEST_FREE, DISPATCH_LIFO };

struct ready {
    enum dispatch dispatch;
    struct random_source random;
    struct connection **ring; /* malloc'd */
    unsigned capacity, first, count;
};

/* `capacity`: of all connections there may ever be. */
void ready_init(struct ready *ready, unsigned capacity, enum dispatch dispatch, uint64_t seed,
                struct seat seat);
void ready_deinit(struct ready *ready);

/* Does nothing where it is in. */
void ready_put(struct ready *ready, struct connection *connection);
/* NULL: none has room. One that broke in here is found out, and left out. */
struct connection *ready_take(struct ready *ready);

#endif
