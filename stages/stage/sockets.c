/* sockets.c: opening and closing the listening sockets. See sockets.h. */
#include "stages/stage/sockets.h"

#include "core/base/check.h"
#include "core/exchange/arrival.h"
#include "core/options/address.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Each of these is an improvement only: a kernel without it still serves. */
static void set_socket_option(int fd, int level, int option, int value)
{
    (void)setsockopt(fd, level, option, &value, sizeof value);
}

static void enable_option(int fd, int level, int option)
{
    set_socket_option(fd, level, option, 1);
}

/* A socket file on which no server answers is left over from one that died: it is replaced. */
static void remove_stale(const struct sockaddr_un *address)
{
    struct stat stat;
    if (lstat(address->sun_path, &stat) != 0 || !S_ISSOCK(stat.st_mode)) {
        return;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return;
    }
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 &&
        errno == ECONNREFUSED) {
        (void)unlink(address->sun_path);
    }
    close(fd);
}

/* TCP_NODELAY and the options of the listening socket are inherited by what it accepts. */
static int open_socket(const struct sockaddr_storage *address, socklen_t len,
                       const struct settings *settings, bool shared_port)
{
    int family = address->ss_family;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -1;
    }
    if (family != AF_UNIX) {
        enable_option(fd, SOL_SOCKET, SO_REUSEADDR);
        enable_option(fd, IPPROTO_TCP, TCP_NODELAY);
        set_socket_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, (int)settings->unsent_limit);
        if (settings->defer_accept == SWITCH_ON) {
            enable_option(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT);
        }
        arrival_enable(fd, settings);
    }
    if (family == AF_INET6) {
        enable_option(fd, IPPROTO_IPV6, IPV6_V6ONLY);
    }
    if (shared_port) {
        enable_option(fd, SOL_SOCKET, SO_REUSEPORT);
    }
    if (bind(fd, (const struct sockaddr *)address, len) != 0 ||
        listen(fd, (int)settings->backlog) != 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

/* SO_REUSEPORT would let a second server slip in unnoticed: a bind without it comes first, as a
 * question. It also chooses the port when that is left to the kernel. */
static bool probe_address(struct sockaddr_storage *address, socklen_t len,
                          const struct settings *settings)
{
    int fd = open_socket(address, len, settings, false);
    if (fd < 0) {
        return false;
    }
    socklen_t out = sizeof *address;
    int result = getsockname(fd, (struct sockaddr *)address, &out);
    close(fd);
    return result == 0;
}

static bool open_address(struct sockets *sockets, unsigned index, const struct settings *settings,
                         char *error)
{
    const char *text = settings->listen.at[index];
    struct sockaddr_storage address;
    socklen_t len;
    if (!address_parse(text, &address, &len, error)) {
        return false;
    }
    bool several = sockets->threads > 1 && address.ss_family != AF_UNIX &&
                   settings->accept_mutex == SWITCH_OFF;
    if (address.ss_family == AF_UNIX) {
        remove_stale((struct sockaddr_un *)&address);
    }
    bool open = !several || probe_address(&address, len, settings);
    for (unsigned thread = 0; thread < sockets->threads && open; thread++) {
        int *fd = &sockets->at[thread * sockets->addresses + index];
        *fd = thread > 0 && !several ? fcntl(sockets->at[index], F_DUPFD_CLOEXEC, 0)
                                     : open_socket(&address, len, settings, several);
        open = *fd >= 0;
        socklen_t out = sizeof address;
        if (open && thread == 0) {
            CHECK(getsockname(*fd, (struct sockaddr *)&address, &out) == 0);
        }
    }
    if (!open) {
        snprintf(error, SERVER_ERROR_MAX, "cannot listen on %s: %s", text, strerror(errno));
        return false;
    }
    address_format((struct sockaddr *)&address, sockets->names[index]);
    return true;
}

bool sockets_open(struct sockets *sockets, const struct settings *settings, unsigned threads,
                  char error[SERVER_ERROR_MAX])
{
    *sockets = (struct sockets){
        .addresses = settings->listen.count, .threads = threads, .has_paths = true};
    unsigned count = threads * sockets->addresses;
    sockets->at = must_alloc(count * sizeof *sockets->at);
    sockets->names = must_calloc(sockets->addresses, sizeof *sockets->names);
    for (unsigned i = 0; i < count; i++) {
        sockets->at[i] = -1;
    }
    for (unsigned i = 0; i < sockets->addresses; i++) {
        if (!open_address(sockets, i, settings, error)) {
            sockets_close(sockets);
            return false;
        }
    }
    return true;
}

static void close_threads(struct sockets *sockets, unsigned first, unsigned end)
{
    for (unsigned i = first * sockets->addresses; i < end * sockets->addresses; i++) {
        if (sockets->at[i] >= 0) {
            close(sockets->at[i]);
            sockets->at[i] = -1;
        }
    }
}

void sockets_keep(struct sockets *sockets, unsigned first, unsigned threads)
{
    close_threads(sockets, 0, first);
    close_threads(sockets, first + threads, sockets->threads);
    size_t skipped = (size_t)first * sockets->addresses;
    size_t kept = (size_t)threads * sockets->addresses;
    memmove(sockets->at, sockets->at + skipped, kept * sizeof *sockets->at);
    sockets->threads = threads;
    sockets->has_paths = false;
}

void sockets_print(const struct sockets *sockets, FILE *out)
{
    for (unsigned i = 0; i < sockets->addresses; i++) {
        fprintf(out, "listening on %s\n", sockets->names[i]);
    }
    fflush(out);
}

void sockets_close(struct sockets *sockets)
{
    close_threads(sockets, 0, sockets->threads);
    for (unsigned i = 0; i < sockets->addresses && sockets->has_paths; i++) {
        if (strncmp(sockets->names[i], "unix:", 5) == 0) {
            (void)unlink(sockets->names[i] + 5);
        }
    }
    free(sockets->at);
    free(sockets->names);
    *sockets = (struct sockets){0};
}
