/* recall.pml: sessions that wait for idle clients, and the tickets of requests under way, which must not wait for those
 * clients. Follows stages/engine/recall.c, stages/stage/session.c, worker_go_away(), and write_ticket(), post_client(),
 * route_output(), route_leave() and route_ticket() of stages/engine/route.c. The stack of sleepers is in takers.pml.
 *
 * run given_away:
 * run unheard: -DNO_TICK
 * run half_head: -DHALF
 * run itself_first: -DITSELF -DREQUESTS=0 -DPOLLS -DSILENTS=1
 * run lifo: -DDIRECT
 * live half_head_live: -DHALF -DSILENTS=1
 * wide given_away_polls: -DPOLLS
 * wide lifo_half_head: -DDIRECT -DHALF
 * wide itself: -DITSELF -DSILENTS=1
 * wide two_given_away: -DREQUESTS=2
 * bug BUG_RING_IF_EXPECTED: end -DITSELF -DREQUESTS=0 -DPOLLS -DSILENTS=1
 * bug BUG_COUNT_AFTER_PUT: end
 * bug BUG_NO_PASS_ON: end -DHALF
 * bug BUG_NO_CHECK: end
 * bug BUG_EXPECT_UNSAID: end -DNO_TICK
 * bug BUG_DEAF_FOR_EVER: end -DHALF -DSILENTS=1
 * bug BUG_IDLE_TRUSTED: end
 * bug BUG_LEAVE_AT_FRONT: cycle
 * bug BUG_LEAVE_AND_CLOSE: assertion
 * bug BUG_END_UNCOUNTED: assertion
 */
#ifndef MOST
#define MOST 2
#endif
#define LEAST MOST
#ifndef AWAKE_MOST
#define AWAKE_MOST 1
#endif
#ifdef DIRECT
#define direct true
#else
#define direct false
#endif
#define strict false

/* The clients, by number: first those whose handlers give their answers away, then one that occupies a session until all
 * answers are out, then those that send nothing. */
#ifndef REQUESTS
#define REQUESTS 1
#endif
#ifdef HALF
#define STUCK 1
#else
#ifdef ITSELF
#define STUCK 1
#else
#define STUCK 0
#endif
#endif
#define SILENT (REQUESTS + STUCK)
#ifndef SILENTS
#define SILENTS MOST /* enough to occupy all sessions */
#endif
#define CLIENTS (SILENT + SILENTS)
#define TOTAL CLIENTS
#ifdef ITSELF
#define ANSWERS (REQUESTS + 1)
#else
#define ANSWERS REQUESTS
#endif
#include "takers.pml"

mtype = { VERDICT_READABLE, VERDICT_OUTPUT_READY };
mtype = { SESSION_BUSY, SESSION_IDLE, SESSION_WAITING, SESSION_DOOMED };
mtype = { PHASE_RUNNING, PHASE_DRAINING };

mtype phase = PHASE_RUNNING;
bool expected;
byte pressing, bell;       /* a semaphore */
#ifdef POLLS
bool polls[CLIENTS];
#endif

mtype session_as[CLIENTS];
mtype ticket_verdict[CLIENTS];
chan model_taken[MOST] = [TOTAL] of { byte }; /* worker->pool.taken */
chan model_to_completer = [CLIENTS] of { byte };
byte ghost_has[CLIENTS];   /* a session's number; NOBODY: it lies in a queue, or a completer has it */
#define NOBODY 255
bool ghost_shut[CLIENTS];
bool ghost_begun[CLIENTS];
hidden byte ghost_calls, ghost_spawn;
byte ghost_begins, ghost_answered, ghost_closed, ghost_ended;

#define has_client(me) assert(ghost_has[client] == me)

/* The pool is fixed, so no thread is started. The bells are rung in the same step: pool.pml has rings that come late. */
inline model_call_needed()
{
    call_needed_locked(ghost_calls, ghost_spawn);
    assert(ghost_spawn == 0);
    do
    :: ghost_calls == 0 -> break
    :: else -> calls_ring(ghost_calls)
    od
}

/* Never refused: it came from the listener long ago, or is its first put, whose bound is in mailbox.pml. */
inline mailbox_put(slip)
{
    atomic {
        if
        :: direct && asleep > 0 -> /* = hand_out_locked() */
            takers_pop_locked(ghost_calls);
            assert(slot[ghost_at] == 0);
            slot[ghost_at] = slip + 1
        :: else -> items ! slip
        fi;
        model_call_needed()
    }
}

inline mailbox_take(me)
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
        model_call_needed()
    }
}

