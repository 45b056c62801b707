/* handler.h: what makes answers.
 *
 * A handler is a step, like the other stages' work: it is called with an exchange that has one
 * whole request, adds to the answer, and says what it needs next. A plain handler does everything
 * in one call and may block its thread; a long answer is made in pieces, each call one piece, so
 * that the same code runs in a thread pool (which waits in the thread) and on a poll loop (which
 * comes back).
 *
 * An answer need not be complete when its handler returns, and a handler may go on after its answer
 * is complete. In both cases it returns HANDLER_AWAY:
 *   - it gives its exchange to another thread, which calls response_complete (response.h) later;
 *   - it calls response_complete itself and goes on with other work.
 * From that moment the handler does not touch the exchange: the next request of the connection may
 * be under way already. A thread that was given an exchange must complete it, soon once
 * patience_ended() (patience.h): the server's end waits for it.
 */
#ifndef CORE_HANDLERS_HANDLER_H
#define CORE_HANDLERS_HANDLER_H

#include "core/exchange/exchange.h"

enum handler_verdict {
    HANDLER_DONE,    /* the answer is complete (response_end is called for it where it was not) */
    HANDLER_MORE,    /* call again when there is room for output */
    HANDLER_PAUSE,   /* hand over what there is, call again after exchange->pause_ns */
    HANDLER_FORWARD, /* handler_forward has chosen another, which answers instead */
    HANDLER_AWAY,    /* another thread has the exchange, and completes the answer or has done so */
};

/* The option that says which clients may use a handler. */
enum handler_access {
    ACCESS_EVERYBODY,
    ACCESS_SYNTHETIC, /* --synthetic */
    ACCESS_STATUS,    /* --status */
};

struct handler {
    const char *name;
    unsigned number;    /* its place in the table (handlers.h), for those who keep a note on each */
    const char *prefix; /* of the path; a prefix that ends without '/' matches that path only */
    unsigned methods;   /* set of enum method; OPTIONS is answered for every handler */
    enum handler_access access;
    bool counted;    /* see exchange_is_counted */
    bool takes_long; /* may block or burn CPU on purpose: others should not wait behind it */
    enum handler_verdict (*run)(struct exchange *exchange);
    /* Would it wait for a disk with this request? A hint for the choice of its thread. NULL: never. */
    bool (*would_wait)(const struct exchange *exchange);
    /* Input filter: called on the reader's thread once the request is whole; or NULL. */
    void (*input)(struct exchange *exchange);
};

/* Longer targets are not forwarded to. */
enum { FORWARD_TARGET_MAX = 4096 };

/* Goes on as if the client had asked for `target` (origin-form: a path, perhaps a query), read by
 * the rules for any request's: the handler says HANDLER_FORWARD, and the processor finds the one of
 * the new path and runs it when it may be, with this method and these fields. Input filters belong
 * to the path that was asked for and are not run again. Before any answer is begun. Copies
 * `target`. False: it is malformed or too long, nothing has changed. */
bool handler_forward(struct exchange *x, struct bytes target);

/* The names of a set of methods as an Allow value ("GET, HEAD, OPTIONS"). `out` has room for 64. */
size_t methods_list(unsigned methods, char out[64]);

#endif
