/* settings.h: every option's value, as one struct made from options.def.
 *
 * Filled once by core/options.c before threads start, read-only afterwards by every thread. Times
 * are nanoseconds, sizes bytes; a CHOICE is the index of its word (the enums below).
 */
#ifndef CORE_SETTINGS_H
#define CORE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

enum { SETTINGS_ADDRS_MAX = 16 };

struct address_list {
    unsigned count;
    const char *at[SETTINGS_ADDRS_MAX];
};

typedef struct address_list option_type_ADDRS;
typedef const char *option_type_PATH;
typedef const char *option_type_TEXT;
typedef unsigned option_type_CHOICE;
typedef uint64_t option_type_COUNT;
typedef uint64_t option_type_TIME;
typedef uint64_t option_type_SIZE;
typedef bool option_type_FLAG;

struct settings {
#define OPTION(kind, field, short, long, metavar, def, min, max, group, help)                      \
    option_type_##kind field;
#include "core/options.def"
#undef OPTION
    uint64_t wakeup_spin_ns; /* of --wakeup spin:USEC */
};

enum { SWITCH_ON, SWITCH_OFF };
enum { DISPATCH_MODEL, DISPATCH_FIFO, DISPATCH_LIFO };
enum { OVERLOAD_MODEL, OVERLOAD_WAIT, OVERLOAD_REJECT, OVERLOAD_REAP };
enum { SPAWN_MODEL, SPAWN_FIXED, SPAWN_ON_DEMAND };
enum { SCHEDULING_BATCH, SCHEDULING_NORMAL };
enum { WAKEUP_ELIDED, WAKEUP_ALWAYS, WAKEUP_SPIN };
enum { DOORBELL_EVENTFD, DOORBELL_PIPE, DOORBELL_CONDVAR };
enum { WHO_ON, WHO_OFF, WHO_LOOPBACK };
enum { TRACE_OFF, TRACE_HISTOGRAM, TRACE_FULL };
enum { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

#endif
