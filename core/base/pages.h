/* pages.h: memory that goes back to the system as soon as it is freed.
 *
 * Why: malloc returns a page only when nothing on it is in use. Where buffers lie between small
 * objects that live long, what a busy spell needed of them would stay with the process for ever.
 * This is for few kinds of such buffers, which their owner keeps for reuse: each costs a system
 * call, and a fault for each page when it is first touched, and takes up whole pages.
 *
 * Thread-safety: any thread.
 */
#ifndef CORE_BASE_PAGES_H
#define CORE_BASE_PAGES_H

#include <stddef.h>

/* Under an address sanitizer malloc gives them: it knows the bounds of that, and not those of a
 * mapping. */
#if defined(__has_feature) /* clang */
#if __has_feature(address_sanitizer)
#define PAGES_BY_MALLOC
#endif
#elif defined(__SANITIZE_ADDRESS__) /* gcc */
#define PAGES_BY_MALLOC
#endif

/* At least `size` bytes, all zero; what is not touched takes up no memory. Ends the program as
 * must_alloc() does. */
void *pages_alloc(size_t size);

/* `size` as it was for pages_alloc(). */
void pages_free(void *at, size_t size);

#endif
