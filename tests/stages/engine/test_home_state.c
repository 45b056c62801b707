/* test_home_state.c: the moves of a client between the states that its home knows, and their counts.
 */
#include "stages/engine/home_state.h"

#include "tests/aborts.h"

/* The drawing of home_state.h as text: from, then where it may go. */
static const struct {
    enum home_state from;
    enum home_state to[6];
    unsigned count;
} drawn[] = {
    {HOME_NONE, {HOME_FRESH, HOME_WAITING, HOME_CLOSED}, 3},
    {HOME_FRESH, {HOME_WAITING, HOME_CLOSED}, 2},
    {HOME_WAITING, {HOME_HELD_BACK, HOME_RIPE, HOME_AWAY, HOME_EARLY, HOME_CLOSED}, 5},
    {HOME_HELD_BACK, {HOME_WAITING, HOME_AWAY, HOME_CLOSED}, 3},
    {HOME_RIPE, {HOME_AWAY, HOME_EARLY, HOME_CLOSED}, 3},
    {HOME_AWAY, {HOME_WAITING, HOME_EARLY, HOME_CLOSED}, 3},
    {HOME_EARLY, {HOME_WAITING, HOME_CLOSED}, 2},
    {HOME_CLOSED, {HOME_NONE}, 0},
};

static bool is_drawn(enum home_state from, enum home_state to)
{
    bool found = from == to;
    for (unsigned i = 0; i < drawn[from].count; i++) {
        found |= drawn[from].to[i] == to;
    }
    return found;
}

/* The move that is tried in a child. */
static enum home_state try_from, try_to;

static void try_move(void)
{
    struct home_counts counts = {.in = {0}};
    enum home_state state = try_from;
    counts.in[try_from] = 1;
    home_state_move(&counts, &state, try_to);
}

TEST(home_state, allows_the_moves_that_are_drawn_and_no_others)
{
    for (unsigned from = 0; from < HOME_STATES; from++) {
        expect_int(drawn[from].from, from);
        for (unsigned to = 0; to < HOME_STATES; to++) {
            try_from = (enum home_state)from;
            try_to = (enum home_state)to;
            expect_msg(aborts(try_move) != is_drawn(try_from, try_to), "from %u to %u", from, to);
        }
    }
}

TEST(home_state, counts_the_clients_in_each_state)
{
    struct home_counts counts = {.in = {0}};
    enum home_state one = HOME_NONE, other = HOME_NONE;
    home_state_move(&counts, &one, HOME_FRESH);
    home_state_move(&counts, &other, HOME_FRESH);
    expect_int(counts.in[HOME_FRESH], 2);
    home_state_move(&counts, &one, HOME_WAITING);
    home_state_move(&counts, &one, HOME_AWAY);
    home_state_move(&counts, &one, HOME_AWAY);
    expect_int(counts.in[HOME_FRESH], 1);
    expect_int(counts.in[HOME_AWAY], 1);
    home_state_move(&counts, &one, HOME_CLOSED);
    home_state_move(&counts, &other, HOME_CLOSED);
    for (unsigned i = 0; i < HOME_STATES; i++) {
        expect_int(counts.in[i], 0);
    }
}
