/* outlet.pml: one answer, its making end and its sending end. Follows core/exchange/outlet.c and its callers:
 * stages/stage/processor.c, stages/stage/writer.c, stages/engine/out_watch.c, route_output(). Two threads
 * of a pool run P, a poll loop runs W; one more thread completes answers (response_complete()).
 *
 * run staged:
 * run stand_in: -DSTAND_IN
 * run in_one_loop: -DONE_LOOP
 * run inline_beside_pool: -DINLINE
 * live staged_live:
 * live stand_in_live: -DSTAND_IN
 * wide three_pieces: -DPIECES=3
 * wide three_pieces_stand_in: -DPIECES=3 -DSTAND_IN
 * bug BUG_STOP_AFTER_COLLECT: assertion -DSTAND_IN
 * bug BUG_LET_GO_UNLOCKED: end
 * bug BUG_GIVE_ALWAYS: assertion
 * bug BUG_TOUCH_AFTER_AWAY: assertion
 * bug BUG_TOUCH_AFTER_END: assertion
 * bug BUG_COMPLETE_CALLS_WRITER: assertion
 * bug BUG_CUT_DROPS_END: end
 * bug BUG_CUT_KEEPS_WAITER: end
 * bug BUG_ROOM_WITHOUT_UNSENT: end
 * bug BUG_SENT_KEEPS_WISH: assertion
 * bug BUG_WAIT_UNWATCHED: end
 */
#ifndef PIECES
#define PIECES 2
#endif
#define HIGHWATER 1 /* bytes; a piece is one byte */
#define NOBODY 0
#ifdef INLINE
#define model_inline true
#else
#define model_inline false
#endif
#define COMPLETER 3
#define WRITER 4

mtype = { VERDICT_NONE, VERDICT_KEPT, VERDICT_OUTPUT_READY, VERDICT_WANT_WRITE, VERDICT_CLOSE };

/* shared, under outlet.shared.lock. `waiting` counts pieces; the end is a bucket of its own. */
byte waiting, unsent;
bool ghost_waiting_end, writer_has, ended, cut, wants_room;

/* of the sending end: only the thread that has it may touch these */
byte sending;
bool has_end, out_waiting, x_cut;

/* mailboxes: what they do is in mailbox.pml. The ticket is one for each stage: so one place. */
chan model_to_processor = [1] of { byte };
chan model_to_writer = [1] of { mtype };
chan model_to_completer = [1] of { byte };
chan model_to_inline = [1] of { byte }; /* the loop of W has the request, and runs P for it */

/* who has which end */
byte ghost_making = NOBODY, ghost_sending = NOBODY;
bool ghost_freed, ghost_socket_full, ghost_gone, ghost_watched;
byte ghost_pieces, ghost_finished;

/* Every access to what a thread must have is one of these. */
#define making_end(me) assert(ghost_making == me && !ghost_freed)
#define sending_end_of(me) assert(ghost_sending == me && !ghost_freed)

inline outlet_publish(me, pieces, end, give)
{
    atomic {
        making_end(me);
        assert(!ended);
        if
        :: cut && !end -> skip /* dropped */
        :: else ->
            waiting = waiting + pieces;
            unsent = unsent + pieces;
            ghost_waiting_end = end
        fi;
        ended = end;
#ifdef BUG_GIVE_ALWAYS
        give = waiting > 0 || ghost_waiting_end;
#else
        give = !writer_has && (waiting > 0 || ghost_waiting_end);
#endif
        writer_has = writer_has || give;
        ghost_making = (end -> NOBODY : ghost_making);
        if
        :: give ->
            assert(ghost_sending == NOBODY);
            ghost_sending = me /* until it is given */
        :: else
        fi
    }
}

inline outlet_wait_room(me, wait)
{
    atomic {
        making_end(me);
        wait = unsent >= HIGHWATER && !cut;
#ifdef BUG_ROOM_WITHOUT_UNSENT
        wait = true; /* although nothing that a later outlet_sent() reports is unsent */
#endif
        wants_room = wait;
        ghost_making = (wait -> NOBODY : ghost_making)
    }
}

