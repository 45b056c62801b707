/* The cache of files: what is kept, for how long, and what four threads do to it. */
#include "core/handlers/file_cache.h"

#include "core/base/clock.h"
#include "core/handlers/beneath.h"
#include "core/http/mime.h"
#include "core/options/settings.h"
#include "tests/core/tree.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>

static const uint64_t hour_ns = 3600000000000;

/* A cache over a new directory. */
struct fixture {
    struct tree tree;
    struct settings settings;
    int root;
    struct file_cache cache;
};
static struct fixture f;

static void setup(uint64_t entries, uint64_t bytes, uint64_t age_ns)
{
    char error[BENEATH_ERROR_MAX];
    tree_make(&f.tree);
    f.settings.file_cache_entries = entries;
    f.settings.file_cache = bytes;
    f.settings.file_cache_age_ns = age_ns;
    f.root = beneath_root(f.tree.path, error);
    expect(f.root >= 0);
    mime_init("/nonexistent");
    file_cache_init(&f.cache, f.root, &f.settings);
}

static void teardown(void)
{
    file_cache_deinit(&f.cache);
    mime_deinit();
    close(f.root);
    tree_remove(&f.tree);
}

static struct file *get(const char *path)
{
    int error = 0;
    struct file *file = file_cache_get(&f.cache, bytes_of(path), ENCODING_IDENTITY, &error);
    expect((file == NULL) == (error != 0));
    return file;
}

static void put(struct file *file)
{
    hold_release(&file->hold);
}

/* Gets and puts; the pointer distinguishes files only while the cache keeps them. */
static const struct file *peek(const char *path)
{
    struct file *file = get(path);
    expect(file != NULL);
    put(file);
    return file;
}

static int failure(const char *path)
{
    int error = 0;
    expect(file_cache_get(&f.cache, bytes_of(path), ENCODING_IDENTITY, &error) == NULL);
    return error;
}

static int open_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++) {
        count += fcntl(fd, F_GETFD) >= 0;
    }
    return count;
}

TEST(file_cache, keeps_a_small_file_in_memory)
{
    setup(8, 1 << 20, hour_ns);
    tree_write(&f.tree, "a.txt", "hello");
    tree_settle();
    int before = open_descriptors();
    struct file *file = get("/a.txt");
    expect_int(file->size, 5);
    expect_int(file->fd, -1);
    expect(memcmp(file->contents, "hello", 5) == 0);
    expect(peek("/a.txt") == file);
    expect_int(file_cache_use(&f.cache).entries, 1);
    expect_int(file_cache_use(&f.cache).bytes, 5);
    expect_int(open_descriptors(), before);
    put(file);
    teardown();
}

TEST(file_cache, keeps_a_large_file_open)
{
    setup(8, 1 << 20, hour_ns);
    tree_write_size(&f.tree, "a", FILE_CONTENTS_MAX + 1);
    tree_write_size(&f.tree, "b", FILE_CONTENTS_MAX);
    tree_settle();
    struct file *file = get("/a");
    expect(file->contents == NULL);
    expect(fcntl(file->fd, F_GETFD) >= 0);
    expect(peek("/a") == file);
    expect_int(file_cache_use(&f.cache).bytes, 0);
    put(file);
    expect_int(peek("/b")->fd, -1);
    teardown();
}

TEST(file_cache, keeps_descriptors_only_without_memory)
{
    setup(8, 0, hour_ns);
    tree_write(&f.tree, "a", "hello");
    tree_write(&f.tree, "empty", "");
    tree_settle();
    struct file *file = get("/a");
    expect(file->contents == NULL && file->fd >= 0);
    expect(peek("/a") == file);
    put(file);
    expect_int(peek("/empty")->size, 0);
    expect_int(file_cache_use(&f.cache).entries, 2);
    teardown();
}

TEST(file_cache, keeps_nothing_without_entries)
{
    setup(0, 1 << 20, hour_ns);
    tree_write(&f.tree, "a", "hello");
    tree_settle();
    int before = open_descriptors();
    struct file *file = get("/a");
    struct file *again = get("/a");
    expect(file != again && file->fd >= 0 && file->fd != again->fd);
    put(file);
    put(again);
    expect_int(open_descriptors(), before);
    expect_int(file_cache_use(&f.cache).entries, 0);
    teardown();
}

