/* file_cache.h: the files that were sent lately, kept open or in memory.
 *
 * Why: a hit costs one hash lookup under one short lock and no system call. Limits: a number of
 * entries (never more than a quarter of RLIMIT_NOFILE) and of bytes in memory; beyond them the
 * least recently used entry is dropped. An entry is valid for a time. The first request after that
 * checks the file again, while others still use the entry. Files that do not exist are not kept.
 *
 * Ownership: file_cache_get gives a reference, ended by hold_release; an entry that was dropped
 * lives until its last reference is released. Any thread. No system call, allocation or free
 * happens under the lock.
 */
#ifndef CORE_HANDLERS_FILE_CACHE_H
#define CORE_HANDLERS_FILE_CACHE_H

#include "core/base/lock.h"
#include "core/handlers/file.h"

struct settings;

struct file_cache {
    /* fixed after init */
    struct file_source source;
    unsigned entries_max; /* 0: nothing is kept */
    uint64_t bytes_max;
    uint64_t age_ns;
    uint64_t slot_mask;
    struct {
        struct lock lock;
        struct file **slots GUARDED; /* chains by hash */
        struct file *newest GUARDED, *oldest GUARDED;
        unsigned count GUARDED;
        uint64_t bytes GUARDED; /* of contents */
    } shared;
};

/* `root` is borrowed. Before threads start; deinit after they have ended. */
void file_cache_init(struct file_cache *cache, int root, const struct settings *settings);
void file_cache_deinit(struct file_cache *cache);

/* The file that a request for `path` means in that coding, with a reference for the caller; or NULL
 * and an errno as of file_open. */
struct file *file_cache_get(struct file_cache *cache, struct bytes path, enum encoding encoding,
                            int *error) EXCLUDES(cache->shared.lock);

/* Is the file there? It may have to be checked again, which asks the kernel and, for a file that was
 * sent lately, not the disk. A hint: it may have changed by the time of file_cache_get. */
bool file_cache_knows(struct file_cache *cache, struct bytes path, enum encoding encoding)
    EXCLUDES(cache->shared.lock);

/* How full it is, for tests and status pages. */
struct file_cache_use {
    unsigned entries;
    uint64_t bytes;
};
struct file_cache_use file_cache_use(struct file_cache *cache) EXCLUDES(cache->shared.lock);

#endif
