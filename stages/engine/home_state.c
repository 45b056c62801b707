/* home_state.c: the moves that are possible. See home_state.h for the drawing. */
#include "stages/engine/home_state.h"

#include "core/base/check.h"

#define TO(state) (1u << HOME_##state)

static const unsigned moves[HOME_STATES] = {
    [HOME_NONE] = TO(FRESH) | TO(WAITING) | TO(CLOSED),
    [HOME_FRESH] = TO(WAITING) | TO(CLOSED),
    [HOME_WAITING] = TO(HELD_BACK) | TO(RIPE) | TO(AWAY) | TO(EARLY) | TO(CLOSED),
    [HOME_HELD_BACK] = TO(WAITING) | TO(AWAY) | TO(CLOSED),
    [HOME_RIPE] = TO(AWAY) | TO(EARLY) | TO(CLOSED),
    [HOME_AWAY] = TO(WAITING) | TO(EARLY) | TO(CLOSED),
    [HOME_EARLY] = TO(WAITING) | TO(CLOSED),
};

void home_state_move(struct home_counts *counts, enum home_state *state, enum home_state to)
{
    enum home_state from = *state;
    if (from == to) {
        return;
    }
    CHECK((moves[from] >> to & 1) != 0);
    if (from != HOME_NONE) {
        CHECK(counts->in[from] > 0);
        counts->in[from]--;
    }
    if (to != HOME_CLOSED) {
        counts->in[to]++;
    }
    *state = to;
}
