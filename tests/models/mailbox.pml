/* mailbox.pml: two putters and the poll loop that takes from one mailbox. Follows queues/mailbox.c,
 * queues/takers.c and the turn of stages/life/loop_group.c. One atomic block is one critical section
 * of takers.lock. README.md says what stands for what.
 *
 * run elided:
 * run always: -DALWAYS
 * run close_early: -DCLOSE_EARLY
 * live elided_live:
 * wide three_slips: -DSLIPS=3
 * bug BUG_SLEEP_UNLOCKED: end
 * bug BUG_SILENCE_AFTER_SLEEP: end
 * bug BUG_EMPTY_BEFORE_LOCK: end
 * bug BUG_HEAR_ALL_LATE: end
 * bug BUG_QUIET_DEAF: end
 * bug BUG_NO_COLLECT: end
 * bug BUG_REFUSED_FORGOTTEN: end
 * bug BUG_WAIT_ROOM_UNLOCKED: end
 * bug BUG_REFUSED_PUT_TWICE: assertion
 * bug BUG_CLOSE_UNMARKED: end
 */
#ifndef SLIPS
#define SLIPS 2
#endif
#define PUTTERS 2
#define BOUND 2
#define MOST 2 /* a take's */
#ifdef ALWAYS
#define always true
#else
#define always false
#endif
#define TOTAL (PUTTERS * SLIPS)

mtype = { PUT_BOUNDED, PUT_ADMITTED, PUT_QUIET };

/* under takers.lock */
chan items = [TOTAL + 1] of { byte };
bool asleep, hear_all, refused, closed;

bool ringing;          /* the taker's bell remembers a ring until it is answered: doorbell_ring() */
bool ghost_room[PUTTERS]; /* a loop's bell rung by room_fn, or a waiter of `room` woken */
bool ghost_waits_room;    /* the pool's thread is in condition_wait() */
byte ghost_taken[TOTAL], ghost_count, ghost_ended, ghost_wakes;
byte ghost_next[PUTTERS];

#define room_locked(how) ((how != PUT_BOUNDED) || len(items) < BOUND)

/* The taker sleeps: nobody is awake, so any depth above 0 needs one. It is awake: it is trusted. */
inline call_for_put_locked(how, calls)
{
    calls = 0;
    if
#ifdef BUG_QUIET_DEAF
    :: (how != PUT_QUIET || always) && asleep && len(items) > 0 ->
#else
    :: (how != PUT_QUIET || hear_all || always) && asleep && len(items) > 0 ->
#endif
        asleep = false; /* = takers_pop_locked() */
        calls = 1
    :: else ->
        if
        :: always -> calls = 1 /* = takers_call_last_locked() */
        :: else
        fi
    fi
}

inline mailbox_put(slip, how, calls, done)
{
    atomic { /* = put_locked() */
        done = room_locked(how);
        if
        :: done -> items ! slip
        :: else ->
#ifndef BUG_REFUSED_FORGOTTEN
            refused = true
#endif
#ifdef BUG_REFUSED_PUT_TWICE
            ; items ! slip
#endif
        fi;
#ifdef BUG_EMPTY_BEFORE_LOCK
        /* as other programs do, asks whether the queue was empty, but before it has the lock */
        calls = ghost_empty && how != PUT_QUIET;
        asleep = (calls -> false : asleep)
#else
        call_for_put_locked(how, calls)
#endif
    };
    if
    :: calls -> ringing = true /* = calls_ring() */
    :: else
    fi
}

inline mailbox_wait_room(me)
{
#ifdef BUG_WAIT_ROOM_UNLOCKED
    if
    :: len(items) < BOUND || closed
    :: else ->
        atomic { refused = true; ghost_waits_room = true }; /* the depth was read before the lock */
        ghost_room[me]; ghost_room[me] = false
    fi
#else
    do
    :: atomic { len(items) < BOUND || closed -> break }
    :: atomic { else ->
           refused = true;
           ghost_waits_room = true; ghost_room[me] = false };
       ghost_room[me]
    od
#endif
}

