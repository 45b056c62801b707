/* reader.h: stage 3 of 5: the reader; see reader.c. What others call beside the stage's entry. */
#ifndef STAGES_READER_H
#define STAGES_READER_H

#include "stages/worker.h"

/* The home watch says readable. */
void reader_readable(struct worker *worker, struct client *client);

/* Once a turn, at its end: reads the clients that were adopted in it. */
void reader_first_reads(struct worker *worker);

/* One whole request is there: the input filter of its handler, if it has one, runs here and belongs
 * to `read`. A loop's reader and a session's. */
void reader_request_whole(struct worker *worker, struct client *client);

#endif
