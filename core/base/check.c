/* check.c: ending the program with a clear word. See check.h. */
#include "core/base/check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

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

void *must_alloc(unsigned long size)
{
    void *memory = malloc(size);
    CHECK(memory != NULL);
    return memory;
}

void *must_calloc(unsigned long count, unsigned long size)
{
    void *memory = calloc(count, size);
    CHECK(memory != NULL);
    return memory;
}

void *must_realloc(void *old, unsigned long size)
{
    void *memory = realloc(old, size);
    CHECK(memory != NULL);
    return memory;
}
