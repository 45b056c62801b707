/* client.c: what quartet-floor does with a connection: accept, receive, answer, close. */
#include "tools/floor/client.h"

#include "core/base/check.h"
#include "core/options/address.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024, BLANK = 4, EVENTS = 256 };

static const char floor_text[] = "HTTP/1.1 200 OK\r\n"
                                 "Server: quartet-floor\r\n"
                                 "Content-Type: text/plain\r\n"
                                 "Content-Length: 13\r\n"
                                 "\r\n"
                                 "hello, world\n";

static void floor_watch(int epoll, int fd, void *data)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = data};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        die_at_once("epoll_ctl: %s", strerror(errno));
    }
}

int floor_listen(const char *text, int *listener)
{
    struct sockaddr_storage address;
    socklen_t len;
    char words[ADDRESS_ERROR_MAX], shown[ADDRESS_TEXT];
    int on = 1, epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!address_parse(text, &address, &len, words)) {
        die(EXIT_USAGE, "--listen %s: %s", text, words);
    }
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        die(EXIT_WORLD, "--listen %s: %s", text, strerror(errno));
    }
    floor_watch(epoll, fd, NULL);
    address_format((struct sockaddr *)&address, shown);
    printf("listening on %s\n", shown);
    (void)fflush(stdout);
    *listener = fd;
    return epoll;
}

static void floor_accept(int epoll, int listener)
{
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct floor_client *client = must_alloc(sizeof *client);
        client->fd = fd;
        client->len = 0;
        atomic_init(&client->unanswered, 0);
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* not of unix sockets */
        floor_watch(epoll, fd, client);
    }
    if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR) {
        die_at_once("accept: %s", strerror(errno));
    }
}

void floor_turn(int epoll, int listener, floor_serve_fn *serve, void *arg)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(epoll, events, EVENTS, -1);
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr == NULL) {
            floor_accept(epoll, listener);
        } else {
            serve(events[i].data.ptr, arg);
        }
    }
}

/* What is behind the last blank line stays. */
static unsigned count_heads(struct floor_client *client)
{
    char *rest = client->buffer, *blank;
    unsigned heads = 0;
    while ((blank = memmem(rest, client->len, "\r\n\r\n", BLANK)) != NULL) {
        client->len -= (size_t)(blank + BLANK - rest);
        rest = blank + BLANK;
        heads++;
    }
    memmove(client->buffer, rest, client->len);
    return heads;
}

/* A full buffer leaves no room, so that nothing is read, as at the end of the input. */
bool floor_receive(struct floor_client *client, unsigned *heads)
{
    ssize_t got = recv(client->fd, client->buffer + client->len, FLOOR_BUFFER - client->len, 0);
    *heads = 0;
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return true;
    }
    client->len += got > 0 ? (size_t)got : 0;
    *heads = count_heads(client);
    return got > 0;
}

bool floor_answer(const struct floor_client *client, unsigned heads)
{
    enum { LENGTH = sizeof floor_text - 1 };
    while (heads-- > 0) {
        if (send(client->fd, floor_text, LENGTH, MSG_NOSIGNAL) != LENGTH) {
            return false;
        }
    }
    return true;
}

void floor_close(struct floor_client *client)
{
    close(client->fd);
    free(client);
}
