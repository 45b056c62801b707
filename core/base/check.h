/* check.h: the ways in which this program ends itself.
 *
 * CHECK is for bugs: it aborts, in release builds too, because a server that goes on with a broken
 * invariant produces wrong numbers. die is for start-up: the system cannot do what the command line
 * asks for. die_at_once is the same where threads run already, as when memory runs out. An event of
 * a connection is none of these: it is a verdict, and counted.
 */
#ifndef CORE_BASE_CHECK_H
#define CORE_BASE_CHECK_H

#define CHECK(cond)                                                                                \
    (__builtin_expect(!!(cond), 1) ? (void)0 : check_failed(#cond, __FILE__, __LINE__))

enum { EXIT_WORLD = 1, EXIT_USAGE = 2 };

/* Prints the condition and its place on stderr and aborts. Any thread. */
_Noreturn void check_failed(const char *cond, const char *file, int line);

/* Prints "<program>: <message>" as one line on stderr and exits with `status`. Before threads
 * start.
 */
_Noreturn void die(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* As die, with EXIT_WORLD. Any thread: the first one's message is printed, and nothing is flushed or
 * freed. */
_Noreturn void die_at_once(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* malloc, calloc and realloc that end the program with a line on stderr and EXIT_WORLD instead of
 * returning NULL: every size they are asked for is bounded by a limit in settings.h, so running out
 * is a misconfigured machine and no bug. Any thread; sizes in bytes, not 0. */
void *must_alloc(unsigned long size);
void *must_calloc(unsigned long count, unsigned long size);
void *must_realloc(void *old, unsigned long size);

#endif
