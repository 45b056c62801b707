/* accept_turn.pml: server processes that accept in turn at shared sockets, and die. Follows
 * stages/stage/accept_turn.c and take_turns() of stages/stage/listener.c.
 *
 * run turns:
 * live turns_live:
 * wide four_processes: -DPROCESSES=4
 * bug BUG_NOT_ROBUST: cycle
 * bug BUG_NOT_CONSISTENT: assertion
 * bug BUG_NO_RETRY: cycle
 * bug BUG_PAUSED_HOLDS: cycle
 * bug BUG_RELEASE_FIRST: assertion
 */
#ifndef PROCESSES
#define PROCESSES 3
#endif
#define CONNECTIONS 2
#define FREE 255
#define DEAD 254      /* its holder has died: the next lock returns EOWNERDEAD */
#define LOST 253      /* ENOTRECOVERABLE */

mtype = { ACCEPT_TRY_BUSY, ACCEPT_TRY_TAKEN, ACCEPT_TRY_INHERITED };

byte mutex = FREE;
byte ghost_backlog, ghost_accepted, ghost_accepting, ghost_alive = PROCESSES, ghost_paused;

inline accept_turn_try(got)
{
    atomic { /* pthread_mutex_trylock */
        assert(mutex != LOST);
        if
        :: mutex == FREE -> mutex = _pid; got = ACCEPT_TRY_TAKEN
        :: mutex == DEAD ->
            mutex = _pid;
            ghost_inconsistent = true;
            got = ACCEPT_TRY_INHERITED
        :: else -> got = ACCEPT_TRY_BUSY
        fi
    };
#ifndef BUG_NOT_CONSISTENT
    ghost_inconsistent = false
#endif
}

inline accept_turn_release()
{
    atomic {
        assert(mutex == _pid);
        mutex = (ghost_inconsistent -> LOST : FREE)
    }
}

inline accept_some()
{
    atomic {
        ghost_accepting++;
        assert(ghost_accepting == 1); /* one process at a time */
    };
    atomic {
        if
        :: ghost_backlog > 0 -> ghost_backlog--; ghost_accepted++
        :: else
        fi;
        ghost_accepting--
    }
}

active [PROCESSES] proctype model_process()
{
    mtype got;
    bool ours, retrying, ghost_inconsistent;
    do
    :: /* = before_poll() */
        accept_turn_try(got);
        ours = got != ACCEPT_TRY_BUSY;
#ifdef BUG_NO_RETRY
        if
        :: !ours -> break /* sleeps: nothing that it watches will wake it */
        :: else
        fi;
#endif
        if /* the poll */
        :: ours && ghost_backlog > 0
        :: !ours          /* = on_retry(), after 20 ms */
        :: ghost_accepted == CONNECTIONS -> break
        :: atomic { ghost_alive > 1 -> /* it is killed */
               ghost_alive--;
#ifndef BUG_NOT_ROBUST
               mutex = (ours -> DEAD : mutex)
#endif
               };
           ours = false;
           break
#ifdef BUG_PAUSED_HOLDS
        :: atomic { ours && ghost_paused < 1 -> ghost_paused++ }; ghost_accepted == CONNECTIONS
#endif
        fi;
        if /* = after_poll() */
        :: ours ->
#ifdef BUG_RELEASE_FIRST
            accept_turn_release();
            accept_some();
#else
            accept_some();
            accept_turn_release();
#endif
            ours = false
        :: else
        fi
    od;
    if
    :: ours -> accept_turn_release()
    :: else
    fi
}

active proctype model_clients()
{
    byte n = 0;
    do
    :: n < CONNECTIONS -> ghost_backlog++; n++
    :: else -> break
    od
}

ltl every_connection_is_accepted { <> (ghost_accepted == CONNECTIONS) }
