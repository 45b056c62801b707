/* test_pages.c: pages come as zeros and go back to the system. */
#include "core/base/pages.h"

#include "tests/test.h"

#include <sys/mman.h>
#include <unistd.h>

enum { SIZE = 100000 };

TEST(pages, are_zero_as_far_as_was_asked_for)
{
    static const char zero[SIZE];
    for (unsigned i = 0; i < 2; i++) {
        char *at = pages_alloc(SIZE);
        expect(memcmp(at, zero, SIZE) == 0);
        memset(at, 'x', SIZE);
        pages_free(at, SIZE);
    }
}

#ifndef PAGES_BY_MALLOC

/* How many of the pages are in memory; -1: they are not the process's any more. */
static int resident_pages(void *at)
{
    unsigned char in[SIZE / 4096 + 2];
    size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = (SIZE + page - 1) / page;
    int count = 0;
    if (mincore(at, SIZE, in) != 0) {
        return -1;
    }
    for (size_t i = 0; i < pages; i++) {
        count += in[i] & 1;
    }
    return count;
}

TEST(pages, take_up_memory_from_the_first_touch_until_they_are_freed)
{
    char *at = pages_alloc(SIZE);
    expect_int(resident_pages(at), 0);
    at[0] = 'x';
    expect_int(resident_pages(at), 1);
    pages_free(at, SIZE);
    expect_int(resident_pages(at), -1);
}

#endif
