/* poller.pml: one client whose home is a poller. The loop of K waits for it, that of R reads, that of W sends, lingers, and may
 * watch its descriptor too. Follows stages/stage/poller.c, stages/engine/home.c, enter_visiting() of stages/stage/reader.c,
 * stages/engine/closing.c, stages/engine/out_watch.c, stages/stage/linger.c, is_quiet() and close_it() of
 * stages/engine/route.c.
 *
 * run poller:
 * run reader_first: -DREADER_FIRST
 * run interval: -DINTERVAL
 * run shares_loop: -DKW
 * run deadlines: -DDEADLINE
 * run stop: -DSTOP
 * run stop_interval: -DSTOP -DINTERVAL
 * run stop_shares_loop: -DSTOP -DKW -DREADER_FIRST
 * live poller_live:
 * live drip_live: -DDRIP -DDEADLINE
 * wide everything: -DSTOP -DDEADLINE -DINTERVAL -DREQUESTS=3
 * wide everything_shares_loop: -DSTOP -DDEADLINE -DINTERVAL -DKW -DREQUESTS=3
 * bug BUG_PASS_ON_AT_HOME: end
 * bug BUG_TAKE_BACK_STAYS: assertion -DSTOP -DDEADLINE
 * bug BUG_DISMISS_STAYS: assertion -DSTOP
 * bug BUG_NOT_ARMED_AGAIN: end
 * bug BUG_HALF_STAYS: end
 * bug BUG_CLOSE_AT_READER: assertion
 * bug BUG_KEPT_WITH_INPUT: assertion
 * bug BUG_ROOM_DEAF: end
 * bug BUG_TICK_LOST: end -DINTERVAL
 * bug BUG_LINGER_COMES_EARLY: end -DKW
 * bug BUG_NO_COLLECT: end
 * bug BUG_HEAD_BEGINS_AGAIN: assertion -DDRIP
 * bug BUG_READS_EACH_TIME: cycle -DDRIP -DDEADLINE
 */
#ifndef REQUESTS
#define REQUESTS 2
#endif
#define HALVES (2 * REQUESTS) /* a request comes in two parts */
#define HOME 0
#define READER 1
#ifdef KW
#define WRITER HOME
#else
#define WRITER 2
#endif
#define NOBODY 3
#ifdef DEADLINE
#define model_deadlines true
#else
#define model_deadlines false
#endif

mtype = { PHASE_RUNNING, PHASE_DRAINING, PHASE_CUTTING };
mtype = { HOME_NONE, HOME_WAITING, HOME_HELD_BACK, HOME_RIPE, HOME_AWAY, HOME_EARLY, HOME_CLOSED };
mtype = { VERDICT_NONE, VERDICT_ACCEPTED, VERDICT_READABLE, VERDICT_WANT_READ, VERDICT_KEPT, VERDICT_OUTPUT_READY,
          VERDICT_RESUME, VERDICT_CLOSE };

mtype phase = PHASE_RUNNING, phase_seen = PHASE_RUNNING;

/* the home's */
mtype home_state = HOME_NONE;
bool home_at, home_watched, home_unwatching; /* `home_at` is read by whoever has the client */
bool fresh, ticking, ghost_timer;
/* its deadline: of a head, which begins once, or another one */
bool head_late, head_due_ns; /* of the exchange, from its beginning on; the second: is it set? */
bool ghost_armed, ghost_in_head, ghost_due, ghost_head_passed;

/* the writer's loop's; `out_watch` (there is one) is read by whoever has the client */
bool out_watch, out_waiting, out_lingering, out_grace;

/* whoever has the client */
byte input, requests; /* parts that are read and not used; answered requests */
bool keep_alive, interim;

chan model_box[3] = [1] of { mtype, bool }; /* verdict, quiet */

byte ghost_has = NOBODY, ghost_socket, ghost_full, ghost_helds, ghost_heads, ghost_interims;
bool ghost_eof, ghost_fd = true, ghost_freed;
bool ghost_home_watch, ghost_home_reading, ghost_out_watch; /* in the kernel */
bool ghost_home_closing, ghost_out_closing;                 /* the loop has yet to call back */