TEST(file_cache, believes_nothing_that_changed_just_now)
{
    setup(8, 1 << 20, hour_ns);
    tree_write(&f.tree, "a", "one");
    struct file *file = get("/a");
    expect_int(file_cache_use(&f.cache).entries, file->settled);
    put(file);
    tree_write(&f.tree, "a", "two");
    tree_settle();
    file = get("/a");
    if (file->settled) {
        expect(memcmp(file->contents, "one", 3) == 0 || memcmp(file->contents, "two", 3) == 0);
    }
    put(file);
    teardown();
}

TEST(file_cache, sees_no_change_while_it_believes)
{
    setup(8, 1 << 20, hour_ns);
    tree_write(&f.tree, "a", "one");
    tree_settle();
    const struct file *file = peek("/a");
    tree_write(&f.tree, "a", "two");
    expect(peek("/a") == file);
    expect(unlink(tree_name(&f.tree, "a")) == 0);
    expect(peek("/a") == file);
    teardown();
}

TEST(file_cache, looks_again_after_the_age)
{
    setup(8, 1 << 20, 0);
    tree_write(&f.tree, "a", "one");
    tree_settle();
    struct file *old = get("/a");
    expect(peek("/a") == old);
    tree_write(&f.tree, "a", "two");
    tree_settle();
    struct file *new = get("/a");
    expect(new != old);
    expect(memcmp(new->contents, "two", 3) == 0);
    expect(memcmp(old->contents, "one", 3) == 0);
    expect(!bytes_equal(old->etag, new->etag));
    expect(peek("/a") == new);
    put(old);
    put(new);
    expect(unlink(tree_name(&f.tree, "a")) == 0);
    expect_int(failure("/a"), ENOENT);
    expect_int(file_cache_use(&f.cache).entries, 0);
    teardown();
}

TEST(file_cache, notices_a_change_that_hides_its_mtime)
{
    setup(8, 1 << 20, 0);
    struct stat stat_before;
    tree_write(&f.tree, "a", "one");
    tree_settle();
    const struct file *old = peek("/a");
    expect(stat(tree_name(&f.tree, "a"), &stat_before) == 0);
    tree_write(&f.tree, "a", "two");
    struct timespec times[2] = {stat_before.st_mtim, stat_before.st_mtim};
    expect(utimensat(AT_FDCWD, tree_name(&f.tree, "a"), times, 0) == 0);
    tree_settle();
    expect(peek("/a") != old || memcmp(old->contents, "two", 3) == 0);
    teardown();
}

TEST(file_cache, notices_a_sibling_that_comes_or_goes)
{
    setup(8, 1 << 20, 0);
    tree_write(&f.tree, "a", "one");
    tree_settle();
    expect_int(peek("/a")->identity.siblings, 0);
    tree_write(&f.tree, "a.gz", "zipped");
    expect_int(peek("/a")->identity.siblings, encoding_bit(ENCODING_GZIP));
    tree_touch(&f.tree, "a.gz", -60);
    expect_int(peek("/a")->identity.siblings, 0);
    tree_directory(&f.tree, "a.br");
    expect_int(peek("/a")->identity.siblings, 0);
    teardown();
}

TEST(file_cache, drops_what_was_used_least_lately)
{
    setup(2, 1 << 20, hour_ns);
    tree_write(&f.tree, "a", "a");
    tree_write(&f.tree, "b", "b");
    tree_write(&f.tree, "c", "c");
    tree_settle();
    struct file *a = get("/a"), *b = get("/b");
    expect(peek("/a") == a);
    peek("/c");
    expect_int(file_cache_use(&f.cache).entries, 2);
    expect(a->place.linked && !b->place.linked);
    expect(memcmp(b->contents, "b", 1) == 0);
    expect(peek("/b") != b);
    put(a);
    put(b);
    teardown();
}

