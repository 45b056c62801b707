/* files.c: the handler that serves files. See files.h.
 *
 * The way of a request: its path gives a file from the cache; the fields that matter are found in
 * one pass; without any of them the answer is the file's prepared head and its bytes. Otherwise the
 * coding is chosen first, as preconditions and ranges are about the chosen representation, then the
 * preconditions, then the range.
 */
#include "core/handlers/files.h"

#include "core/base/clock.h"
#include "core/exchange/response.h"
#include "core/handlers/beneath.h"
#include "core/handlers/file_cache.h"
#include "core/http/conditional.h"
#include "core/http/mime.h"
#include "core/http/ranges.h"
#include "core/options/settings.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/* A body up to this size is copied behind its head, so that both are one buffer and one send;
 * EXCHANGE_TEXT has room for both. A larger one is lent from the cache. */
enum { COPY_MAX = 1400, LOCATION_MAX = 1536, PART_HEAD_MAX = 384 };

/* What a request asks for beside the file. */
enum { ASKED_ENCODING = 1, ASKED_CONDITION = 2, ASKED_RANGE = 4 };

/* Filled by files_init, read-only afterwards (the cache has its own lock). */
static struct {
    int root;
    struct file_cache cache;
} files = {.root = -1};

bool files_init(const struct settings *settings, char error[FILES_ERROR_MAX])
{
    _Static_assert((int)FILES_ERROR_MAX == (int)BENEATH_ERROR_MAX, "one line, passed through");
    files.root = beneath_root(settings->root, error);
    if (files.root < 0) {
        return false;
    }
    mime_init(MIME_TYPES_PATH);
    file_cache_init(&files.cache, files.root, settings);
    return true;
}

void files_deinit(void)
{
    if (files.root < 0) {
        return;
    }
    file_cache_deinit(&files.cache);
    mime_deinit();
    (void)close(files.root); /* a directory: nothing can be lost */
    files.root = -1;
}

/* --- what the request asks for --- */

static unsigned asked_by(struct bytes name)
{
    switch (name.len) {
    case sizeof "Range" - 1:
        return bytes_equal_nocase(name, BYTES("Range")) ? ASKED_RANGE : 0;
    case sizeof "If-Match" - 1: /* If-Range, as long, counts only beside Range */
        return bytes_equal_nocase(name, BYTES("If-Match")) ? ASKED_CONDITION : 0;
    case sizeof "If-None-Match" - 1:
        return bytes_equal_nocase(name, BYTES("If-None-Match")) ? ASKED_CONDITION : 0;
    case sizeof "Accept-Encoding" - 1:
        return bytes_equal_nocase(name, BYTES("Accept-Encoding")) ? ASKED_ENCODING : 0;
    case sizeof "If-Modified-Since" - 1:
        return bytes_equal_nocase(name, BYTES("If-Modified-Since")) ? ASKED_CONDITION : 0;
    case sizeof "If-Unmodified-Since" - 1:
        return bytes_equal_nocase(name, BYTES("If-Unmodified-Since")) ? ASKED_CONDITION : 0;
    default:
        return 0;
    }
}

/* Range is defined for GET alone (RFC 9110 14.2). */
static unsigned asked_for(const struct request *request)
{
    unsigned asked = 0;
    for (unsigned i = 0; i < request->field_count; i++) {
        asked |= asked_by(request->fields[i].name);
    }
    return request->method == METHOD_GET ? asked : asked & ~(unsigned)ASKED_RANGE;
}

/* --- failures and redirects --- */

static bool stays_as_it_is(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~!$&'()*+,;=:@/", c) != NULL);
}

/* Percent-encodes a path (RFC 3986 3.3); false when there is no room. */
static bool put_path(char *out, size_t room, size_t *len, struct bytes path)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < path.len; i++) {
        unsigned char byte = (unsigned char)path.at[i];
        if (room - *len < 3) {
            return false;
        }
        if (stays_as_it_is(path.at[i])) {
            out[(*len)++] = path.at[i];
        } else {
            out[(*len)++] = '%';
            out[(*len)++] = digits[byte >> 4];
            out[(*len)++] = digits[byte & 15];
        }
    }
    return true;
}

/* Location for a directory: its path with a final '/', and the query. One '/' leads, so that it can
 * never be taken for the name of another host (RFC 3986 4.2). */