inline outlet_collect(me, some)
{
#ifdef BUG_LET_GO_UNLOCKED
    atomic {
        sending_end_of(me);
        some = waiting > 0 || ghost_waiting_end;
        sending = sending + waiting;
        has_end = ghost_waiting_end;
        waiting = 0;
        ghost_waiting_end = false
    };
    atomic {
        writer_has = some;
        ghost_sending = (some -> me : NOBODY)
    }
#else
    atomic {
        sending_end_of(me);
        some = waiting > 0 || ghost_waiting_end;
        sending = sending + waiting;
        has_end = has_end || ghost_waiting_end;
        waiting = 0;
        ghost_waiting_end = false;
        writer_has = some;
        ghost_sending = (some -> me : NOBODY)
    }
#endif
}

inline model_want_room() /* = route() with WANT_ROOM */
{
    assert(ghost_making == NOBODY && nfull(model_to_processor));
    model_to_processor ! 0
}

inline outlet_sent(me, bytes)
{
    atomic {
        sending_end_of(me);
        assert(unsent >= bytes);
        unsent = unsent - bytes;
        wake = wants_room && unsent <= HIGHWATER / 2;
#ifndef BUG_SENT_KEEPS_WISH
        wants_room = wants_room && !wake
#endif
    }
    if
    :: wake -> atomic { model_want_room() }
    :: else
    fi
}

inline outlet_cut(me)
{
    atomic {
        sending_end_of(me);
        cut = true;
#ifdef BUG_CUT_DROPS_END
        waiting = 0; ghost_waiting_end = false;
#else
        waiting = (ended -> waiting : 0);
#endif
#ifdef BUG_CUT_KEEPS_WAITER
        wake = false
#else
        wake = wants_room;
        wants_room = false
#endif
    }
    if
    :: wake -> atomic { model_want_room() }
    :: else
    fi
}

inline out_watch_stop(me)
{
#ifdef BUG_STOP_AFTER_COLLECT
    assert(ghost_sending == me || ghost_sending == NOBODY);
    out_waiting = false
#else
    atomic { sending_end_of(me); out_waiting = false }
#endif
}

/* From here on the exchange may be reused or freed. */
inline finish_exchange(me)
{
    atomic {
        sending_end_of(me);
        assert(ended && has_end && ghost_making == NOBODY && !waiting && !out_waiting);
        assert(ghost_gone || x_cut || ghost_pieces + sending == PIECES);
        ghost_finished++;
        assert(ghost_finished == 1);
        ghost_freed = true
    }
}

inline cut_response(me)
{
    atomic { sending_end_of(me); assert(!out_waiting); x_cut = true };
    do
    :: has_end -> sending = 0; finish_exchange(me); break
    :: else ->
        sending = 0;
        outlet_cut(me);
        outlet_collect(me, some);
        if
        :: some
        :: else -> break
        fi
    od
}

inline conn_send(me)
{
    atomic {
        sending_end_of(me);
        if
        :: ghost_gone -> verdict = VERDICT_CLOSE
        :: !ghost_gone && ghost_socket_full -> verdict = VERDICT_WANT_WRITE; sent = 0
        :: !ghost_gone && !ghost_socket_full -> /* all of it */
            sent = sending;
            ghost_pieces = ghost_pieces + sending;
            sending = 0;
            verdict = (has_end -> VERDICT_KEPT : VERDICT_NONE)
        fi
    }
}

/* stays: the thread waits for the socket itself. Else it hands the sending end on to W's loop. */
inline wait_to_send(me, stays)
{
    if
    :: stays ->
        atomic { sending_end_of(me);
#ifndef BUG_WAIT_UNWATCHED
                 ghost_watched = true;
#endif
                 out_waiting = true }
    :: else -> atomic { sending_end_of(me); ghost_sending = NOBODY; model_to_writer ! VERDICT_WANT_WRITE }
    fi
}

inline pump_output(me, stays)
{
    do
    ::  some = true;
        if
        :: sending == 0 && !has_end ->
            /* = collect_output() */
#ifdef BUG_STOP_AFTER_COLLECT
            outlet_collect(me, some);
            out_watch_stop(me)
#else
            out_watch_stop(me);
            outlet_collect(me, some)
#endif
        :: else
        fi;
        if
        :: !some -> break
        :: else
        fi;
        conn_send(me);
        if
        :: verdict == VERDICT_WANT_WRITE -> wait_to_send(me, stays); break
        :: verdict == VERDICT_NONE ->
            if
            :: sent > 0 && !has_end -> outlet_sent(me, sent) /* = tell_sent() */
            :: else
            fi
        :: verdict == VERDICT_CLOSE -> out_watch_stop(me); cut_response(me); break
        :: verdict == VERDICT_KEPT -> out_watch_stop(me); finish_exchange(me); break
        fi
    od
}

