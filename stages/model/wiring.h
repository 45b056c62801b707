/* wiring.h: a threading model as data: which stages share a thread, how many threads there are,
 * and how they wait.
 *
 *     wiring := group ( '|' group )*          '|' is a queue between two thread groups
 *     group  := letter+ ( '*' count )?        letters side by side share one thread, count threads
 *             | letter+ '@' count             count threads take turns at one poll loop
 *
 * Letters are L K R P W. Capital letters: the group runs a poll loop; P alone is a pool. A group of
 * small letters: the thread that has a connection blocks for it. w in such a group beside a W
 * elsewhere: a write that would block moves from w to W. The order of the groups is the way a new
 * connection travels. The count 'n' means "from the number of CPUs". Pure data and text: no threads
 * here.
 *
 * p or w in a group of capital letters names a stage that this poll loop may run itself as long as
 * it need not wait (`inlined`). Otherwise the work goes to the group with the capital letter:
 * 'L | Rpw | P*n | W', 'LRpW*n | P*n'.
 *
 * Two words are short for a pair of groups, and are kept as the pair: a loop that has no thread of
 * its own (`in_turn`), and the pool whose idle threads take turns at running it. 'LRPW@n' is a loop
 * LRW with a pool Pw, 'lrpw*n' a loop L with a pool rpw: idle threads take turns at accepting.
 */
#ifndef STAGES_MODEL_WIRING_H
#define STAGES_MODEL_WIRING_H

#include "core/options/settings.h"

#include <stdbool.h>
#include <stddef.h>

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

/* The policy of a wiring in which no loop runs a stage of another group. */
enum { INLINE_NONE = INLINE_MODEL };

enum group_kind {
    GROUP_LOOP, /* waits in a poll loop for descriptors and its queue */
    GROUP_POOL, /* waits on its queue only: processors, and sessions, which block for their
                 * client */
};

enum {
    WIRING_GROUPS_MAX = STAGE_COUNT + 2, /* w beside W, and the pool of a loop run in turn */
    WIRING_TEXT = 80,
    WIRING_ERROR = 256,
    WIRING_THREADS_MAX = 1024,
    GROUP_LETTERS = STAGE_COUNT + 1,
    GROUP_WHY = 64
};

struct wiring_group {
    unsigned stages;  /* set of 1 << enum stage */
    unsigned inlined; /* of a loop: stages of other groups that it may run itself */
    enum group_kind kind;
    bool blocks;     /* small letters: waits for clients in the thread that has them */
    bool in_turn;    /* a loop without a thread: idle threads of the next group take turns at it */
    bool scaled;     /* '*n' was written */
    unsigned count;  /* threads; 0 until model_size; 1 loop when in_turn */
    unsigned usual;  /* a preset's own number, which a flag may change; 0: none */
    unsigned column; /* where its text starts, from 1, for messages */
    char why[GROUP_WHY]; /* what the count comes from, for people; empty until model_size */
};

/* What a queue, a limit and a thread group do; the words of the options of the same name, where
 * MODEL (0) stands for the first real one. */
struct policies {
    unsigned dispatch, overload, spawn;
    unsigned inlining;    /* when a loop runs a stage itself; 0: it has none to run so */
    unsigned min_threads; /* of the group that spawns on demand */
};

struct wiring {
    unsigned group_count;
    struct wiring_group groups[WIRING_GROUPS_MAX];
    short group_of[STAGE_COUNT]; /* -1: no group runs it; of W and w that of W */
    short small_writer;          /* the group of w where there is a W too, or -1 */
    struct policies policies;
};

/* Reads and checks the notation. False: `error` is one line that names the column, the group and
 * the reason. */
bool wiring_parse(struct wiring *wiring, const char *text, char error[WIRING_ERROR]);

/* The notation with the counts filled in, which reads back as the same: "L | R | P*4 | W". */
void wiring_format(const struct wiring *wiring, char out[WIRING_TEXT]);

static inline bool group_runs(const struct wiring_group *group, enum stage stage)
{
    return (group->stages >> stage & 1) != 0;
}

/* Letters of a group: "RP", "rpw". */
void group_letters(const struct wiring_group *group, char out[GROUP_LETTERS]);

/* What reports call it: "loop", "session", or "pool" of processors. */
const char *group_kind_name(const struct wiring_group *group);

/* Which group of the text this is, from 1, and its letters there, where a pair is one group. */
unsigned wiring_written(const struct wiring *wiring, unsigned index, char letters[GROUP_LETTERS]);

/* Where a connection waits that has no request: the poller, unless it shares the reader's
 * loop. */
enum stage wiring_idle_stage(const struct wiring *wiring);

/* The stage that a new connection enters: the poller or the reader, whichever stands first. */
enum stage wiring_first_stage(const struct wiring *wiring);

#endif
