/* beneath.h: opening files below a directory, and nowhere else. Any thread.
 *
 * Why openat2: the kernel refuses whatever leaves the root while it resolves a name, whether by
 * "..", by an absolute name or by a symbolic link, so there is no moment between a check and its
 * use. A link that stays inside is followed.
 */
#ifndef CORE_HANDLERS_BENEATH_H
#define CORE_HANDLERS_BENEATH_H

enum { BENEATH_ERROR_MAX = 512 };

/* A descriptor of the directory, or -1 with one line in `error` that says what is wrong with it. */
int beneath_root(const char *directory, char error[BENEATH_ERROR_MAX]);

/* A descriptor, or -1 with errno: EXDEV for a name that leaves the root. `flags` as for open(2);
 * O_CLOEXEC, and O_NONBLOCK so that a FIFO without a writer does not block the thread, are added. */
int beneath_open(int root, const char *name, int flags);

#endif
