/* handlers.c: the table of handlers. See handlers.h. */
#include "core/handlers/handlers.h"

#include "core/exchange/conn.h"
#include "core/handlers/files.h"
#include "core/handlers/status.h"
#include "core/handlers/synthetic.h"
#include "core/options/settings.h"

static const struct handler handlers[] = {
#define HANDLER(name, prefix, methods, access, counted, takes_long, run, would_wait, input)        \
    {name,    HANDLER_NUMBER_##run, prefix, methods,    ACCESS_##access,                           \
     counted, takes_long,           run,    would_wait, input},
#include "core/handlers/handlers.def"
#undef HANDLER
};
/* The same prefixes with their lengths, so that a lookup compares a length before any
 * byte. */
static const struct bytes prefixes[] = {
#define HANDLER(name, prefix, methods, access, counted, takes_long, run, would_wait, input)        \
    {prefix, sizeof(prefix) - 1},
#include "core/handlers/handlers.def"
#undef HANDLER
};

/* A prefix that ends with '/' matches what starts with it, another one that path alone. */
static inline bool prefix_matches(struct bytes prefix, struct bytes path)
{
    if (prefix.at[prefix.len - 1] == '/') {
        return bytes_start_with(path, prefix);
    }
    return bytes_equal(path, prefix);
}

/* The first handler of the table takes what no prefix matches: "*" of OPTIONS. */
const struct handler *handler_find(struct bytes path)
{
    unsigned best = 0;
    for (unsigned i = 1; i < HANDLER_COUNT; i++) {
        if (prefixes[i].len > prefixes[best].len && prefix_matches(prefixes[i], path)) {
            best = i;
        }
    }
    return &handlers[best];
}

bool handler_may_be_used(const struct exchange *x)
{
    const unsigned who_of[] = {
        [ACCESS_EVERYBODY] = WHO_ON,
        [ACCESS_SYNTHETIC] = x->settings->synthetic,
        [ACCESS_STATUS] = x->settings->status,
    };
    unsigned who = who_of[x->handler->access];
    return who == WHO_ON || (who == WHO_LOOPBACK && x->conn->peer.local);
}

/* A client that may not use a handler gets a 404, which counts like any other. */
void handler_choose(struct exchange *x)
{
    x->handler = handler_find(x->request.path);
    x->uncounted = !x->handler->counted && handler_may_be_used(x);
}
