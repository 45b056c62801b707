/* target.c: request targets, paths and hosts. See target.h. */
#include "core/http/target.h"

#include "core/http/line.h"

#include <arpa/inet.h>

static bool start_with_nocase(struct bytes text, struct bytes start)
{
    return text.len >= start.len && bytes_equal_nocase((struct bytes){text.at, start.len}, start);
}

static void split_query(struct bytes text, struct http_target *parts)
{
    const char *mark = text.len > 0 ? memchr(text.at, '?', text.len) : NULL;
    size_t path_len = mark != NULL ? (size_t)(mark - text.at) : text.len;
    parts->path = (struct bytes){text.at, path_len};
    if (mark != NULL) {
        parts->query = (struct bytes){mark + 1, text.len - path_len - 1};
    }
}

/* `rest` is what follows "http://" (RFC 9112 3.2.2). */
static const char *split_absolute(struct bytes rest, bool options, struct http_target *parts)
{
    size_t len = 0;
    while (len < rest.len && rest.at[len] != '/' && rest.at[len] != '?') {
        len++;
    }
    parts->authority = (struct bytes){rest.at, len};
    /* User information (RFC 9110 4.2.4) is no valid host either, so it is refused with the rest. */
    if (!http_host_is_valid(parts->authority)) {
        return "invalid host in the target (RFC 9110 4.2.1)";
    }
    split_query((struct bytes){rest.at + len, rest.len - len}, parts);
    if (parts->path.len == 0) {
        /* RFC 9110 4.2.3: an empty path is "/", but for OPTIONS, where it means the whole
         * server. */
        parts->path = options && len == rest.len ? BYTES("*") : BYTES("/");
    }
    return NULL;
}

const char *http_target_split(struct bytes target, bool options, struct http_target *parts)
{
    *parts = (struct http_target){.authority = {NULL, 0}};
    if (target.len > 0 && target.at[0] == '/') {
        split_query(target, parts);
        return NULL;
    }
    if (bytes_equal(target, BYTES("*"))) {
        parts->path = target;
        return options ? NULL : "the target * is for OPTIONS only (RFC 9112 3.2.4)";
    }
    static const struct bytes schemes[] = {{"http://", 7}, {"https://", 8}};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t len = schemes[i].len;
        if (start_with_nocase(target, schemes[i])) {
            return split_absolute((struct bytes){target.at + len, target.len - len}, options,
                                  parts);
        }
    }
    return "the target is in no form that an origin server takes (RFC 9112 3.2)";
}

bool http_path_is_plain(struct bytes path)
{
    for (size_t i = 0; i < path.len; i++) {
        if (path.at[i] == '%') {
            return false;
        }
        /* A file name that starts with a dot is decoded in vain; that is rare enough. */
        bool more = path.at[i] == '/' && i + 1 < path.len;
        if (more && (path.at[i + 1] == '/' || path.at[i + 1] == '.')) {
            return false;
        }
    }
    return true;
}

/* Cuts the first segment off `rest`; false when it was the last. */
static bool next_segment(struct bytes *rest, struct bytes *segment)
{
    const char *slash = rest->len > 0 ? memchr(rest->at, '/', rest->len) : NULL;
    size_t len = slash != NULL ? (size_t)(slash - rest->at) : rest->len;
    *segment = (struct bytes){rest->at, len};
    size_t used = slash != NULL ? len + 1 : len;
    *rest = (struct bytes){rest->at + used, rest->len - used};
    return slash != NULL;
}

static const char *decode_segment(struct bytes segment, char *out, size_t *out_len)
{
    size_t len = 0;
    for (size_t i = 0; i < segment.len; i++) {
        if (segment.at[i] != '%') {
            out[len++] = segment.at[i];
            continue;
        }
        if (!http_is_all((struct bytes){segment.at + i + 1, segment.len - i < 3 ? 0 : 2},
                         CHAR_HEX)) {
            return "invalid percent-encoding in the path (RFC 3986 2.1)";
        }
        unsigned value = http_hex_value(segment.at[i + 1]) * 16 + http_hex_value(segment.at[i + 2]);
        if (value < 0x20 || value == 0x7f) {
            return "encoded control character in the path";
        }
        /* Somewhere behind us a slash is a slash, escaped or not; so it may not hide in a
         * segment. */
        if (value == '/' || value == '\\') {
            return "encoded slash in the path";
        }
        out[len++] = (char)value;
        i += 2;
    }
    *out_len = len;
    return NULL;
}

/* Invariant: out[0 … len) ends in '/' before each segment is taken. */
const char *http_path_decode(struct bytes path, char *out, size_t *out_len)
{
    struct bytes rest = {path.at + 1, path.len - 1}, segment;
    size_t len = 1;
    out[0] = '/';
    for (bool more = true; more;) {
        more = next_segment(&rest, &segment);
        size_t added = 0;
        const char *fault = decode_segment(segment, out + len, &added);
        if (fault != NULL) {
            return fault;
        }
        struct bytes decoded = {out + len, added};
        if (bytes_equal(decoded, BYTES(".."))) {
            if (len == 1) {
                return "the path climbs above the root";
            }
            for (len--; out[len - 1] != '/';) {
                len--;
            }
        } else if (added > 0 && !bytes_equal(decoded, BYTES("."))) {
            len += added;
            if (more) {
                out[len++] = '/';
            }
        }
    }
    *out_len = len;
    return NULL;
}

/* What stands before the port: up to the bracket that ends an address, or up to the first colon. */
static struct bytes host_name(struct bytes host)
{
    char stop = host.len > 0 && host.at[0] == '[' ? ']' : ':';
    const char *end = host.len > 0 ? memchr(host.at, stop, host.len) : NULL;
    if (end == NULL) {
        return host;
    }
    return (struct bytes){host.at, (size_t)(end - host.at) + (stop == ']' ? 1 : 0)};
}

/* "[" IPv6address "]"; `text` starts with the bracket. */
static bool is_ipv6(struct bytes text)
{
    char copy[INET6_ADDRSTRLEN];
    struct in6_addr address;
    if (text.len < 3 || text.len - 2 >= sizeof(copy) || text.at[text.len - 1] != ']') {
        return false;
    }
    size_t len = text.len - 2;
    memcpy(copy, text.at + 1, len);
    copy[len] = '\0';
    return strlen(copy) == len && inet_pton(AF_INET6, copy, &address) == 1;
}

static bool is_reg_name(struct bytes text)
{
    size_t i = http_span(text, CHAR_HOST);
    while (i < text.len) {
        if (text.at[i] != '%' ||
            !http_is_all((struct bytes){text.at + i + 1, text.len - i < 3 ? 0 : 2}, CHAR_HEX)) {
            return false;
        }
        i += 3;
        i += http_span((struct bytes){text.at + i, text.len - i}, CHAR_HOST);
    }
    return true;
}

bool http_host_is_valid(struct bytes host)
{
    struct bytes name = host_name(host);
    bool literal = name.len > 0 && name.at[0] == '[';
    if (name.len == 0 || (literal ? !is_ipv6(name) : !is_reg_name(name))) {
        return false;
    }
    if (name.len == host.len) {
        return true;
    }
    size_t digits = name.len + 1;
    while (digits < host.len && host.at[digits] >= '0' && host.at[digits] <= '9') {
        digits++;
    }
    return host.at[name.len] == ':' && digits == host.len;
}
