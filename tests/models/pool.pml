/* pool.pml: two putters and the threads of a pool, fixed or on demand. Follows queues/mailbox.c, queues/takers.c,
 * worker_go_away(), and stages/life/pool_group.c. The stack of sleepers is in takers.pml.
 *
 * run fifo: -DLONG
 * run fifo_demand: -DDEMAND -DLONG
 * run fifo_no_thread: -DDEMAND -DFAIL -DAWAKE_MOST=2
 * run lifo: -DDIRECT
 * run lifo_demand: -DDIRECT -DDEMAND
 * run strict: -DDIRECT -DSTRICT
 * wide strict_demand: -DDIRECT -DSTRICT -DDEMAND
 * wide strict_no_thread: -DDIRECT -DSTRICT -DDEMAND -DFAIL
 * live fifo_demand_live: -DDEMAND -DLONG
 * wide lifo_live: -DDIRECT
 * wide three_takers: -DLONG -DMOST=3
 * wide three_takers_demand: -DDEMAND -DLONG -DMOST=3
 * bug BUG_NO_GIVE_BACK: end -DLONG
 * bug BUG_AWAY_UNSAID: end -DLONG
 * bug BUG_GIVE_BACK_AFTER_AWAY: end -DLONG
 * bug BUG_RETIRE_CALLED: assertion -DDIRECT -DDEMAND
 * bug BUG_SLEEP_UNLOCKED: end
 * bug BUG_LOSE_SILENTLY: end -DDEMAND -DFAIL -DAWAKE_MOST=2
 * bug BUG_COMING_UNCOUNTED: assertion -DDIRECT -DDEMAND
 * bug BUG_CLOSE_ONE: end
 */
#ifndef MOST
#define MOST 2
#endif
#ifdef DEMAND
#define LEAST 1
#else
#define LEAST MOST
#endif
#ifdef DIRECT
#define direct true
#else
#define direct false
#endif
#ifdef STRICT
#define strict true
#else
#define strict false
#endif
#ifndef AWAKE_MOST
#define AWAKE_MOST 1
#endif
#define PUTTERS 2
#define SLIPS 2
#define TOTAL (PUTTERS * SLIPS)
#define TIMEOUTS 1
#include "takers.pml"

mtype = { THREAD_NONE, THREAD_RUNS, THREAD_ENDED };
mtype life[MOST];
chan model_taken[MOST] = [TOTAL] of { byte }; /* worker->pool.taken */
byte ghost_running = LEAST, ghost_done, ghost_refused, ghost_timeouts, ghost_fails;
bool ghost_was_taken[TOTAL];

#define room_locked (!strict || len(items) < coming + MOST - count)

inline spawn_pool_thread(started)
{
    atomic {
        ghost_running < MOST -> /* = take_thread_place(): a thread may have retired and not ended yet */
        ghost_at = 0;
        do
        :: life[ghost_at] == THREAD_RUNS -> ghost_at++
        :: else -> break
        od;
        if
        :: life[ghost_at] = THREAD_RUNS; ghost_running++; started = true
#ifdef FAIL
        :: ghost_fails < 2 -> ghost_fails++; started = false
#endif
        fi
    }
}

inline lose_taker(calls)
{
    atomic {
        count--;
        coming--;
#ifndef BUG_LOSE_SILENTLY
        takers_needed_locked(ghost_needed);
        takers_call_sleepers_locked(calls, ghost_needed)
#endif
    };
    calls_ring(calls)
}

inline carry_out_calls(calls, spawn)
{
    calls_ring(calls);
    do
    :: spawn > 0 ->
        spawn_pool_thread(started);
        spawn--;
        if
        :: started
        :: else -> lose_taker(calls)
        fi
    :: else -> break
    od
}

proctype model_putter(byte me)
{
    byte n = 0, most, calls = 0, spawn = 0;
    bool started;
    do
    :: n < SLIPS ->
        if
        :: most = n + 1
        :: most = SLIPS
        fi;
        atomic { /* mailbox_put(), put_locked() */
            do
            :: n < most && direct && asleep > 0 -> /* = hand_out_locked() */
                takers_pop_locked(calls);
                assert(slot[ghost_at] == 0);
                slot[ghost_at] = me * SLIPS + n + 1;
                n++
            :: n < most && !(direct && asleep > 0) && room_locked -> items ! (me * SLIPS + n); n++
            :: n < most && !(direct && asleep > 0) && !room_locked -> ghost_refused++; n++
            :: n == most -> break
            od;
            call_needed_locked(calls, spawn)
        };
        carry_out_calls(calls, spawn)
    :: else -> break
    od
}

