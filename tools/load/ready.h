/* ready.h: the connections that have room for a request: the one that has been free for longest is
 * next. A connection is in it once at most. One thread.
 */
#ifndef TOOLS_LOAD_READY_H
#define TOOLS_LOAD_READY_H

#include "tools/load/connection.h"

struct ready {
    struct connection **ring; /* malloc'd */
    unsigned capacity, first, count;
};

/* `capacity`: of all connections there may ever be. */
void ready_init(struct ready *ready, unsigned capacity);
void ready_deinit(struct ready *ready);

/* Does nothing where it is in. */
void ready_put(struct ready *ready, struct connection *connection);
/* NULL: none has room. One that broke in here is found out, and left out. */
struct connection *ready_take(struct ready *ready);

#endif
