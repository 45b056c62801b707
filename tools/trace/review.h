/* review.h: all that the verbs for people and programs report on a whole run: its figures, whether
 * they agree with each other, and what limited the server.
 *
 * Use: as the state of a verb: review_new in begin, review_request, review_sample, then review_end
 * once, after which everything below is there; review_free. */
#ifndef TOOLS_TRACE_REVIEW_H
#define TOOLS_TRACE_REVIEW_H

#include "core/report/bottleneck.h"
#include "tools/trace/checks.h"

struct review {
    struct summary summary;
    struct flow flow;
    struct ledger *ledger;     /* the run's, or NULL */
    struct checks checks;      /* after review_end */
    struct bottleneck verdict; /* after review_end */
    uint64_t judged_ns;        /* how much time the verdict is of, */
    uint64_t judged_from_ns;   /* and where that begins, behind the server's start */
};

struct review *review_new(const struct trace_run *run);
void review_free(struct review *review);

/* Callbacks of a verb; `state` is the review. */
void review_request(void *state, const struct trace_source *source,
                    const struct trace_record *request);
void review_sample(void *state, const struct trace_source *source,
                   const struct trace_sample *sample, const struct trace_sample_queue *queues,
                   const uint64_t *busy_ns);

/* The run has been read: checks, judges, and puts the intervals made from the records into the
 * run's report. Returns the exit status that the checks and the ledger
 * ask for. */
int review_end(struct review *review, struct trace_run *run);

#endif