static bool format_location(const struct request *request, char *out, size_t room, size_t *len)
{
    struct bytes path = request->path;
    while (path.len > 1 && path.at[1] == '/') {
        path = (struct bytes){path.at + 1, path.len - 1};
    }
    *len = (size_t)snprintf(out, room, "Location: ");
    if (!put_path(out, room, len, path) || room - *len < request->query.len + 5) {
        return false;
    }
    out[(*len)++] = '/';
    if (request->query.len > 0) {
        out[(*len)++] = '?';
        memcpy(out + *len, request->query.at, request->query.len);
        *len += request->query.len;
    }
    memcpy(out + *len, "\r\n", 2);
    *len += 2;
    return true;
}

static void answer_redirect(struct exchange *x)
{
    char location[LOCATION_MAX];
    size_t len;
    if (format_location(&x->request, location, sizeof location, &len)) {
        response_error(x, 301, (struct bytes){location, len});
    } else {
        response_error(x, 414, (struct bytes){"", 0});
    }
}

static int status_of(int error)
{
    if (file_is_shortage(error)) {
        return 503;
    }
    switch (error) {
    case EACCES:
    case EPERM:
        return 403;
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
    case ELOOP:
    case EXDEV: /* the name leaves the root */
    case ENXIO: /* a socket, or a device without a driver */
    case ENODEV:
        return 404;
    default:
        return 500;
    }
}

static void answer_failure(struct exchange *x, int error)
{
    if (error == EISDIR) {
        answer_redirect(x);
        return;
    }
    int status = status_of(error);
    response_error(x, status, status == 503 ? BYTES("Retry-After: 1\r\n") : (struct bytes){"", 0});
}

/* --- answers with a file --- */

static void send_piece(struct exchange *x, struct file *file, uint64_t first, uint64_t len)
{
    if (file->contents == NULL) {
        response_file(x, file->fd, first, len, &file->hold);
    } else if (len <= COPY_MAX) {
        response_copy(x, file->contents + first, len);
    } else {
        response_lend(x, file->contents + first, len, &file->hold);
    }
}

static void answer_whole(struct exchange *x, struct file *file)
{
    response_start(x, 200);
    response_add_block(x, file->head);
    response_length_in_block(x, file->size);
    send_piece(x, file, 0, file->size);
    response_end(x);
}

/* RFC 9110 15.4.5: what a cache needs to renew what it has. */
static void answer_not_modified(struct exchange *x, const struct file *file)
{
    response_start(x, 304);
    response_add_block(x, file->head_from_validators);
    response_no_body(x);
    response_end(x);
}

static void answer_unsatisfiable(struct exchange *x, const struct file *file)
{
    char extra[64];
    int len = snprintf(extra, sizeof extra, "Content-Range: bytes */%llu\r\n",
                       (unsigned long long)file->size);
    response_error(x, 416, (struct bytes){extra, (size_t)len});
}

static int format_content_range(char *out, size_t room, const struct file *file,
                                const struct range *range)
{
    return snprintf(
        out, room, "Content-Range: bytes %llu-%llu/%llu\r\n", (unsigned long long)range->first,
        (unsigned long long)(range->first + range->len - 1), (unsigned long long)file->size);
}

static void answer_range(struct exchange *x, struct file *file, const struct range *range)
{
    char line[128];
    int len = format_content_range(line, sizeof line, file, range);
    response_start(x, 206);
    response_add_block(x, file->head_from_type);
    response_add_block(x, (struct bytes){line, (size_t)len});
    response_length(x, range->len);
    send_piece(x, file, range->first, range->len);
    response_end(x);
}

/* --- several ranges: multipart/byteranges (RFC 9110 14.6) --- */

enum { BOUNDARY_LEN = 32 };

/* 128 bits that differ from answer to answer: no file holds them but by a chance that can be
 * neglected. */
static void make_boundary(const struct exchange *x, const struct file *file,
                          char out[BOUNDARY_LEN + 1])
{
    uint64_t a = (x->id ^ clock_ns()) * 0x9e3779b97f4a7c15;
    uint64_t b = (a ^ a >> 29 ^ (uintptr_t)file) * 0xbf58476d1ce4e5b9;
    snprintf(out, BOUNDARY_LEN + 1, "%016llx%016llx", (unsigned long long)a,
             (unsigned long long)(b ^ b >> 32));
}

static size_t format_part_head(char out[PART_HEAD_MAX], const struct file *file,
                               const struct range *range, const char *boundary)
{
    int len = snprintf(out, PART_HEAD_MAX, "\r\n--%s\r\nContent-Type: %.*s\r\n", boundary,
                       (int)file->type.len, file->type.at);
    len += format_content_range(out + len, PART_HEAD_MAX - (size_t)len, file, range);
    memcpy(out + len, "\r\n", 2);
    return (size_t)len + 2;
}