/* Putter 0 is a pool's thread, 1 a loop. */
proctype model_putter(byte me)
{
    byte n = 0;
    mtype how;
    bool calls, done;
#ifdef BUG_EMPTY_BEFORE_LOCK
    bool ghost_empty;
#endif
    do
    :: n < SLIPS ->
        if
        :: how = PUT_BOUNDED
        :: how = PUT_ADMITTED
        :: how = PUT_QUIET
        fi;
        do /* = put_outbox() */
        ::
#ifdef BUG_EMPTY_BEFORE_LOCK
            ghost_empty = len(items) == 0;
#endif
            mailbox_put(me * SLIPS + n, how, calls, done);
            if
            :: done -> break
            :: else ->
                if
                :: me == 0 -> mailbox_wait_room(me)
                :: else -> atomic { ghost_room[me] -> ghost_room[me] = false } /* it polls */
                fi
            fi
        od;
        n++
    :: else -> break
    od;
    ghost_ended++
}

inline tell_room()
{
    if
    :: ghost_waits_room -> ghost_waits_room = false; ghost_room[0] = true
    :: else
    fi;
    ghost_room[1] = true
}

inline room_again_locked(room)
{
    room = refused && len(items) <= BOUND / 2;
    refused = (room -> false : refused)
}

inline mailbox_take(room, over)
{
    atomic {
        asleep = false; /* = takers_wake_locked() */
        byte n = 0, slip;
        do
        :: n < MOST && len(items) > 0 ->
            items ? slip;
            assert(ghost_taken[slip] == 0);          /* nothing is taken twice */
            assert(slip % SLIPS == ghost_next[slip / SLIPS]); /* in the order of its putter */
            ghost_next[slip / SLIPS]++;
            ghost_taken[slip]++;
            ghost_count++;
            n++
        :: else -> break
        od;
        room_again_locked(room);
        over = closed && len(items) == 0;
        slip = 0; n = 0
    }
}

inline mailbox_sleep(sleeps, hear)
{
#ifdef BUG_SLEEP_UNLOCKED
    sleeps = len(items) == 0 && !closed;
    atomic { asleep = sleeps || asleep; hear_all = hear }
#else
    atomic {
        sleeps = len(items) == 0 && !closed;
        asleep = sleeps || asleep;
#ifndef BUG_HEAR_ALL_LATE
        hear_all = hear
#endif
    }
#ifdef BUG_HEAR_ALL_LATE
    ; hear_all = hear
#endif
#endif
}

/* The timer of collect_later() is left out where the loop hears all: it is not needed then. */
#ifdef BUG_NO_COLLECT
#define collecting false
#else
#define collecting (!hear && len(items) > 0)
#endif

proctype loop_group_turn()
{
    bool room, sleeps, hear, over;
    do
    :: mailbox_take(room, over);
        if
        :: room -> tell_room()
        :: else
        fi;
        if
        :: over -> break
        :: else
        fi;
        if
        :: hear = true
        :: hear = false
        fi;
        mailbox_sleep(sleeps, hear);
#ifdef BUG_SILENCE_AFTER_SLEEP
        ringing = false;
#endif
        if
        :: sleeps -> /* = wait_for_events() */
            if
            :: ringing
            :: collecting                                 /* = on_collect() */
            :: atomic { ghost_wakes < 1 -> ghost_wakes++ } /* a client's descriptor */
            fi
        :: else
        fi;
        ringing = false /* = doorbell_silence(): before it takes */
    od;
    assert(ghost_count == TOTAL)
}

proctype mailbox_close()
{
    bool calls;
#ifdef CLOSE_EARLY
    ghost_ended == PUTTERS; /* with slips left */
#else
    ghost_count == TOTAL; /* = places_closed_one(): no connection is open, so none lies here */
#endif
    atomic {
#ifndef BUG_CLOSE_UNMARKED
        closed = true;
#endif
        calls = asleep;
        asleep = false
    };
    if
    :: calls -> ringing = true
    :: else
    fi
}

init
{
    atomic {
        run model_putter(0);
        run model_putter(1);
        run loop_group_turn();
        run mailbox_close()
    }
}

ltl every_put_is_taken { <> (ghost_count == TOTAL) }
