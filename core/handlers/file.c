/* file.c: opening one file and preparing its answer. See file.h. */
#include "core/handlers/file.h"

#include "core/base/clock.h"
#include "core/handlers/beneath.h"
#include "core/http/date.h"
#include "core/http/mime.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { HEAD_MAX = 512 };

/* --- names --- */

/* Segments that begin with '.' are private, except the first one when it is ".well-known"
 * (RFC 8615). */
static bool is_hidden(struct bytes path)
{
    for (size_t i = 0; i + 1 < path.len; i++) {
        if (path.at[i] != '/' || path.at[i + 1] != '.') {
            continue;
        }
        struct bytes rest = {path.at + i, path.len - i};
        struct bytes known = BYTES("/.well-known");
        bool allowed = i == 0 && bytes_start_with(rest, known) &&
                       (rest.len == known.len || rest.at[known.len] == '/');
        if (!allowed) {
            return true;
        }
    }
    return false;
}

static bool is_servable(struct bytes path)
{
    return path.len > 0 && path.at[0] == '/' && memchr(path.at, '\0', path.len) == NULL &&
           !is_hidden(path);
}

static bool asks_for_directory(struct bytes path)
{
    return path.at[path.len - 1] == '/';
}

/* The file's name below the root, without the suffix of a coding. False when it is too long for the
 * kernel. */
static bool file_name_of(struct bytes path, char out[PATH_MAX])
{
    int len = snprintf(out, PATH_MAX, "%.*s%s", (int)path.len - 1, path.at + 1,
                       asks_for_directory(path) ? "index.html" : "");
    return path.len < PATH_MAX && len < PATH_MAX;
}

/* --- what is on disk --- */

static bool time_is_before(struct timespec a, struct timespec b)
{
    return a.tv_sec != b.tv_sec ? a.tv_sec < b.tv_sec : a.tv_nsec < b.tv_nsec;
}

static bool time_equal(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static struct file_identity identity_of(const struct stat *stat)
{
    return (struct file_identity){
        .device = stat->st_dev,
        .inode = stat->st_ino,
        .size = stat->st_size,
        .modified = stat->st_mtim,
        .changed = stat->st_ctim,
    };
}

static bool identity_equal(const struct file_identity *a, const struct file_identity *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           time_equal(a->modified, b->modified) && time_equal(a->changed, b->changed) &&
           a->siblings == b->siblings;
}

bool file_is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == EAGAIN;
}

/* Only regular files are served: 0 or an errno. */
static int look_at(int fd, struct stat *stat)
{
    if (fstat(fd, stat) != 0) {
        return EIO;
    }
    if (S_ISDIR(stat->st_mode)) {
        return EISDIR;
    }
    return S_ISREG(stat->st_mode) ? 0 : ENOENT;
}

static int open_coded(int root, const char *name, enum encoding encoding, int flags)
{
    char whole[PATH_MAX + 8];
    snprintf(whole, sizeof whole, "%s%s", name, encoding_suffix(encoding));
    return beneath_open(root, whole, flags);
}

/* What the name means, without opening it (O_PATH): opening a FIFO releases a writer that waits for
 * a reader, and a device may do anything. 0 or an errno. */
static int stat_file(int root, const char *name, enum encoding encoding, struct stat *stat)
{
    int fd = open_coded(root, name, encoding, O_PATH);
    if (fd < 0) {
        return errno;
    }
    int error = look_at(fd, stat);
    (void)close(fd); /* nothing was written */
    return error;
}

/* The codings for which there is a regular file that is not older than the original. 0, or a
 * shortage: then nothing is known of them. */
static int find_siblings(int root, const char *name, struct timespec original, unsigned *found)
{
    *found = 0;
    for (enum encoding i = 0; i < ENCODING_IDENTITY; i++) {
        struct stat stat = {0};
        int error = stat_file(root, name, i, &stat);
        if (file_is_shortage(error)) {
            return error;
        }
        if (error == 0 && !time_is_before(stat.st_mtim, original)) {
            *found |= encoding_bit(i);
        }
    }
    return 0;
}

/* The state in which the file is now. 0 or an errno. */
static int identify_file(int root, const char *name, enum encoding encoding,
                         struct file_identity *identity)
{
    struct stat stat = {0};
    int error = stat_file(root, name, encoding, &stat);
    if (error != 0) {
        return error;
    }
    *identity = identity_of(&stat);
    return encoding == ENCODING_IDENTITY
               ? find_siblings(root, name, stat.st_mtim, &identity->siblings)
               : 0;
}

