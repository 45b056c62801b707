/* wiring.h: a threading model as data: which stages share a thread, and how many threads there are.
 *
 *     wiring := group ( '|' group )*       '|' is a queue between two thread groups
 *     group  := letter+ ( '*' count )?     letters side by side share one thread, count threads of
 * it
 *
 * Letters are L K R P W. A group of P alone is a pool, every other group of capital letters runs a
 * poll loop. The order of the groups is the way a new connection travels. The count 'n' means "from
 * the number of CPUs". Pure data and text: no threads here.
 */
#ifndef STAGES_WIRING_H
#define STAGES_WIRING_H

#include "core/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* In the order in which a connection meets them. */
enum stage {
    STAGE_LISTENER,
    STAGE_POLLER,
    STAGE_READER,
    STAGE_PROCESSOR,
    STAGE_WRITER,
    STAGE_COUNT
};

/* One letter a stage, in stage order. */
extern const char stage_letters[STAGE_COUNT + 1];
const char *stage_name(enum stage stage);

enum group_kind {
    GROUP_LOOP, /* waits in a poll loop for descriptors and its queue */
    GROUP_POOL, /* waits on its queue only: processors */
};

enum {
    WIRING_GROUPS_MAX = STAGE_COUNT,
    WIRING_TEXT = 64,
    WIRING_ERROR = 256,
    WIRING_THREADS_MAX = 1024
};

struct wiring_group {
    unsigned stages; /* set of 1 << enum stage */
    enum group_kind kind;
    unsigned count;  /* threads; 0 until wiring_size */
    unsigned column; /* where its text starts, from 1, for messages */
};

struct wiring {
    unsigned group_count;
    struct wiring_group groups[WIRING_GROUPS_MAX];
    signed char group_of[STAGE_COUNT]; /* -1: no group holds it */
};

/* Reads and checks the notation. False: `error` is one line that names the column, the group and
 * the reason. */
bool wiring_parse(struct wiring *wiring, const char *text, char error[WIRING_ERROR]);

/* Fills in the thread counts: the notation's own, else the flags' (--readers …), else from `cpus`.
 * A flag that contradicts the wiring or another flag is an error as above. */
bool wiring_size(struct wiring *wiring, const struct settings *settings, unsigned cpus,
                 char error[WIRING_ERROR]);

/* The notation with the counts filled in: "L | R | P*4 | W". */
void wiring_format(const struct wiring *wiring, char out[WIRING_TEXT]);

static inline bool group_holds(const struct wiring_group *group, enum stage stage)
{
    return (group->stages >> stage & 1) != 0;
}

/* Letters of a group: "RP". */
void group_letters(const struct wiring_group *group, char out[STAGE_COUNT + 1]);

/* The preset's wiring text, or NULL. */
const char *preset_wiring(const char *name);
/* The table that --list-models prints. */
void presets_print(FILE *out);
/* "staged, loops, …" for messages. */
void presets_names(char *out, size_t size);

#endif
