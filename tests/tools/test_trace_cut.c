/* A trace that was cut at any byte: one line reports it and names the byte, and what is whole is read
 * with --salvage. */
#include "core/base/check.h"
#include "tests/core/trace_files.h"
#include "tools/trace/run.h"

struct shown {
    int status;
    uint64_t requests, skipped; /* given to the verb, passed over */
    char *out, *err;
};

static uint64_t requests_seen;

static void *count_begin(struct trace_run *run, const char *argument)
{
    (void)argument;
    requests_seen = 0;
    return run;
}

static void count_request(void *state, const struct trace_source *source,
                          const struct trace_record *request)
{
    (void)state;
    (void)source;
    expect_int(request->kind, TRACE_REQUEST);
    requests_seen++;
}

static int count_end(void *state, struct trace_run *run)
{
    (void)state;
    fprintf(run->out, "%llu requests\n", (unsigned long long)requests_seen);
    return EXIT_SUCCESS;
}

static void count_cancel(void *state)
{
    (void)state;
}

static const struct trace_verb counting = {.option = "--count",
                                           .begin = count_begin,
                                           .request = count_request,
                                           .end = count_end,
                                           .cancel = count_cancel};

static struct shown show_cut(struct whole_file file, size_t len, bool salvage)
{
    struct shown shown;
    size_t out_len, err_len;
    struct trace_source source = {.path = "FILE"};
    struct trace_run run = {
        .salvage = salvage, .join_window = 1024, .source_count = 1, .sources = &source};
    source.in = len > 0 ? fmemopen(file.at, len, "r") : fopen("/dev/null", "r");
    run.out = open_memstream(&shown.out, &out_len);
    run.err = open_memstream(&shown.err, &err_len);
    expect(source.in != NULL && run.out != NULL && run.err != NULL);
    requests_seen = 0;
    shown.status = trace_run_show(&run, &counting, NULL);
    shown.requests = requests_seen;
    shown.skipped = run.skipped;
    expect(fclose(run.out) == 0 && fclose(run.err) == 0 && fclose(source.in) == 0);
    return shown;
}

static void shown_free(struct shown *shown)
{
    free(shown->out);
    free(shown->err);
}

/* What is whole before a cut. */
struct whole {
    unsigned blocks;
    uint64_t requests;
    size_t end; /* of the last whole block */
};

static struct whole whole_before(struct whole_file file, size_t cut)
{
    struct whole whole = {.end = sizeof(struct trace_head)};
    struct trace_block block;
    while (whole.end + sizeof block <= cut) {
        memcpy(&block, file.at + whole.end, sizeof block);
        size_t end = whole.end + sizeof block + block.length;
        if (end > cut) {
            break;
        }
        const char *record = file.at + whole.end + sizeof block;
        for (; block.kind == TRACE_BLOCK_RECORDS && record < file.at + end;
             record += sizeof(struct trace_record)) {
            whole.requests += record[offsetof(struct trace_record, kind)] == TRACE_REQUEST;
        }
        whole.blocks++;
        whole.end = end;
    }
    return whole;
}

static void expect_one_line(const char *text, size_t cut, const char *start)
{
    const char *end = strchr(text, '\n');
    expect_msg(end != NULL && end[1] == '\0', "cut at %zu: no line of its own: %s", cut, text);
    expect_msg(strncmp(text, start, strlen(start)) == 0, "cut at %zu: %s", cut, text);
}

static void expect_told(struct whole_file file, size_t cut)
{
    char start[80]; /* the longest number included */
    struct shown shown = show_cut(file, cut, false);
    size_t named = cut < 8 ? 0 : cut; /* without its first word it is not a trace */
    (void)snprintf(start, sizeof start, "quartet-trace: FILE: byte %zu: %s", named,
                   cut < 8 ? "not a trace file" : "cut short");
    expect_msg(shown.status == EXIT_WORLD, "cut at %zu", cut);
    expect_text(shown.out, "");
    expect_one_line(shown.err, cut, start);
    shown_free(&shown);
}

static void expect_salvaged(struct whole_file file, size_t cut)
{
    struct whole whole = whole_before(file, cut);
    struct shown shown = show_cut(file, cut, true);
    expect_msg(shown.status == (whole.blocks > 0 ? EXIT_SUCCESS : EXIT_WORLD), "cut at %zu", cut);
    expect_msg(shown.requests == whole.requests, "cut at %zu: %llu requests", cut,
               (unsigned long long)shown.requests);
    if (whole.blocks > 0) {
        expect_msg(shown.skipped == cut - whole.end, "cut at %zu: passed over %llu", cut,
                   (unsigned long long)shown.skipped);
    }
    expect_one_line(shown.err, cut, "quartet-trace: FILE: byte ");
    shown_free(&shown);
}

static struct whole_file make_file(uint64_t requests)
{
    char path[TRACE_PATH];
    trace_path(path);
    trace_make(path, requests);
    struct whole_file file = file_read(path);
    expect_int(unlink(path), 0);
    return file;
}

/* Where the first block of records ends. */
static size_t end_of_records(struct whole_file file)
{
    size_t end = sizeof(struct trace_head);
    while (whole_before(file, end).requests == 0) {
        end++;
        expect(end < file.len);
    }
    return end;
}

TEST(trace_cut, is_told_at_every_byte_of_its_first_records)
{
    struct whole_file file = make_file(20);
    size_t end = end_of_records(file);
    for (size_t cut = 0; cut <= end; cut++) {
        expect_told(file, cut);
    }
    free(file.at);
}

TEST(trace_cut, can_be_salvaged_at_every_byte_of_its_first_records)
{
    struct whole_file file = make_file(20);
    size_t end = end_of_records(file);
    for (size_t cut = 0; cut <= end; cut++) {
        expect_salvaged(file, cut);
    }
    free(file.at);
}

TEST(trace_cut, is_told_and_salvaged_at_random_bytes_of_a_longer_one)
{
    struct whole_file file = make_file(3000);
    uint64_t seed = 1;
    for (unsigned i = 0; i < 300; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        size_t cut = (seed >> 20) % file.len;
        expect_told(file, cut);
        expect_salvaged(file, cut);
    }
    struct shown whole = show_cut(file, file.len, false);
    expect_int(whole.status, 0);
    expect_text(whole.out, "3000 requests\n");
    shown_free(&whole);
    free(file.at);
}
