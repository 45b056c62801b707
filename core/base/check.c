/* check.c: ending the program with a clear word. See check.h. */
#include "core/base/check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void check_failed(const char *cond, const char *file, int line)
{
    fprintf(stderr, "%s: bug: %s does not hold at %s:%d\n", program_invocation_short_name, cond,
            file, line);
    abort();
}

void die(int status, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    exit(status);
}

/* At once, without exit(): other threads still run, and use what its handlers would free. */
static void *check_memory(void *memory, unsigned long size)
{
    if (memory == NULL) {
        fprintf(stderr, "%s: out of memory: cannot allocate %lu bytes\n",
                program_invocation_short_name, size);
        _exit(EXIT_WORLD);
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
