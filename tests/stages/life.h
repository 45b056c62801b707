/* life.h: for tests of whole servers in this process: a server in any wiring, over real sockets,
 * and a client of it.
 *
 * Draining and cutting are for the whole process and for good (response.h, handler.h), so each life
 * runs in a child of its own; what fails there aborts by CHECK, and the parent says which wiring it
 * was. Sockets have a timeout, so that a standstill is a failure. A call with a timeout is not
 * restarted by the kernel but ends with EINTR, also where no signal has come: libuv 1.45 and later
 * have io_uring, and a ring that is torn down interrupts the thread that made it.
 */
#ifndef TESTS_STAGES_LIFE_H
#define TESTS_STAGES_LIFE_H

#include "core/base/log.h"
#include "core/options/options.h"
#include "stages/engine/worker.h"
#include "stages/life/server.h"
#include "stages/life/server_report.h"
#include "stages/model/model.h"
#include "tests/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* After that long without what a test waits for, it does not come. No bound on what a server may take. */
enum { PATIENCE_S = 300 };

/* All presets by name, others in the notation. */
static const char *const wirings[] = {
#define PRESET(name, wiring, dispatch, overload, spawn, inlining, source, what) name,
#include "stages/model/presets.def"
#undef PRESET
    "LR*2 | PW*3",      "L | RP*2 | W",     "L | R | pw*3",     "L | r*4 | P*2 | w*4",
    "LK | R | P*2 | W", "L | rp*4 | W | K", "L | RPW@3",        "lrpw*4",
    "LKRPW*2",          "L | rpw*8 | KW",   "L | R | KP*3 | W", "LR | P*2 | w*2 | W",
};
enum { WIRINGS = sizeof wirings / sizeof *wirings, SESSIONS = 30 };

/* The one server of this process, and where it listens. */
static struct {
    struct settings settings;
    struct wiring wiring;
    struct engine server;
    struct sockets sockets;
    struct process process;
    struct process_share share;
    char root[64];
    _Atomic in_port_t port; /* also read by a listener that the test lets connect */
} life;

/* --- the server --- */

/* Sessions are many by default: enough for these tests is enough. */
static inline void choose_wiring(const char *wiring)
{
    char error[WIRING_ERROR];
    bool preset = preset_wiring(wiring) != NULL;
    life.settings.model = preset ? wiring : NULL;
    life.settings.wiring = preset ? NULL : wiring;
    CHECK(model_choose(&life.wiring, &life.settings, 2, error));
    for (unsigned i = 0; i < life.wiring.group_count; i++) {
        struct wiring_group *group = &life.wiring.groups[i];
        group->count = group->count > SESSIONS ? SESSIONS : group->count;
    }
}

static inline void set_up(const char *wiring)
{
    memset(&life, 0, sizeof life);
    option_set_defaults(&life.settings);
    log_set_level(LOG_ERROR);
    strcpy(life.root, "/tmp/quartet-server-XXXXXX");
    CHECK(mkdtemp(life.root) != NULL);
    life.settings.root = life.root;
    life.settings.listen = (struct option_texts){.count = 1, .at = {"127.0.0.1:0"}};
    life.settings.trace_level = TRACE_HISTOGRAM;
    life.settings.defer_accept =
        SWITCH_OFF; /* clients that connect and say nothing are to be seen */
    /* A busy machine may keep a client from its next request for longer than the defaults allow. */
    life.settings.keepalive_timeout_ns = 3600 * NS_PER_S;
    life.settings.header_timeout_ns = 3600 * NS_PER_S;
    life.settings.io_timeout_ns = 3600 * NS_PER_S;
    choose_wiring(wiring);
}

static inline bool try_to_start(char error[SERVER_ERROR_MAX])
{
    unsigned listeners = life.wiring.groups[life.wiring.group_of[STAGE_LISTENER]].count;
    life.process = (struct process){
        .settings = &life.settings,
        .wiring = &life.wiring,
        .config_json = "{}",
        .sockets = &life.sockets,
        .shares = &life.share,
        .count = 1,
        .number = 1,
    };
    if (!sockets_open(&life.sockets, &life.settings, listeners, error)) {
        return false;
    }
    bool started = server_start(&life.server, &life.process, error);
    if (!started) {
        sockets_close(&life.sockets);
    }
    return started;
}

static inline void start(void)
{
    char error[SERVER_ERROR_MAX] = "";
    if (!try_to_start(error)) {
        fprintf(stderr, "%s\n", error);
        abort();
    }
    const char *colon = strrchr(life.sockets.names[0], ':');
    life.port = (in_port_t)atoi(colon + 1);
    CHECK(life.port != 0);
}

