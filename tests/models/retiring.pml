/* retiring.pml: threads of a pool that end after a long idle time, against puts that count on them, against starts on demand
 * in the same place, and against the join of a stop. Follows stages/life/pool_group.c, sleep_until_called() and lose_taker()
 * of queues/mailbox.c. The stack of sleepers is in takers.pml; pool.pml has what handlers do.
 *
 * run retire: -DLONG
 * run no_thread: -DFAIL -DAWAKE_MOST=2
 * run lifo: -DDIRECT -DLONG
 * live retire_live: -DLONG
 * wide lifo_no_thread: -DDIRECT -DFAIL
 * wide two_slips: -DLONG -DSLIPS=2
 * wide three_slips: -DLONG -DSLIPS=3
 * wide three_places: -DLONG -DMOST=3
 * bug BUG_RETIRE_CALLED: assertion -DDIRECT
 * bug BUG_RETIRED_COUNTED: end -DDIRECT
 * bug BUG_RETIRE_COUNTS_COMING: end -DDIRECT -DFAIL
 * bug BUG_NO_WAIT_FOR_PLACE: end -DDIRECT -DLONG
 * bug BUG_LIFE_UNSAID: end -DDIRECT -DLONG
 * bug BUG_PLACE_UNJOINED: assertion -DDIRECT
 * bug BUG_FAILED_STAYS: assertion -DFAIL -DAWAKE_MOST=2
 * bug BUG_ENDING_UNSAID: assertion -DDIRECT
 * bug BUG_STARTING_UNCOUNTED: assertion -DDIRECT
 * bug BUG_STARTED_UNSAID: end -DDIRECT
 */
#ifndef MOST
#define MOST 2
#endif
#define LEAST 1
#ifndef AWAKE_MOST
#define AWAKE_MOST 1
#endif
#ifdef DIRECT
#define direct true
#else
#define direct false
#endif
#define strict false
#define PUTTERS 2
#ifndef SLIPS
#define SLIPS 1
#endif
#define TOTAL (PUTTERS * SLIPS)
#include "takers.pml"

mtype = { THREAD_NONE, THREAD_RUNS, THREAD_ENDED };
mtype life[MOST];            /* of a place; under the group's lock */
byte starting;
bool ending;

/* pthread_create and pthread_join, of a place */
mtype = { model_not_created, model_created, model_returned };
mtype ghost_thread[MOST];

#define PROCESSES (MOST + PUTTERS + 3)
bool ghost_waits[PROCESSES]; /* in condition_wait(), by process */
chan model_taken[MOST] = [TOTAL] of { byte }; /* worker->pool.taken */
byte ghost_done, ghost_fails;
bool ghost_was_taken[TOTAL], ghost_joined;

/* --- the group's condition --- */

inline condition_broadcast()
{
    atomic {
        ghost_at = 0;
        do
        :: ghost_at < PROCESSES -> ghost_waits[ghost_at] = false; ghost_at++
        :: else -> break
        od
    }
}

#define condition_wait ghost_waits[_pid] = true

/* --- threads --- */

inline pthread_create(place)
{
    atomic {
        assert(ghost_thread[place] == model_not_created && !ghost_joined);
        ghost_thread[place] = model_created
    }
}

inline pthread_join(place)
{
    assert(ghost_thread[place] != model_not_created);
    atomic { ghost_thread[place] == model_returned -> ghost_thread[place] = model_not_created }
}

inline set_life(place, to)
{
    life[place] = to;
#ifndef BUG_LIFE_UNSAID
    condition_broadcast()
#else
    skip
#endif
}

/* Sets ghost_at to a place where no thread runs, or to MOST. */
inline find_place_locked()
{
    ghost_at = 0;
    do
    :: ghost_at < MOST && life[ghost_at] == THREAD_RUNS -> ghost_at++
    :: else -> break
    od
}

/* Sets `place`; MOST: none. */
inline take_thread_place(place, before)
{
    do
    :: atomic { !ghost_waits[_pid] ->
           find_place_locked();
           place = MOST;
           if
           :: ending -> break
           :: !ending && ghost_at < MOST ->
               place = ghost_at;
               before = life[place];
               life[place] = THREAD_RUNS;
#ifndef BUG_STARTING_UNCOUNTED
               starting++;
#endif
               break
           :: else ->
#ifdef BUG_NO_WAIT_FOR_PLACE
               break
#else
               condition_wait
#endif
           fi }
    od
}

inline place_taken()
{
#ifndef BUG_STARTING_UNCOUNTED
    starting--;
#endif
#ifndef BUG_STARTED_UNSAID
    condition_broadcast()
#endif
    skip
}

inline start_pool_thread(place, started)
{
    if
    :: pthread_create(place); started = true
#ifdef FAIL
    :: atomic { ghost_fails < 2 -> ghost_fails++; started = false };
#ifndef BUG_FAILED_STAYS
        set_life(place, THREAD_NONE)
#endif
#endif
    fi
}

