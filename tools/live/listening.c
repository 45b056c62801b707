/* listening.c: from a process to its sockets to an address. See listening.h.
 *
 * /proc/PID/fd has a link "socket:[INODE]" for each socket, /proc/PID/net a table of all sockets
 * that the process could see, with their inodes.
 */
#include "tools/live/listening.h"

#include "core/base/check.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH = 64, LINE = 512, TCP_LISTENS = 10 /* TCP_LISTEN as /proc says it */ };
/* __SO_ACCEPTCON, the kernel's flag of a unix socket that listens. */
static const unsigned unix_listens = 1u << 16;

struct inodes {
    unsigned long *at;
    size_t count, capacity;
};

static bool read_inodes(int pid, struct inodes *inodes);
static void add_inode(struct inodes *inodes, unsigned long inode);
static bool listening_find(int pid, const char *table, const struct inodes *inodes,
                           bool read(const char *line, const struct inodes *inodes, char *url),
                           char *url);
static bool read_tcp(const char *line, const struct inodes *inodes, char *url);
static bool read_tcp6(const char *line, const struct inodes *inodes, char *url);
static bool read_unix(const char *line, const struct inodes *inodes, char *url);

bool listening_of(int pid, char url[LISTENING_URL], char error[LISTENING_ERROR])
{
    struct inodes inodes = {0};
    if (!read_inodes(pid, &inodes)) {
        (void)snprintf(error, LISTENING_ERROR, "cannot read about process %d: %s", pid,
                       errno == ENOENT ? "there is none" : strerror(errno));
        return false;
    }
    bool found = listening_find(pid, "tcp", &inodes, read_tcp, url) ||
                 listening_find(pid, "tcp6", &inodes, read_tcp6, url) ||
                 listening_find(pid, "unix", &inodes, read_unix, url);
    if (!found) {
        (void)snprintf(error, LISTENING_ERROR, "process %d does not listen on any address", pid);
    }
    free(inodes.at);
    return found;
}

static bool read_inodes(int pid, struct inodes *inodes)
{
    char path[PATH], target[PATH];
    (void)snprintf(path, sizeof path, "/proc/%d/fd", pid);
    DIR *fds = opendir(path);
    if (fds == NULL) {
        return false;
    }
    for (struct dirent *entry = readdir(fds); entry != NULL; entry = readdir(fds)) {
        unsigned long inode;
        ssize_t len = readlinkat(dirfd(fds), entry->d_name, target, sizeof target - 1);
        target[len > 0 ? len : 0] = '\0';
        if (sscanf(target, "socket:[%lu]", &inode) == 1) {
            add_inode(inodes, inode);
        }
    }
    (void)closedir(fds); /* read only: nothing can be lost */
    return true;
}

static void add_inode(struct inodes *inodes, unsigned long inode)
{
    if (inodes->count == inodes->capacity) {
        inodes->capacity = inodes->capacity > 0 ? 2 * inodes->capacity : 64;
        inodes->at = must_realloc(inodes->at, inodes->capacity * sizeof *inodes->at);
    }
    inodes->at[inodes->count++] = inode;
}

static bool has_inode(const struct inodes *inodes, unsigned long inode)
{
    for (size_t i = 0; i < inodes->count; i++) {
        if (inodes->at[i] == inode) {
            return true;
        }
    }
    return false;
}

/* The first line of a table that `read` makes an address of. */
static bool listening_find(int pid, const char *table, const struct inodes *inodes,
                           bool read(const char *line, const struct inodes *inodes, char *url),
                           char *url)
{
    char path[PATH], line[LINE];
    (void)snprintf(path, sizeof path, "/proc/%d/net/%s", pid, table);
    FILE *in = fopen(path, "re");
    if (in == NULL) {
        return false;
    }
    bool found = false;
    while (!found && fgets(line, sizeof line, in) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        found = read(line, inodes, url);
    }
    (void)fclose(in); /* read only: nothing can be lost */
    return found;
}

/* "  sl: ADDRESS:PORT REMOTE:PORT STATE queues timer retransmits uid timeout INODE", the address as
 * words of the machine. */
static bool listening_is(const char *line, const struct inodes *inodes, char address[33],
                         unsigned *port)
{
    unsigned state;
    unsigned long inode;
    int read = sscanf(line, " %*d: %32[0-9A-F]:%X %*[0-9A-F]:%*X %X %*s %*s %*s %*s %*s %lu",
                      address, port, &state, &inode);
    return read == 4 && state == TCP_LISTENS && has_inode(inodes, inode);
}

static bool read_tcp(const char *line, const struct inodes *inodes, char *url)
{
    char text[33], numbers[INET_ADDRSTRLEN];
    unsigned port;
    struct in_addr address;
    if (!listening_is(line, inodes, text, &port) ||
        sscanf(text, "%8" SCNx32, &address.s_addr) != 1) {
        return false;
    }
    if (address.s_addr == INADDR_ANY) {
        address.s_addr = htonl(INADDR_LOOPBACK);
    }
    CHECK(inet_ntop(AF_INET, &address, numbers, sizeof numbers) != NULL);
    (void)snprintf(url, LISTENING_URL, "http://%s:%u", numbers, port);
    return true;
}

static bool read_tcp6(const char *line, const struct inodes *inodes, char *url)
{
    char text[33], numbers[INET6_ADDRSTRLEN];
    unsigned port;
    struct in6_addr address;
    if (!listening_is(line, inodes, text, &port) ||
        sscanf(text, "%8" SCNx32 "%8" SCNx32 "%8" SCNx32 "%8" SCNx32, &address.s6_addr32[0],
               &address.s6_addr32[1], &address.s6_addr32[2], &address.s6_addr32[3]) != 4) {
        return false;
    }
    if (IN6_IS_ADDR_UNSPECIFIED(&address)) {
        address = in6addr_loopback;
    }
    CHECK(inet_ntop(AF_INET6, &address, numbers, sizeof numbers) != NULL);
    (void)snprintf(url, LISTENING_URL, "http://[%s]:%u", numbers, port);
    return true;
}

/* "ADDRESS: references protocol FLAGS type state INODE PATH" */
static bool read_unix(const char *line, const struct inodes *inodes, char *url)
{
    unsigned flags;
    unsigned long inode;
    int path = 0;
    int read = sscanf(line, "%*[0-9a-f]: %*s %*s %X %*s %*s %lu %n", &flags, &inode, &path);
    if (read != 2 || path == 0 || (flags & unix_listens) == 0 || line[path] != '/' ||
        !has_inode(inodes, inode)) {
        return false;
    }
    (void)snprintf(url, LISTENING_URL, "unix:%s", line + path);
    return true;
}
