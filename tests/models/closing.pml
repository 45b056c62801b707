/* closing.pml: the end of a connection that two loops watch: its home's and the writer's. Follows stages/engine/closing.c,
 * stages/engine/home.c, stages/engine/out_watch.c, stages/stage/reader.c, stages/stage/writer.c, stages/stage/linger.c and
 * close_it() of stages/engine/route.c.
 *
 * run two_loops:
 * run one_loop: -DONE_LOOP
 * live two_loops_live:
 * bug BUG_DISMISS_STAYS: assertion
 * bug BUG_READ_CLOSE_STAYS: assertion
 * bug BUG_CLOSE_BEFORE_UNWATCH: assertion
 * bug BUG_FREE_UNWATCHING: assertion
 * bug BUG_OUT_CLOSED_AT_ONCE: assertion
 * bug BUG_CLOSE_PASSES_WRITER: assertion
 * bug BUG_LINGER_STILL_WAITS: assertion
 * bug BUG_LAST_WATCH_AGAIN: assertion -DONE_LOOP
 * bug BUG_CALLBACK_KEEPS: end
 */
#ifndef READS
#define READS 4 /* how often the client's descriptor is readable, or holds a whole request */
#endif
#define HOME 0
#ifdef ONE_LOOP
#define WRITER HOME
#define two_loops false
#else
#define WRITER 1
#define two_loops true
#endif
#define NOBODY 2

mtype = { PHASE_RUNNING, PHASE_DRAINING, PHASE_CUTTING };
mtype = { HOME_FRESH, HOME_WAITING, HOME_HELD_BACK, HOME_AWAY, HOME_EARLY, HOME_CLOSED };
mtype = { VERDICT_NONE, VERDICT_KEPT, VERDICT_OUTPUT_READY, VERDICT_CLOSE };

mtype phase = PHASE_RUNNING, phase_seen = PHASE_RUNNING;

/* the home's */
mtype home_state = HOME_FRESH;
bool home_watched, home_unwatching;
/* the writer's loop's; `out_watch` (there is one) is read by whoever has the client */
bool out_watch, out_waiting, out_lingering, out_grace;
bool keep_alive;

chan model_box[2] = [1] of { mtype }; /* who has the client has its only ticket */

byte ghost_has = HOME, ghost_reads, ghost_full;
bool ghost_fd = true, ghost_freed, ghost_held;
/* in the kernel: the watches of the descriptor, and what home's is armed for */
bool ghost_home_watch, ghost_home_reading, ghost_out_watch;
/* the loop has yet to call back */
bool ghost_home_closing, ghost_out_closing;

#define has_client(me) assert(ghost_has == me && !ghost_freed && home_state != HOME_CLOSED)

inline client_free()
{
    assert(!ghost_freed && !ghost_fd);
    ghost_freed = true
}

inline post_client(me, to, verdict)
{
    has_client(me);
    assert(nfull(model_box[to]));
    ghost_has = NOBODY;
    model_box[to] ! verdict
}

/* --- watches --- */

inline client_unwatch()
{
    if
    :: home_watched ->
        home_watched = false;
        home_unwatching = true;
        ghost_home_watch = false; /* = watch_close() */
        ghost_home_closing = true
    :: else
    fi
}

inline on_client_watch_closed()
{
    assert(!ghost_freed);
    ghost_home_closing = false;
    home_unwatching = false;
#ifndef BUG_CALLBACK_KEEPS
    if
    :: home_state == HOME_CLOSED -> client_free()
    :: else
    fi
#endif
}

inline home_watch()
{
    if
    :: !home_watched ->
        assert(!home_unwatching && ghost_fd); /* watch_open(): the handle is the loop's until it calls back */
        home_watched = true;
        ghost_home_watch = true
    :: else
    fi
}

inline watch_reading(reading)
{
    ghost_home_reading = reading
}

inline out_watch_set(me)
{
    has_client(me);
    if
    :: two_loops -> out_watch = true; ghost_out_watch = true
    :: else -> home_watch()
    fi
}

