/* test_sockets.c: which sockets are one and the same, and who closes and removes what. */
#include "stages/stage/sockets.h"

#include "core/options/options.h"
#include "tests/test.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4 };

static struct settings settings;
static char error[SERVER_ERROR_MAX];

static void set_up(unsigned accept_mutex)
{
    option_set_defaults(&settings);
    settings.listen = (struct option_texts){.count = 2, .at = {"127.0.0.1:0", "127.0.0.1:0"}};
    settings.accept_mutex = accept_mutex;
    settings.defer_accept = SWITCH_OFF; /* a connection is to be seen at once */
}

/* Two descriptors of one socket have one inode. */
static bool are_one(int a, int b)
{
    struct stat first, second;
    expect(fstat(a, &first) == 0 && fstat(b, &second) == 0);
    return first.st_ino == second.st_ino;
}

static in_port_t port_of(int fd)
{
    struct sockaddr_in address = {.sin_port = 0};
    socklen_t len = sizeof address;
    expect_int(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    return address.sin_port;
}

static bool is_open(int fd)
{
    struct stat stat;
    return fstat(fd, &stat) == 0;
}

TEST(sockets, are_each_threads_own_on_the_same_port)
{
    struct sockets sockets;
    set_up(SWITCH_OFF);
    expect_msg(sockets_open(&sockets, &settings, THREADS, error), "%s", error);
    for (unsigned i = 1; i < THREADS; i++) {
        expect(!are_one(sockets.at[0], sockets.at[i * 2]));
        expect_int(port_of(sockets.at[i * 2]), port_of(sockets.at[0]));
        expect_int(port_of(sockets.at[i * 2 + 1]), port_of(sockets.at[1]));
    }
    expect(port_of(sockets.at[0]) != port_of(sockets.at[1]));
    sockets_close(&sockets);
}

TEST(sockets, are_shared_by_all_with_the_accept_mutex)
{
    struct sockets sockets;
    set_up(SWITCH_ON);
    expect_msg(sockets_open(&sockets, &settings, THREADS, error), "%s", error);
    for (unsigned i = 1; i < THREADS; i++) {
        expect(are_one(sockets.at[0], sockets.at[i * 2]));
        expect(are_one(sockets.at[1], sockets.at[i * 2 + 1]));
    }
    sockets_close(&sockets);
}

TEST(sockets, a_child_keeps_its_own_and_closes_the_others)
{
    struct sockets sockets;
    int before[THREADS * 2];
    set_up(SWITCH_OFF);
    expect_msg(sockets_open(&sockets, &settings, THREADS, error), "%s", error);
    memcpy(before, sockets.at, sizeof before);
    sockets_keep(&sockets, 2, 1);
    expect_int(sockets.threads, 1);
    for (unsigned i = 0; i < THREADS * 2; i++) {
        expect_int(is_open(before[i]), i == 4 || i == 5);
    }
    expect_int(sockets.at[0], before[4]);
    expect_int(sockets.at[1], before[5]);
    sockets_close(&sockets);
    expect(!is_open(before[4]) && !is_open(before[5]));
}

static int dial(in_port_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = port, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    expect(fd >= 0);
    expect_int(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* The kernel spreads by a hash: some of so many connections go to the child's socket. */
TEST(sockets, what_a_dead_child_did_not_accept_waits_in_the_parents_copy)
{
    enum { CLIENTS = 64 };
    struct sockets sockets;
    int clients[CLIENTS], status;
    set_up(SWITCH_OFF);
    expect_msg(sockets_open(&sockets, &settings, 2, error), "%s", error);
    pid_t child = fork();
    if (child == 0) {
        sockets_keep(&sockets, 1, 1);
        _exit(0);
    }
    expect(child > 0);
    expect_int(waitpid(child, &status, 0), child);
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i] = dial(port_of(sockets.at[0]));
    }
    struct pollfd waiting = {.fd = sockets.at[2], .events = POLLIN};
    expect_int(poll(&waiting, 1, -1), 1);
    int accepted = accept(sockets.at[2], NULL, NULL);
    expect(accepted >= 0);
    close(accepted);
    for (unsigned i = 0; i < CLIENTS; i++) {
        close(clients[i]);
    }
    sockets_close(&sockets);
}

TEST(sockets, the_name_of_a_unix_socket_is_the_parents)
{
    struct sockets sockets;
    char folder[] = "/tmp/quartet-sockets-XXXXXX", text[64];
    int status;
    set_up(SWITCH_OFF);
    expect(mkdtemp(folder) != NULL);
    snprintf(text, sizeof text, "unix:%s/s", folder);
    settings.listen = (struct option_texts){.count = 1, .at = {text}};
    expect_msg(sockets_open(&sockets, &settings, 2, error), "%s", error);
    expect(are_one(sockets.at[0], sockets.at[1]));
    pid_t child = fork();
    if (child == 0) {
        sockets_keep(&sockets, 1, 1);
        sockets_close(&sockets);
        _exit(0);
    }
    expect(child > 0);
    expect_int(waitpid(child, &status, 0), child);
    expect_int(access(text + 5, F_OK), 0);
    sockets_close(&sockets);
    expect(access(text + 5, F_OK) != 0 && errno == ENOENT);
    expect_int(rmdir(folder), 0);
}

TEST(sockets, says_where_it_listens)
{
    struct sockets sockets;
    char text[200], expected[200];
    set_up(SWITCH_OFF);
    expect_msg(sockets_open(&sockets, &settings, 1, error), "%s", error);
    FILE *out = fmemopen(text, sizeof text, "w");
    expect(out != NULL);
    sockets_print(&sockets, out);
    fclose(out);
    snprintf(expected, sizeof expected,
             "listening on http://127.0.0.1:%u\nlistening on http://127.0.0.1:%u\n",
             ntohs(port_of(sockets.at[0])), ntohs(port_of(sockets.at[1])));
    expect_text(text, expected);
    sockets_close(&sockets);
}

static unsigned count_open(void)
{
    unsigned count = 0;
    for (int fd = 0; fd < 1024; fd++) {
        count += is_open(fd);
    }
    return count;
}

TEST(sockets, that_cannot_all_be_opened_leave_none_open)
{
    struct sockets sockets;
    set_up(SWITCH_OFF);
    settings.listen.at[1] = "unix:/no/such/folder/s";
    unsigned before = count_open();
    expect(!sockets_open(&sockets, &settings, THREADS, error));
    expect(strstr(error, "/no/such/folder/s") != NULL && strchr(error, '\n') == NULL);
    expect_int(count_open(), before);
}
