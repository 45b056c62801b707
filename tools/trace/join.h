/* join.h: puts a request's record and its later REQUEUE record together, in bounded memory.
 *
 * Request numbers rise by and large (each thread takes blocks of 1024), and a requeue follows its
 * request closely, but the two come from different threads' rings and so in either order, some ten
 * thousand numbers apart. A window of the last numbers is kept; a request is passed on when its
 * requeue has come, when its connection was closed, or when the window moves past it. So requests
 * are passed on in the order in which they became complete.
 */
#ifndef TOOLS_TRACE_JOIN_H
#define TOOLS_TRACE_JOIN_H

#include "core/trace/trace_format.h"

#include <stdbool.h>

/* Requests that can wait at a time. More than a ring of the tracer for each of three threads; 32
 * MiB, touched as far as they are needed. */
enum { JOIN_WINDOW = 1 << 18 };

typedef void join_fn(void *to, const struct trace_record *request);

struct join {
    join_fn *pass;
    void *to;
    unsigned size;               /* of the window */
    struct trace_record *window; /* by request number modulo the size. Kind 0 is an empty place,
                                    which still shows what was in it */
    unsigned waiting;            /* places that are not empty */
    uint64_t unjoined;   /* requeues whose request was not there: lost, or out of the window */
    uint64_t doubled;    /* records that were there before; of requests both are passed on */
    uint64_t unfollowed; /* requests that left the connection open and had no requeue */
};

/* `pass` may be NULL. */
void join_init(struct join *join, unsigned size, join_fn *pass, void *to);
void join_deinit(struct join *join);

void join_put(struct join *join, const struct trace_record *record);
/* Passes on what still waits. */
void join_finish(struct join *join);

#endif
