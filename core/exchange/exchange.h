/* exchange.h: one request and its answer, with the buffer the request lies in.
 *
 * A connection without a request has no exchange, so an idle connection is small: the reader
 * takes an exchange from its pool when the first byte comes, and puts it back when the connection
 * is idle again. The connection's state says which thread has the exchange (conn.h); only the
 * outlet is used by two threads at a time.
 */
#ifndef CORE_EXCHANGE_EXCHANGE_H
#define CORE_EXCHANGE_EXCHANGE_H

#include "core/base/clock_offset.h"
#include "core/exchange/outlet.h"
#include "core/http/parse.h"
#include "core/points/close_reason.h"
#include "core/points/stamps.h"

struct conn;
struct exchange;
struct settings;
struct handler;
struct tally;

enum { EXCHANGE_BUCKETS = 6, EXCHANGE_TEXT = 2048 };
/* So many exchange_pool_trim frees in a call. */
enum { EXCHANGES_TRIMMED = 64 };

/* The answer under construction; used through response.h by the thread that makes it: the
 * processor, or the thread that a handler gave the exchange to. */
struct response {
    int status;
    bool head_done; /* the head's bytes are in a bucket */
    bool no_body;   /* HEAD, 204, 304: body calls count and drop */
    bool chunked;
    bool trailer; /* announced: a Server-Timing field follows the last chunk */
    bool length_known;
    bool close; /* this answer says Connection: close */
    bool ended;
    bool length_broken;         /* set by the end: produced is not the length declared */
    bool cut_short;             /* set by the end: not all of the answer was handed over */
    uint64_t length;            /* declared Content-Length */
    uint64_t produced;          /* body bytes handed in so far, those that were dropped too */
    size_t text_len;            /* of exchange->text */
    unsigned buckets_used;      /* of exchange->buckets */
    struct brigade made;        /* not yet published */
    struct bucket *text_bucket; /* the open memory bucket that ends at text_len, or NULL */
};

/* An answer is complete (response_complete): hands it over to the writer. Any thread; never calls a
 * stage, so that the thread that completes an answer continues at once. */
typedef void complete_fn(void *arg, struct exchange *x);

struct exchange {
    struct exchange *next; /* in a pool */
    struct conn *conn;
    complete_fn *complete_fn; /* of its pool, as long as it lives */
    void *complete_arg;
    const struct settings *settings;
    const struct handler *handler; /* NULL until found, and for refused requests */
    bool uncounted;                /* set with the handler: see exchange_is_counted */
    uint64_t id;                   /* unique in this process, from 1 */

    struct input input;
    struct parse parse;
    struct request request;
    uint64_t received_ns; /* the last read that brought something */
    uint64_t arrived_ns;  /* when the kernel had its newest byte, or 0 */
    uint64_t head_due_ns; /* until when its home waits for the rest of its head, once it does */
    bool head_late;       /* that time has passed, and a read followed */
    uint64_t blocked_ns;  /* since when it waits for the client in this stage, or 0 */
    uint64_t received;    /* bytes read for this exchange */
    uint64_t lay_ns;    /* its first byte came with an earlier request, and lay behind it so long */
    uint32_t position;  /* which request on its connection, from 1; saturates */
    int refused_status; /* not 0: no handler runs, this status is the answer, then close */

    struct response response;
    struct outlet outlet;
    struct brigade sending; /* the writer's alone */
    uint64_t sent;          /* bytes taken by the kernel: the writer's alone */
    bool interim;           /* this is the 100 of an Expect; the request is still being read */
    enum close_reason cut;  /* why the writer gave it up, or CLOSE_NONE: the writer's alone */
    bool would_block;       /* the last send found the socket full: the writer's alone */
    /* Why it ends the connection: decided by the reader, then while the answer is made. */
    enum close_reason close;
    unsigned short reader, processor, writer; /* threads that served it, by number */

    unsigned forwards;  /* how often it was forwarded (HANDLER_FORWARD) */
    char *forward_text; /* where request.path and query lie then; malloc'd, or NULL */

    uint64_t pause_ns; /* for HANDLER_PAUSE */
    uint64_t cursor;   /* the handler's own: how far it is */

    struct stamps stamps;
    char text[EXCHANGE_TEXT]; /* head, small bodies */
    struct bucket buckets[EXCHANGE_BUCKETS];
    char in[]; /* input.at */
};

/* A pool of exchanges, for one thread. Keeps at most `keep` free ones, and what it frees goes back to
 * the system (pages.h). */
struct exchange_pool {
    const struct settings *settings;
    complete_fn *complete_fn; /* for exchanges made from now on; or NULL: no handler completes */
    void *complete_arg;
    struct tally *tally;       /* the owner's, or NULL: nothing is counted */
    struct clock_offset clock; /* for when bytes arrived */
    uint64_t dice;             /* whether that is asked */
    size_t input_capacity;
    unsigned keep, kept;
    unsigned unused; /* of those kept, how many were not taken since exchange_pool_trim */
    struct exchange *free;
};

void exchange_pool_init(struct exchange_pool *pool, const struct settings *settings, unsigned keep);
/* `fn` is called for answers that other threads than the stage's complete. Before the first
 * exchange. */
void exchange_pool_on_complete(struct exchange_pool *pool, complete_fn *fn, void *arg);
/* Where is counted what this pool's thread reads. Before the first exchange. */
void exchange_pool_count(struct exchange_pool *pool, struct tally *tally);
void exchange_pool_deinit(struct exchange_pool *pool);

/* To be called once in a while: frees what nobody took since the last time, but leaves `least`. True:
 * that is more than others should wait for (some 5 us each), so it is to be called again soon, for
 * the rest. */
bool exchange_pool_trim(struct exchange_pool *pool, unsigned least);

/* An exchange for this connection, with empty input. */
struct exchange *exchange_take(struct exchange_pool *pool, struct conn *conn);
void exchange_put(struct exchange_pool *pool, struct exchange *x);

/* Reader: get ready to read a (further) request: unused input moves to the front. */
void exchange_begin(struct exchange *x);

/* Does this request count: in intervals, counters, flow and trace? Requests for the server's own
 * status do not, or a monitor would see itself. Decided once, when the request is whole
 * (handler_choose), so that each counter that counts it in counts it out. */
static inline bool exchange_is_counted(const struct exchange *x)
{
    return !x->uncounted;
}

/* Did the client not get the whole answer? One of
 *   - the writer gave it up: the client has closed or reads nothing, a file shrank, server cuts;
 *   - its handler gave it up, or made less than declared.
 * The log, the counter ABORTED and the last stamp use this. The writer's thread, once it has
 * collected the end. */
static inline bool exchange_is_cut(const struct exchange *x)
{
    return x->cut != CLOSE_NONE || x->response.cut_short;
}

/* Writer: the request is answered, or its client has closed: frees body, buckets, holds and the
 * target that it was forwarded to. The input stays: requests may be pipelined behind this one. */
void exchange_end(struct exchange *x);

#endif