TEST(file_cache, keeps_its_memory_bound)
{
    setup(100, 10000, hour_ns);
    tree_write_size(&f.tree, "a", 4000);
    tree_write_size(&f.tree, "b", 4000);
    tree_write_size(&f.tree, "c", 4000);
    tree_write_size(&f.tree, "large", 10001);
    tree_settle();
    peek("/a");
    peek("/b");
    expect_int(file_cache_use(&f.cache).bytes, 8000);
    peek("/c");
    expect_int(file_cache_use(&f.cache).bytes, 8000);
    expect_int(file_cache_use(&f.cache).entries, 2);
    expect(peek("/large")->contents == NULL);
    expect_int(file_cache_use(&f.cache).bytes, 8000);
    teardown();
}

TEST(file_cache, takes_a_quarter_of_the_descriptors_at_most)
{
    struct rlimit before, small;
    expect(getrlimit(RLIMIT_NOFILE, &before) == 0);
    small = before;
    small.rlim_cur = 64;
    expect(setrlimit(RLIMIT_NOFILE, &small) == 0);
    setup(1000, 0, hour_ns);
    expect(setrlimit(RLIMIT_NOFILE, &before) == 0);
    for (int i = 0; i < 20; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        tree_write(&f.tree, name, "x");
    }
    tree_settle();
    for (int i = 0; i < 20; i++) {
        char path[16];
        snprintf(path, sizeof path, "/%d", i);
        put(get(path));
    }
    expect_int(file_cache_use(&f.cache).entries, 16);
    teardown();
}

TEST(file_cache, goes_on_with_what_it_has_when_descriptors_are_short)
{
    struct rlimit before, none;
    setup(8, 1 << 20, 0);
    tree_write(&f.tree, "a", "one");
    tree_write(&f.tree, "b", "two");
    tree_settle();
    const struct file *file = peek("/a");
    expect(getrlimit(RLIMIT_NOFILE, &before) == 0);
    none = before;
    none.rlim_cur = 0;
    /* No expect in between: the test library needs descriptors too. */
    int error = 0, no_error = 0;
    int lowered = setrlimit(RLIMIT_NOFILE, &none);
    struct file *again = file_cache_get(&f.cache, BYTES("/a"), ENCODING_IDENTITY, &no_error);
    struct file *absent = file_cache_get(&f.cache, BYTES("/b"), ENCODING_IDENTITY, &error);
    int raised = setrlimit(RLIMIT_NOFILE, &before);
    expect(lowered == 0 && raised == 0);
    expect(absent == NULL);
    expect(again == file);
    expect_int(error, EMFILE);
    put(again);
    teardown();
}

/* Descriptors are given out from the lowest number up, so that a limit behind the lowest free one
 * leaves that one alone. */
static struct file *get_with_one_descriptor(const char *path, int *error)
{
    struct rlimit before, one;
    int lowest = dup(f.root);
    expect(lowest >= 0 && close(lowest) == 0);
    expect(getrlimit(RLIMIT_NOFILE, &before) == 0);
    one = before;
    one.rlim_cur = (rlim_t)lowest + 1;
    int lowered = setrlimit(RLIMIT_NOFILE, &one);
    struct file *file = file_cache_get(&f.cache, bytes_of(path), ENCODING_IDENTITY, error);
    int raised = setrlimit(RLIMIT_NOFILE, &before);
    expect(lowered == 0 && raised == 0);
    return file;
}

TEST(file_cache, needs_one_descriptor_to_see_all_codings_of_a_file)
{
    int error = 0;
    setup(8, 1 << 20, hour_ns);
    tree_write(&f.tree, "a", "one");
    tree_write(&f.tree, "a.gz", "gzipped");
    tree_write(&f.tree, "a.br", "br");
    tree_settle();
    struct file *file = get_with_one_descriptor("/a", &error);
    expect(file != NULL && error == 0);
    expect_int(file->identity.siblings, encoding_bit(ENCODING_GZIP) | encoding_bit(ENCODING_BR));
    expect(peek("/a") == file);
    put(file);
    teardown();
}