/* Settled: changed long enough ago. A time far ahead of ours is another machine's or a clock set
 * back. */
static bool is_settled(struct timespec changed)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec - changed.tv_sec > 1 || changed.tv_sec - now.tv_sec > 1) {
        return true;
    }
    int64_t age = (now.tv_sec - changed.tv_sec) * (int64_t)NS_PER_S + now.tv_nsec - changed.tv_nsec;
    return age > FILE_SETTLE_NS;
}

/* --- the prepared head --- */

/* RFC 9110 8.8.2.1: Last-Modified is never later than Date. */
static time_t modified_of(const struct file_identity *identity)
{
    time_t now = clock_wall_s();
    return identity->modified.tv_sec < now ? identity->modified.tv_sec : now;
}

static unsigned long long in_ns(struct timespec time)
{
    return (unsigned long long)time.tv_sec * NS_PER_S + (unsigned long long)time.tv_nsec;
}

/* Strong (RFC 9110 8.8.1): differs between codings, and changes with every change of the file that
 * a tick of the kernel's clock separates from the one before. No program can set the time of change,
 * and a rename sets it, so the inode is not needed. It is private, and a hash would not hide it from
 * a client that tries all numbers. The tag is the same for all processes and after a restart. */
static int format_etag(char *out, size_t room, const struct file *file)
{
    const struct file_identity *identity = &file->identity;
    return snprintf(out, room, "\"%llx-%llx-%llx%s%s\"", (unsigned long long)identity->size,
                    in_ns(identity->modified), in_ns(identity->changed),
                    file->encoding == ENCODING_IDENTITY ? "" : "-",
                    file->encoding == ENCODING_IDENTITY ? "" : encoding_name(file->encoding));
}

/* The parts of a head under construction. */
struct head {
    size_t len, type_at, type_len, encoding_at, validators_at, etag_at, etag_len;
    char text[HEAD_MAX];
};

static void head_put(struct head *head, struct bytes text)
{
    CHECK(head->len + text.len < HEAD_MAX);
    memcpy(head->text + head->len, text.at, text.len);
    head->len += text.len;
}

static void head_put_type(struct head *head, const char *name)
{
    char type[MIME_TYPE_MAX];
    head->type_at = head->len;
    head->type_len = mime_of(bytes_of(name), type);
    head_put(head, BYTES("Content-Type: "));
    head_put(head, (struct bytes){type, head->type_len});
    head_put(head, BYTES("\r\n"));
}

static void head_put_validators(struct head *head, const struct file *file)
{
    char date[HTTP_DATE_LEN], etag[96];
    head->validators_at = head->len;
    http_date_format(date, file->modified);
    head_put(head, BYTES("Last-Modified: "));
    head_put(head, (struct bytes){date, HTTP_DATE_LEN});
    head_put(head, BYTES("\r\nETag: "));
    head->etag_at = head->len;
    head->etag_len = (size_t)format_etag(etag, sizeof etag, file);
    head_put(head, (struct bytes){etag, head->etag_len});
    head_put(head, BYTES("\r\n"));
    if (file->identity.siblings != 0 || file->encoding != ENCODING_IDENTITY) {
        head_put(head, BYTES("Vary: Accept-Encoding\r\n")); /* RFC 9110 12.5.5 */
    }
}

static void head_make(struct head *head, const struct file *file, const char *name)
{
    head->len = (size_t)snprintf(head->text, HEAD_MAX, "Content-Length: %llu\r\n",
                                 (unsigned long long)file->size);
    head_put_type(head, name);
    head->encoding_at = head->len;
    if (file->encoding != ENCODING_IDENTITY) {
        head_put(head, BYTES("Content-Encoding: "));
        head_put(head, bytes_of(encoding_name(file->encoding)));
        head_put(head, BYTES("\r\n"));
    }
    head_put(head, BYTES("Accept-Ranges: bytes\r\n"));
    head_put_validators(head, file);
}

/* --- the file --- */

static void file_free(struct hold *hold)
{
    struct file *file = (struct file *)hold;
    if (file->fd >= 0) {
        (void)close(file->fd); /* read-only: nothing can be lost */
    }
    free(file);
}

