/* tree.h: for tests that serve files: a temporary directory and what is in it. */
#ifndef TESTS_CORE_TREE_H
#define TESTS_CORE_TREE_H

#include "core/handlers/file.h"
#include "tests/test.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct tree {
    char path[64];
};

static inline void tree_make(struct tree *tree)
{
    strcpy(tree->path, "/tmp/quartet-tree-XXXXXX");
    expect(mkdtemp(tree->path) != NULL);
}

/* The whole name of something in the tree; good until the next call of this thread but three. */
static inline const char *tree_name(const struct tree *tree, const char *name)
{
    static _Thread_local char names[4][PATH_MAX];
    static _Thread_local unsigned next;
    char *out = names[next++ % 4];
    snprintf(out, PATH_MAX, "%s/%s", tree->path, name);
    return out;
}

static inline void tree_write_bytes(const struct tree *tree, const char *name, const char *at,
                                    size_t len)
{
    int fd = open(tree_name(tree, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    expect_msg(fd >= 0, "cannot write %s", name);
    expect_int(write(fd, at, len), len);
    close(fd);
}

static inline void tree_write(const struct tree *tree, const char *name, const char *text)
{
    tree_write_bytes(tree, name, text, strlen(text));
}

/* A file of `size` bytes that differ from their neighbours. */
static inline void tree_write_size(const struct tree *tree, const char *name, size_t size)
{
    char *bytes = malloc(size);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (char)('a' + i % 26);
    }
    tree_write_bytes(tree, name, bytes, size);
    free(bytes);
}

static inline void tree_directory(const struct tree *tree, const char *name)
{
    expect(mkdir(tree_name(tree, name), 0755) == 0);
}

/* Sets the time of modification, `seconds` from now. */
static inline void tree_touch(const struct tree *tree, const char *name, int seconds)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    now.tv_sec += seconds;
    struct timespec times[2] = {now, now};
    expect(utimensat(AT_FDCWD, tree_name(tree, name), times, AT_SYMLINK_NOFOLLOW) == 0);
}

/* Waits until everything written so far is old enough for the cache to believe. */
static inline void tree_settle(void)
{
    struct timespec pause = {.tv_nsec = FILE_SETTLE_NS + 10 * 1000000};
    while (nanosleep(&pause, &pause) != 0) {
    }
}

static inline int tree_remove_one(const char *path, const struct stat *stat, int kind,
                                  struct FTW *place)
{
    (void)stat, (void)kind, (void)place;
    return remove(path);
}

static inline void tree_remove(const struct tree *tree)
{
    expect(nftw(tree->path, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

#endif
