/* run.c: reading a trace file for a verb. See run.h. */
#include "tools/trace/run.h"

#include "core/check.h"
#include "core/json_view.h"
#include "tools/trace/join.h"

#include <inttypes.h>
#include <stdlib.h>

const struct trace_verb *const trace_verbs[] = {
#define VERB(name) &trace_verb_##name,
#include "tools/trace/verbs.def"
#undef VERB
    NULL,
};

static bool read_blocks(struct trace_run *run, struct trace_reader *reader, struct join *join);
static void take_config(struct trace_run *run, const struct trace_reader *reader);
static void take_names(struct trace_run *run, const struct trace_reader *reader);
static void take_list(struct name_list *names, struct bytes text, const char *key);
static void take_records(struct trace_run *run, const struct trace_reader *reader,
                         struct join *join);
static void note_lost(struct trace_run *run, uint32_t thread, uint64_t lost);
static void take_report(struct trace_run *run, const struct trace_reader *reader);
static bool whole(struct trace_run *run, const struct trace_reader *reader);
static void complain(const struct trace_run *run);
static void run_deinit(struct trace_run *run);

int trace_run_show(struct trace_run *run, FILE *in, const struct trace_verb *verb,
                   const char *argument)
{
    struct trace_reader reader;
    struct join join;
    void *state = verb->begin(run, argument);
    trace_reader_init(&reader, in, run->salvage);
    join_init(&join, run->join_window, verb->request, state);

    int status = EXIT_WORLD;
    bool good = read_blocks(run, &reader, &join) && whole(run, &reader);
    if (good) {
        join_finish(&join);
        status = verb->end(state, run);
    } else {
        verb->cancel(state);
    }
    if (run->error[0] != '\0') {
        complain(run);
    }
    join_deinit(&join);
    trace_reader_deinit(&reader);
    run_deinit(run);
    return status;
}

const char *name_list_get(const struct name_list *names, unsigned i)
{
    return i < names->count ? names->at[i] : "-";
}

/* False when the file is broken and that was not to be passed over. */
static bool read_blocks(struct trace_run *run, struct trace_reader *reader, struct join *join)
{
    enum trace_item item;
    uint64_t blocks = 0;
    while ((item = trace_reader_next(reader)) == TRACE_ITEM_BLOCK) {
        blocks++;
        switch (reader->block.kind) {
        case TRACE_BLOCK_CONFIG:
            take_config(run, reader);
            break;
        case TRACE_BLOCK_NAMES:
            take_names(run, reader);
            break;
        case TRACE_BLOCK_RECORDS:
            take_records(run, reader, join);
            break;
        default:
            take_report(run, reader);
        }
    }
    memcpy(run->error, reader->error, sizeof run->error);
    run->skipped = reader->skipped;
    run->gaps = reader->gaps;
    return item == TRACE_ITEM_END && blocks > 0;
}

/* The first one counts; a second can only be an accident of damage. */
static void take_config(struct trace_run *run, const struct trace_reader *reader)
{
    struct bytes text = reader->payload;
    if (run->config_store != NULL || !json_view_valid(text)) {
        return;
    }
    run->config_store = must_alloc(text.len + 1);
    memcpy(run->config_store, text.at, text.len);
    run->config = (struct bytes){run->config_store, text.len};
}

static void take_names(struct trace_run *run, const struct trace_reader *reader)
{
    if (run->threads.at != NULL || !json_view_valid(reader->payload)) {
        return;
    }
    take_list(&run->threads, reader->payload, "threads");
    take_list(&run->close_reasons, reader->payload, "close_reasons");
    run->lost_by_thread = must_calloc(run->threads.count + 1, sizeof *run->lost_by_thread);
}

static void take_list(struct name_list *names, struct bytes text, const char *key)
{
    struct bytes list, none, value;
    unsigned count = 0;
    (void)json_view_member(text, key, &list); /* empty when missing */
    for (struct bytes rest = list;
         count < TRACE_NAMES_MAX && json_view_next(&rest, &none, &value);) {
        count++;
    }
    names->at = must_calloc(count + 1, sizeof *names->at);
    for (; names->count < count && json_view_next(&list, &none, &value); names->count++) {
        (void)json_view_text(value, names->at[names->count], TRACE_NAME);
    }
}

static void take_records(struct trace_run *run, const struct trace_reader *reader,
                         struct join *join)
{
    size_t count = trace_reader_count(reader);
    run->records += count;
    for (size_t i = 0; i < count; i++) {
        struct trace_record record = trace_reader_record(reader, i);
        join_put(join, &record);
    }
    note_lost(run, reader->block.thread, reader->block.lost);
}

/* Each block tells what its thread has lost so far; a later one replaces it. A file that ends with
 * its report has the sum there, one that was cut has only these. */
static void note_lost(struct trace_run *run, uint32_t thread, uint64_t lost)
{
    if (thread < run->threads.count && lost > run->lost_by_thread[thread]) {
        run->lost += lost - run->lost_by_thread[thread];
        run->lost_by_thread[thread] = lost;
    }
}

static void take_report(struct trace_run *run, const struct trace_reader *reader)
{
    struct bytes number, report;
    if (run->reported || !json_view_valid(reader->payload)) {
        return;
    }
    run->written =
        json_view_member(reader->payload, "written", &number) ? json_view_number(number) : 0;
    run->lost = json_view_member(reader->payload, "lost", &number) ? json_view_number(number) : 0;
    if (json_view_member(reader->payload, "report", &report)) {
        report_deinit(&run->report); /* of an earlier block that held none */
        run->reported = report_from_json(&run->report, report);
    }
}

/* A file whose blocks are whole can still lack some of them. */
static bool whole(struct trace_run *run, const struct trace_reader *reader)
{
    if (run->salvage || (run->reported && run->written == run->records)) {
        return true;
    }
    (void)snprintf(run->error, sizeof run->error,
                   "byte %" PRIu64 ": %" PRIu64
                   " records before the report, which tells of %" PRIu64,
                   reader->offset, run->records, run->written);
    return false;
}

static void complain(const struct trace_run *run)
{
    (void)fflush(run->out); /* so that the two streams keep their order on a terminal */
    if (!run->salvage) {
        fprintf(run->err, "quartet-trace: %s: %s\n", run->path, run->error);
        return;
    }
    fprintf(run->err,
            "quartet-trace: %s: %s; read what is whole, passed over %" PRIu64
            " bytes in %u places\n",
            run->path, run->error, run->skipped, run->gaps);
}

static void run_deinit(struct trace_run *run)
{
    free(run->config_store);
    free(run->threads.at);
    free(run->lost_by_thread);
    free(run->close_reasons.at);
    report_deinit(&run->report);
}
