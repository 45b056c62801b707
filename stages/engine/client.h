/* client.h: a connection as the stages see it: with its watches, its deadlines and its slips.
 *
 * core/exchange/conn.h is what is done to a connection and knows nothing of threads; this is what
 * moves it between them. Who may touch which group of members is written beside the group.
 *
 * Home is the poll loop that waits for the connection's requests (the reader's, or the poller's).
 * It watches the descriptor from then on, and it alone closes the descriptor and frees the memory.
 * A connection has none before it is adopted, nor where sessions wait for their clients themselves:
 * then whoever has it closes it.
 */
#ifndef STAGES_ENGINE_CLIENT_H
#define STAGES_ENGINE_CLIENT_H

#include "core/exchange/conn.h"
#include "core/loop/loop.h"
#include "core/loop/wheel.h"
#include "queues/mailbox.h"
#include "stages/engine/home_state.h"
#include "stages/model/wiring.h"

struct out_watch;
struct worker;

/* What a connection counts for, of what is limited (places.h). */
enum place {
    PLACE_NONE,        /* nothing: it is answered and closed at once */
    PLACE_SERVED,      /* --max-connections */
    PLACE_TURNED_AWAY, /* those that linger after a 503 or a 429 */
    PLACE_KINDS,
};

/* struct deadline.kind */
enum { DEADLINE_HOME, DEADLINE_OUT };

/* What waits in a mailbox: the connection, for this stage, with this verdict. A connection may wait
 * for a processor (there is room again) while the writer has it, so each stage has its own. */
struct ticket {
    struct slip slip;
    unsigned char stage;   /* enum stage */
    unsigned char verdict; /* enum verdict */
    bool quiet;            /* its taker was not to be woken for it */
    bool pressing;         /* its takers leave idle clients for it (recall.h) */
};

struct client {
    struct conn conn; /* first: a conn of ours is a client */

    /* Its home: that loop's thread. */
    struct {
        struct worker *at; /* fixed once adopted; NULL before, read by whoever has the client */
        struct watch watch;
        bool watched;    /* the watch is open */
        bool unwatching; /* it is being closed, the loop has yet to call back */
        enum home_state state;
        struct deadline deadline;   /* of whatever it waits for */
        struct client *next, *prev; /* all clients of this home */
    } home;

    /* The sending end: the thread that waits for the socket or lingers: the writer's, or the loop that
     * a session leaves its client to. */
    struct {
        struct worker *worker;   /* that thread; whose loop the watch is in */
        struct out_watch *watch; /* where it is not home: a second watch, in its own loop, from the
                                    first wait until that loop has closed it; or NULL. Read by
                                    whoever closes, who has the client then */
        bool waiting;            /* waits for the socket, or lingers */
        bool lingering;          /* the answer is sent, input is discarded */
        bool grace;              /* lingers without being watched yet */
        struct deadline deadline;
    } out;

    /* Sessions: threads that block for it (session_list.h). */
    struct {
        struct client *next GUARDED, *prev GUARDED; /* in the session list; under its lock */
        bool listed;                                /* is in that list; whoever has the client */
        bool polls;              /* the socket is non-blocking: poll before a read */
        _Atomic int as;          /* enum session_as; moved by CAS from IDLE */
        uint64_t patience_ns;    /* the socket's receive timeout, once set */
        _Atomic uint64_t due_ns; /* while IDLE: when its time is over */
        uint64_t left_due_ns;    /* left by its session while idle: when its time is over; or 0 */
    } session;

    /* Whoever has it. */
    uint64_t answered_id, answered_ns; /* the last request and its last byte, until requeued */
    struct ticket tickets[STAGE_COUNT - STAGE_POLLER]; /* used through client_ticket() */
    unsigned short seat[WIRING_GROUPS_MAX];            /* which thread of each group */
    bool record_waits; /* that request's trace record is written then */
    bool kept;         /* has a place of --keepalive-connections */
    bool entered;      /* counts for its address and its process */
    enum place place;
};

static inline struct client *client_of(struct conn *conn)
{
    return (struct client *)conn;
}

/* Its ticket for this stage. The listener has none: it makes clients and is sent none. */
static inline struct ticket *client_ticket(struct client *client, enum stage stage)
{
    return &client->tickets[stage - STAGE_POLLER];
}

/* The client that this slip belongs to, and the ticket. */
static inline struct ticket *ticket_of(struct slip *slip)
{
    return (struct ticket *)slip;
}

static inline struct client *client_of_ticket(struct ticket *ticket)
{
    char *first = (char *)(ticket - (ticket->stage - STAGE_POLLER));
    return (struct client *)(void *)(first - offsetof(struct client, tickets));
}

/* A client for a freshly accepted descriptor. `accepted_ns` from clock_ns(). */
struct client *client_new(int fd, const struct peer *peer, uint64_t accepted_ns);
void client_free(struct client *client);

#endif
