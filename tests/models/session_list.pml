/* session_list.pml: sessions that block for their clients, against another thread that ends their waits. Follows
 * stages/engine/session_list.c, begin_wait() and end_wait() of stages/stage/session.c, client_close(), and
 * enter_phase() of stages/life/server.c.
 *
 * run shutdown:
 * live shutdown_live: -DSESSIONS=1
 * wide two_sessions_live:
 * bug BUG_PHASE_BEFORE_STATE: end
 * bug BUG_CLOSE_BEFORE_REMOVE: assertion
 * bug BUG_SHUTDOWN_UNLOCKED: assertion
 * bug BUG_DOOM_BUSY: assertion
 * bug BUG_CUT_IDLE_ONLY: end
 * bug BUG_LIST_AFTER_STATE: end
 */
#ifndef SESSIONS
#define SESSIONS 2
#endif
#define FDS SESSIONS
#define NONE 255

mtype = { PHASE_RUNNING, PHASE_DRAINING, PHASE_CUTTING };
mtype = { SESSION_BUSY, SESSION_IDLE, SESSION_WAITING, SESSION_DOOMED };

mtype phase = PHASE_RUNNING;
mtype session_as[SESSIONS];
bool listed[SESSIONS];       /* in the list: under session_list.shared.lock */
byte ghost_lock = NONE;

/* The kernel: which client a descriptor's number belongs to. The lowest free number is given next. */
byte ghost_owner[FDS], ghost_fd[SESSIONS], ghost_closed;
bool ghost_shut[SESSIONS];

inline lock_take(me) { atomic { ghost_lock == NONE -> ghost_lock = me } }
inline lock_release(me) { atomic { assert(ghost_lock == me); ghost_lock = NONE } }

inline session_list_add(me)
{
    lock_take(me);
    listed[me] = true;
    lock_release(me)
}

inline session_list_remove(me)
{
    lock_take(me);
    listed[me] = false;
    lock_release(me)
}

inline begin_wait(me, as)
{
#ifdef BUG_PHASE_BEFORE_STATE
    seen = phase;
    session_list_add(me);
    session_as[me] = as;
#else
#ifdef BUG_LIST_AFTER_STATE
    session_as[me] = as;
    seen = phase;
    session_list_add(me);
#else
    session_list_add(me);
    session_as[me] = as;
    seen = phase;
#endif
#endif
    ends = seen == PHASE_CUTTING || (as == SESSION_IDLE && seen == PHASE_DRAINING)
}

inline end_wait(me)
{
    atomic { doomed = session_as[me] == SESSION_DOOMED; session_as[me] = SESSION_BUSY }
}

inline client_close(me)
{
#ifdef BUG_CLOSE_BEFORE_REMOVE
    atomic { ghost_owner[ghost_fd[me]] = NONE };
    session_list_remove(me)
#else
    session_list_remove(me);
    atomic { ghost_owner[ghost_fd[me]] = NONE } /* close(2) */
#endif
    ;
    ghost_closed++
}

/* A client that sends nothing, a part of a request, or all of it. Its timeouts are left out: so what ends the wait for
 * a silent one is the stop. */
proctype session_read(byte me)
{
    mtype seen;
    bool ends, doomed, in_request;
    byte parts;
    if
    :: parts = 0
    :: parts = 1
    :: parts = 2
    fi;
    begin_wait(me, SESSION_IDLE); /* = wait_idle() */
    if
    :: ends || ghost_shut[me] /* recv returns 0 */
    :: !ends && parts > 0 -> in_request = true
    fi;
    end_wait(me);
    assert(!doomed || phase != PHASE_RUNNING);
    if
    :: in_request ->
        begin_wait(me, SESSION_WAITING); /* = wait_more() */
        if
        :: ends || ghost_shut[me]
        :: !ends && parts == 2
        fi;
        end_wait(me);
        assert(!doomed)
    :: else
    fi;
    client_close(me)
}

/* shutdown(2) of the descriptor's number. A busy session's answer must not be spoiled. */
inline model_shutdown(client)
{
    ghost_number = ghost_fd[client];
    if
    :: ghost_owner[ghost_number] == client -> ghost_shut[client] = true
    :: else -> assert(ghost_owner[ghost_number] == NONE) /* not another connection's */
    fi
}

inline doom_client(client)
{
#ifdef BUG_DOOM_BUSY
    may = session_as[client] == SESSION_IDLE;
    if
    :: may ->
        assert(session_as[client] == SESSION_IDLE); /* it has begun a request meanwhile */
        session_as[client] = SESSION_DOOMED
    :: else
    fi;
#else
    atomic {
        may = session_as[client] == SESSION_IDLE;
        session_as[client] = (may -> SESSION_DOOMED : session_as[client])
    };
#endif
    if
    :: may -> atomic { model_shutdown(client) }
    :: else
    fi
}

inline model_cut(client)
{
#ifdef BUG_CUT_IDLE_ONLY
    may = session_as[client] == SESSION_IDLE;
#else
    may = session_as[client] == SESSION_IDLE || session_as[client] == SESSION_WAITING;
#endif
    if
    :: may -> atomic { model_shutdown(client) }
    :: else
    fi
}

/* Chooses under the lock, and shuts down under it. */
#ifdef BUG_SHUTDOWN_UNLOCKED
#define model_one(fn) lock_release(SESSIONS); fn(at); lock_take(SESSIONS)
#else
#define model_one(fn) fn(at)
#endif
#define model_each(fn) \
    lock_take(SESSIONS); \
    at = 0; \
    do \
    :: at < SESSIONS && listed[at] -> model_one(fn); at++ \
    :: at < SESSIONS && !listed[at] -> at++ \
    :: at == SESSIONS -> break \
    od; \
    lock_release(SESSIONS)

proctype enter_phase()
{
    byte at, ghost_number;
    bool may;
    phase = PHASE_DRAINING;
    model_each(doom_client); /* = session_list_end_idle() */
    phase = PHASE_CUTTING;
    model_each(model_cut)    /* = session_list_end_all() */
}

/* A new connection gets the number that has just become free. */
proctype on_acceptable()
{
    do
    :: atomic { ghost_owner[0] == NONE -> ghost_owner[0] = SESSIONS; break }
#if SESSIONS > 1
    :: atomic { ghost_owner[1] == NONE -> ghost_owner[1] = SESSIONS; break }
#endif
    od
}

init
{
    atomic {
        byte n = 0;
        do
        :: n < SESSIONS ->
            session_as[n] = SESSION_BUSY;
            ghost_fd[n] = n;
            ghost_owner[n] = n;
            run session_read(n);
            n++
        :: else -> break
        od;
        run enter_phase();
        run on_acceptable()
    }
}

ltl every_session_ends { <> (ghost_closed == SESSIONS) }