inline mailbox_take(me, calls, spawn)
{
    atomic {
        takers_wake_locked(me);
        ghost_needed = (direct -> 1 : len(items) / AWAKE_MOST + 1); /* its share */
        if
        :: slot[me] != 0 ->
            model_taken[me] ! (slot[me] - 1); slot[me] = 0
        :: else ->
            do
            :: ghost_needed > 0 && len(items) > 0 ->
                items ? ghost_at;
                model_taken[me] ! ghost_at;
                ghost_needed--
            :: else -> break
            od
        fi;
        call_needed_locked(calls, spawn)
    };
    carry_out_calls(calls, spawn)
}

inline mailbox_give_back(me)
{
    atomic {
        ghost_needed = len(items);
        do
        :: len(model_taken[me]) > 0 -> model_taken[me] ? ghost_at; items ! ghost_at
        :: else -> break
        od;
        do
        :: ghost_needed > 0 -> items ? ghost_at; items ! ghost_at; ghost_needed--
        :: else -> break
        od
    }
}

inline mailbox_away(calls, spawn)
{
    atomic { away++; call_needed_locked(calls, spawn) };
    carry_out_calls(calls, spawn)
}

/* The handler of slip 0 is marked as long: it ends when all others are done. */
inline model_handle(me, slip, calls, spawn)
{
    atomic {
        model_taken[me] ? slip;
        assert(!ghost_was_taken[slip]);
        ghost_was_taken[slip] = true
    };
#ifdef LONG
    if
    :: slip == 0 -> /* = worker_go_away() */
#ifdef BUG_GIVE_BACK_AFTER_AWAY
        mailbox_away(calls, spawn);
        mailbox_give_back(me);
#else
#ifndef BUG_NO_GIVE_BACK
        mailbox_give_back(me);
#endif
#ifndef BUG_AWAY_UNSAID
        mailbox_away(calls, spawn);
#endif
#endif
        ghost_done + ghost_refused == TOTAL - 1;
#ifndef BUG_AWAY_UNSAID
        atomic { assert(away > 0); away-- } /* = mailbox_back() */
#endif
    :: else
    fi;
#endif
    atomic { ghost_done++; slip = 0 }
}

inline lie_down_locked(me, sleeps, over)
{
    sleeps = len(items) == 0 && !closed;
    over = len(items) == 0 && closed;
    if
    :: sleeps -> takers_sleep_locked(me)
    :: else
    fi
}

/* Sets `over` when the taker retires. */
inline sleep_until_called(me, over)
{
    do
    :: atomic { ringing[me] -> ringing[me] = false; break }
#ifdef DEMAND
    :: atomic { !ringing[me] && ghost_timeouts < TIMEOUTS -> ghost_timeouts++ };
       atomic { takers_retire_locked(me, over) };
       if
       :: over -> break
       :: else
       fi
#endif
    od
}

proctype run_pool_thread(byte me)
{
    byte slip, calls, spawn;
    bool over, sleeps, started;
end_not_started:
    life[me] == THREAD_RUNS;
    do /* = find_work(), mailbox_wait() */
    :: mailbox_take(me, calls, spawn);
        if
        :: len(model_taken[me]) > 0 ->
            do
            :: len(model_taken[me]) > 0 -> model_handle(me, slip, calls, spawn)
            :: else -> break
            od
        :: else ->
#ifdef BUG_SLEEP_UNLOCKED
            sleeps = len(items) == 0 && !closed;
            if
            :: sleeps -> atomic { takers_sleep_locked(me) }
            :: else -> over = closed && len(items) == 0
            fi;
#else
            atomic { lie_down_locked(me, sleeps, over) };
#endif
            if
            :: sleeps -> sleep_until_called(me, over)
            :: else
            fi;
            if
            :: over -> break
            :: else
            fi
        fi
    od;
    atomic {
        assert(slot[me] == 0);
        over = false;
        sleeps = false;
        life[me] = THREAD_ENDED;
        ghost_running--
    };
    goto end_not_started
}

proctype mailbox_close()
{
    byte calls;
    ghost_done + ghost_refused == TOTAL;
    atomic {
        closed = true;
#ifdef BUG_CLOSE_ONE
        ghost_needed = 1;
#else
        ghost_needed = MOST;
#endif
        takers_call_sleepers_locked(calls, ghost_needed)
    };
    calls_ring(calls)
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
        run model_putter(1);
        run mailbox_close()
    };
    /* = pool_group_join() */
    closed && ghost_running == 0
}

ltl every_put_is_taken { <> (ghost_done + ghost_refused == TOTAL) }
