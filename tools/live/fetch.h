/* fetch.h: getting one thing from a server again and again, over one connection while it lasts.
 *
 * Why libcurl: what watches a server should not share code with it, and this program is no place
 * for one more HTTP client. One thread.
 */
#ifndef TOOLS_LIVE_FETCH_H
#define TOOLS_LIVE_FETCH_H

#include "core/base/bytes.h"

enum {
    FETCH_ERROR = 256,
    FETCH_TIMEOUT_MS = 2000, /* of one fetch */
    FETCH_MOST = 64 << 20    /* a longer answer is an error */
};

struct fetch;

/* `where`: "http://host:port", "host:port" or "unix:/path", and what follows that is ignored;
 * `target`: what is asked for there. NULL: it is no address. */
struct fetch *fetch_new(const char *where, const char *target);
void fetch_free(struct fetch *fetch);

/* True: the answer was a 200, and *body is what it held, until the next call. False: `error` is
 * one line. */
bool fetch_get(struct fetch *fetch, struct bytes *body, char error[FETCH_ERROR]);

#endif
