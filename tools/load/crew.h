/* crew.h: the threads of the load, each with a drive of its own: loop, connections, arrivals and
 * results. They share nothing while they run but the starting line.
 *
 * Several threads, and the allowed CPUs are dealt out to them: each stays on its own. A thread that
 * is alone runs where the kernel puts it. The caller's thread drives nothing: it watches. Functions
 * are the caller's thread's.
 */
#ifndef TOOLS_LOAD_CREW_H
#define TOOLS_LOAD_CREW_H

#include "tools/load/bystanders.h"
#include "tools/load/drive.h"
#include "tools/load/progress.h"

#include <pthread.h>

struct crew_member {
    struct crew *crew;
    struct drive drive;
    struct results results;
    struct bystanders *bystanders;
    pthread_t thread;
};

struct crew {
    const struct plan *plan;
    struct starting_line line;
    _Atomic unsigned running;
    int over_fd; /* an eventfd: readable when no thread drives any more */
    unsigned count;
    struct crew_member *members; /* malloc'd, zeroes where nothing was recorded */
};

/* `log` is the file of --log, or NULL. Starts no thread. */
struct crew *crew_new(const struct plan *plan, FILE *log);
void crew_free(struct crew *crew);

void crew_start(struct crew *crew);
/* Ends the run, within 20 ms. */
void crew_interrupt(struct crew *crew);
/* Until all have ended. False: no connection could be made. */
bool crew_join(struct crew *crew);
/* Behind crew_join: why one could not be made; 0, or why the log could not be written. */
const char *crew_refused(const struct crew *crew);
int crew_log_error(const struct crew *crew);

/* While they run: latencies from due, added to `out`, and how far they are. */
void crew_latencies(const struct crew *crew, struct fine *out);
struct progress_counts crew_progress(const struct crew *crew);
/* When the window begins; 0: not known yet, or never. */
uint64_t crew_window_ns(const struct crew *crew);

/* Behind crew_join: everything, as one. `results` are zeroes. */
void crew_merge(const struct crew *crew, struct results *results);
struct bystander_counts crew_crowd(const struct crew *crew, enum bystander_kind kind);

#endif