TEST(file_cache, opens_nothing_outside_and_nothing_hidden)
{
    setup(8, 1 << 20, hour_ns);
    tree_write(&f.tree, "a", "one");
    tree_write(&f.tree, ".hidden", "no");
    tree_directory(&f.tree, ".git");
    tree_write(&f.tree, ".git/config", "no");
    tree_directory(&f.tree, ".well-known");
    tree_write(&f.tree, ".well-known/a", "yes");
    tree_write(&f.tree, ".well-known/.b", "no");
    tree_directory(&f.tree, "sub");
    tree_directory(&f.tree, "sub/.well-known");
    tree_write(&f.tree, "sub/.well-known/a", "no");
    expect(symlink("/etc/passwd", tree_name(&f.tree, "absolute")) == 0);
    expect(symlink("../../etc/passwd", tree_name(&f.tree, "relative")) == 0);
    expect(symlink("loop", tree_name(&f.tree, "loop")) == 0);
    expect(symlink("sub/../a", tree_name(&f.tree, "inside")) == 0);
    expect(mkfifo(tree_name(&f.tree, "fifo"), 0644) == 0);
    expect_int(failure("/absolute"), EXDEV);
    expect_int(failure("/relative"), EXDEV);
    expect_int(failure("//etc/passwd"), EXDEV);
    expect_int(failure("/loop"), ELOOP);
    expect_int(failure("/fifo"), ENOENT);
    expect_int(failure("/sub"), EISDIR);
    expect_int(failure("/sub/"), ENOENT);
    expect_int(failure("/a/"), ENOTDIR);
    static const char *const hidden[] = {"/.hidden",
                                         "/.git/config",
                                         "/../etc/passwd",
                                         "/.",
                                         "/..",
                                         "/sub/.well-known/a",
                                         "/.well-known/.b",
                                         "/.well-knownx",
                                         "/.git/",
                                         "/sub/../.hidden",
                                         "a",
                                         "",
                                         "*"};
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++) {
        expect_msg(failure(hidden[i]) == ENOENT, "%s", hidden[i]);
    }
    struct file *file = get("/inside");
    expect(memcmp(file->contents, "one", 3) == 0);
    put(file);
    file = get("/.well-known/a");
    expect(memcmp(file->contents, "yes", 3) == 0);
    put(file);
    int error = 0;
    expect(file_cache_get(&f.cache, (struct bytes){"/a\0b", 4}, ENCODING_IDENTITY, &error) == NULL);
    expect_int(error, ENOENT);
    teardown();
}

TEST(file_cache, refuses_names_that_are_too_long)
{
    static char path[9000];
    setup(8, 1 << 20, hour_ns);
    memset(path, 'a', sizeof path - 1);
    path[0] = '/';
    expect_int(failure(path), ENAMETOOLONG);
    path[PATH_MAX - 1] = '\0';
    expect_int(failure(path), ENAMETOOLONG);
    for (size_t i = 0; i < PATH_MAX - 2; i += 2) {
        path[i] = '/';
    }
    expect_int(failure(path), ENOENT);
    teardown();
}

TEST(beneath, says_what_is_wrong_with_a_root)
{
    char error[BENEATH_ERROR_MAX];
    expect_int(beneath_root("/nonexistent/root", error), -1);
    expect_text(error,
                "cannot open the root directory /nonexistent/root: No such file or directory");
    expect_int(beneath_root("/etc/passwd", error), -1);
    expect_text(error, "cannot open the root directory /etc/passwd: Not a directory");
}

/* --- four threads --- */

/* Each version of a file is its name and version, repeated; versions are put in place by rename, so
 * a file that is read must be whole, of the right name, and with an age of 0 not older than what
 * was in place before the get began. Three entries for six files keep eviction busy; changes are
 * far enough apart for files to settle in between, or nothing would ever be kept. */
enum { THREADS = 4, NAMES = 6, RUN_MS = 400, CHANGE_MS = 40, STAMP = 8 };
static _Atomic unsigned in_place[NAMES], next_version[NAMES];
static struct lock change_lock;

static void write_version(unsigned name, unsigned version, unsigned thread)
{
    static _Thread_local char text[4096];
    char temporary[32], final[8];
    size_t size = STAMP * (size_t)(1 + version % 400);
    for (size_t at = 0; at < size; at += STAMP) {
        snprintf(text + at, sizeof text - at, "%u:%05u\n", name, version % 100000);
    }
    snprintf(temporary, sizeof temporary, "t%u", thread);
    snprintf(final, sizeof final, "%u", name);
    tree_write_bytes(&f.tree, temporary, text, size);
    expect(rename(tree_name(&f.tree, temporary), tree_name(&f.tree, final)) == 0);
}

