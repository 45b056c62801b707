/* probes.h: USDT probes at the points where the stamps are taken, for bpftrace, perf and gdb.
 *
 * A probe is one nop, and a note in the program's file that says where it is and where its
 * arguments lie. Nobody reads a clock or computes anything for it: arguments are what is in
 * registers or memory at that point anyway. Without sys/sdt.h, with -DQUARTET_USDT=OFF and in
 * builds without trace points there is nothing.
 *
 * Use: PROBE(whole, conn->id, x->id, x->stamps.whole_ns, ...) with as many arguments as
 * core/points/probes.def says, or it does not compile. A probe that touches what has been given on
 * is as wrong as any other access: it stands before the hand-over.
 */
#ifndef CORE_POINTS_PROBES_H
#define CORE_POINTS_PROBES_H

/* Counts its arguments, eight at most. */
#define PROBE_COUNT(...)                                PROBE_NINTH(__VA_ARGS__, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define PROBE_NINTH(a, b, c, d, e, f, g, h, ninth, ...) ninth

enum probe_arguments {
#define PROBE_POINT(name, ...) PROBE_ARGUMENTS_##name = PROBE_COUNT(__VA_ARGS__),
#define PROBE_STAMP            PROBE_POINT
#include "core/points/probes.def"
#undef PROBE_STAMP
#undef PROBE_POINT
};

#ifdef QUARTET_USDT
#include <sys/sdt.h>
#ifdef __clang__ /* which finds fault with sdt.h's own macros, where they are used */
#pragma clang diagnostic ignored "-Wgnu-zero-variadic-macro-arguments"
#if __has_warning("-Wc23-extensions") /* its name from clang 19 on */
#pragma clang diagnostic ignored "-Wc23-extensions"
#endif
#endif
#define PROBE_OF(count)       PROBE_OF_(count)
#define PROBE_OF_(count)      STAP_PROBE##count
#define PROBE_EMIT(name, ...) PROBE_OF(PROBE_COUNT(__VA_ARGS__))(quartet, name, __VA_ARGS__)
#else
#define PROBE_EMIT(name, ...) (void)0
#endif

#define PROBE(name, ...)                                                                           \
    do {                                                                                           \
        _Static_assert(PROBE_COUNT(__VA_ARGS__) == (int)PROBE_ARGUMENTS_##name,                    \
                       "other arguments than in core/points/probes.def");                          \
        PROBE_EMIT(name, __VA_ARGS__);                                                             \
    } while (0)

#endif