#define has_client(me) assert(ghost_has == me && !ghost_freed && home_state != HOME_CLOSED)
#define model_readable (ghost_socket > 0 || ghost_eof)
#define away (home_state == HOME_AWAY || home_state == HOME_EARLY) /* = home_state_is_away() */
#define at_home (home_state == HOME_WAITING || home_state == HOME_HELD_BACK || home_state == HOME_RIPE)

#define model_expired (ghost_armed && (ghost_in_head -> ghost_head_passed : ghost_due))

inline client_free()
{
    assert(!ghost_freed && !ghost_fd);
    ghost_freed = true
}

inline post_client(me, to, verdict, quiet)
{
    has_client(me);
    assert(nfull(model_box[to]));
    ghost_has = NOBODY;
    model_box[to] ! verdict, quiet
}

/* --- watches --- */

inline client_unwatch()
{
    if
    :: home_watched ->
        home_watched = false;
        home_unwatching = true;
        ghost_home_watch = false;
        ghost_home_closing = true
    :: else
    fi
}

inline on_client_watch_closed()
{
    assert(!ghost_freed);
    ghost_home_closing = false;
    home_unwatching = false;
    if
    :: home_state == HOME_CLOSED -> client_free()
    :: else
    fi
}

inline home_watch()
{
    if
    :: !home_watched ->
        assert(!home_unwatching && ghost_fd);
        home_watched = true;
        ghost_home_watch = true
    :: else
    fi
}

inline watch_reading(reading)
{
    ghost_home_reading = reading
}

#define model_is_home(me) (home_at && me == HOME)

inline out_watch_set(me, reading)
{
    has_client(me);
    if
    :: model_is_home(me) ->
        home_watch();
        ghost_home_reading = ghost_home_reading || reading
    :: else -> out_watch = true; ghost_out_watch = true
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
    ghost_out_closing = true
}

/* --- the end --- */

inline client_close(me)
{
    has_client(me);
    assert(!out_watch && !out_waiting && (!home_at || me == HOME));
    home_state = HOME_CLOSED;
    ghost_armed = false; /* = forget_client() */
    client_unwatch();
    assert(ghost_fd && !ghost_home_watch && !ghost_out_watch);
    ghost_fd = false; /* close(2) */
    if
    :: !home_unwatching -> client_free()
    :: else
    fi
}

inline close_it(me)
{
    if
    :: out_watch && me != WRITER -> post_client(me, WRITER, VERDICT_CLOSE, false)
    :: out_watch && me == WRITER -> out_watch_close(me)
#ifdef BUG_CLOSE_AT_READER
    :: !out_watch -> client_close(me)
#else
    :: !out_watch && home_at && me != HOME -> /* = is_quiet(): it has time */
        post_client(me, HOME, VERDICT_CLOSE, phase == PHASE_RUNNING)
    :: !out_watch && !(home_at && me != HOME) -> client_close(me)
#endif
    fi
}

inline on_out_closed(me)
{
    assert(!ghost_freed);
    ghost_out_closing = false;
    out_watch = false;
    close_it(me)
}

/* --- home.c --- */

inline home_leave()
{
    assert(home_state == HOME_WAITING || home_state == HOME_RIPE);
    home_state = HOME_AWAY;
    watch_reading(false)
}

inline home_return()
{
    assert(home_state == HOME_WAITING || away);
    home_state = HOME_WAITING
}

inline set_head_deadline()
{
#ifndef BUG_HEAD_BEGINS_AGAIN
    if
    :: !head_due_ns ->
#endif
        head_due_ns = true;
        ghost_head_passed = false;
        assert(ghost_heads != requests + 1); /* once for each request */
        ghost_heads = requests + 1;
#ifndef BUG_HEAD_BEGINS_AGAIN
    :: else
    fi;
#endif
    ghost_in_head = true
}

inline set_deadline()
{
    ghost_armed = true;
    ghost_due = false;
    ghost_in_head = false;
    if
    :: input > 0 -> set_head_deadline()
    :: else
    fi
}

