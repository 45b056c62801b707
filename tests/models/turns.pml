/* turns.pml: the threads of a pool take turns at a poll loop (`@`). Follows mailbox_wait(), mailbox_end_turn(), take_turn()
 * of stages/life/pool_group.c, and falls_asleep() of stages/life/loop_group.c. The stack of sleepers is in takers.pml.
 *
 * run turns:
 * run share_of_two: -DAWAKE_MOST=2
 * run demand: -DDEMAND
 * live turns_live: -DEVENTS=1
 * wide two_outside: -DEVENTS=1 -DOUTSIDE=2
 * bug BUG_NO_CALL_FOR_TURN: end
 * bug BUG_OWN_BELL_IN_LOOP: end
 * bug BUG_SLEEPS_IN_LOOP_ONLY: end
 * bug BUG_SILENCE_AFTER_SLEEP: end
 * bug BUG_TURN_CALLED_KEPT: end
 * bug BUG_TURN_KEPT: end
 * bug BUG_TURN_UNGUARDED: assertion
 * bug BUG_STAYS_AT_LOOP: cycle
 */
#ifndef MOST
#define MOST 2
#endif
#ifdef DEMAND
#define LEAST 1
#else
#define LEAST MOST
#endif
#ifndef AWAKE_MOST
#define AWAKE_MOST 1
#endif
#define direct false
#define strict false
#ifndef EVENTS
#define EVENTS 2   /* requests that a client sends: the loop finds them */
#endif
#ifndef OUTSIDE
#define OUTSIDE 1  /* slips that other threads put into the pool's mailbox */
#endif
#define TOTAL (EVENTS + OUTSIDE)
#define LOOP MOST  /* its bell */
#include "takers.pml"

mtype = { THREAD_NONE, THREAD_RUNS };
mtype life[MOST];
byte ghost_events, ghost_polling, ghost_done, ghost_loop_slips;
bool ghost_was_taken[TOTAL];
chan model_taken[MOST] = [TOTAL] of { byte };

inline carry_out_calls(calls, spawn)
{
    calls_ring(calls);
    do
    :: spawn > 0 ->
        atomic { /* = spawn_pool_thread() */
            ghost_at = 0;
            do
            :: life[ghost_at] == THREAD_RUNS -> ghost_at++
            :: else -> break
            od;
            life[ghost_at] = THREAD_RUNS;
            spawn--
        }
    :: else -> break
    od
}

inline mailbox_put(slip, calls, spawn)
{
    atomic {
        items ! slip;
        call_needed_locked(calls, spawn)
    };
    carry_out_calls(calls, spawn)
}

inline takers_call_for_turn_locked(calls, spawn)
{
#ifndef BUG_NO_CALL_FOR_TURN
    if
    :: !turn_taken && turn_called == MOST && coming == 0 ->
        turn_called = (asleep > 0 -> sleepers[asleep - 1] : MOST);
        ghost_needed = 1;
        takers_call_locked(calls, spawn, ghost_needed)
    :: else
    fi
#else
    skip
#endif
}

inline mailbox_take(me, calls, spawn)
{
    atomic {
#ifdef BUG_TURN_CALLED_KEPT
        ghost_needed = turn_called;
        takers_wake_locked(me);
        turn_called = ghost_needed;
#else
        takers_wake_locked(me);
#endif
        ghost_needed = len(items) / AWAKE_MOST + 1;
        do
        :: ghost_needed > 0 && len(items) > 0 -> items ? ghost_at; model_taken[me] ! ghost_at; ghost_needed--
        :: else -> break
        od;
        call_needed_locked(calls, spawn);
        if
        :: len(model_taken[me]) > 0 -> takers_call_for_turn_locked(calls, spawn)
        :: else
        fi
    };
    carry_out_calls(calls, spawn)
}

/* Sets `end`: WAIT_TOOK stands for sleeping too, since taking comes after it. */
mtype = { WAIT_TOOK, WAIT_TURN, WAIT_OVER };
#ifdef BUG_TURN_UNGUARDED
#define turn_is_free true
#else
#define turn_is_free (!turn_taken)
#endif

inline lie_down_locked(me, sleeps, end)
{
    sleeps = false;
    end = WAIT_TOOK;
    if
    :: len(items) > 0
    :: len(items) == 0 && closed -> end = WAIT_OVER
    :: len(items) == 0 && !closed && turn_is_free -> /* = takers_begin_turn_locked() */
        turn_taken = true;
#ifndef BUG_OWN_BELL_IN_LOOP
        in_turn[me] = true;
#endif
        end = WAIT_TURN
    :: len(items) == 0 && !closed && !turn_is_free -> takers_sleep_locked(me); sleeps = true
    fi
}

