/* session_list.h: connections that a session's thread blocks for, so that others can end the wait.
 *
 * Why: a thread that blocks in recv or poll for its client does not read its queue. A thread that
 * must end the wait shuts the socket down: the reading side when the server drains or needs the
 * place, both sides when the server cuts. The session wakes, reads the end, and closes. Only the
 * thread that has a connection closes it.
 *
 * A connection enters the list when a session first blocks for it, and leaves it when it is closed.
 * It stays there while other threads have it, at no cost. The lock keeps the descriptor's number
 * valid while it is shut down. `session.as` says whether the wait may be ended:
 *
 *     BUSY --begin_wait--> IDLE, WAITING --end_wait--> BUSY     by the session
 *                          IDLE --doom_client--> DOOMED         by others, once
 *
 * Thread-safety: all of it, any thread.
 */
#ifndef STAGES_ENGINE_SESSION_LIST_H
#define STAGES_ENGINE_SESSION_LIST_H

#include "stages/engine/client.h"

enum session_as {
    SESSION_BUSY,    /* no thread blocks for it */
    SESSION_IDLE,    /* blocked for between two requests */
    SESSION_WAITING, /* blocked for inside a request */
    SESSION_DOOMED,  /* its idle wait has been ended */
};

struct session_list {
    struct {
        struct lock lock;
        struct client first GUARDED; /* list head */
    } shared;
};

void session_list_init(struct session_list *list);
void session_list_deinit(struct session_list *list);

/* By the thread that has the client; adding what is in the list, and removing what is not, does
 * nothing. */
void session_list_add(struct session_list *list, struct client *client) EXCLUDES(list->shared.lock);
void session_list_remove(struct session_list *list, struct client *client)
    EXCLUDES(list->shared.lock);

/* Ends the idle wait of one connection: the oldest of those whose time is over, else the oldest.
 * False: none is idle. */
bool session_list_end_one(struct session_list *list, uint64_t now_ns) EXCLUDES(list->shared.lock);
/* Ends all idle waits: the server drains. */
void session_list_end_idle(struct session_list *list) EXCLUDES(list->shared.lock);
/* Ends every wait, also inside a request, for reading and for writing: the server cuts. A busy
 * session is left alone: it checks the phase before it waits, and may have an answer for the
 * client. */
void session_list_end_all(struct session_list *list) EXCLUDES(list->shared.lock);

#endif
