/* handlers.h: the table of all handlers (handlers.def), and which clients may use them.
 *
 * It is apart from handler.h because it names every handler, and no handler needs to know the
 * others. Any thread.
 */
#ifndef CORE_HANDLERS_HANDLERS_H
#define CORE_HANDLERS_HANDLERS_H

#include "core/handlers/handler.h"

/* The number of each handler in the table, by the function it runs. */
enum handler_number {
#define HANDLER(name, prefix, methods, access, counted, takes_long, run, would_wait, input)        \
    HANDLER_NUMBER_##run,
#include "core/handlers/handlers.def"
#undef HANDLER
    HANDLER_COUNT
};

/* The handler for a path: the longest prefix that matches; the file handler matches everything. */
const struct handler *handler_find(struct bytes path);

/* Gives a whole request its handler, and decides whether it counts. */
void handler_choose(struct exchange *x);

/* May this client use this request's handler? If not, it gets the answer of a path without one. */
bool handler_may_be_used(const struct exchange *x);

#endif
