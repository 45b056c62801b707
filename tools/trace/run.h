/* run.h: one traced run as the verbs of quartet-trace see it, and the one pass that feeds them.
 *
 * A run is one file, or several of processes that ran side by side on one machine: their stamps are
 * of the same clock; request and connection numbers are unique within a process only. A verb is one
 * way to show a run: one file with one struct trace_verb, and one line in verbs.def. The files are
 * read once, from front to back, in bounded memory; what a verb keeps must be bounded, too.
 */
#ifndef TOOLS_TRACE_RUN_H
#define TOOLS_TRACE_RUN_H

#include "tools/trace/ledger.h"
#include "tools/trace/source.h"

enum { TRACE_SOURCES_MAX = 64 }; /* as many as --processes allows */

struct trace_run {
    /* before reading */
    bool salvage;
    unsigned join_window; /* requests that can wait for their requeue; JOIN_WINDOW, less in tests */
    FILE *out, *err;      /* what was asked for; complaints, one line each */
    FILE *progress;       /* where to say how far reading is; NULL: nowhere */
    unsigned source_count;
    struct trace_source *sources; /* path and file are set */
    struct ledger *ledger;        /* of the client's log; NULL: there is none */

    /* known before the first record */
    uint64_t started_ns, wall_s; /* of the source that began first */
    struct bytes config;         /* of the first one that has it; valid JSON, or empty */

    /* known at the end: all sources together */
    struct report report;    /* all zero when no file has one */
    bool reported;           /* every file has one */
    struct report judged;    /* of the part that is judged (moments.h); all zero: there is none */
    uint64_t judged_from_ns; /* where that begins, after the start of the server */
    uint64_t records, requests, written, lost, skipped; /* as in struct trace_source */
    unsigned gaps;
    uint64_t doubled, unjoined, unfollowed; /* as in struct join */

    /* set by a verb that makes files, at its end: how large they are together; 0: none is there */
    uint64_t made_bytes;
};

struct trace_verb {
    const char *option;   /* "--csv" */
    const char *argument; /* its metavariable, or NULL */
    const char *help;
    bool streams; /* writes to run->out while it reads, and not only at the end */
    bool ledger;  /* can show run->ledger */
    /* What is wrong with that argument, or NULL. */
    const char *(*wrong)(const char *argument);
    /* Of a verb that reads no files: shows what it finds at `argument`, `count` times (0: until it
     * gets a signal), and returns the exit status. The others below are NULL then. */
    int (*alone)(const char *argument, unsigned count);
    /* Called in this order; `state` is what begin returned and the verb's own. NULL: it cannot
     * begin, and has said so. */
    void *(*begin)(struct trace_run *run, const char *argument);
    /* A request, joined with what became known of it later; NULL when it wants none. */
    void (*request)(void *state, const struct trace_source *source,
                    const struct trace_record *request);
    /* A sample of a source's queues and threads, in the order of its file; NULL when it wants
     * none. */
    void (*sample)(void *state, const struct trace_source *source,
                   const struct trace_sample *sample, const struct trace_sample_queue *queues,
                   const uint64_t *busy_ns);
    /* All has been read: print. Returns the exit status. Frees `state`. */
    int (*end)(void *state, struct trace_run *run);
    /* Reading failed: frees `state`. */
    void (*cancel)(void *state);
};

#define VERB(name) extern const struct trace_verb trace_verb_##name;
#include "tools/trace/verbs.def"
#undef VERB

/* All of them, the default first; ends with NULL. */
extern const struct trace_verb *const trace_verbs[];

/* Reads the sources and shows them. Returns the exit status. */
int trace_run_show(struct trace_run *run, const struct trace_verb *verb, const char *argument);

/* For verbs whose output has no place for it: says on run->err which sources lost records. */
void trace_run_report_lost(const struct trace_run *run, const char *what_of_them);

#endif
