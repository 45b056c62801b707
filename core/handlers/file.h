/* file.h: one state of one file, ready to be sent.
 *
 * Opened once, then read-only, shared by every response that sends it, freed with the last of them.
 * A file that changes on disk becomes another struct file.
 */
#ifndef CORE_HANDLERS_FILE_H
#define CORE_HANDLERS_FILE_H

#include "core/base/bytes.h"
#include "core/exchange/bucket.h"
#include "core/http/encodings.h"

#include <sys/stat.h>
#include <time.h>

enum {
    FILE_CONTENTS_MAX = 65536,    /* larger files are sent from their descriptor */
    FILE_SETTLE_NS = 20 * 1000000 /* see struct file, settled */
};

/* Equal only for the same state of the same file. */
struct file_identity {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
    unsigned siblings; /* codings for which a file of its own lies beside this one */
};

struct file {
    struct hold hold; /* first: file_free gets back from it */
    /* what it is */
    struct file_identity identity;
    struct bytes path; /* of the request, not of the file */
    enum encoding encoding;
    /* Two states of a file have different timestamps only when a clock tick lies between them. A
     * file that changed less than FILE_SETTLE_NS before it was opened, or while it was read, is
     * not settled: a later change could have the same timestamp. */
    bool settled;
    /* what is sent */
    uint64_t size;
    time_t modified;      /* as Last-Modified says */
    int fd;               /* -1 when the contents are in memory */
    const char *contents; /* or NULL */
    /* The header block of a 200, so that each other answer can use a tail of it:
     * Content-Length | Content-Type | Content-Encoding, Accept-Ranges | Last-Modified, ETag,
     * Vary. */
    struct bytes head, head_from_type, head_from_encoding, head_from_validators;
    struct bytes type, etag; /* the values, inside the head */
    /* the file cache's alone, under its lock */
    struct {
        uint64_t hash;
        struct file *next;          /* in the same slot, or among the dropped */
        struct file *newer, *older; /* by last use */
        uint64_t checked_ns;        /* when it was last known to be current */
        bool linked;
    } place;
    char memory[]; /* path, head, contents */
};

/* Where files come from. */
struct file_source {
    int root;
    uint64_t contents_max; /* a file up to this size is read into memory */
};

/* Opens what a request for `path` (decoded, normalised) means: the file of that name, or index.html
 * below a path that ends with '/', in the given coding. Only a regular file is ever opened: what a
 * name means is found without opening it, so a FIFO or a device notices nothing. Returns 0 and a
 * file with one reference, or an errno: EISDIR for a directory without a final '/', ENOENT also for
 * what is there but not to be served, a shortage when it cannot be known which codings there are.
 * Needs one descriptor at a time. With `known`, an earlier state, *out is NULL when that one is
 * still the current one. */
int file_open(const struct file_source *source, struct bytes path, enum encoding encoding,
              const struct file *known, struct file **out);

/* Failures that say nothing about the file: descriptors or memory are short. Their result is not
 * kept; the next request tries again. */
bool file_is_shortage(int error);

/* Whether `file` was modified before `other` was. */
bool file_is_older(const struct file *file, const struct file *other);

#endif