static size_t format_last_boundary(char out[PART_HEAD_MAX], const char *boundary)
{
    return (size_t)snprintf(out, PART_HEAD_MAX, "\r\n--%s--\r\n", boundary);
}

static uint64_t multipart_length(const struct file *file, const struct ranges *ranges,
                                 const char *boundary)
{
    char text[PART_HEAD_MAX];
    uint64_t length = format_last_boundary(text, boundary);
    for (unsigned i = 0; i < ranges->count; i++) {
        length += format_part_head(text, file, &ranges->at[i], boundary) + ranges->at[i].len;
    }
    return length;
}

static void answer_ranges(struct exchange *x, struct file *file, const struct ranges *ranges)
{
    char boundary[BOUNDARY_LEN + 1], text[PART_HEAD_MAX];
    make_boundary(x, file, boundary);
    response_start(x, 206);
    response_add(x, "Content-Type", "multipart/byteranges; boundary=%s", boundary);
    response_add_block(x, file->head_from_encoding);
    response_length(x, multipart_length(file, ranges, boundary));
    for (unsigned i = 0; i < ranges->count; i++) {
        response_copy(x, text, format_part_head(text, file, &ranges->at[i], boundary));
        send_piece(x, file, ranges->at[i].first, ranges->at[i].len);
    }
    response_copy(x, text, format_last_boundary(text, boundary));
    response_end(x);
}

/* --- the decision --- */

static void answer_ranged(struct exchange *x, struct file *file)
{
    struct ranges ranges;
    switch (ranges_read(request_field(&x->request, BYTES("Range")), file->size, &ranges)) {
    case RANGES_WHOLE:
        answer_whole(x, file);
        return;
    case RANGES_UNSATISFIABLE:
        answer_unsatisfiable(x, file);
        return;
    case RANGES_SOME:
        if (ranges.count == 1) {
            answer_range(x, file, &ranges.at[0]);
        } else {
            answer_ranges(x, file, &ranges);
        }
        return;
    }
}

static void answer_asked(struct exchange *x, struct file *file, unsigned asked)
{
    const struct validators now = {.etag = file->etag, .modified = file->modified};
    enum precondition precondition =
        (asked & ASKED_CONDITION) ? conditional_check(&x->request, &now) : PRECONDITION_HOLDS;
    if (precondition == PRECONDITION_FAILED) {
        response_error(x, 412, (struct bytes){"", 0});
    } else if (precondition == PRECONDITION_NOT_MODIFIED) {
        answer_not_modified(x, file);
    } else if ((asked & ASKED_RANGE) && conditional_range_holds(&x->request, &now)) {
        answer_ranged(x, file);
    } else {
        answer_whole(x, file);
    }
}

/* A sibling may have been deleted, or have become older than the original, since the original was
 * opened. */
static struct file *sibling_of(const struct exchange *x, const struct file *file,
                               enum encoding encoding)
{
    int error;
    struct file *sibling = file_cache_get(&files.cache, x->request.path, encoding, &error);
    if (sibling != NULL && file_is_older(sibling, file)) {
        hold_release(&sibling->hold);
        return NULL;
    }
    return sibling;
}

/* The representation to be sent; takes the reference to `file` over. */
static struct file *chosen_file(const struct exchange *x, struct file *file)
{
    unsigned available = file->identity.siblings;
    while (available != 0) {
        enum encoding encoding = encodings_choose(&x->request, available);
        if (encoding == ENCODING_IDENTITY) {
            break;
        }
        struct file *sibling = sibling_of(x, file, encoding);
        if (sibling != NULL) {
            hold_release(&file->hold);
            return sibling;
        }
        available &= ~encoding_bit(encoding);
    }
    return file;
}

bool files_would_wait(const struct exchange *x)
{
    return !file_cache_knows(&files.cache, x->request.path, ENCODING_IDENTITY);
}

enum handler_verdict files_run(struct exchange *x)
{
    int error;
    struct file *file = file_cache_get(&files.cache, x->request.path, ENCODING_IDENTITY, &error);
    if (file == NULL) {
        answer_failure(x, error);
        return HANDLER_DONE;
    }
    unsigned asked = asked_for(&x->request);
    if (asked & ASKED_ENCODING) {
        file = chosen_file(x, file);
    }
    if (asked & (ASKED_CONDITION | ASKED_RANGE)) {
        answer_asked(x, file, asked);
    } else {
        answer_whole(x, file);
    }
    hold_release(&file->hold);
    return HANDLER_DONE;
}
