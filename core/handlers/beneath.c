/* beneath.c: opening files below a directory. See beneath.h. */
#include "core/handlers/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A rename elsewhere can disturb the kernel's walk (EAGAIN); it does not do so for ever. */
enum { ATTEMPTS = 16 };

int beneath_open(int root, const char *name, int flags)
{
    struct open_how how = {
        .flags =
            (uint64_t)(unsigned)(flags | O_CLOEXEC | (flags & O_PATH ? 0 : O_NONBLOCK | O_NOCTTY)),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    for (unsigned attempt = 0;; attempt++) {
        long fd = syscall(SYS_openat2, root, name, &how, sizeof how);
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR) || attempt == ATTEMPTS) {
            return (int)fd;
        }
    }
}

int beneath_root(const char *directory, char error[BENEATH_ERROR_MAX])
{
    int root = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0) {
        snprintf(error, BENEATH_ERROR_MAX, "cannot open the root directory %.256s: %s", directory,
                 strerror(errno));
        return -1;
    }
    int probe = beneath_open(root, ".", O_PATH);
    if (probe < 0) {
        snprintf(error, BENEATH_ERROR_MAX,
                 "cannot look up files below %.256s: openat2: %s (Linux 5.6 or newer is needed)",
                 directory, strerror(errno));
        (void)close(root); /* a directory: nothing can be lost */
        return -1;
    }
    (void)close(probe);
    return root;
}
