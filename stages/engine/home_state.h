/* home_state.h: where a client is, as its home sees it: one state, moved by one function.
 *
 *   NONE --> FRESH --> WAITING <--> HELD_BACK --> AWAY     any of these --> CLOSED
 *     |                 ^ ^ |  \
 *     +-----------------+ | |   +--> RIPE
 *                         | v          |
 *      WAITING <-- EARLY <-- AWAY <----+          WAITING --> EARLY
 *
 * from       to         moved by
 * NONE       FRESH      home_adopt(), for the reader
 * NONE       WAITING    home_adopt(), for the poller
 * FRESH      WAITING    home_return(), before its first read
 * WAITING    HELD_BACK  home_hold_back()
 * HELD_BACK  WAITING    home_room()
 * HELD_BACK  AWAY       home_dismiss(), as from WAITING: the server cuts
 * WAITING    RIPE       home_let_ripen()
 * WAITING    AWAY       home_leave(), home_dismiss() where another loop watches the client besides
 * WAITING    EARLY      home_leave(), when no loop watches its descriptor for reading
 * RIPE       AWAY       home_leave(), when the interval is over
 * AWAY       EARLY      home_came_early()
 * AWAY       WAITING    home_return()
 * EARLY      WAITING    home_return()
 * any        CLOSED     client_close()
 *
 * state      the client is                                   its home watches it for reading
 * FRESH      adopted in this turn, not read yet              no
 * WAITING    at home, until its client sends                 yes
 * HELD_BACK  at home, readable; a queue behind is full       no
 * RIPE       at home, readable; the poller's interval runs   no
 * AWAY       handed on                                       a reader's home yes, a poller's no
 * EARLY      handed on, and has something to read            no
 * CLOSED     closed; the loop has yet to forget its watch    no
 *
 * Thread-safety: the home's thread.
 */
#ifndef STAGES_ENGINE_HOME_STATE_H
#define STAGES_ENGINE_HOME_STATE_H

#include <stdbool.h>

enum home_state {
    HOME_NONE,
    HOME_FRESH,
    HOME_WAITING,
    HOME_HELD_BACK,
    HOME_RIPE,
    HOME_AWAY,
    HOME_EARLY,
    HOME_CLOSED,
    HOME_STATES
};

/* How many clients of one home are in each state. */
struct home_counts {
    unsigned in[HOME_STATES];
};

/* Moves a client of the home with these counts. Staying where it is is allowed; a move that is not
 * drawn above ends the program. */
void home_state_move(struct home_counts *counts, enum home_state *state, enum home_state to);

static inline bool home_state_is_away(enum home_state state)
{
    return state == HOME_AWAY || state == HOME_EARLY;
}

#endif
