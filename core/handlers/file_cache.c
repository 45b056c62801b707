/* file_cache.c: the files that were sent lately. See file_cache.h.
 *
 * A table of chains by hash and a list by last use, both through the files themselves. Two threads
 * that miss at once both open the file; the later insert replaces the earlier one, which then lives
 * only as long as its references.
 */
#include "core/handlers/file_cache.h"

#include "core/base/clock.h"
#include "core/options/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { SLOTS_MIN = 16, DESCRIPTOR_SHARE = 4 };

struct key {
    struct bytes path;
    enum encoding encoding;
    uint64_t hash;
};

/* Files that left the cache and wait to be released after the lock is. */
struct dropped {
    struct file *head;
};

/* --- the table and the list --- */

static struct file *find_locked(struct file_cache *cache, const struct key *key)
    REQUIRES(cache->shared.lock)
{
    struct file *file = cache->shared.slots[key->hash & cache->slot_mask];
    while (file != NULL) {
        if (file->place.hash == key->hash && file->encoding == key->encoding &&
            bytes_equal(file->path, key->path)) {
            return file;
        }
        file = file->place.next;
    }
    return NULL;
}

static uint64_t bytes_of_contents(const struct file *file)
{
    return file->contents != NULL ? file->size : 0;
}

/* The newest end of the list. */
static void enlist_locked(struct file_cache *cache, struct file *file) REQUIRES(cache->shared.lock)
{
    file->place.newer = NULL;
    file->place.older = cache->shared.newest;
    if (cache->shared.newest != NULL) {
        cache->shared.newest->place.newer = file;
    } else {
        cache->shared.oldest = file;
    }
    cache->shared.newest = file;
}

static void delist_locked(struct file_cache *cache, struct file *file) REQUIRES(cache->shared.lock)
{
    struct file *newer = file->place.newer, *older = file->place.older;
    if (newer != NULL) {
        newer->place.older = older;
    } else {
        cache->shared.newest = older;
    }
    if (older != NULL) {
        older->place.newer = newer;
    } else {
        cache->shared.oldest = newer;
    }
}

/* The cache takes a reference of its own. */
static void link_locked(struct file_cache *cache, struct file *file, const struct key *key,
                        uint64_t now_ns) REQUIRES(cache->shared.lock)
{
    struct file **slot = &cache->shared.slots[key->hash & cache->slot_mask];
    CHECK(!file->place.linked);
    hold_take(&file->hold);
    file->place.linked = true;
    file->place.hash = key->hash;
    file->place.checked_ns = now_ns;
    file->place.next = *slot;
    *slot = file;
    enlist_locked(cache, file);
    cache->shared.count++;
    cache->shared.bytes += bytes_of_contents(file);
}

/* The cache's reference passes to `dropped`. */
static void unlink_locked(struct file_cache *cache, struct file *file, struct dropped *dropped)
    REQUIRES(cache->shared.lock)
{
    struct file **link = &cache->shared.slots[file->place.hash & cache->slot_mask];
    CHECK(file->place.linked);
    while (*link != file) {
        link = &(*link)->place.next;
    }
    *link = file->place.next;
    delist_locked(cache, file);
    cache->shared.count--;
    cache->shared.bytes -= bytes_of_contents(file);
    file->place.linked = false;
    file->place.next = dropped->head;
    dropped->head = file;
}

static void shrink_locked(struct file_cache *cache, struct dropped *dropped)
    REQUIRES(cache->shared.lock)
{
    while (cache->shared.count > cache->entries_max || cache->shared.bytes > cache->bytes_max) {
        unlink_locked(cache, cache->shared.oldest, dropped);
    }
}

/* --- life --- */

static unsigned entries_limit(uint64_t wanted)
{
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    uint64_t share = limit.rlim_cur / DESCRIPTOR_SHARE;
    return (unsigned)(wanted < share ? wanted : share);
}

static uint64_t contents_limit(const struct file_cache *cache)
{
    if (cache->entries_max == 0) {
        return 0;
    }
    return cache->bytes_max < FILE_CONTENTS_MAX ? cache->bytes_max : FILE_CONTENTS_MAX;
}

void file_cache_init(struct file_cache *cache, int root, const struct settings *settings)
{
    uint64_t slots = SLOTS_MIN;
    *cache = (struct file_cache){
        .entries_max = entries_limit(settings->file_cache_entries),
        .bytes_max = settings->file_cache,
        .age_ns = settings->file_cache_age_ns,
    };
    while (slots < 2ull * cache->entries_max) {
        slots *= 2;
    }
    cache->slot_mask = slots - 1;
    cache->source = (struct file_source){.root = root, .contents_max = contents_limit(cache)};
    lock_init(&cache->shared.lock, RANK_FILE_CACHE);
    struct file **table = must_calloc(slots, sizeof *table);
    lock_take(&cache->shared.lock);
    cache->shared.slots = table;
    lock_release(&cache->shared.lock);
}

