/* source.h: one trace file, what one process wrote, read block by block for a verb.
 *
 * In: the file. Out: what it says of itself, and its records, joined (join.h), to the verb. Nothing
 * in it is believed: text is checked before it is kept, numbers of threads and names are resolved
 * with the functions here. One thread.
 */
#ifndef TOOLS_TRACE_SOURCE_H
#define TOOLS_TRACE_SOURCE_H

#include "core/report/report.h"
#include "core/trace/trace_reader.h"
#include "tools/trace/join.h"
#include "tools/trace/moments.h"

enum {
    TRACE_NAMES_MAX = 65536, /* threads in a record are 16 bits */
    TRACE_NAME = 32,
    TRACE_LABEL = TRACE_NAME + 8, /* a name with its source in front */
};

struct name_list {
    unsigned count;
    char (*at)[TRACE_NAME];
};

struct trace_verb; /* run.h */

struct trace_source {
    /* set by whoever opened the file, which stays theirs */
    const char *path;
    FILE *in;

    /* known before the first record */
    unsigned number;             /* from 1, in the order of the command line */
    char prefix[8];              /* of names: "2:", or "" where this is the only source */
    uint64_t started_ns, wall_s; /* as in struct trace_head; 0 when that was damaged */
    char *config_store;          /* the CONFIG block's text */
    struct bytes config;         /* valid JSON, or empty */
    struct name_list threads, queues, close_reasons;

    /* known at the end */
    struct report report; /* all zero when the file has none */
    bool reported;
    struct moments moments;
    uint64_t records;  /* of both kinds, in whole blocks */
    uint64_t requests; /* of these, passed to the verb */
    uint64_t written;  /* as the REPORT has it */
    uint64_t lost;     /* records lost: as the REPORT has it, else as the blocks have it */
    uint64_t skipped;  /* bytes of the file that were not whole */
    unsigned gaps;
    uint64_t *lost_by_thread; /* as the blocks have it */
    char error[TRACE_ERROR_MAX];

    /* of source.c and run.c */
    const struct trace_verb *verb;
    void *state;
    uint64_t now_ns;      /* the latest stamp read: by it sources are read side by side */
    enum trace_item item; /* what has been read and not yet used */
    uint64_t blocks;
    bool opened; /* what verbs may rely on is known, and does not change any more */
    struct trace_reader reader;
    struct join join;
};

/* `number` 0: there is only this one. The path and the file stay, the rest is set again. */
void source_init(struct trace_source *source, unsigned number, bool salvage, unsigned join_window);
void source_deinit(struct trace_source *source);

/* Reads what comes before the first record. False when the file is broken, and that is not to be
 * passed over; then source->error says why. */
bool source_open(struct trace_source *source);

/* Gives the verb what the next block holds. False at the end of the file and where it is broken. */
bool source_step(struct trace_source *source);

/* At the end: passes on what waits. False, with source->error, when the file was broken or is not
 * complete, and that is not to be passed over. */
bool source_finish(struct trace_source *source);

/* A thread's name with the source in front, where there are several. */
void source_thread_label(const struct trace_source *source, unsigned thread,
                         char label[TRACE_LABEL]);

/* The name of that number, "-" when the file has none. */
const char *name_list_get(const struct name_list *names, unsigned i);

#endif
