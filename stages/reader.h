/* reader.h: stage 3 of 5: the reader; see reader.c. What the worker calls beside the stage's entry.
 */
#ifndef STAGES_READER_H
#define STAGES_READER_H

#include "stages/worker.h"

/* Sees to it that the client's home watches its descriptor. False, when the system has no room for
 * another watch. */
bool reader_watch(struct worker *worker, struct client *client);

/* A client's home deadline has passed. */
void reader_expired(struct worker *worker, struct client *client);

/* Once a turn, at its end: reads the clients that were adopted in it. */
void reader_first_reads(struct worker *worker);

/* Once a turn: the server's phase has changed. */
void reader_phase(struct worker *worker);

/* Once a turn, when a refused queue has room again: reads the clients that were held back. */
void reader_room(struct worker *worker);

/* Closes up to `most` of the oldest idle clients to free descriptors. */
void reader_shed(struct worker *worker, unsigned most);

#endif