inline mailbox_end_turn(me)
{
    atomic {
        assert(turn_taken);
#ifndef BUG_TURN_KEPT
        turn_taken = false;
#endif
        in_turn[me] = false;
        if
        :: taker_asleep[me] -> leave_stack_locked(me)
        :: else
        fi
    }
}

#define mailbox_wants (len(items) > 0 || called[me])

/* One thread at a time runs it: poll, put what has come, sleep in both mailboxes, wait. */
inline take_turn(me, calls, spawn, sleeps)
{
    do
    :: /* = loop_group_turn() */
        atomic {
            ghost_polling++;
            assert(ghost_polling == 1);
            ringing[LOOP] = false /* doorbell_silence() */
        };
        do
        :: atomic { ghost_events > 0 -> ghost_events--; ghost_at = OUTSIDE + ghost_loop_slips; ghost_loop_slips++;
               items ! ghost_at; call_needed_locked(calls, spawn) };
            carry_out_calls(calls, spawn)
        :: else -> break
        od;
        if
        :: !mailbox_wants -> /* = wait_for_events(), falls_asleep() */
#ifdef BUG_SLEEPS_IN_LOOP_ONLY
            sleeps = true;
#else
            atomic { /* mailbox_sleep(): the pool's */
                sleeps = len(items) == 0 && !closed;
                if
                :: sleeps && !taker_asleep[me] -> takers_sleep_locked(me)
                :: else
                fi
            };
#endif
#ifdef BUG_SILENCE_AFTER_SLEEP
            ringing[LOOP] = false;
#endif
            if
            :: sleeps -> ringing[LOOP] || ghost_events > 0
            :: else
            fi
        :: else
        fi;
        ghost_polling--;
        if
#ifdef BUG_STAYS_AT_LOOP
        :: closed -> break
#else
        :: mailbox_wants || closed -> break
#endif
        :: else
        fi
    od;
    mailbox_end_turn(me)
}

proctype run_pool_thread(byte me)
{
    byte slip, calls, spawn;
    mtype end;
    bool sleeps;
end_not_started:
    life[me] == THREAD_RUNS;
    do
    :: mailbox_take(me, calls, spawn);
        if
        :: len(model_taken[me]) > 0 ->
            do
            :: len(model_taken[me]) > 0 ->
                atomic {
                    model_taken[me] ? slip;
                    assert(!ghost_was_taken[slip]);
                    ghost_was_taken[slip] = true
                };
                /* The first slip from outside is long: it ends when the loop has polled all events. */
                if
                :: slip == 0 && len(model_taken[me]) == 0 -> ghost_loop_slips == EVENTS
                :: else
                fi;
                atomic { ghost_done++; slip = 0 }
            :: else -> break
            od
        :: else ->
            atomic { lie_down_locked(me, sleeps, end) };
            if
            :: end == WAIT_TURN -> take_turn(me, calls, spawn, sleeps)
            :: end == WAIT_OVER -> break
            :: end == WAIT_TOOK && sleeps -> atomic { ringing[me] -> ringing[me] = false } /* doorbell_wait() */
            :: else
            fi
        fi
    od
}

/* Threads that put from outside, and the client. */
proctype model_putter(byte slip)
{
    byte calls, spawn;
    mailbox_put(slip, calls, spawn)
}

proctype model_client()
{
    byte n = 0;
    do
    :: n < EVENTS -> ghost_events++; n++
    :: else -> break
    od
}

proctype mailbox_close()
{
    byte calls;
    ghost_done == TOTAL;
    atomic { closed = true; ghost_needed = MOST; takers_call_sleepers_locked(calls, ghost_needed) };
    calls_ring(calls);
    ringing[LOOP] = true /* the group of the loop ends: its bell is rung */
}

init
{
    byte n = 0;
    atomic {
        do
        :: n < MOST ->
            life[n] = (n < LEAST -> THREAD_RUNS : THREAD_NONE);
            run run_pool_thread(n);
            n++
        :: else -> break
        od;
        run model_putter(0);
#if OUTSIDE > 1
        run model_putter(1);
#endif
        run model_client();
        run mailbox_close()
    };
    closed && ghost_done == TOTAL
}

ltl all_is_done { <> (ghost_done == TOTAL) }
