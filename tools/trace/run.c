/* run.c: reading all sources for a verb, side by side. See run.h. */
#include "tools/trace/run.h"

#include "core/base/cell.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "tools/trace/merge.h"
#include "tools/trace/progress.h"

#include <inttypes.h>
#include <sys/stat.h>

enum { WINDOW_LEAST = 1 << 14 };

const struct trace_verb *const trace_verbs[] = {
#define VERB(name) &trace_verb_##name,
#include "tools/trace/verbs.def"
#undef VERB
    NULL,
};

static void init_sources(struct trace_run *run);
static bool open_sources(struct trace_run *run);
static bool is_enough(const struct trace_run *run, unsigned good);
static void note_start(struct trace_run *run, const struct trace_source *source);
static int read_for(struct trace_run *run, const struct trace_verb *verb, const char *argument);
static void read_sources(struct trace_run *run);
static uint64_t size_of(const struct trace_run *run);
static void show_progress(const struct trace_run *run, struct progress *progress);
static struct trace_source *furthest_behind(const struct trace_run *run);
static bool finish_sources(struct trace_run *run);
static void add_up(struct trace_run *run, struct trace_source *source);
static void add_judged(struct trace_run *run, struct trace_source *source);
static void tell_made(const struct trace_run *run, const char *where);
static void trace_run_complain(const struct trace_run *run);

int trace_run_show(struct trace_run *run, const struct trace_verb *verb, const char *argument)
{
    init_sources(run);
    int status = open_sources(run) ? read_for(run, verb, argument) : EXIT_WORLD;
    trace_run_complain(run);
    for (unsigned i = 0; i < run->source_count; i++) {
        source_deinit(&run->sources[i]);
    }
    report_deinit(&run->report);
    report_deinit(&run->judged);
    return status;
}

void trace_run_report_lost(const struct trace_run *run, const char *what_of_them)
{
    (void)fflush(run->out); /* so that the two streams keep their order on a terminal */
    for (unsigned i = 0; i < run->source_count; i++) {
        const struct trace_source *source = &run->sources[i];
        if (source->lost > 0) {
            fprintf(run->err, "quartet-trace: %s: LOST %" PRIu64 " records: %s\n", source->path,
                    source->lost, what_of_them);
        }
    }
}

/* Requests of one process are spread over fewer numbers, the more processes there are. */
static void init_sources(struct trace_run *run)
{
    unsigned window = run->join_window / run->source_count;
    unsigned least = run->join_window < WINDOW_LEAST ? run->join_window : WINDOW_LEAST;
    window = window < least ? least : window;
    for (unsigned i = 0; i < run->source_count; i++) {
        source_init(&run->sources[i], run->source_count > 1 ? i + 1 : 0, run->salvage, window);
    }
}

static bool open_sources(struct trace_run *run)
{
    unsigned good = 0;
    for (unsigned i = 0; i < run->source_count; i++) {
        good += source_open(&run->sources[i]);
        note_start(run, &run->sources[i]);
    }
    return is_enough(run, good);
}

/* So many sources are good: all must be, or, where what is whole is wanted, one. */
static bool is_enough(const struct trace_run *run, unsigned good)
{
    return run->salvage ? good > 0 : good == run->source_count;
}

static void note_start(struct trace_run *run, const struct trace_source *source)
{
    uint64_t started_ns = source->started_ns;
    if (started_ns != 0 && (run->started_ns == 0 || started_ns < run->started_ns)) {
        run->started_ns = started_ns;
        run->wall_s = source->wall_s;
    }
    if (run->config.len == 0) {
        run->config = source->config;
    }
}

static int read_for(struct trace_run *run, const struct trace_verb *verb, const char *argument)
{
    void *state = verb->begin(run, argument);
    if (state == NULL) {
        return EXIT_WORLD;
    }
    for (unsigned i = 0; i < run->source_count; i++) {
        run->sources[i].verb = verb;
        run->sources[i].state = state;
    }
    read_sources(run);
    if (finish_sources(run)) {
        int status = verb->end(state, run);
        tell_made(run, argument);
        return status;
    }
    verb->cancel(state);
    return EXIT_WORLD;
}

