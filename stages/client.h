/* client.h: a connection as the stages see it: with its watches, its deadlines and its slips.
 *
 * core/conn.h is what is done to a connection and knows nothing of threads; this is what moves it
 * between them. Who may touch which group of members is written beside the group.
 *
 * Home is the thread that waits for the connection's requests. It watches the descriptor for the
 * connection's whole life, and it alone closes the descriptor and frees the memory.
 */
#ifndef STAGES_CLIENT_H
#define STAGES_CLIENT_H

#include "core/conn.h"
#include "core/wheel.h"
#include "queues/mailbox.h"
#include "stages/wiring.h"

struct worker;

/* struct deadline.kind */
enum { DEADLINE_HOME, DEADLINE_OUT };

/* What waits in a mailbox: the connection, for this stage, with this verdict. A connection may wait
 * for a processor (there is room again) while the writer has it, so each stage has its own. */
struct ticket {
    struct slip slip;
    unsigned char stage;   /* enum stage */
    unsigned char verdict; /* enum verdict */
    bool quiet;            /* its taker was not to be woken for it */
};

struct client {
    struct conn conn; /* first: a conn of ours is a client */

    /* Home's thread only. */
    struct worker *home; /* fixed once adopted */
    struct watch home_watch;
    bool fresh;           /* adopted in this turn, not read yet */
    bool home_watched;    /* home_watch is open */
    bool home_unwatching; /* home_watch is being closed, the loop has yet to call back */
    bool away;            /* handed on; readiness to read is somebody else's until it is back */
    bool early;           /* something came while it was away: not watched for reading meanwhile */
    bool closed;          /* the descriptor is closed, the loop has yet to forget the watch */
    bool held_back;       /* readable, but the next queue is full: not read until there is room */
    struct deadline home_deadline;
    struct client *next, *prev; /* all clients of this home */

    /* The writer's thread only. */
    struct worker *writer;  /* whose loop out_watch is in */
    struct watch out_watch; /* when the writer is not home: a second watch, in its own loop */
    bool out_watched; /* out_watch is open; read by whoever closes, who holds the client then */
    bool out_waiting; /* waits for the socket, or lingers */
    bool lingering;   /* the answer is sent, input is discarded */
    bool grace;       /* lingers without being watched yet */
    struct deadline out_deadline;

    /* Whoever holds it. */
    struct ticket tickets[STAGE_COUNT];
    unsigned short seat[WIRING_GROUPS_MAX]; /* which thread of each group */
};

static inline struct client *client_of(struct conn *conn)
{
    return (struct client *)conn;
}

/* The client that this slip belongs to, and the ticket. */
static inline struct ticket *ticket_of(struct slip *slip)
{
    return (struct ticket *)slip;
}

static inline struct client *client_of_ticket(struct ticket *ticket)
{
    char *first = (char *)(ticket - ticket->stage);
    return (struct client *)(void *)(first - offsetof(struct client, tickets));
}

/* A client for a freshly accepted descriptor. `accepted_ns` from clock_ns(). */
struct client *client_new(int fd, const struct peer *peer, uint64_t accepted_ns);
void client_free(struct client *client);

#endif