static void release_dropped(struct dropped *dropped)
{
    while (dropped->head != NULL) {
        struct file *file = dropped->head;
        dropped->head = file->place.next;
        hold_release(&file->hold);
    }
}

void file_cache_deinit(struct file_cache *cache)
{
    struct dropped dropped = {0};
    lock_take(&cache->shared.lock);
    while (cache->shared.oldest != NULL) {
        unlink_locked(cache, cache->shared.oldest, &dropped);
    }
    struct file **table = cache->shared.slots;
    cache->shared.slots = NULL;
    lock_release(&cache->shared.lock);
    release_dropped(&dropped);
    free(table);
    lock_deinit(&cache->shared.lock);
}

struct file_cache_use file_cache_use(struct file_cache *cache)
{
    lock_take(&cache->shared.lock);
    struct file_cache_use use = {cache->shared.count, cache->shared.bytes};
    lock_release(&cache->shared.lock);
    return use;
}

/* --- getting --- */

/* Eight bytes a step. Only files that exist get into the table, so a client cannot choose keys that
 * collide. */
static uint64_t hash_of(struct bytes path, enum encoding encoding)
{
    static const uint64_t factor = 0x9e3779b97f4a7c15; /* 2^64 divided by the golden ratio */
    uint64_t hash = path.len * ENCODING_COUNT + encoding, word;
    for (; path.len >= sizeof word; path.at += sizeof word, path.len -= sizeof word) {
        memcpy(&word, path.at, sizeof word);
        hash = (hash ^ word) * factor;
        hash ^= hash >> 29;
    }
    word = 0;
    for (size_t i = 0; i < path.len; i++) {
        word = word << 8 | (unsigned char)path.at[i];
    }
    hash = (hash ^ word) * factor;
    return hash ^ hash >> 32;
}

/* A reference to what the cache has; *believed is false when the file must be checked again.
 * Only one caller gets false, and checks; the others use the entry meanwhile. */
static struct file *cache_look_up(struct file_cache *cache, const struct key *key, uint64_t now_ns,
                                  bool *believed) EXCLUDES(cache->shared.lock)
{
    lock_take(&cache->shared.lock);
    struct file *file = find_locked(cache, key);
    if (file != NULL) {
        hold_take(&file->hold);
        /* The clock was read before the lock was taken: another thread may have checked later than
         * `now_ns`. With an age of 0 no thread relies on another's check, which may still be under
         * way. */
        *believed = cache->age_ns > 0 && file->place.checked_ns + cache->age_ns > now_ns;
        if (!*believed) {
            file->place.checked_ns = now_ns;
        }
        if (file != cache->shared.newest) {
            delist_locked(cache, file);
            enlist_locked(cache, file);
        }
    }
    lock_release(&cache->shared.lock);
    return file;
}

/* Puts `fresh` (or nothing) in the place of what the cache has under that key. */
static void replace_file(struct file_cache *cache, const struct key *key, struct file *fresh,
                         uint64_t now_ns) EXCLUDES(cache->shared.lock)
{
    struct dropped dropped = {0};
    lock_take(&cache->shared.lock);
    struct file *old = find_locked(cache, key);
    if (old != NULL) {
        unlink_locked(cache, old, &dropped);
    }
    if (fresh != NULL) {
        link_locked(cache, fresh, key, now_ns);
        shrink_locked(cache, &dropped);
    }
    lock_release(&cache->shared.lock);
    release_dropped(&dropped);
}

/* Opens the file, again where `known` is too old; takes the reference to `known` over. */
static struct file *renew_file(struct file_cache *cache, const struct key *key, struct file *known,
                               uint64_t now_ns, int *error) EXCLUDES(cache->shared.lock)
{
    struct file *fresh;
    *error = file_open(&cache->source, key->path, key->encoding, known, &fresh);
    bool current = *error == 0 && fresh == NULL;
    if (known != NULL && (current || file_is_shortage(*error))) {
        return known;
    }
    if (cache->entries_max > 0 && !file_is_shortage(*error)) {
        replace_file(cache, key, fresh != NULL && fresh->settled ? fresh : NULL, now_ns);
    }
    if (known != NULL) {
        hold_release(&known->hold);
    }
    return fresh;
}

bool file_cache_knows(struct file_cache *cache, struct bytes path, enum encoding encoding)
{
    const struct key key = {path, encoding, hash_of(path, encoding)};
    lock_take(&cache->shared.lock);
    bool knows = find_locked(cache, &key) != NULL;
    lock_release(&cache->shared.lock);
    return knows;
}

struct file *file_cache_get(struct file_cache *cache, struct bytes path, enum encoding encoding,
                            int *error)
{
    struct key key = {path, encoding, hash_of(path, encoding)};
    uint64_t now_ns = clock_coarse_ns(); /* an age may be wrong by one tick */
    bool believed = false;
    struct file *known = cache_look_up(cache, &key, now_ns, &believed);
    if (believed) {
        return known;
    }
    return renew_file(cache, &key, known, now_ns, error);
}
