/* writer.h: stage 5 of 5: the writer; see writer.c. What the loop calls beside the stage's
 * entry. */
#ifndef STAGES_WRITER_H
#define STAGES_WRITER_H

#include "stages/worker.h"

/* Watches the client's descriptor in this worker's loop: with the home watch where this is its
 * home, since libuv allows one a loop. False, when the system has no room for another watch. */
bool writer_watch(struct worker *worker, struct client *client, unsigned events);
/* No longer waits for the socket, nor lingers. */
void writer_stop_waiting(struct worker *worker, struct client *client);

/* The home watch says writable, when the writer shares the home's thread. */
void writer_writable(struct worker *worker, struct client *client);

/* The home watch says readable while the client is away. True: this thread's writer lingers with it
 * and has dealt with it. */
bool writer_readable(struct worker *worker, struct client *client);

/* A client's writing deadline has passed. */
void writer_expired(struct worker *worker, struct client *client);

#endif