/* Renames of one name are ordered by the lock, which is the test's own and held over the calls on
 * purpose. */
static void change(unsigned name, unsigned thread)
{
    lock_take(&change_lock);
    unsigned version = atomic_fetch_add(&next_version[name], 1) + 1;
    write_version(name, version, thread);
    atomic_store(&in_place[name], version);
    lock_release(&change_lock);
}

static const char *read_contents(const struct file *file, char buffer[4096])
{
    if (file->contents != NULL) {
        return file->contents;
    }
    expect_int(pread(file->fd, buffer, file->size, 0), file->size);
    return buffer;
}

static void check_version(const struct file *file, unsigned name, unsigned oldest)
{
    char buffer[4096], stamp[STAMP + 1] = "";
    unsigned got_name, version;
    const char *text = read_contents(file, buffer);
    expect(file->size >= STAMP && file->size % STAMP == 0);
    memcpy(stamp, text, STAMP); /* no NUL follows the contents of a file */
    expect_int(sscanf(stamp, "%u:%u", &got_name, &version), 2);
    expect_int(got_name, name);
    expect_msg(version >= oldest, "file %u: version %u after %u", name, version, oldest);
    expect_int(file->size, STAMP * (1 + version % 400));
    for (size_t at = STAMP; at < file->size; at += STAMP) {
        expect(memcmp(text, text + at, STAMP) == 0);
    }
}

/* What one thread got last under each name: held, so that the same address is the same file. */
struct memory {
    struct file *last[NAMES];
    unsigned repeats;
};
static _Atomic unsigned repeats;

static void remember(struct memory *memory, unsigned name, struct file *file)
{
    if (memory->last[name] == file) {
        memory->repeats++;
    }
    if (memory->last[name] != NULL) {
        put(memory->last[name]);
    }
    memory->last[name] = file;
}

static void get_and_check(struct memory *memory, unsigned name)
{
    char path[8];
    snprintf(path, sizeof path, "/%u", name);
    unsigned oldest = f.cache.age_ns == 0 ? atomic_load(&in_place[name]) : 1;
    struct file *file = get(path);
    expect(file != NULL);
    check_version(file, name, oldest);
    remember(memory, name, file);
}

static void *hammer(void *arg)
{
    unsigned thread = (unsigned)(uintptr_t)arg;
    uint64_t dice = thread * 0x9e3779b97f4a7c15u + 1, start_ns = clock_ns();
    uint64_t change_ns = start_ns + (thread + 1) * CHANGE_MS / THREADS * NS_PER_MS;
    struct memory memory = {0};
    for (uint64_t now = start_ns; now < start_ns + RUN_MS * NS_PER_MS; now = clock_ns()) {
        dice = dice * 6364136223846793005u + 1442695040888963407u;
        unsigned name = (unsigned)(dice >> 33) % NAMES;
        if (now >= change_ns) {
            change(name, thread);
            change_ns += CHANGE_MS * NS_PER_MS;
        }
        get_and_check(&memory, name);
    }
    for (unsigned name = 0; name < NAMES; name++) {
        remember(&memory, name, NULL);
    }
    atomic_fetch_add(&repeats, memory.repeats);
    return NULL;
}

static void hammer_with_age(uint64_t age_ns)
{
    pthread_t threads[THREADS];
    int before = open_descriptors();
    setup(3, 4000, age_ns);
    lock_init(&change_lock, RANK_PATIENCE);
    for (unsigned name = 0; name < NAMES; name++) {
        change(name, THREADS);
    }
    for (uintptr_t i = 0; i < THREADS; i++) {
        expect(pthread_create(&threads[i], NULL, hammer, (void *)i) == 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        expect(pthread_join(threads[i], NULL) == 0);
    }
    expect(atomic_load(&repeats) > 0);
    expect(file_cache_use(&f.cache).entries <= 3);
    expect(file_cache_use(&f.cache).bytes <= 4000);
    lock_deinit(&change_lock);
    teardown();
    expect_int(open_descriptors(), before);
}

TEST(file_cache, never_serves_an_older_version_to_four_threads)
{
    hammer_with_age(0);
}

TEST(file_cache, never_serves_a_torn_version_to_four_threads)
{
    hammer_with_age(100000);
}
