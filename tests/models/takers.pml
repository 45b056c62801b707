/* takers.pml: who sleeps and who is called, for pool.pml, retiring.pml, turns.pml and recall.pml. Follows queues/takers.c. The
 * including model defines MOST, LEAST, AWAKE_MOST, TOTAL and, as true or false, direct and strict. Every inline here runs
 * inside an atomic block: with takers.lock held. */
#define SHARE 1

chan items = [TOTAL + 1] of { byte };
byte asleep, count = LEAST, coming = LEAST, away;
bool closed, turn_taken;
byte turn_called = MOST; /* MOST: nobody */

byte sleepers[MOST];         /* a stack; the top is sleepers[asleep - 1] */
bool taker_asleep[MOST], here[MOST], called[MOST], in_turn[MOST];
byte slot[MOST];             /* a slip + 1; 0: none */
bool ringing[MOST + 1];      /* the bells; the last is that of the loop that takers run in turn */

hidden int ghost_awake, ghost_needed, ghost_at;

inline takers_needed_locked(needed)
{
    if
    :: direct ->
        needed = (len(items) > coming -> len(items) - coming : 0)
    :: else ->
        ghost_awake = count - asleep - away;
        needed = (len(items) > ghost_awake * SHARE ->
                  (len(items) - ghost_awake * SHARE + SHARE - 1) / SHARE : 0);
        ghost_awake = (AWAKE_MOST > ghost_awake -> AWAKE_MOST - ghost_awake : 0);
        needed = (needed < ghost_awake -> needed : ghost_awake)
    fi
}

/* calls: a bit for each bell that is to be rung. */
inline takers_pop_locked(calls)
{
    ghost_at = sleepers[asleep - 1];
    asleep--;
    sleepers[asleep] = 0;
    taker_asleep[ghost_at] = false;
    called[ghost_at] = true;
    calls = calls | (1 << (in_turn[ghost_at] -> MOST : ghost_at))
}

inline takers_call_sleepers_locked(calls, needed)
{
    do
    :: needed > 0 && asleep > 0 -> takers_pop_locked(calls); needed--
    :: else -> break
    od
}

inline takers_call_locked(calls, spawn, needed)
{
    takers_call_sleepers_locked(calls, needed);
    if
    :: needed > 0 && !closed && asleep == 0 && MOST > count ->
        needed = (needed < MOST - count -> needed : MOST - count);
        count = count + needed;
#ifndef BUG_COMING_UNCOUNTED
        coming = coming + needed;
#endif
        spawn = spawn + needed
    :: else
    fi
}

inline leave_stack_locked(taker)
{
    ghost_at = 0;
    do
    :: sleepers[ghost_at] != taker -> ghost_at++
    :: else -> break
    od;
    do
    :: ghost_at + 1 < asleep -> sleepers[ghost_at] = sleepers[ghost_at + 1]; ghost_at++
    :: else -> break
    od;
    asleep--;
    sleepers[asleep] = 0;
    taker_asleep[taker] = false
}

inline takers_sleep_locked(taker)
{
    assert(!taker_asleep[taker]);
    called[taker] = false;
    sleepers[asleep] = taker;
    asleep++;
    taker_asleep[taker] = true
}

inline takers_wake_locked(taker)
{
    turn_called = (turn_called == taker -> MOST : turn_called);
    assert(here[taker] || coming > 0);
    coming = (here[taker] -> coming : coming - 1);
    here[taker] = true;
    if
    :: taker_asleep[taker] -> leave_stack_locked(taker)
    :: else
    fi;
    called[taker] = false
}

inline takers_retire_locked(taker, leaves)
{
#ifdef BUG_RETIRE_CALLED
    leaves = count - coming > LEAST && !closed;
#else
#ifdef BUG_RETIRE_COUNTS_COMING
    leaves = taker_asleep[taker] && count > LEAST && !closed;
#else
    leaves = taker_asleep[taker] && count - coming > LEAST && !closed;
#endif
#endif
    if
    :: leaves ->
        if
        :: taker_asleep[taker] -> leave_stack_locked(taker)
        :: else
        fi;
#ifndef BUG_RETIRED_COUNTED
        count--;
#endif
        here[taker] = false
    :: else
    fi
}

inline call_needed_locked(calls, spawn)
{
    takers_needed_locked(ghost_needed);
    takers_call_locked(calls, spawn, ghost_needed)
}

/* Outside of the lock: one bell after the other. */
inline calls_ring(calls)
{
    do
    :: atomic { calls != 0 ->
           ghost_at = 0;
           do
           :: (calls & (1 << ghost_at)) == 0 -> ghost_at++
           :: else -> break
           od;
           ringing[ghost_at] = true;
           calls = calls & ~(1 << ghost_at) }
    :: else -> break
    od
}
