/* check.c: ending the program with a clear word. See check.h. */
#include "core/base/check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void check_failed(const char *cond, const char *file, int line)
{
    fprintf(stderr, "%s: bug: %s does not hold at %s:%d\n", program_invocation_short_name, cond,
            file, line);
    abort();
}

__attribute__((format(printf, 1, 0))) static void check_say(const char *fmt, va_list args)
{
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
}

void die(int status, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    check_say(fmt, args);
    va_end(args);
    exit(status);
}

/* Without exit(): other threads use what its handlers would free. Only the first says why. */
void die_at_once(const char *fmt, ...)
{
    static atomic_flag dying = ATOMIC_FLAG_INIT;
    while (atomic_flag_test_and_set(&dying)) {
        (void)pause(); /* until that one's _exit */
    }
    va_list args;
    va_start(args, fmt);
    check_say(fmt, args);
    va_end(args);
    _exit(EXIT_WORLD);
}

static void *check_memory(void *memory, unsigned long size)
{
    if (memory == NULL) {
        die_at_once("out of memory: cannot allocate %lu bytes", size);
    }
    return memory;
}

void *must_alloc(unsigned long size)
{
    return check_memory(malloc(size), size);
}

void *must_calloc(unsigned long count, unsigned long size)
{
    return check_memory(calloc(count, size), count * size);
}

void *must_realloc(void *old, unsigned long size)
{
    return check_memory(realloc(old, size), size);
}
