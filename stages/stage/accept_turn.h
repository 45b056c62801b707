/* accept_turn.h: the accept mutex: which listener thread, of whatever process, waits at the shared
 * listening sockets (--accept-mutex on).
 *
 * Use: made before fork. A listener thread tries to take it before its loop waits. It gives the
 * mutex back as soon as the loop has woken and the waiting connections are accepted. So a thread
 * holds it while it waits, and never while it works on a request. No thread waits for it: a thread
 * that does not get it leaves the sockets alone and tries again later.
 *
 * When the process of a holder dies, the next thread that tries gets the mutex.
 *
 * Not a struct lock: a thread may not wait while it holds one, and this one is only for waiting.
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