inline mailbox_give_back(me)
{
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

inline worker_go_away(me)
{
    atomic {
        if
        :: !is_away ->
            mailbox_give_back(me);
#ifndef BUG_IDLE_TRUSTED
            is_away = true;
            away++; /* = mailbox_away() */
#endif
            model_call_needed()
        :: else
        fi
    }
}

/* --- recall.c --- */

inline recall_begin()
{
    pressing++
}

inline mailbox_has_sleeper(has)
{
    has = asleep > 0
}

inline recall_ring(has)
{
#ifdef BUG_RING_IF_EXPECTED
    if
    :: expected -> mailbox_has_sleeper(has)
    :: else -> has = true
    fi;
#else
    mailbox_has_sleeper(has);
#endif
    if
    :: !has -> bell++
    :: else -> has = false
    fi
}

inline recall_pass_on(has)
{
#ifndef BUG_NO_PASS_ON
    if
    :: pressing > 0 -> recall_ring(has)
    :: else
    fi
#endif
    skip
}

inline recall_end()
{
#ifndef BUG_END_UNCOUNTED
    atomic { assert(pressing > 0); pressing-- }
#endif
    skip
}

inline recall_expect()
{
#ifndef BUG_EXPECT_UNSAID
    expected = true
#else
    skip
#endif
}

/* --- route.c --- */

/* By the thread that completes an answer. The client is the next taker's from the put on. */
inline route_output(client, has)
{
    atomic {
        has_client(_pid);
        ticket_verdict[client] = VERDICT_OUTPUT_READY;
        ghost_has[client] = NOBODY
    };
#ifdef BUG_COUNT_AFTER_PUT
    mailbox_put(client);
    recall_ring(has);
    recall_begin()
#else
    recall_begin(); /* = write_ticket() */
    mailbox_put(client);
    recall_ring(has)
#endif
}

inline route_leave(client)
{
    atomic {
        has_client(_pid);
        ticket_verdict[client] = VERDICT_READABLE;
        ghost_has[client] = NOBODY
    };
#ifdef BUG_LEAVE_AT_FRONT
    atomic {
        ghost_needed = len(items);
        items ! client;
        do
        :: ghost_needed > 0 -> items ? ghost_at; items ! ghost_at; ghost_needed--
        :: else -> break
        od;
        model_call_needed()
    }
#else
    mailbox_put(client)
#endif
}

inline client_close(client)
{
    atomic {
        has_client(_pid);
        ghost_has[client] = NOBODY;
        ghost_closed++
    }
}

/* --- session.c --- */

/* The wait for the client itself: it sends nothing, so the stop ends it, or a ring. */
inline poll_idle(client, recalled, ends)
{
    do
    :: ghost_shut[client] -> ends = true; break
    :: atomic { !ghost_shut[client] && bell > 0 -> bell-- }; /* = recall_answer() */
        if
        :: pressing > 0 -> recalled = true; break
        :: else
        fi
    od
}

#ifdef POLLS
#define polls_always polls[client]
#else
#define polls_always false
#endif
/* After a second in recv a session checks again. A check that finds nothing changes nothing, so it is left out. */
#ifdef NO_TICK
#define tick false
#else
#ifdef BUG_DEAF_FOR_EVER
#define tick false
#else
#define tick (pressing > 0 || expected)
#endif
#endif

inline read_idle(client, recalled, ends)
{
    do
    ::
#ifndef BUG_NO_CHECK
        if
        :: pressing > 0 -> recalled = true; break /* = recall_is_pressing() */
        :: else
        fi;
#endif
        if
        :: polls_always || expected -> poll_idle(client, recalled, ends); break
        :: else
        fi;
        if /* recv */
        :: ghost_shut[client] -> ends = true; break
        :: !ghost_shut[client] && tick
        fi
    od
}

/* The order of state and phase is in session_list.pml. */
inline begin_wait(client, as)
{
    worker_go_away(me);
    session_as[client] = as;
    ends = phase != PHASE_RUNNING && as == SESSION_IDLE
}

inline end_wait(client)
{
    ends = ends || session_as[client] == SESSION_DOOMED;
    session_as[client] = SESSION_BUSY
}

inline wait_idle(client)
{
    atomic { begin_wait(client, SESSION_IDLE) };
    if
    :: !ends -> read_idle(client, recalled, ends)
    :: else
    fi;
    atomic {
        end_wait(client);
        if
        :: recalled && !ends ->
            route_leave(client); /* = leave_session() */
#ifdef BUG_LEAVE_AND_CLOSE
            client_close(client)
#endif
        :: else -> client_close(client)
        fi;
        recalled = false;
        ends = false;
        client = 0
    }
}

/* The rest of its request comes when all answers are out. */
inline wait_more(client)
{
    atomic { begin_wait(client, SESSION_WAITING) };
    recall_pass_on(has);
    atomic { ghost_answered == ANSWERS -> end_wait(client) }
}

#define model_is_new (ticket_verdict[client] == VERDICT_READABLE && !ghost_begun[client])

/* What a session does with a client that it has just taken; recall_end() is in the step before. */
inline route_ticket(client)
{
    if
    :: atomic { model_is_new && client < REQUESTS ->
           /* HANDLER_AWAY. The answer may be complete before the handler returns. */
           has_client(_pid);
           ghost_begun[client] = true;
           ghost_begins++;
           ghost_has[client] = NOBODY;
           model_to_completer ! client;
           client = 0 };
       recall_expect() /* = route_lets_go() */
#ifdef ITSELF
    :: atomic { model_is_new && client == REQUESTS ->
           ghost_begun[client] = true;
           ghost_begins++;
           /* A handler that is marked as long completes its answer itself, goes on, and returns HANDLER_AWAY. */
           worker_go_away(me) };
       recall_pass_on(has);
       route_output(client, has);
       client = 0;
       ghost_answered == ANSWERS;
       recall_expect()
#endif
#ifdef HALF
    :: atomic { model_is_new && client == REQUESTS -> ghost_begun[client] = true };
       wait_more(client);
       wait_idle(client)
#endif
    :: atomic { else ->
           ghost_answered = ghost_answered + (ticket_verdict[client] == VERDICT_OUTPUT_READY -> 1 : 0);
           ticket_verdict[client] = VERDICT_READABLE };
       wait_idle(client)
    fi
}

proctype run_pool_thread(byte me)
{
    byte client;
    bool is_away, sleeps, has, recalled, ends;
    do
    :: mailbox_take(me);
        if
        :: len(model_taken[me]) > 0 ->
            do
            :: atomic { len(model_taken[me]) > 0 ->
                   model_taken[me] ? client;
                   assert(ghost_has[client] == NOBODY);
                   ghost_has[client] = _pid;
                   if
                   :: ticket_verdict[client] == VERDICT_OUTPUT_READY -> recall_end() /* it is pressing */
                   :: else
                   fi };
               route_ticket(client)
            :: atomic { len(model_taken[me]) == 0 -> /* = worker_come_back() */
                   away = away - (is_away -> 1 : 0);
                   is_away = false;
                   break }
            od
        :: atomic { len(model_taken[me]) == 0 -> /* = lie_down_locked() */
               sleeps = len(items) == 0 && !closed;
               if
               :: sleeps -> takers_sleep_locked(me)
               :: !sleeps && closed && len(items) == 0 -> break
               :: else
               fi };
            if
            :: atomic { sleeps && ringing[me] -> ringing[me] = false; sleeps = false } /* doorbell_wait() */
            :: !sleeps
            fi
        fi
    od;
    ghost_ended++
}

proctype processor_complete()
{
    byte client;
    bool has;
    do
    :: atomic { model_to_completer ? client -> ghost_has[client] = _pid };
        route_output(client, has);
        client = 0
    :: ghost_answered == ANSWERS -> break
    od
}

/* The silent clients but the first. */
proctype welcome_client()
{
    byte client = SILENT + 1;
#if REQUESTS > 0
    ghost_begun[REQUESTS - 1]; /* else it is the model that new connections wait */
#endif
    do
    :: client < CLIENTS -> mailbox_put(client); client++
    :: else -> break
    od
}

proctype enter_phase()
{
    byte client;
    if
    :: ghost_answered == ANSWERS
    :: timeout && ghost_answered > 0 && ghost_answered == ghost_begins /* a new connection may have to wait: it is the model */
    fi;
    phase = PHASE_DRAINING;
    atomic { /* = session_list_end_idle() */
        do
        :: client < CLIENTS && session_as[client] == SESSION_IDLE ->
            session_as[client] = SESSION_DOOMED;
            ghost_shut[client] = true;
            client++
        :: client < CLIENTS && session_as[client] != SESSION_IDLE -> client++
        :: client == CLIENTS -> break
        od
    };
    ghost_closed == CLIENTS;
    assert(pressing == 0);
    atomic { /* = mailbox_close() */
        closed = true;
        ghost_needed = MOST;
        takers_call_sleepers_locked(ghost_calls, ghost_needed);
        model_call_needed()
    }
}

init
{
    byte n = 0;
    atomic {
        do
        :: n < CLIENTS ->
            ticket_verdict[n] = VERDICT_READABLE;
            session_as[n] = SESSION_BUSY;
            ghost_has[n] = NOBODY;
#ifdef POLLS
            if
            :: n >= SILENT -> polls[n] = true /* it has been sent a file before */
            :: true
            fi;
#endif
            n++
        :: else -> break
        od;
        n = 0;
        do /* the first silent client lies anywhere among those with requests */
        :: n < SILENT && !ghost_shut[SILENT] -> items ! SILENT; ghost_shut[SILENT] = true
        :: n < SILENT -> items ! n; n++
        :: n == SILENT && !ghost_shut[SILENT] -> items ! SILENT; ghost_shut[SILENT] = true
        :: n == SILENT && ghost_shut[SILENT] -> break
        od;
        ghost_shut[SILENT] = false;
        n = 0;
        do
        :: n < MOST -> run run_pool_thread(n); n++
        :: else -> break
        od;
        run processor_complete();
        run welcome_client();
        run enter_phase()
    };
    ghost_ended == MOST
}

ltl every_request_is_answered { <> (ghost_answered == ANSWERS) }