inline out_watch_stop(me)
{
    has_client(me);
    out_waiting = false;
    out_lingering = false
}

inline out_watch_close(me)
{
    out_watch_stop(me);
    ghost_out_watch = false;
    ghost_out_closing = true;
#ifdef BUG_OUT_CLOSED_AT_ONCE
    out_watch = false;
    post_client(me, HOME, VERDICT_CLOSE)
#endif
}

/* --- the end --- */

inline client_close(me)
{
    has_client(me);
    assert(!out_watch && !out_waiting && me == HOME);
    home_state = HOME_CLOSED;
#ifndef BUG_CLOSE_BEFORE_UNWATCH
    client_unwatch();
#endif
    assert(ghost_fd && !ghost_home_watch && !ghost_out_watch);
    ghost_fd = false; /* close(2) */
#ifdef BUG_CLOSE_BEFORE_UNWATCH
    client_unwatch();
#endif
#ifdef BUG_FREE_UNWATCHING
    client_free()
#else
    if
    :: !home_unwatching -> client_free()
    :: else
    fi
#endif
}

inline close_it(me)
{
#ifdef BUG_CLOSE_PASSES_WRITER
    if
    :: me == HOME -> client_close(me)
    :: else -> post_client(me, HOME, VERDICT_CLOSE)
    fi
#else
    to = (out_watch -> WRITER : HOME);
    if
    :: to != me -> post_client(me, to, VERDICT_CLOSE)
    :: to == me && out_watch -> out_watch_close(me)
    :: to == me && !out_watch -> client_close(me)
    fi
#endif
}

inline on_out_closed(me)
{
    assert(!ghost_freed);
    ghost_out_closing = false;
#ifndef BUG_OUT_CLOSED_AT_ONCE
    out_watch = false;
    close_it(me)
#endif
}

/* --- at home --- */

inline home_leave()
{
    home_state = (home_watched && !ghost_home_reading -> HOME_EARLY : HOME_AWAY)
}

inline stop_watching_last()
{
    if
#ifdef BUG_LAST_WATCH_AGAIN
    :: !keep_alive -> client_unwatch() /* although the writer, on this loop, lingers with it */
#else
    :: !keep_alive && two_loops -> client_unwatch()
#endif
    :: else
    fi
}

/* What conn_read() or conn_next() finds: a whole request, a part of one, or the client's close. */
inline settle_read(me)
{
    if
    :: ghost_reads < READS ->
        ghost_reads++;
        if
        :: keep_alive = true
        :: keep_alive = false
        fi;
        stop_watching_last();
        home_leave();
        post_client(me, WRITER, VERDICT_OUTPUT_READY)
    :: phase == PHASE_RUNNING -> /* = home_wait(), which may also find a reason to end */
        home_watch();
        watch_reading(true)
    :: true ->
#ifndef BUG_READ_CLOSE_STAYS
        if
        :: out_watch -> home_leave()
        :: else
        fi;
#endif
        close_it(me)
    fi
}

inline home_dismiss(me)
{
#ifndef BUG_DISMISS_STAYS
    if
    :: out_watch -> home_state = HOME_AWAY
    :: else
    fi;
#endif
    close_it(me)
}

/* --- the writer --- */

/* Sets `ends` where the verdict is CLOSE. */
inline wait_on(me, grace)
{
    ends = phase == PHASE_CUTTING;
    if
    :: !ends ->
        if
        :: !grace -> out_watch_set(me)
        :: else
        fi;
        out_grace = grace;
        out_lingering = true;
        out_waiting = true
    :: else
    fi
}

inline linger_wait(me)
{
    out_grace = !(two_loops -> out_watch : home_watched);
    wait_on(me, out_grace);
    if
    :: ends -> close_it(me)
    :: else
    fi
}

inline pump_output(me)
{
    has_client(me);
    if
    :: ghost_full < 2 && phase != PHASE_CUTTING -> /* = wait_for_socket() */
        ghost_full++;
        out_watch_set(me);
        out_waiting = true
    :: true -> /* = finish_exchange() */
        out_watch_stop(me);
        if
        :: keep_alive -> post_client(me, HOME, VERDICT_KEPT)
        :: else -> linger_wait(me) /* = linger_begin() */
        fi
    :: true -> /* the client has gone, its time is over, or the server cuts: give_up_sending() */
        out_watch_stop(me);
        close_it(me)
    fi
}