/* Sets `ends` where the verdict is CLOSE. */
inline home_wait(me)
{
    has_client(me);
    ends = phase == PHASE_CUTTING || (phase == PHASE_DRAINING && input == 0 && !model_readable); /* = reason_to_end() */
    if
    :: !ends ->
        home_watch();
#ifdef BUG_NOT_ARMED_AGAIN
        watch_reading(requests == 0);
#else
        watch_reading(true);
#endif
        set_deadline()
    :: else
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

/* --- poller.c --- */

inline pass_on_client(me)
{
#ifdef BUG_PASS_ON_AT_HOME
    watch_reading(false);
#else
    home_leave();
#endif
    post_client(me, READER, VERDICT_READABLE, false)
}

inline first_look(me)
{
    fresh = false;
    if
    :: model_readable -> post_client(me, READER, VERDICT_READABLE, false)
    :: else ->
        home_at = true; /* = home_adopt() */
        home_state = HOME_WAITING;
        home_wait(me);
        if
        :: ends -> close_it(me)
        :: else
        fi
    fi
}

inline take_back(me, verdict)
{
    if
    :: !home_at -> assert(home_state == HOME_NONE); home_at = true; home_state = HOME_WAITING
    :: else
    fi;
    home_return();
    assert(verdict != VERDICT_KEPT || input == 0);
    home_wait(me);
    if
    :: ends ->
#ifndef BUG_TAKE_BACK_STAYS
        if
        :: out_watch -> home_leave()
        :: else
        fi;
#endif
        close_it(me)
    :: else
    fi
}

inline poller_readable(me)
{
    if
    :: away && me == WRITER && out_lingering -> /* = writer_readable() */
#ifdef BUG_LINGER_COMES_EARLY
        home_state = HOME_EARLY;
        watch_reading(false)
#else
        linger_readable(me)
#endif
    :: away && !(me == WRITER && out_lingering) -> /* = home_came_early() */
        home_state = HOME_EARLY;
        watch_reading(false)
    :: home_state == HOME_WAITING && ghost_helds < 1 -> /* = home_hold_back() */
        ghost_helds++;
        home_state = HOME_HELD_BACK;
        watch_reading(false)
#ifdef INTERVAL
    :: home_state == HOME_WAITING -> /* = home_let_ripen() */
        home_state = HOME_RIPE;
        watch_reading(false);
        ghost_timer = ghost_timer || !ticking;
        ticking = true
#else
    :: home_state == HOME_WAITING -> pass_on_client(me)
#endif
    fi
}

inline poller_tick(me)
{
#ifndef BUG_TICK_LOST
    ticking = false;
#endif
    if
    :: home_state == HOME_RIPE -> pass_on_client(me) /* = pass_on_ripe() */
    :: else
    fi
}

inline home_room()
{
    home_state = HOME_WAITING; /* = release_one() */
#ifndef BUG_ROOM_DEAF
    watch_reading(true)
#endif
}

inline home_expired(me)
{
    if
    :: home_state != HOME_WAITING -> ghost_due = false; ghost_in_head = false
#ifdef BUG_READS_EACH_TIME
    :: home_state == HOME_WAITING && model_readable ->
#else
    :: home_state == HOME_WAITING && model_readable && !(input > 0 && head_late) -> /* = is_read_once_more() */
#endif
        head_late = input > 0;
        ghost_due = false;
        ghost_in_head = false;
        poller_readable(me)
#ifdef BUG_READS_EACH_TIME
    :: home_state == HOME_WAITING && !model_readable ->
#else
    :: home_state == HOME_WAITING && !(model_readable && !(input > 0 && head_late)) ->
#endif
        if
        :: input > 0 -> /* a 408 */
            input = 0;
            keep_alive = false;
            home_leave();
            post_client(me, WRITER, VERDICT_OUTPUT_READY, false)
        :: true -> home_dismiss(me)
        fi
    fi
}

inline home_phase(me)
{
    phase_seen = phase;
    if
    :: phase == PHASE_DRAINING && home_state == HOME_RIPE -> poller_tick(me)
    :: phase == PHASE_DRAINING && home_state == HOME_WAITING && input == 0 && !model_readable -> home_dismiss(me)
    :: phase == PHASE_CUTTING && at_home -> home_dismiss(me)
    :: else
    fi
}

/* --- the reader --- */

/* What is read makes a request, the first half of one, or nothing. */
inline enter_visiting(me, verdict)
{
    if
    :: verdict == VERDICT_READABLE && ghost_socket > 0 -> /* = conn_read() */
#ifdef DRIP
        input = 1;
#else
        input = input + ghost_socket;
#endif
        ghost_socket = 0;
        ends = false
    :: verdict == VERDICT_READABLE && ghost_socket == 0 -> ends = ghost_eof
    :: verdict == VERDICT_RESUME || verdict == VERDICT_KEPT -> /* = conn_resume(), conn_next() */
        assert(input > 0);
        ends = false
    fi;
    if
    :: ends -> close_it(me)
    :: !ends && input > 1 ->
        input = input - 2;
        if
        :: keep_alive = true
        :: keep_alive = false
        fi;
        post_client(me, WRITER, VERDICT_OUTPUT_READY, false)
    :: !ends && input == 1 && verdict != VERDICT_RESUME && ghost_interims < 1 -> /* a 100 */
        ghost_interims++;
        interim = true;
        post_client(me, WRITER, VERDICT_OUTPUT_READY, false)
#ifndef BUG_HALF_STAYS
    :: !ends && input < 2 -> post_client(me, HOME, VERDICT_WANT_READ, false)
#else
    :: !ends && input < 2
#endif
    fi
}

/* --- the writer --- */

/* Sets `ends` where the verdict is CLOSE. */
inline wait_on(me, grace)
{
    ends = phase == PHASE_CUTTING;
    if
    :: !ends ->
        if
        :: !grace -> out_watch_set(me, true)
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
    out_grace = !(model_is_home(me) -> home_watched : out_watch);
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
    :: ghost_full < 1 && phase != PHASE_CUTTING -> /* = wait_for_socket() */
        ghost_full++;
        out_watch_set(me, false);
        out_waiting = true
    :: true -> /* all is sent */
        out_watch_stop(me);
        if
        :: interim -> interim = false; post_client(me, READER, VERDICT_RESUME, false)
        :: else -> /* = finish_exchange() */
            requests++;
            head_due_ns = false; /* = exchange_begin() */
            head_late = false;
            if
#ifdef BUG_KEPT_WITH_INPUT
            :: keep_alive -> post_client(me, HOME, VERDICT_KEPT, false)
#else
            :: keep_alive && input > 0 -> post_client(me, READER, VERDICT_KEPT, false)
            :: keep_alive && input == 0 -> post_client(me, HOME, VERDICT_KEPT, false)
#endif
            :: !keep_alive -> linger_wait(me) /* = linger_begin() */
            fi
        fi
    :: true -> /* the client has gone, its time is over, or the server cuts: give_up_sending() */
        out_watch_stop(me);
        close_it(me)
    fi
}

inline linger_readable(me)
{
    ghost_socket = 0;
    if
#ifdef DRIP
    :: true -> out_watch_stop(me); close_it(me) /* it has sent too much */
#else
    :: ghost_eof -> out_watch_stop(me); close_it(me)
    :: else
#endif
    fi
}

inline linger_expired(me)
{
    ends = true;
    ghost_socket = 0;
    if
    :: out_grace && !ghost_eof -> wait_on(me, false)
    :: else
    fi;
    if
    :: ends -> out_watch_stop(me); close_it(me)
    :: else
    fi
}

/* --- the loops --- */

/* A quiet put does not wake a home that sleeps. It wakes itself while clients are away, and when the phase changes. */
#ifdef BUG_NO_COLLECT
#define model_hears (phase_seen != phase)
#else
#define model_hears (away || phase_seen != phase) /* = home_awaits() */
#endif

/* One callback, or one ticket, is one step: between two hand-overs nobody else has the client. */
proctype loop_group_turn(byte me)
{
    mtype verdict = VERDICT_NONE;
    bool quiet, ends;
    do
    :: atomic { nempty(model_box[me]) && (me != HOME || !(model_box[HOME] ? [VERDICT_CLOSE, true]) || model_hears) ->
           model_box[me] ? verdict, quiet; /* = route_ticket() */
           assert(ghost_has == NOBODY);
           ghost_has = me;
           if
           :: verdict == VERDICT_CLOSE -> close_it(me)
           :: verdict == VERDICT_OUTPUT_READY -> pump_output(me) /* = writer_enter() */
           :: verdict == VERDICT_ACCEPTED && me == HOME -> fresh = true /* = welcome_fresh() */
           :: verdict == VERDICT_ACCEPTED && me == READER -> verdict = VERDICT_READABLE; enter_visiting(me, verdict)
           :: me == HOME && (verdict == VERDICT_KEPT || verdict == VERDICT_WANT_READ) -> take_back(me, verdict)
           :: me == READER && (verdict == VERDICT_KEPT || verdict == VERDICT_READABLE || verdict == VERDICT_RESUME) ->
               enter_visiting(me, verdict)
           fi;
           verdict = VERDICT_NONE; quiet = false; ends = false }
    :: atomic { me == WRITER && out_waiting && !out_lingering -> pump_output(me); ends = false }
    :: atomic { me == WRITER && out_waiting && out_lingering && ghost_out_watch && !out_grace && model_readable ->
           linger_readable(me) }
    :: atomic { me == WRITER && out_waiting && out_lingering && (out_grace || model_deadlines || phase == PHASE_CUTTING) ->
           linger_expired(me); ends = false }
    :: atomic { me == WRITER && ghost_out_closing -> on_out_closed(me) }
    :: atomic { me == HOME && fresh -> first_look(me); ends = false }
    :: atomic { me == HOME && ghost_home_watch && ghost_home_reading && model_readable &&
                !model_expired -> /* timers run after each poll */
           poller_readable(me); ends = false }
    :: atomic { me == HOME && ghost_timer -> ghost_timer = false; poller_tick(me) } /* = on_poll_interval() */
    :: atomic { me == HOME && home_state == HOME_HELD_BACK -> home_room() }
    :: atomic { me == HOME && model_expired ->
           home_expired(me); ends = false }
    :: atomic { me == HOME && phase_seen != phase -> home_phase(me) }
    :: atomic { me == HOME && ghost_home_closing -> on_client_watch_closed() }
    :: ghost_freed && !ghost_out_closing && !ghost_home_closing -> break
    od
}

/* The client sends its requests by halves, and goes. */
proctype model_client()
{
#ifdef DRIP
    do
    :: atomic { ghost_socket == 0 && !ghost_freed -> ghost_socket = 1 }
    :: ghost_freed -> break
    od
#else
    byte n = 0;
    do
    :: n < HALVES -> atomic { ghost_socket++; n++ }
    :: else -> break
    od;
    ghost_eof = true
#endif
}

#ifdef DEADLINE
proctype model_clock()
{
    do
    :: atomic { ghost_armed && ghost_in_head && !ghost_head_passed -> ghost_head_passed = true }
    :: atomic { ghost_armed && home_state == HOME_WAITING && !ghost_in_head && !ghost_due -> ghost_due = true }
    :: ghost_freed -> break
    od
}
#endif

#ifdef STOP
proctype enter_phase()
{
    phase = PHASE_DRAINING;
    phase = PHASE_CUTTING
}
#endif

init
{
    atomic {
#ifdef READER_FIRST
        model_box[READER] ! VERDICT_ACCEPTED, false;
#else
        model_box[HOME] ! VERDICT_ACCEPTED, false;
#endif
        run loop_group_turn(HOME);
        run loop_group_turn(READER);
#ifndef KW
        run loop_group_turn(WRITER);
#endif
#ifdef DEADLINE
        run model_clock();
#endif
#ifdef STOP
        run enter_phase();
#endif
        run model_client()
    }
}

ltl every_client_is_freed { <> ghost_freed }
