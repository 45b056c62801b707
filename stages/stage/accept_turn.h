/* accept_turn.h: the accept mutex: which listener thread, of whatever process, waits at the shared
 * listening sockets (--accept-mutex on).
 *
 * Use: made before fork. A listener tries for it before its loop waits and gives it back as soon as
 * the loop has woken and what was there is accepted: it is held while nothing happens, and never
 * while a request is worked on. Nobody ever waits for it: who does not get it leaves the sockets
 * alone and tries again later.
 *
 * A holder that dies, with its process, leaves it behind: the next to try inherits it.
 *
 * Not a struct lock: that may not be held over a wait, and this one is for nothing else.
 */
#ifndef STAGES_STAGE_ACCEPT_TURN_H
#define STAGES_STAGE_ACCEPT_TURN_H

struct accept_turn;

/* In memory that children made by fork share. Start-up only. */
struct accept_turn *accept_turn_new(void);
/* Takes this process's view of it away. NULL is allowed. */
void accept_turn_free(struct accept_turn *turn);

enum accept_try {
    ACCEPT_TRY_BUSY,      /* another thread has it */
    ACCEPT_TRY_TAKEN,     /* it is the caller's */
    ACCEPT_TRY_INHERITED, /* it is the caller's; the holder before had died */
};

/* Never waits. Any thread; the one that got it releases it. */
enum accept_try accept_turn_try(struct accept_turn *turn);
void accept_turn_release(struct accept_turn *turn);

#endif
