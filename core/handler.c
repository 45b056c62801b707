/* handler.c: the table of handlers, and waiting on purpose. See handler.h. */
#include "core/handler.h"

#include "core/clock.h"
#include "core/conn.h"
#include "core/files.h"
#include "core/http_line.h"
#include "core/http_target.h"
#include "core/lock.h"
#include "core/settings.h"
#include "core/status.h"
#include "core/synthetic.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* --- the table --- */

static const struct handler handlers[] = {
#define HANDLER(name, prefix, methods, access, counted, takes_long, run, input)                    \
    {name, prefix, methods, ACCESS_##access, counted, takes_long, run, input},
#include "core/handlers.def"
#undef HANDLER
};
/* The same prefixes with their lengths, so that a lookup compares a length before it looks at any
 * byte. */
static const struct bytes prefixes[] = {
#define HANDLER(name, prefix, methods, access, counted, takes_long, run, input)                    \
    {prefix, sizeof(prefix) - 1},
#include "core/handlers.def"
#undef HANDLER
};
enum { HANDLER_COUNT = sizeof handlers / sizeof *handlers };

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

/* Who may not use a handler gets a 404, which counts like any other. */
void handler_choose(struct exchange *x)
{
    x->handler = handler_find(x->request.path);
    x->uncounted = !x->handler->counted && handler_may_be_used(x);
}

/* --- forwarding --- */

static bool is_origin_form(struct bytes target)
{
    return target.len <= FORWARD_TARGET_MAX && http_is_all(target, CHAR_TARGET) &&
           target.at[0] == '/';
}

/* Takes the target in text[0 .. len) apart; a path that must be decoded is written behind it. */
static bool read_target(char *text, size_t len, struct http_target *parts)
{
    if (http_target_split((struct bytes){text, len}, false, parts) != NULL) {
        return false;
    }
    if (http_path_is_plain(parts->path)) {
        return true;
    }
    const char *fault = http_path_decode(parts->path, text + len, &parts->path.len);
    parts->path.at = text + len;
    return fault == NULL;
}

/* The old text is freed last: `target` may lie in it. */
bool handler_forward(struct exchange *x, struct bytes target)
{
    struct http_target parts;
    CHECK(x->response.status == 0);
    if (!is_origin_form(target)) {
        return false;
    }
    char *text = must_alloc(2 * target.len);
    memcpy(text, target.at, target.len);
    if (!read_target(text, target.len, &parts)) {
        free(text);
        return false;
    }
    x->request.path = parts.path;
    x->request.query = parts.query;
    x->handler = handler_find(parts.path);
    x->cursor = 0;
    free(x->forward_text);
    x->forward_text = text;
    return true;
}

size_t methods_list(unsigned methods, char out[64])
{
    static const struct {
        enum method method;
        struct bytes name;
    } names[] = {
        {METHOD_GET, {"GET", 3}}, {METHOD_HEAD, {"HEAD", 4}},     {METHOD_POST, {"POST", 4}},
        {METHOD_PUT, {"PUT", 3}}, {METHOD_DELETE, {"DELETE", 6}}, {METHOD_OPTIONS, {"OPTIONS", 7}},
    };
    size_t len = 0;
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if ((methods & names[i].method) == 0) {
            continue;
        }
        if (len > 0) {
            memcpy(out + len, ", ", 2);
            len += 2;
        }
        memcpy(out + len, names[i].name.at, names[i].name.len);
        len += names[i].name.len;
    }
    out[len] = '\0';
    return len;
}

/* --- patience --- */

/* `ended` only ever goes from false to true. It is atomic so that the burning loop need not lock;
 * it is set with the lock held so that a sleeper cannot miss it between its look and its wait. */
static struct {
    pthread_once_t once;
    struct lock lock;
    struct condition ending;
    atomic_bool ended;
} patience = {.once = PTHREAD_ONCE_INIT};

static void patience_init(void)
{
    lock_init(&patience.lock, RANK_PATIENCE);
    condition_init(&patience.ending);
}

void patience_sleep(uint64_t until_ns)
{
    CHECK(pthread_once(&patience.once, patience_init) == 0);
    lock_take(&patience.lock);
    while (!atomic_load(&patience.ended) && clock_ns() < until_ns) {
        (void)condition_wait(&patience.ending, &patience.lock, until_ns);
    }
    lock_release(&patience.lock);
}

void patience_spin(uint64_t until_ns)
{
    while (!atomic_load(&patience.ended) && clock_ns() < until_ns) {
        /* The clock is the work. */
    }
}

void patience_end(void)
{
    CHECK(pthread_once(&patience.once, patience_init) == 0);
    lock_take(&patience.lock);
    atomic_store(&patience.ended, true);
    lock_release(&patience.lock);
    condition_broadcast(&patience.ending);
}

bool patience_ended(void)
{
    return atomic_load(&patience.ended);
}
