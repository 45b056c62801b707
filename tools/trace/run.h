/* run.h: one traced run as the verbs of quartet-trace see it, and the one pass that feeds them.
 *
 * A verb is one way to show a run: one file with one struct trace_verb, and one line in verbs.def.
 * The file is read once, from front to back, in bounded memory; what a verb keeps must be bounded,
 * too.
 */
#ifndef TOOLS_TRACE_RUN_H
#define TOOLS_TRACE_RUN_H

#include "core/report.h"
#include "core/trace_reader.h"

#include <stdio.h>

enum {
    TRACE_NAMES_MAX = 65536, /* threads in a record are 16 bits */
    TRACE_NAME = 32,
};

struct name_list {
    unsigned count;
    char (*at)[TRACE_NAME];
};

struct trace_run {
    /* before reading */
    const char *path;
    bool salvage;
    unsigned join_window; /* requests that can wait for their requeue; JOIN_WINDOW, less in tests */
    FILE *out, *err;      /* what was asked for; complaints, one line */

    /* known once the CONFIG and NAMES blocks have come, before the first record */
    char *config_store;  /* the block's text */
    struct bytes config; /* valid JSON, or empty */
    struct name_list threads, close_reasons;

    /* known at the end */
    struct report report; /* all zero when the file has none */
    bool reported;
    uint64_t records; /* of both kinds, in whole blocks */
    uint64_t written; /* as the REPORT has it */
    uint64_t lost;    /* records lost: as the REPORT has it, else as the blocks have it */
    uint64_t skipped; /* bytes of the file that were not whole */
    unsigned gaps;
    uint64_t *lost_by_thread; /* as the blocks have it */
    char error[TRACE_ERROR_MAX];
};

struct trace_verb {
    const char *option;   /* "--csv" */
    const char *argument; /* its metavariable, or NULL */
    const char *help;
    /* Called in this order; `state` is what begin returned and the verb's own. */
    void *(*begin)(struct trace_run *run, const char *argument);
    /* A request, joined with what became known of it later; NULL when it wants none. */
    void (*request)(void *state, const struct trace_record *request);
    /* The whole file has been read: print. Returns the exit status. Frees `state`. */
    int (*end)(void *state, struct trace_run *run);
    /* Reading failed: frees `state`. */
    void (*cancel)(void *state);
};

#define VERB(name) extern const struct trace_verb trace_verb_##name;
#include "tools/trace/verbs.def"
#undef VERB

/* All of them, the default first; ends with NULL. */
extern const struct trace_verb *const trace_verbs[];

/* Reads `in` and shows it. Returns the exit status. */
int trace_run_show(struct trace_run *run, FILE *in, const struct trace_verb *verb,
                   const char *argument);

/* The name of that number, "-" when the file has none. */
const char *name_list_get(const struct name_list *names, unsigned i);

#endif
