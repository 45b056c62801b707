/* floor.c: quartet-floor, the least that a server of this kind can do: a lower bound for the cost
 * of a request, to compare with. One thread, one epoll, level-triggered. It answers each blank line
 * with the same 200 and 13 bytes.
 *
 * It leaves out what a server is for: it does not parse a request (so no method, target, field or
 * body, no pipelining limit, no Connection: close), has no timeout, no statistics and no log, and
 * never waits to send: a connection whose socket is full, or whose head does not fit its buffer, is
 * closed.
 */
#include "core/base/check.h"
#include "core/options/address.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 4096, EVENTS = 256, BACKLOG = 1024, BLANK = 4 };

static const char answer[] = "HTTP/1.1 200 OK\r\n"
                             "Server: quartet-floor\r\n"
                             "Content-Type: text/plain\r\n"
                             "Content-Length: 13\r\n"
                             "\r\n"
                             "hello, world\n";

struct floor_client {
    int fd;
    size_t len;
    char buffer[BUFFER]; /* what came behind the last blank line */
};

static int floor_listen(const char *text)
{
    struct sockaddr_storage address;
    socklen_t len;
    char words[ADDRESS_ERROR_MAX], shown[ADDRESS_TEXT];
    int on = 1;
    if (!address_parse(text, &address, &len, words)) {
        die(EXIT_USAGE, "--listen %s: %s", text, words);
    }
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        die(EXIT_WORLD, "--listen %s: %s", text, strerror(errno));
    }
    address_format((struct sockaddr *)&address, shown);
    printf("listening on %s\n", shown);
    (void)fflush(stdout);
    return fd;
}

static void floor_watch(int epoll, int fd, void *data)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = data};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        die(EXIT_WORLD, "epoll_ctl: %s", strerror(errno));
    }
}

static void floor_accept(int epoll, int listener)
{
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct floor_client *client = must_alloc(sizeof *client);
        client->fd = fd;
        client->len = 0;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* not of unix sockets */
        floor_watch(epoll, fd, client);
    }
    if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR) {
        die(EXIT_WORLD, "accept: %s", strerror(errno));
    }
}

/* An answer for each blank line; what is behind the last one stays. False: the socket is full. */
static bool floor_answer(struct floor_client *client)
{
    char *rest = client->buffer, *blank;
    size_t left = client->len;
    while ((blank = memmem(rest, left, "\r\n\r\n", BLANK)) != NULL) {
        left -= (size_t)(blank + BLANK - rest);
        rest = blank + BLANK;
        if (send(client->fd, answer, sizeof answer - 1, MSG_NOSIGNAL) != sizeof answer - 1) {
            return false;
        }
    }
    memmove(client->buffer, rest, left);
    client->len = left;
    return true;
}

/* A full buffer leaves no room, so that nothing is read, as at the end of the input. */
static void floor_read(struct floor_client *client)
{
    ssize_t got = recv(client->fd, client->buffer + client->len, BUFFER - client->len, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    client->len += got > 0 ? (size_t)got : 0;
    if (got <= 0 || !floor_answer(client)) {
        close(client->fd);
        free(client);
    }
}

static _Noreturn void floor_run(int listener)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    floor_watch(epoll, listener, NULL);
    for (;;) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == NULL) {
                floor_accept(epoll, listener);
            } else {
                floor_read(events[i].data.ptr);
            }
        }
    }
}

int main(int argc, char **argv)
{
    const char *listen_on = "127.0.0.1:8080";
    if (argc == 3 && strcmp(argv[1], "--listen") == 0) {
        listen_on = argv[2];
    } else if (argc != 1) {
        die(EXIT_USAGE, "usage: quartet-floor [--listen ADDR:PORT]");
    }
    floor_run(floor_listen(listen_on));
}