/* Puts path and head into the file's own memory. */
static void file_keep(struct file *file, struct bytes path, const struct head *head)
{
    memcpy(file->memory, path.at, path.len);
    file->path = (struct bytes){file->memory, path.len};
    char *at = file->memory + path.len;
    memcpy(at, head->text, head->len);
    static const size_t name_len = sizeof "Content-Type: " - 1;
    file->head = (struct bytes){at, head->len};
    file->head_from_type = (struct bytes){at + head->type_at, head->len - head->type_at};
    file->head_from_encoding =
        (struct bytes){at + head->encoding_at, head->len - head->encoding_at};
    file->head_from_validators =
        (struct bytes){at + head->validators_at, head->len - head->validators_at};
    file->type = (struct bytes){at + head->type_at + name_len, head->type_len};
    file->etag = (struct bytes){at + head->etag_at, head->etag_len};
}

/* Reads exactly `size` bytes; false on an error or when there are fewer. */
static bool read_whole(int fd, char *at, size_t size)
{
    size_t have = 0;
    while (have < size) {
        ssize_t got = pread(fd, at + have, size - have, (off_t)have);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return false;
        }
        have += (size_t)got;
    }
    return true;
}

/* Has the file changed since it was opened? */
static bool is_steady(const struct file *file)
{
    struct stat stat;
    if (fstat(file->fd, &stat) != 0) {
        return false;
    }
    struct file_identity identity = identity_of(&stat);
    identity.siblings = file->identity.siblings;
    return identity_equal(&identity, &file->identity);
}

/* Takes the contents into memory and gives the descriptor back, unless the file changes meanwhile:
 * then it is sent from its descriptor and not kept. */
static void file_read_contents(struct file *file, char *at)
{
    if (!read_whole(file->fd, at, file->size) || !is_steady(file)) {
        file->settled = false;
        return;
    }
    file->contents = at;
    (void)close(file->fd); /* read-only: nothing can be lost */
    file->fd = -1;
}

/* Everything about a file whose descriptor and identity are known. Takes the descriptor over. */
static struct file *file_new(const struct file_source *source, int fd, struct file like,
                             struct bytes path, const char *name)
{
    struct head head;
    like.fd = fd;
    like.size = (uint64_t)like.identity.size;
    like.modified = modified_of(&like.identity);
    like.settled = is_settled(like.identity.changed);
    head_make(&head, &like, name);
    bool read = like.size <= source->contents_max;
    struct file *file = must_alloc(sizeof *file + path.len + head.len + (read ? like.size : 0));
    *file = like;
    hold_init(&file->hold, file_free);
    file_keep(file, path, &head);
    if (read) {
        file_read_contents(file, file->memory + path.len + head.len);
    }
    return file;
}

/* Opens the file itself, which was a regular one a moment ago. Should another one have come into
 * its place meanwhile, that one counts; beneath_open never waits. 0 or an errno. */
static int open_regular(int root, const char *name, enum encoding encoding, int *fd,
                        struct file_identity *identity)
{
    struct stat stat;
    *fd = open_coded(root, name, encoding, O_RDONLY);
    if (*fd < 0) {
        return errno;
    }
    int error = look_at(*fd, &stat);
    if (error != 0) {
        (void)close(*fd); /* nothing was written */
        return error;
    }
    unsigned siblings = identity->siblings;
    *identity = identity_of(&stat);
    identity->siblings = siblings;
    return 0;
}

int file_open(const struct file_source *source, struct bytes path, enum encoding encoding,
              const struct file *known, struct file **out)
{
    char name[PATH_MAX];
    struct file like = {.encoding = encoding};
    int fd = -1;
    *out = NULL;
    if (!is_servable(path)) {
        return ENOENT;
    }
    if (!file_name_of(path, name)) {
        return ENAMETOOLONG;
    }
    int error = identify_file(source->root, name, encoding, &like.identity);
    if (error == 0 && known != NULL && identity_equal(&known->identity, &like.identity)) {
        return 0;
    }
    if (error == 0) {
        error = open_regular(source->root, name, encoding, &fd, &like.identity);
    }
    if (error != 0) {
        return error == EISDIR && asks_for_directory(path) ? ENOENT : error;
    }
    *out = file_new(source, fd, like, path, name);
    return 0;
}

bool file_is_older(const struct file *file, const struct file *other)
{
    return time_is_before(file->identity.modified, other->identity.modified);
}
