/* failing_calls.c: system calls that fail by a seed, preloaded (LD_PRELOAD) into a server.
 *
 * QUARTET_FAIL="recv:EINTR:0.01,send:short:0.05" names what fails: CALL:HOW:RATE. HOW is an error, or `short` for
 * a count below what was asked. One rule in RATE calls of its kind fails; a call takes the first rule that draws it.
 * QUARTET_FAIL_SEED chooses the sequence of draws; which thread gets which draw depends on the schedule.
 * QUARTET_FAIL_CONTROL is a file of uint64_t that the driver shares: the first is not 0 while calls may fail, then
 * for each rule, in order, how often it was applied. It outlives the server, and the counts of its children are in it.
 *
 * Only failures that the kernel can give are made:
 *   EAGAIN for a socket that does not block, else it would mean that the receive timeout is over;
 *   epoll_ctl as libuv asks whether a descriptor can be watched (no user data): libuv itself aborts when the
 *     registration behind it fails;
 *   malloc, calloc and realloc as the program calls them: libraries have rules of their own;
 *   read on regular files and pipes: a counter of eventfd has no short read.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { RULES_MAX = 64, SHORT = -1, NEVER = 0 };

struct rule {
    char call[24];
    int how; /* an errno, or SHORT */
    double rate;
};

static struct rule rules[RULES_MAX];
static unsigned rule_count;
static uint64_t seed;
static _Atomic uint64_t draws;
static _Atomic uint64_t *control; /* NULL: nothing fails */
static uintptr_t program_begin, program_end;

static const struct {
    const char *name;
    int how;
} names[] = {
    {"short", SHORT},
    {"EINTR", EINTR},
    {"EAGAIN", EAGAIN},
    {"ENOMEM", ENOMEM},
    {"EMFILE", EMFILE},
    {"ENFILE", ENFILE},
    {"ENOBUFS", ENOBUFS},
    {"ECONNABORTED", ECONNABORTED},
    {"ECONNRESET", ECONNRESET},
    {"EPIPE", EPIPE},
    {"EIO", EIO},
    {"ENOSPC", ENOSPC},
    {"EPROTO", EPROTO},
    {"EPERM", EPERM},
    {"EINVAL", EINVAL},
    {"EACCES", EACCES},
};

static void refuse(const char *what)
{
    fprintf(stderr, "failing_calls: %s\n", what);
    _exit(99);
}

static int how_named(const char *name)
{
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i].name, name) == 0) {
            return names[i].how;
        }
    }
    refuse("QUARTET_FAIL names an unknown error");
    return NEVER;
}

static void read_rules(const char *text)
{
    int used = 0;
    char name[24];
    while (*text != '\0') {
        struct rule *rule = &rules[rule_count++];
        if (rule_count == RULES_MAX ||
            sscanf(text, "%23[^:]:%23[^:]:%lf%n", rule->call, name, &rule->rate, &used) != 3) {
            refuse("QUARTET_FAIL is not CALL:HOW:RATE,...");
        }
        rule->how = how_named(name);
        text += used;
        text += *text == ',';
    }
}

static int note_program(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size;
    (void)unused;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type == PT_LOAD && (info->dlpi_phdr[i].p_flags & PF_X) != 0) {
            program_begin = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
            program_end = program_begin + info->dlpi_phdr[i].p_memsz;
        }
    }
    return 1; /* the program is the first */
}

__attribute__((constructor)) static void begin(void)
{
    const char *text = getenv("QUARTET_FAIL");
    const char *path = getenv("QUARTET_FAIL_CONTROL");
    const char *seed_text = getenv("QUARTET_FAIL_SEED");
    if (text == NULL || path == NULL) {
        return;
    }
    read_rules(text);
    seed = seed_text != NULL ? strtoull(seed_text, NULL, 10) : 1;
    dl_iterate_phdr(note_program, NULL);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    size_t size = (1 + RULES_MAX) * sizeof(uint64_t);
    void *at = fd < 0 ? MAP_FAILED : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) {
        refuse("cannot map QUARTET_FAIL_CONTROL");
    }
    (void)close(fd); /* nothing was written */
    control = at;
}