inline spawn_pool_thread(place, started)
{
    take_thread_place(place, before);
    if
    :: place == MOST -> started = false
    :: else ->
        if
#ifndef BUG_PLACE_UNJOINED
        :: before == THREAD_ENDED -> pthread_join(place)
#endif
        :: else
        fi;
        start_pool_thread(place, started);
        place_taken()
    fi;
    before = 0;
    place = 0
}

inline pool_group_join()
{
    atomic { /* = end_starting() */
#ifndef BUG_ENDING_UNSAID
        ending = true
#else
        skip
#endif
    };
    do
    :: atomic { !ghost_waits[_pid] ->
           if
           :: starting > 0 -> condition_wait
           :: else -> break
           fi }
    od;
    condition_broadcast();
    n = 0;
    do
    :: n < MOST && life[n] != THREAD_NONE -> pthread_join(n); life[n] = THREAD_NONE; n++
    :: n < MOST && life[n] == THREAD_NONE -> n++
    :: n == MOST -> break
    od;
    ghost_joined = true
}

/* --- the mailbox --- */

inline lose_taker(calls)
{
    atomic {
        count--; /* = takers_lose_locked() */
        coming--;
        takers_needed_locked(ghost_needed);
        takers_call_sleepers_locked(calls, ghost_needed)
    };
    calls_ring(calls)
}

inline carry_out_calls(calls, spawn)
{
    calls_ring(calls);
    do
    :: spawn > 0 ->
        spawn_pool_thread(place, started);
        spawn--;
        if
        :: started -> started = false
        :: else -> lose_taker(calls)
        fi
    :: else -> break
    od
}

proctype model_putter(byte me)
{
    byte n = 0, calls, spawn, place;
    mtype before;
    bool started;
    do
    :: n < SLIPS ->
        atomic { /* = mailbox_put() */
            if
            :: direct && asleep > 0 -> /* = hand_out_locked() */
                takers_pop_locked(calls);
                assert(slot[ghost_at] == 0);
                slot[ghost_at] = me * SLIPS + n + 1
            :: else -> items ! (me * SLIPS + n)
            fi;
            n++;
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
        ghost_needed = (direct -> 1 : len(items) / AWAKE_MOST + 1);
        if
        :: slot[me] != 0 -> model_taken[me] ! (slot[me] - 1); slot[me] = 0
        :: else ->
            do
            :: ghost_needed > 0 && len(items) > 0 -> items ? ghost_at; model_taken[me] ! ghost_at; ghost_needed--
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

/* With LONG the handler of slip 0 ends when all others have. */
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
        mailbox_give_back(me);
        atomic { away++; call_needed_locked(calls, spawn) };
        carry_out_calls(calls, spawn);
        ghost_done == TOTAL - 1;
        atomic { assert(away > 0); away-- } /* = mailbox_back() */
    :: else
    fi;
#endif
    atomic { ghost_done++; slip = 0 }
}

/* Its time may be over at any moment, and again and again. Sets `over` when it retires. */
inline sleep_until_called(me, over)
{
    do
    :: atomic { ringing[me] -> ringing[me] = false; break }
    :: atomic { !ringing[me] && count > LEAST && !closed }; /* else the time is over in vain */
        atomic { takers_retire_locked(me, over) };
        if
        :: over -> break
        :: else
        fi
    od
}

proctype run_pool_thread(byte me)
{
    byte slip, calls, spawn, place;
    mtype before;
    bool over, sleeps, started;
end_not_started:
    ghost_thread[me] == model_created;
    do /* = find_work(), mailbox_wait() */
    :: mailbox_take(me, calls, spawn);
        if
        :: len(model_taken[me]) > 0 ->
            do
            :: len(model_taken[me]) > 0 -> model_handle(me, slip, calls, spawn)
            :: else -> break
            od
        :: else ->
            atomic { /* = lie_down_locked() */
                sleeps = len(items) == 0 && !closed;
                over = len(items) == 0 && closed;
                if
                :: sleeps -> takers_sleep_locked(me)
                :: else
                fi
            };
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
    assert(slot[me] == 0);
    over = false;
    sleeps = false;
    set_life(me, THREAD_ENDED);
    ghost_thread[me] = model_returned;
    goto end_not_started
}

/* After all slips are done. Some putter may still be starting a thread, and so may the pool's own threads. */
proctype server_stop()
{
    byte calls, n;
    ghost_done == TOTAL;
    atomic { closed = true; ghost_needed = MOST; takers_call_sleepers_locked(calls, ghost_needed) }; /* = mailbox_close() */
    calls_ring(calls);
    pool_group_join()
}

init
{
    byte n = 0;
    atomic {
        do
        :: n < MOST ->
            life[n] = (n < LEAST -> THREAD_RUNS : THREAD_NONE);
            ghost_thread[n] = (n < LEAST -> model_created : model_not_created);
            run run_pool_thread(n);
            n++
        :: else -> break
        od;
        run model_putter(0);
        run model_putter(1);
        run server_stop()
    };
    ghost_joined;
    n = 0;
    do
    :: n < MOST -> assert(ghost_thread[n] == model_not_created); n++
    :: else -> break
    od
}

ltl every_thread_is_joined { <> ghost_joined }
