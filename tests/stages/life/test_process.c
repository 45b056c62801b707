/* test_process.c: what the signals of a server process do. Each runs in a child with a server of its
 * own: it says through a pipe that it is ready, the test sends it signals, and sees what it serves,
 * what it prints and how it ends. A process that hangs is ended by its alarm.
 */
#include "stages/life/process.h"

#include "tests/stages/life.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

static struct {
    pid_t pid;
    int ready;   /* the port comes here */
    int printed; /* what it prints on stderr */
} child;

/* --- in the child --- */

static int ready_pipe;

static void say_ready(const struct process *process)
{
    const char *colon = strrchr(process->sockets->names[0], ':');
    in_port_t port = (in_port_t)atoi(colon + 1);
    CHECK(write(ready_pipe, &port, sizeof port) == sizeof port);
}

static void serve(void)
{
    static struct process_share shares[2];
    char error[SERVER_ERROR_MAX];
    atomic_store(&shares[1].pid, (int)getpid());
    life.process = (struct process){
        .settings = &life.settings,
        .wiring = &life.wiring,
        .config_json = "{}",
        .sockets = &life.sockets,
        .shares = shares,
        .count = 2,
        .number = 2,
    };
    process_block_signals();
    CHECK(sockets_open(&life.sockets, &life.settings, 1, error));
    process_run(&life.process, say_ready);
    sockets_close(&life.sockets);
}

/* --- the child, seen from the test --- */

/* `life.settings` are the child's. */
static void run_child(void)
{
    int ready[2], printed[2];
    CHECK(pipe(ready) == 0 && pipe(printed) == 0);
    fflush(NULL);
    child.pid = fork();
    if (child.pid == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        signal(SIGABRT, SIG_DFL);
        alarm(PATIENCE_S);
        CHECK(dup2(printed[1], STDERR_FILENO) == STDERR_FILENO);
        ready_pipe = ready[1];
        serve();
        _exit(0);
    }
    expect(child.pid > 0);
    close(ready[1]);
    close(printed[1]);
    child.ready = ready[0];
    child.printed = printed[0];
}

static void start_child(void)
{
    run_child();
    expect_int(read(child.ready, &life.port, sizeof life.port), sizeof life.port);
}

static void signal_child(int number)
{
    expect_int(kill(child.pid, number), 0);
}

/* Everything that it has printed to its end, up to what `text` holds. */
static void read_to_end(char *text, size_t size)
{
    size_t len = 0;
    ssize_t got;
    while ((got = read(child.printed, text + len, size - 1 - len)) > 0) {
        len += (size_t)got;
    }
    text[len] = '\0';
    close(child.printed);
    close(child.ready);
}

static void remove_root(void)
{
    char path[120];
    DIR *dir = opendir(life.root);
    expect(dir != NULL);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] != '.') {
            snprintf(path, sizeof path, "%s/%.40s", life.root, entry->d_name);
            expect_int(unlink(path), 0);
        }
    }
    closedir(dir);
    expect_int(rmdir(life.root), 0);
}

static void expect_status(int expected)
{
    int status = 0;
    expect_int(waitpid(child.pid, &status, 0), child.pid);
    expect_msg(WIFEXITED(status) && WEXITSTATUS(status) == expected, "%s %d",
               WIFSIGNALED(status) ? "signal" : "status",
               WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    remove_root();
}

static void expect_over(void)
{
    char text[16384];
    read_to_end(text, sizeof text);
    expect_msg(text[0] == '\0', "printed: %s", text);
    expect_status(0);
}

static bool is_running(void)
{
    int status = 0;
    return waitpid(child.pid, &status, WNOHANG) == 0;
}

static void wait_until_refused(void)
{
    int fd;
    while ((fd = try_connect()) >= 0) {
        close(fd);
        (void)poll(NULL, 0, 1);
    }
}

/* --- the tests --- */

TEST(process, ends_at_sigterm_and_at_sigint)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    for (unsigned i = 0; i < 2; i++) {
        set_up("half-sync");
        start_child();
        int fd = dial();
        ask(fd, "/synthetic/bytes?n=10");
        expect_int(hear(fd).body_len, 10);
        signal_child(numbers[i]);
        expect_end(fd);
        expect_over();
    }
}

/* The request would take a minute: the first signal lets it, though nothing new is accepted; the
 * second ends it. */
TEST(process, drains_at_the_first_signal_and_cuts_at_the_second)
{
    set_up("half-sync");
    life.settings.drain_timeout_ns = 3600 * NS_PER_S;
    start_child();
    int fd = dial();
    ask(fd, "/synthetic/stream?chunks=2&size=10&ms=60000");
    char head[4096];
    hear_head(fd, head, sizeof head); /* it is under way */
    signal_child(SIGTERM);
    wait_until_refused();
    expect(is_running());
    signal_child(SIGTERM);
    expect_over();
    close(fd);
}

TEST(process, cuts_by_itself_when_the_time_to_drain_is_over)
{
    set_up("half-sync");
    life.settings.drain_timeout_ns = 20 * NS_PER_MS;
    start_child();
    int fd = dial();
    char head[4096];
    ask(fd, "/synthetic/stream?chunks=2&size=10&ms=60000");
    hear_head(fd, head, sizeof head);
    uint64_t before_ns = clock_ns();
    signal_child(SIGTERM);
    expect_over();
    expect(clock_ns() - before_ns >= 20 * NS_PER_MS);
    close(fd);
}