/* A publish that gives: to the loop of W, or, where w stands beside W or one loop runs both, by a call. */
inline route(me)
{
#ifdef STAND_IN
    pump_output(me, false)
#else
    if
#ifdef INLINE
    :: me == WRITER -> pump_output(me, true)
#endif
    :: atomic { me != WRITER || !model_inline ->
           assert(ghost_sending == me);
           ghost_sending = NOBODY;
           assert(nfull(model_to_writer)); /* the ticket is free */
           model_to_writer ! VERDICT_OUTPUT_READY }
    fi
#endif
}

/* A thread of the pool. `piece` is the handler's; it moves with the making end. */
byte piece;

inline run_handler(me)
{
    do
    :: piece < PIECES ->
        making_end(me);
        piece++;
        outlet_publish(me, 1, false, give); /* = publish_piece() */
        if
        :: give -> route(me)
        :: else
        fi;
        outlet_wait_room(me, wait);  /* = after_piece() */
        if
        :: wait -> break
        :: else
        fi
    :: piece == PIECES ->
        if
        :: outlet_publish(me, 0, true, give); /* = finish_making() */
#ifdef BUG_TOUCH_AFTER_END
           assert(!ghost_freed);
#endif
           if
           :: give -> route(me)
           :: else
           fi
        :: atomic { making_end(me); ghost_making = COMPLETER; model_to_completer ! 0 }; /* HANDLER_AWAY */
#ifdef BUG_TOUCH_AFTER_AWAY
           assert(!ghost_freed)
#endif
           skip
        fi;
        break
    od
}

#ifndef ONE_LOOP
active [2] proctype processor_enter()
{
    byte sent;
    mtype verdict;
    bool some, give, wait, wake;
    byte me = _pid + 1;
    do
    :: atomic { model_to_processor ? _ ->
           assert(ghost_making == NOBODY);
           ghost_making = me };
       run_handler(me)
    :: ghost_freed -> break
    od
}
#endif

/* The completing thread never calls a stage. */
active proctype processor_complete()
{
    byte sent;
    mtype verdict;
    bool some, give, wake;
    if
    :: atomic { model_to_completer ? _ -> assert(ghost_making == COMPLETER) };
       outlet_publish(COMPLETER, 0, true, give);
       if
#ifdef BUG_COMPLETE_CALLS_WRITER
       :: atomic { true -> ghost_sending = COMPLETER }; pump_output(COMPLETER, true)
#else
       :: give -> atomic { ghost_sending = NOBODY; model_to_writer ! VERDICT_OUTPUT_READY } /* = route_output() */
#endif
       :: else
       fi
    :: ghost_freed
    fi
}

active proctype writer_enter()
{
    byte sent;
    mtype verdict;
    bool some, wake;
#if defined(ONE_LOOP) || defined(INLINE)
    bool give, wait;
#endif
    do
    :: atomic { model_to_writer ? verdict -> assert(ghost_sending == NOBODY); ghost_sending = WRITER };
       if
       :: verdict == VERDICT_WANT_WRITE -> atomic { ghost_watched = true; out_waiting = true }
       :: verdict == VERDICT_OUTPUT_READY && x_cut -> cut_response(WRITER) /* = begin_response() */
       :: else -> pump_output(WRITER, true)
       fi
    :: atomic { out_waiting && ghost_watched && (!ghost_socket_full || ghost_gone) -> /* = writer_writable() */
           sending_end_of(WRITER);
           ghost_watched = false };
       pump_output(WRITER, true)
#ifdef ONE_LOOP
    :: atomic { model_to_processor ? _ -> ghost_making = WRITER };
       run_handler(WRITER)
#endif
#ifdef INLINE
    :: atomic { model_to_inline ? _ -> ghost_making = WRITER }; /* = route_inline_idle() */
       run_handler(WRITER)
#endif
    :: ghost_freed -> break
    od
}

/* The client's socket: full for a time, twice; and the client may go. */
active proctype model_client()
{
    byte n = 0;
    do
    :: n < 2 -> ghost_socket_full = true; ghost_socket_full = false; n++
    :: ghost_gone = true; break
    :: break
    od
}

init
{
#ifdef INLINE
    model_to_inline ! 0
#else
    model_to_processor ! 0
#endif
}

ltl every_answer_ends { <> (ghost_finished == 1) }
