/* target.h: what a request target means: its path, decoded and made plain, its query, its
 * host.
 *
 * A path is decoded once and its dot segments are removed after that, so a handler can neither see
 * "..", nor an escape that hides one. Whatever could be read in two ways is refused instead (always
 * with 400).
 *
 * Pure functions over views. Any thread.
 */
#ifndef CORE_HTTP_TARGET_H
#define CORE_HTTP_TARGET_H

#include "core/base/bytes.h"

struct http_target {
    struct bytes path;      /* raw; starts with '/', or is "*" */
    struct bytes query;     /* raw, without the '?' */
    struct bytes authority; /* of the absolute form; at is NULL in the other forms */
};

/* Takes a target apart (RFC 9112 3.2). `target` consists of CHAR_TARGET; `options`: the method is
 * OPTIONS, which alone has the form "*". Returns a static text saying what is wrong with it, or
 * NULL. */
const char *http_target_split(struct bytes target, bool options, struct http_target *parts);

/* A raw path whose meaning is its own text: nothing to decode, remove or collapse. */
bool http_path_is_plain(struct bytes path);

/* Writes the decoded and normalised form of a raw path that starts with '/' to `out`, which has
 * room for path.len bytes. Returns what is wrong with it, or NULL and the new length. */
const char *http_path_decode(struct bytes path, char *out, size_t *out_len);

/* uri-host [ ":" port ] (RFC 9110 7.2, RFC 3986 3.2.2). An empty host is not valid, with a port or
 * without: a sender must not make an http URI with one, and a recipient has to refuse it (RFC 9110
 * 4.2.1). The empty Host of RFC 9112 3.2 is for targets without an authority, which no http URI is.
 */
bool http_host_is_valid(struct bytes host);

#endif