/* It is readable, or a deadline has passed. */
inline linger_expired(me)
{
    has_client(me);
    ends = true;
    if
    :: out_grace -> wait_on(me, false)
    :: true
    fi;
    if
    :: ends -> /* = go_on() */
#ifndef BUG_LINGER_STILL_WAITS
        out_watch_stop(me);
#endif
        close_it(me)
    :: else
    fi
}

/* --- the loops --- */

#define at_home (home_state == HOME_FRESH || home_state == HOME_WAITING || home_state == HOME_HELD_BACK)

/* One callback, or one ticket, is one step: between two hand-overs nobody else has the client. */
proctype loop_group_turn(byte me)
{
    mtype verdict = VERDICT_NONE;
    byte to;
    bool ends;
    do
    :: atomic { model_box[me] ? verdict -> /* = route_ticket() */
           assert(ghost_has == NOBODY);
           ghost_has = me;
           if
           :: verdict == VERDICT_CLOSE -> close_it(me)
           :: verdict == VERDICT_OUTPUT_READY -> pump_output(me) /* = writer_enter() */
           :: verdict == VERDICT_KEPT -> /* = enter_home() */
               home_state = HOME_WAITING; /* = home_return() */
               settle_read(me)
           fi;
           verdict = VERDICT_NONE; to = 0; ends = false }
    :: atomic { me == WRITER && out_waiting && !out_lingering -> pump_output(me); to = 0; ends = false }
    :: atomic { me == WRITER && out_waiting && out_lingering -> linger_expired(me); to = 0; ends = false }
    :: atomic { me == WRITER && ghost_out_closing -> on_out_closed(me); to = 0 }
    :: atomic { me == HOME && home_state == HOME_FRESH -> /* = first_read() */
           home_state = HOME_WAITING;
           settle_read(me); to = 0 }
    :: atomic { me == HOME && ghost_home_watch && ghost_home_reading && ghost_reads < READS -> /* = reader_readable() */
           ghost_reads++;
           if
           :: home_state == HOME_AWAY && !(out_lingering && !two_loops) -> /* = home_came_early() */
               home_state = HOME_EARLY;
               watch_reading(false)
           :: home_state == HOME_WAITING && !ghost_held -> /* = home_hold_back() */
               ghost_held = true;
               home_state = HOME_HELD_BACK;
               watch_reading(false)
           :: home_state == HOME_WAITING -> settle_read(me)
           :: else
           fi;
           to = 0 }
    :: atomic { me == HOME && home_state == HOME_HELD_BACK -> /* = home_room() */
           home_state = HOME_WAITING;
           watch_reading(true) }
    :: atomic { me == HOME && home_state == HOME_WAITING -> home_dismiss(me); to = 0 } /* = home_expired(), home_shed() */
    :: atomic { me == HOME && phase_seen != phase -> /* = home_phase() */
           phase_seen = phase;
           if
           :: phase == PHASE_DRAINING && home_state == HOME_WAITING -> home_dismiss(me) /* idle */
           :: phase == PHASE_DRAINING
           :: phase == PHASE_CUTTING && at_home -> home_dismiss(me)
           :: phase == PHASE_CUTTING && !at_home
           fi;
           to = 0 }
    :: atomic { me == HOME && ghost_home_closing -> on_client_watch_closed() }
    :: ghost_freed && !ghost_out_closing && !ghost_home_closing -> break
    od
}

proctype enter_phase()
{
    phase = PHASE_DRAINING;
    phase = PHASE_CUTTING
}

init
{
    atomic {
        run loop_group_turn(HOME);
#ifndef ONE_LOOP
        run loop_group_turn(WRITER);
#endif
        run enter_phase()
    }
}

ltl every_client_is_freed { <> ghost_freed }