static bool has_line(const char *path, const char *target)
{
    char text[4096];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    text[got > 0 ? got : 0] = '\0';
    if (fd >= 0) {
        close(fd);
    }
    return strstr(text, target) != NULL;
}

/* Has the child a descriptor of this file? */
static bool has_open(const char *path)
{
    char folder[40], link[600], target[200];
    snprintf(folder, sizeof folder, "/proc/%d/fd", (int)child.pid);
    DIR *dir = opendir(folder);
    expect(dir != NULL);
    bool found = false;
    for (struct dirent *entry; !found && (entry = readdir(dir)) != NULL;) {
        snprintf(link, sizeof link, "%s/%s", folder, entry->d_name);
        ssize_t len = readlink(link, target, sizeof target - 1);
        target[len > 0 ? len : 0] = '\0';
        found = strcmp(target, path) == 0;
    }
    closedir(dir);
    return found;
}

/* The new file is there a moment before lines go to it. */
static void wait_for_another_file(const char *old)
{
    while (has_open(old)) {
        expect(is_running());
        (void)poll(NULL, 0, 1);
    }
}

/* A thread writes its lines when it becomes idle: some time after the answer. */
static void wait_for_line(const char *path, const char *target)
{
    while (!has_line(path, target)) {
        expect(is_running());
        (void)poll(NULL, 0, 1);
    }
}

TEST(process, opens_the_access_log_again_at_sighup)
{
    char path[100], old[100];
    set_up("half-sync");
    snprintf(path, sizeof path, "%s/log", life.root);
    snprintf(old, sizeof old, "%s/log.1", life.root);
    life.settings.access_log = path;
    start_child();
    int fd = dial();
    ask(fd, "/first");
    expect_int(hear(fd).status, 404);
    wait_for_line(path, "/first");
    expect_int(rename(path, old), 0);
    expect(has_open(old));
    signal_child(SIGHUP);
    wait_for_another_file(old);
    ask(fd, "/second");
    expect_int(hear(fd).status, 404);
    close(fd);
    signal_child(SIGTERM);
    char text[16384];
    read_to_end(text, sizeof text);
    expect_text(text, "");
    expect(has_line(old, "/first") && !has_line(old, "/second"));
    expect(has_line(path, "/second") && !has_line(path, "/first"));
    expect_status(0);
}

TEST(process, keeps_the_old_log_and_says_so_when_it_cannot_be_opened_again)
{
    char path[100], text[16384];
    set_up("half-sync");
    snprintf(path, sizeof path, "%s/log", life.root);
    life.settings.access_log = path;
    start_child();
    expect_int(unlink(path), 0);
    expect_int(mkdir(path, 0700), 0);
    signal_child(SIGHUP);
    struct pollfd fds = {.fd = child.printed, .events = POLLIN};
    expect(poll(&fds, 1, PATIENCE_S * 1000) == 1);
    int fd = dial();
    ask(fd, "/synthetic/bytes?n=10");
    expect_int(hear(fd).status, 200);
    close(fd);
    signal_child(SIGTERM);
    read_to_end(text, sizeof text);
    expect_msg(strstr(text, "cannot reopen the access log") != NULL, "printed: %s", text);
    expect_int(rmdir(path), 0);
    expect_status(0);
}

/* More than one process: its share of the connections stands first. */
TEST(process, prints_its_stage_table_at_sigusr1_and_goes_on)
{
    char text[16384], head[40];
    set_up("half-sync");
    start_child();
    int fd = dial();
    ask(fd, "/synthetic/bytes?n=10");
    expect_int(hear(fd).status, 200);
    signal_child(SIGUSR1);
    struct pollfd fds = {.fd = child.printed, .events = POLLIN};
    expect(poll(&fds, 1, PATIENCE_S * 1000) == 1);
    ask(fd, "/synthetic/bytes?n=10");
    expect_int(hear(fd).status, 200);
    close(fd);
    signal_child(SIGTERM);
    read_to_end(text, sizeof text);
    snprintf(head, sizeof head, "process 2 of 2, pid %d: ", (int)child.pid);
    expect_msg(strncmp(text, head, strlen(head)) == 0, "printed: %s", text);
    expect_msg(strstr(text, "1 connections accepted") != NULL, "printed: %s", text);
    expect_status(0);
}

TEST(process, ends_with_a_message_when_it_cannot_start)
{
    char text[4096];
    set_up("half-sync");
    char missing[100];
    snprintf(missing, sizeof missing, "%s/missing", life.root);
    life.settings.root = missing;
    run_child();
    expect_int(read(child.ready, &life.port, sizeof life.port), 0);
    read_to_end(text, sizeof text);
    expect_msg(strstr(text, missing) != NULL, "printed: %s", text);
    expect_status(EXIT_WORLD);
}

static void block(const char *unused)
{
    (void)unused;
    sigset_t set;
    struct sigaction pipe_action;
    process_block_signals();
    CHECK(pthread_sigmask(SIG_BLOCK, NULL, &set) == 0);
    CHECK(sigismember(&set, SIGTERM) && sigismember(&set, SIGINT));
    CHECK(sigismember(&set, SIGHUP) && sigismember(&set, SIGUSR1));
    CHECK(!sigismember(&set, SIGCHLD) && !sigismember(&set, SIGABRT));
    CHECK(sigaction(SIGPIPE, NULL, &pipe_action) == 0 && pipe_action.sa_handler == SIG_IGN);
}

TEST(process, blocks_the_signals_that_it_waits_for_and_ignores_sigpipe)
{
    in_child(block, "");
}
