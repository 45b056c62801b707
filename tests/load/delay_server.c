/* delay_server.c: an HTTP server that only waits for as long as each request asks, and writes
 * down how long it did: the truth that a load generator's percentiles are held against.
 *
 *   delay_server LOG US:SHARE [US:SHARE]...
 *
 * Of each 1,000 requests SHARE wait US microseconds, spread evenly (the order is a fixed shuffle).
 * It prints its port. At SIGTERM it writes to LOG a line for each request, "received_ns sent_ns port"
 * (CLOCK_MONOTONIC; the client's port; 0 0 where it was not answered), and ends. A request was
 * received no earlier than its bytes were sent, and sent no later than its answer arrived. What it is
 * late by is in its log.
 */
#include "core/base/check.h"
#include "core/base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 1024, REQUESTS_MAX = 1 << 20, CYCLE = 1000, EVENTS = 64 };

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwait\n";

struct request {
    uint64_t received_ns, sent_ns;
    unsigned port;
};

/* A connection has at most one request at a time; indexed by descriptor. */
struct connection {
    bool waiting;
    uint64_t due_ns;
    unsigned request;
    unsigned port; /* the client's */
};

static struct connection connections[CONNECTIONS_MAX];
static struct request requests[REQUESTS_MAX];
static unsigned request_count;
static uint64_t delays_ns[CYCLE];
static volatile sig_atomic_t stopping;

static void on_term(int number)
{
    (void)number;
    stopping = 1;
}

static void parse_delays(int count, char **texts)
{
    unsigned filled = 0;
    for (int i = 0; i < count; i++) {
        unsigned us, share;
        CHECK(sscanf(texts[i], "%u:%u", &us, &share) == 2);
        for (; share > 0 && filled < CYCLE; share--) {
            /* 389 has no common factor with 1,000: each place is hit once. */
            delays_ns[filled++ * 389 % CYCLE] = us * NS_PER_US;
        }
    }
    CHECK(filled == CYCLE);
}

static int open_listener(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof in;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&in, sizeof in) == 0 && listen(fd, 1024) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&in, &len) == 0);
    printf("%u\n", ntohs(in.sin_port));
    fflush(stdout);
    return fd;
}

static void watch(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
}

static void accept_all(int epoll, int listener)
{
    struct sockaddr_in client;
    socklen_t len = sizeof client;
    int fd, on = 1;
    while ((fd = accept4(listener, (struct sockaddr *)&client, &len, SOCK_NONBLOCK)) >= 0) {
        CHECK(fd < CONNECTIONS_MAX);
        connections[fd].waiting = false;
        connections[fd].port = ntohs(client.sin_port);
        CHECK(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
        watch(epoll, fd);
    }
}

/* A request is small and comes in one piece. */
static void receive(int fd)
{
    char buffer[4096];
    ssize_t len = recv(fd, buffer, sizeof buffer, 0);
    if (len <= 0) {
        (void)close(fd);
        connections[fd].waiting = false;
        return;
    }
    CHECK(request_count < REQUESTS_MAX && !connections[fd].waiting);
    uint64_t now_ns = clock_ns();
    requests[request_count].received_ns = now_ns;
    requests[request_count].port = connections[fd].port;
    connections[fd].waiting = true;
    connections[fd].due_ns = now_ns + delays_ns[request_count % CYCLE];
    connections[fd].request = request_count++;
}

/* Returns the time until the next is due; a second where none is. */
static uint64_t answer_due(void)
{
    uint64_t now_ns = clock_ns(), next_ns = now_ns + NS_PER_S;
    for (int fd = 0; fd < CONNECTIONS_MAX; fd++) {
        if (connections[fd].waiting && connections[fd].due_ns > now_ns) {
            next_ns = connections[fd].due_ns < next_ns ? connections[fd].due_ns : next_ns;
        } else if (connections[fd].waiting) {
            connections[fd].waiting = false;
            requests[connections[fd].request].sent_ns = clock_ns();
            (void)!send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL); /* a client that has gone */
        }
    }
    return next_ns - now_ns;
}

static void serve(int listener)
{
    struct epoll_event events[EVENTS];
    int epoll = epoll_create1(0);
    CHECK(epoll >= 0);
    watch(epoll, listener);
    while (!stopping) {
        uint64_t wait_ns = answer_due();
        struct timespec wait = {.tv_sec = (time_t)(wait_ns / NS_PER_S),
                                .tv_nsec = (long)(wait_ns % NS_PER_S)};
        int count = epoll_pwait2(epoll, events, EVENTS, &wait, NULL);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listener) {
                accept_all(epoll, listener);
            } else {
                receive(events[i].data.fd);
            }
        }
    }
}

int main(int argc, char **argv)
{
    CHECK(argc >= 3);
    parse_delays(argc - 2, argv + 2);
    CHECK(prctl(PR_SET_TIMERSLACK, 1) == 0);
    CHECK(signal(SIGTERM, on_term) != SIG_ERR);
    serve(open_listener());
    FILE *log = fopen(argv[1], "w");
    CHECK(log != NULL);
    for (unsigned i = 0; i < request_count; i++) {
        fprintf(log, "%llu %llu %u\n", (unsigned long long)requests[i].received_ns,
                (unsigned long long)requests[i].sent_ns, requests[i].port);
    }
    CHECK(fclose(log) == 0);
    return EXIT_SUCCESS;
}
