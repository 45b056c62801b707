/* home_state.h: where a client is, as its home sees it: one state, moved by one function.
 *
 *                    home_adopt
 *   NONE -----------------------------+
 *     |  reader: adopt                |
 *     v                               v          home_leave            home_came_early
 *   FRESH ---- reader: first_read --> WAITING ------------------> AWAY -----------------> EARLY
 *                                     |  ^  |  ^                  | ^ |                     | |
 *                      home_hold_back |  |  |  +-- home_return ---+ | |                     | |
 *                                     v  |  |  +-- home_return -----|-|---------------------+ |
 *                           HELD_BACK ---+  |      home_leave, not watched for reading: EARLY |
 *                            home_room      |                       | |                       |
 *                                  poller:  +--> RIPE -- home_leave-+ |                       |
 *                                  ripen                              |                       |
 *   home_close, from every state behind NONE --> CLOSED <-------------+-----------------------+
 *
 * state      the client is                             its descriptor is watched for reading
 * FRESH      adopted in this turn, not read yet        no
 * WAITING    at home, until its client sends           yes
 * HELD_BACK  at home, readable; a queue behind is full no
 * RIPE       at home, readable, until the interval     no
 *            of the poller is over
 * AWAY       handed on                                 by a reader's home; what comes is found there
 * EARLY      handed on, and has something to read      no
 * CLOSED     closed; the loop has yet to forget it     no
 *
 * Thread-safety: the home's thread.
 */
#ifndef STAGES_HOME_STATE_H
#define STAGES_HOME_STATE_H

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