/* The source that is furthest behind goes on, so that requests come about in the order of time. One
 * that breaks ends the reading. */
static void read_sources(struct trace_run *run)
{
    struct progress progress;
    struct trace_source *source;
    progress_init(&progress, run->progress, size_of(run), clock_ns());
    while ((source = furthest_behind(run)) != NULL) {
        (void)source_step(source); /* its item says how it went */
        show_progress(run, &progress);
        if (source->item == TRACE_ITEM_BROKEN && !run->salvage) {
            break;
        }
    }
    progress_end(&progress);
}

/* In bytes; 0 when one of the sources is a pipe or the like. */
static uint64_t size_of(const struct trace_run *run)
{
    uint64_t size = 0;
    for (unsigned i = 0; i < run->source_count; i++) {
        struct stat file;
        int fd = fileno(run->sources[i].in);
        if (fd < 0 || fstat(fd, &file) != 0 || !S_ISREG(file.st_mode)) {
            return 0;
        }
        size += (uint64_t)file.st_size;
    }
    return size;
}

static void show_progress(const struct trace_run *run, struct progress *progress)
{
    uint64_t bytes = 0, records = 0;
    for (unsigned i = 0; i < run->source_count; i++) {
        bytes += run->sources[i].reader.offset;
        records += run->sources[i].records;
    }
    progress_at(progress, bytes, records, clock_ns());
}

static struct trace_source *furthest_behind(const struct trace_run *run)
{
    struct trace_source *found = NULL;
    for (unsigned i = 0; i < run->source_count; i++) {
        struct trace_source *source = &run->sources[i];
        if (source->item == TRACE_ITEM_BLOCK && (found == NULL || source->now_ns < found->now_ns)) {
            found = source;
        }
    }
    return found;
}

static bool finish_sources(struct trace_run *run)
{
    unsigned good = 0;
    run->reported = true;
    for (unsigned i = 0; i < run->source_count; i++) {
        good += source_finish(&run->sources[i]);
        add_up(run, &run->sources[i]);
    }
    if (!run->reported) {
        /* The counts of some processes would pass for those of all: the records say more. */
        tally_deinit(&run->report.tally);
        run->report.tally = (struct tally){.measures = true};
    }
    return is_enough(run, good);
}

static void add_up(struct trace_run *run, struct trace_source *source)
{
    run->reported = run->reported && source->reported;
    run->records += source->records;
    run->requests += source->requests;
    run->written += source->written;
    run->lost += source->lost;
    run->skipped += source->skipped;
    run->gaps += source->gaps;
    run->doubled += source->join.doubled;
    run->unjoined += source->join.unjoined;
    run->unfollowed += source->join.unfollowed;
    report_merge(&run->report, &source->report, source->prefix);
    add_judged(run, source);
}

static void add_judged(struct trace_run *run, struct trace_source *source)
{
    struct report part;
    uint64_t from_ns = 0;
    if (moments_window(&source->moments, &part, &from_ns)) {
        run->judged_from_ns = run->judged.wall_ns == 0 ? from_ns : run->judged_from_ns;
        report_merge(&run->judged, &part, source->prefix);
    }
    report_deinit(&part);
}

/* What was asked for is in a file, and nothing else would show that it is there. */
static void tell_made(const struct trace_run *run, const char *where)
{
    if (run->made_bytes > 0) {
        fprintf(run->err, "quartet-trace: wrote %s, %s, %" PRIu64 " requests\n", where,
                cell_size(run->made_bytes).text, run->requests);
    }
}

static void trace_run_complain(const struct trace_run *run)
{
    (void)fflush(run->out);
    for (unsigned i = 0; i < run->source_count; i++) {
        const struct trace_source *source = &run->sources[i];
        if (source->error[0] == '\0') {
            continue;
        }
        fprintf(run->err, "quartet-trace: %s: %s", source->path, source->error);
        if (run->salvage) {
            fprintf(run->err, "; read what is whole, passed over %" PRIu64 " bytes in %u places",
                    source->skipped, source->gaps);
        } else if (source->records > 0) {
            fputs("; --salvage reads what is whole", run->err);
        }
        fputc('\n', run->err);
    }
}