/* SplitMix64 (Steele, Lea, Flood 2014) of the n-th draw: 0 up to 1. */
static double draw(void)
{
    uint64_t z = seed * 0xd1342543de82ef95 + atomic_fetch_add(&draws, 1) * 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

/* Does this kind of failure make sense for this call? */
typedef bool fits_fn(int how, long fact);

static bool fits_all(int how, long fact)
{
    (void)how;
    (void)fact;
    return true;
}

/* `fact`: the call does not block. */
static bool fits_socket(int how, long fact)
{
    return how != EAGAIN || fact != 0;
}

/* NEVER, SHORT or an errno. Keeps errno. */
static int failure_of(const char *call, fits_fn *fits, long fact)
{
    if (control == NULL || atomic_load(&control[0]) == 0) {
        return NEVER;
    }
    double left = -1;
    for (unsigned i = 0; i < rule_count; i++) {
        if (strcmp(rules[i].call, call) != 0 || !fits(rules[i].how, fact)) {
            continue;
        }
        left = left < 0 ? draw() : left;
        if (left < rules[i].rate) {
            atomic_fetch_add(&control[1 + i], 1);
            return rules[i].how;
        }
        left -= rules[i].rate;
    }
    return NEVER;
}

static size_t shortened(size_t len)
{
    return len > 1 ? 1 + (size_t)(draw() * (double)(len - 1)) : len;
}

static bool does_not_block(int fd, int flags)
{
    return (flags & MSG_DONTWAIT) != 0 || (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0;
}

/* The function behind the one of the same name here. */
#define REAL(name)                                                                                 \
    static __typeof__(&name) real;                                                                 \
    if (real == NULL) {                                                                            \
        *(void **)&real = dlsym(RTLD_NEXT, #name);                                                 \
    }

#define FAIL(how, value)                                                                           \
    if ((how) > 0) {                                                                               \
        errno = (how);                                                                             \
        return (value);                                                                            \
    }

int accept4(int fd, struct sockaddr *from, socklen_t *len, int flags)
{
    REAL(accept4)
    int how = failure_of("accept4", fits_all, 0);
    /* The kernel takes a connection that failed off the queue. */
    if (how == ECONNABORTED || how == EPROTO) {
        int lost = real(fd, from, len, flags);
        if (lost < 0) {
            return lost;
        }
        (void)close(lost);
    }
    FAIL(how, -1)
    return real(fd, from, len, flags);
}

ssize_t recv(int fd, void *into, size_t len, int flags)
{
    REAL(recv)
    int how = failure_of("recv", fits_socket, does_not_block(fd, flags));
    FAIL(how, -1)
    return real(fd, into, how == SHORT ? shortened(len < 64 ? len : 64) : len, flags);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    REAL(recvmsg)
    int how = failure_of("recv", fits_socket, does_not_block(fd, flags));
    FAIL(how, -1)
    if (how != SHORT || message->msg_iovlen != 1) {
        return real(fd, message, flags);
    }
    struct iovec less = *message->msg_iov, *whole = message->msg_iov;
    less.iov_len = shortened(less.iov_len < 64 ? less.iov_len : 64);
    message->msg_iov = &less;
    ssize_t got = real(fd, message, flags);
    message->msg_iov = whole;
    return got;
}

ssize_t send(int fd, const void *from, size_t len, int flags)
{
    REAL(send)
    int how = failure_of("send", fits_socket, does_not_block(fd, flags));
    FAIL(how, -1)
    return real(fd, from, how == SHORT ? shortened(len) : len, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    REAL(sendmsg)
    int how = failure_of("send", fits_socket, does_not_block(fd, flags));
    FAIL(how, -1)
    if (how != SHORT || message->msg_iovlen == 0) {
        return real(fd, message, flags);
    }
    struct msghdr less = *message;
    struct iovec first = *message->msg_iov;
    first.iov_len = shortened(first.iov_len);
    less.msg_iov = &first;
    less.msg_iovlen = 1;
    return real(fd, &less, flags);
}

ssize_t sendfile(int to, int from, off_t *offset, size_t len)
{
    REAL(sendfile)
    int how = failure_of("sendfile", fits_socket, does_not_block(to, 0));
    FAIL(how, -1)
    return real(to, from, offset, how == SHORT ? shortened(len) : len);
}

ssize_t pread(int fd, void *into, size_t len, off_t at)
{
    REAL(pread)
    int how = failure_of("read", fits_all, 0);
    FAIL(how, -1)
    return real(fd, into, how == SHORT ? shortened(len) : len, at);
}

int fstat(int fd, struct stat *into)
{
    REAL(fstat)
    int how = failure_of("fstat", fits_all, 0);
    FAIL(how, -1)
    return real(fd, into);
}

/* openat2 has no function in glibc 2.36. */
long syscall(long number, ...)
{
    static long (*real)(long, ...);
    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "syscall");
    }
    long a[6];
    va_list args;
    va_start(args, number);
    for (int i = 0; i < 6; i++) {
        a[i] = va_arg(args, long);
    }
    va_end(args);
    if (number == SYS_openat2) {
        int how = failure_of("openat2", fits_all, 0);
        FAIL(how, -1)
    }
    return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int epoll_ctl(int epoll, int what, int fd, struct epoll_event *event)
{
    REAL(epoll_ctl)
    if (what == EPOLL_CTL_ADD && event->data.fd == -1) {
        int how = failure_of("epoll_ctl", fits_all, 0);
        FAIL(how, -1)
    }
    return real(epoll, what, fd, event);
}

int epoll_create1(int flags)
{
    REAL(epoll_create1)
    int how = failure_of("epoll_create1", fits_all, 0);
    FAIL(how, -1)
    return real(flags);
}

int eventfd(unsigned count, int flags)
{
    REAL(eventfd)
    int how = failure_of("eventfd", fits_all, 0);
    FAIL(how, -1)
    return real(count, flags);
}

int pipe2(int ends[2], int flags)
{
    REAL(pipe2)
    int how = failure_of("pipe2", fits_all, 0);
    FAIL(how, -1)
    return real(ends, flags);
}

int socket(int family, int type, int protocol)
{
    REAL(socket)
    int how = failure_of("socket", fits_all, 0);
    FAIL(how, -1)
    return real(family, type, protocol);
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t len)
{
    REAL(setsockopt)
    int how = failure_of("setsockopt", fits_all, 0);
    FAIL(how, -1)
    return real(fd, level, option, value, len);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                   void *of)
{
    REAL(pthread_create)
    int how = failure_of("pthread_create", fits_all, 0);
    return how > 0 ? how : real(thread, attributes, run, of);
}

pid_t fork(void)
{
    REAL(fork)
    int how = failure_of("fork", fits_all, 0);
    FAIL(how, -1)
    return real();
}

/* dlsym allocates: until a function is known, the one of glibc. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);

static bool memory_fails(const void *caller)
{
    uintptr_t at = (uintptr_t)caller;
    return at >= program_begin && at < program_end && failure_of("malloc", fits_all, 0) != NEVER;
}

void *malloc(size_t size)
{
    if (memory_fails(__builtin_return_address(0))) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    if (memory_fails(__builtin_return_address(0))) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    if (memory_fails(__builtin_return_address(0))) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_realloc(old, size);
}