static inline void stop(void)
{
    server_stop(&life.server);
    sockets_close(&life.sockets);
    CHECK(rmdir(life.root) == 0);
}

/* From draining to the end; true when nothing had to be cut. */
static inline bool end(void)
{
    server_drain(&life.server);
    bool empty = server_wait_empty(&life.server, clock_ns() + PATIENCE_S * NS_PER_S);
    server_cut(&life.server);
    CHECK(server_wait_empty(&life.server, clock_ns() + PATIENCE_S * NS_PER_S));
    stop();
    return empty;
}

/* Runs one life in a child and says which wiring failed. */
static inline void in_child(void (*run)(const char *wiring), const char *wiring)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        signal(SIGABRT, SIG_DFL);
        signal(SIGPIPE, SIG_IGN);
        alarm(PATIENCE_S);
        run(wiring);
        _exit(0);
    }
    int status = 0;
    expect(child > 0);
    expect_int(waitpid(child, &status, 0), child);
    expect_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "wiring '%s': %s %d", wiring,
               WIFSIGNALED(status) ? "signal" : "status",
               WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static inline void in_every_wiring(void (*run)(const char *wiring))
{
    for (unsigned i = 0; i < WIRINGS; i++) {
        in_child(run, wirings[i]);
    }
}

/* --- the client --- */

struct answer {
    int status;
    bool closes; /* said Connection: close */
    size_t body_len;
    char body[4096];
};

/* -1 with errno when refused. */
static inline int try_connect(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(life.port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = PATIENCE_S / 2};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static inline int dial(void)
{
    int fd = try_connect();
    CHECK(fd >= 0);
    return fd;
}

static inline void say(int fd, const char *text)
{
    size_t len = strlen(text);
    CHECK(send(fd, text, len, MSG_NOSIGNAL) == (ssize_t)len);
}

static inline void ask(int fd, const char *target)
{
    char text[300];
    snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: test\r\n\r\n", target);
    say(fd, text);
}

/* One head, byte by byte so that nothing of the next answer is taken. */
static inline void hear_head(int fd, char *head, size_t size)
{
    size_t len = 0;
    do {
        CHECK(len < size - 1);
        CHECK(TEMP_FAILURE_RETRY(recv(fd, head + len, 1, 0)) == 1);
        head[++len] = '\0';
    } while (len < 4 || memcmp(head + len - 4, "\r\n\r\n", 4) != 0);
}

/* A whole answer with a declared length. */
static inline struct answer hear(int fd)
{
    char head[4096];
    struct answer answer = {.status = 0};
    hear_head(fd, head, sizeof head);
    CHECK(strncmp(head, "HTTP/1.1 ", 9) == 0);
    answer.status = atoi(head + 9);
    answer.closes = strstr(head, "Connection: close\r\n") != NULL;
    const char *length = strstr(head, "Content-Length: ");
    CHECK(length != NULL);
    answer.body_len = strtoul(length + 16, NULL, 10);
    CHECK(answer.body_len < sizeof answer.body);
    size_t len = 0;
    while (len < answer.body_len) {
        ssize_t got = TEMP_FAILURE_RETRY(recv(fd, answer.body + len, answer.body_len - len, 0));
        CHECK(got > 0);
        len += (size_t)got;
    }
    answer.body[len] = '\0';
    return answer;
}

/* The rest of a chunked body, to its last chunk. */
static inline size_t hear_chunks(int fd)
{
    size_t total = 0;
    for (;;) {
        char line[32];
        size_t len = 0;
        do {
            CHECK(len < sizeof line - 1);
            CHECK(TEMP_FAILURE_RETRY(recv(fd, &line[len], 1, 0)) == 1);
            line[++len] = '\0';
        } while (line[len - 1] != '\n');
        size_t size = strtoul(line, NULL, 16);
        for (size_t left = size + 2; left > 0;) {
            char bytes[4096];
            size_t most = left < sizeof bytes ? left : sizeof bytes;
            ssize_t got = TEMP_FAILURE_RETRY(recv(fd, bytes, most, 0));
            CHECK(got > 0);
            left -= (size_t)got;
        }
        total += size;
        if (size == 0) {
            return total;
        }
    }
}

/* The server has closed, with nothing more said. A reset is an end too. */
static inline void expect_end(int fd)
{
    char byte;
    ssize_t got = TEMP_FAILURE_RETRY(recv(fd, &byte, 1, 0));
    CHECK(got == 0 || (got < 0 && errno == ECONNRESET));
    close(fd);
}

#endif
