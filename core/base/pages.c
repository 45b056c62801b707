/* pages.c: anonymous mappings. See pages.h. */
#include "core/base/pages.h"

#include "core/base/check.h"

#ifdef PAGES_BY_MALLOC

#include <stdlib.h>

void *pages_alloc(size_t size)
{
    return must_calloc(1, size);
}

void pages_free(void *at, size_t size)
{
    (void)size;
    free(at);
}

#else

#include <sys/mman.h>

void *pages_alloc(size_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) {
        die_at_once("out of memory: cannot map %zu bytes", size);
    }
    return at;
}

/* A process may have 65,530 mappings, and one that is cut out of the middle of another makes two of
 * it. Beyond that the kernel refuses: the addresses stay taken, their memory goes back. */
void pages_free(void *at, size_t size)
{
    if (munmap(at, size) != 0) {
        CHECK(madvise(at, size, MADV_DONTNEED) == 0);
    }
}

#endif
