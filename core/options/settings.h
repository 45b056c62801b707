/* settings.h: every option's value, as one struct made from options.def.
 *
 * Filled once by core/options/options.c before threads start, read-only afterwards by every thread.
 * Times are nanoseconds, sizes bytes; a CHOICE is the index of its word (the enums below; for
 * --log-level, log.h's).
 */
#ifndef CORE_OPTIONS_SETTINGS_H
#define CORE_OPTIONS_SETTINGS_H

#include "core/options/option_table.h"

struct settings {
#define OPTION(kind, field, ...) option_type_##kind field;
#include "core/options/options.def"
#undef OPTION
    uint64_t wakeup_spin_ns; /* of --wakeup spin:USEC */
};

enum { SWITCH_ON, SWITCH_OFF };
enum { SOCKET_TIMES_ON, SOCKET_TIMES_OFF, SOCKET_TIMES_SAMPLED };
enum { DISPATCH_MODEL, DISPATCH_FIFO, DISPATCH_LIFO };
enum { OVERLOAD_MODEL, OVERLOAD_WAIT, OVERLOAD_REJECT, OVERLOAD_REAP };
enum { INLINE_MODEL, INLINE_IDLE, INLINE_SHORT, INLINE_ALWAYS };
enum { SPAWN_MODEL, SPAWN_FIXED, SPAWN_ON_DEMAND };
enum { SCHEDULING_BATCH, SCHEDULING_NORMAL };
enum { WAKEUP_ELIDED, WAKEUP_ALWAYS, WAKEUP_SPIN };
enum { DOORBELL_EVENTFD, DOORBELL_PIPE, DOORBELL_CONDVAR };
enum { WHO_ON, WHO_OFF, WHO_LOOPBACK };
enum { TRACE_OFF, TRACE_HISTOGRAM, TRACE_FULL };

#endif
