/* What quartet-trace shows of whole, lossy, cut, damaged and wrong traces; and its command line. */
#include "tools/trace/join.h"
#include "tools/trace/progress.h"
#include "tools/trace/run.h"
#include "tools/trace/summary.h"
#include "tools/trace/text_out.h"

#include "core/base/cell.h"
#include "core/http/request.h"
#include "tests/core/trace_files.h"
#include "tests/golden/golden.h"
#include "core/report/report_read.h"

#include <sys/stat.h>
#include <sys/wait.h>

struct shown {
    int status;
    char *out, *err;
};

/* Shows `count` files, FILE1 and so on; a single one is FILE. */
static struct shown show_with(const struct trace_verb *verb, const char *argument, unsigned count,
                              const char *const *paths, bool salvage)
{
    static const char *const names[] = {"FILE1", "FILE2", "FILE3"};
    struct shown shown;
    size_t out_len, err_len;
    struct trace_source sources[3] = {0};
    struct trace_run run = {
        .salvage = salvage, .join_window = JOIN_WINDOW, .source_count = count, .sources = sources};
    for (unsigned i = 0; i < count; i++) {
        sources[i].path = count > 1 ? names[i] : "FILE";
        sources[i].in = fopen(paths[i], "r");
        expect(sources[i].in != NULL);
    }
    run.out = open_memstream(&shown.out, &out_len);
    run.err = open_memstream(&shown.err, &err_len);
    expect(run.out != NULL && run.err != NULL);
    shown.status = trace_run_show(&run, verb, argument);
    expect_int(fclose(run.out), 0);
    expect_int(fclose(run.err), 0);
    for (unsigned i = 0; i < count; i++) {
        expect_int(fclose(sources[i].in), 0);
    }
    return shown;
}

static struct shown show_all(const struct trace_verb *verb, unsigned count,
                             const char *const *paths, bool salvage)
{
    return show_with(verb, NULL, count, paths, salvage);
}

static struct shown show(const struct trace_verb *verb, const char *path, bool salvage)
{
    return show_all(verb, 1, &path, salvage);
}

static void shown_free(struct shown *shown)
{
    free(shown->out);
    free(shown->err);
}

static bool one_line(const char *text)
{
    const char *end = strchr(text, '\n');
    return end != NULL && end[1] == '\0';
}

/* The machine's own lines, which are as many as it takes, become one. */
static void mask_environment(char *text)
{
    char *from = strstr(text, "environment "), *to = strstr(text, "\nrequests ");
    expect(from != NULL && to != NULL && strstr(from, "kernel=") < to &&
           strstr(from, "build ") < to);
    memmove(from + strlen("environment "), to, strlen(to) + 1);
}

TEST(quartet_trace, the_table_looks_like_its_picture)
{
    char path[TRACE_PATH];
    trace_path(path);
    trace_make(path, 1000);
    struct shown shown = show(&trace_verb_table, path, false);
    mask_environment(shown.out);
    golden_expect("trace_table.txt", shown.out);
    expect_text(shown.err, "");
    expect_int(shown.status, 0);
    shown_free(&shown);
    expect_int(unlink(path), 0);
}

TEST(quartet_trace, the_json_holds_run_summary_and_report)
{
    char path[TRACE_PATH];
    struct report report;
    trace_path(path);
    trace_make(path, 1000);
    struct shown shown = show(&trace_verb_json, path, false);
    json_t *root = json_read(bytes_of(shown.out), NULL);
    expect(json_object_get(json_object_get(root, "run"), "config") != NULL);
    expect_int(json_read_count(json_object_get(root, "summary"), "requests"), 1000);
    expect(report_read(&report, json_object_get(root, "report")));
    json_decref(root);
    expect_int(report.tally.intervals[INTERVAL_TOTAL].count, 1000);
    expect_int(report.tally.intervals[INTERVAL_REQUEUE_WAIT].sum, 990 * 4000);
    report_deinit(&report);
    shown_free(&shown);
    expect_int(unlink(path), 0);
}

TEST(quartet_trace, the_csv_has_a_row_a_request)
{
    char path[TRACE_PATH];
    trace_path(path);
    trace_make(path, 3);
    struct shown shown = show(&trace_verb_csv, path, false);
    golden_expect("trace_rows.csv", shown.out);
    shown_free(&shown);
    expect_int(unlink(path), 0);
}

TEST(quartet_trace, several_files_are_one_run)
{
    char first[TRACE_PATH], second[TRACE_PATH];
    trace_path(first);
    trace_path(second);
    trace_make(first, 1000);
    trace_make(second, 10);
    const char *const paths[] = {first, second};
    struct shown json = show_all(&trace_verb_json, 2, paths, false);
    expect_int(json.status, 0);
    json_t *root = json_read(bytes_of(json.out), NULL);
    expect_int(json_read_count(json_object_get(root, "summary"), "requests"), 1010);
    expect_int(json_read_count(json_object_get(root, "summary"), "records"), 2010);
    expect_int(json_read_count(json_object_get(root, "report"), "connections"), 16);
    json_decref(root);
    struct shown table = show_all(&trace_verb_table, 2, paths, false);
    expect(strstr(table.out, "\n  1:R->P ") != NULL && strstr(table.out, "\n  2:R->P ") != NULL);
    expect(strstr(table.out, "\n  1:writer ") != NULL &&
           strstr(table.out, "\n  2:writer ") != NULL);
    struct shown csv = show_all(&trace_verb_csv, 2, paths, false);
    expect(strstr(csv.out, "\n1,10,3,GET,") != NULL && strstr(csv.out, "\n2,10,3,GET,") != NULL);
    shown_free(&json);
    shown_free(&table);
    shown_free(&csv);
    expect_int(unlink(first), 0);
    expect_int(unlink(second), 0);
}

TEST(quartet_trace, a_broken_file_among_several_is_named)
{
    char path[TRACE_PATH];
    trace_path(path);
    trace_make(path, 10);
    const char *const paths[] = {path, "/proc/self/stat"};
    struct shown shown = show_all(&trace_verb_table, 2, paths, false);
    expect_int(shown.status, 1);
    expect_text(shown.out, "");
    expect_text(shown.err, "quartet-trace: FILE2: byte 0: not a trace file\n");
    struct shown salvaged = show_all(&trace_verb_csv, 2, paths, true);
    expect_int(salvaged.status, 0);
    expect(strstr(salvaged.out, "\n1,10,3,GET,") != NULL);
    expect(strstr(salvaged.err, "FILE2: byte 0: not a trace file;") != NULL);
    expect(one_line(salvaged.err));
    shown_free(&shown);
    shown_free(&salvaged);
    expect_int(unlink(path), 0);
}

/* A run of one thread with these records. */
static void make_with(const char *path, const struct trace_record *records, unsigned count)
{
    static const char *const names[] = {"q-R", "q-P/0", "q-W"};
    const struct trace_plan plan = {.path = path, .thread_count = 3, .thread_names = names};
    struct report report = {0};
    struct trace *trace = trace_start(&plan);
    expect(trace != NULL);
    for (unsigned i = 0; i < count; i++) {
        expect(trace_put(trace_ring(trace, 0), &records[i]));
    }
    trace_stop(trace, &report);
}

/* Times are counted from there: so that they are the same each time. */
static void set_start(const char *path, uint64_t started_ns)
{
    struct trace_head head;
    FILE *file = fopen(path, "r+");
    expect(file != NULL && fread(&head, sizeof head, 1, file) == 1);
    head.started_ns = started_ns;
    head.check = trace_head_check(&head);
    rewind(file);
    expect(fwrite(&head, sizeof head, 1, file) == 1 && fclose(file) == 0);
}

TEST(quartet_trace, the_events_for_viewers_look_like_their_picture)
{
    char path[TRACE_PATH], out[TRACE_PATH];
    const char *const paths[] = {path};
    trace_path(path);
    trace_path(out);
    struct trace_record records[3] = {sample_request(1), sample_request(2), sample_request(3)};
    for (unsigned i = 0; i < 3; i++) {
        records[i].read_blocked_us = records[i].write_blocked_us = 0;
        records[i].close_reason = CLOSE_CLIENT_ASKED;
    }
    records[1].write_blocked_us = 20;
    records[2].thread_process = records[2].thread_write = 0;
    records[2].started_ns = records[2].whole_ns;
    records[2].writer_ns = records[2].handed_ns;
    make_with(path, records, 3);
    set_start(path, NS_PER_S);
    struct shown shown = show_with(&trace_verb_perfetto, out, 1, paths, false);
    struct whole_file file = file_read(out);
    expect_int(shown.status, 0);
    golden_expect("trace_events.json", file.at);
    free(file.at);
    shown_free(&shown);
    expect_int(unlink(path), 0);
    expect_int(unlink(out), 0);
}

static void expect_made(const struct trace_verb *verb, const char *trace, const char *place)
{
    struct stat file;
    char expected[200];
    struct shown shown = show_with(verb, place, 1, &trace, false);
    expect_int(shown.status, 0);
    expect_text(shown.out, "");
    expect_int(stat(place, &file), 0);
    (void)snprintf(expected, sizeof expected, "quartet-trace: wrote %s, %s, 1000 requests\n", place,
                   cell_size((uint64_t)file.st_size).text);
    expect_text(shown.err, expected);
    shown_free(&shown);
}

TEST(quartet_trace, a_file_that_was_made_is_told_with_its_size)
{
    char path[TRACE_PATH], out[TRACE_PATH];
    trace_path(path);
    trace_path(out);
    trace_make(path, 1000);
    expect_made(&trace_verb_perfetto, path, out);
    expect_made(&trace_verb_html, path, out);
    expect_int(unlink(path), 0);
    expect_int(unlink(out), 0);
}

/* Returns the size of all files in `dir`, and removes it with them. */
static uint64_t clear_dir(const char *dir)
{
    uint64_t bytes = 0;
    char path[TRACE_PATH + 40];
    struct stat file;
    for (unsigned i = 0; i < INTERVAL_COUNT; i++) {
        (void)snprintf(path, sizeof path, "%s/%s.hlog", dir, interval_name(i));
        expect_int(stat(path, &file), 0);
        bytes += (uint64_t)file.st_size;
        expect_int(unlink(path), 0);
    }
    expect_int(rmdir(dir), 0);
    return bytes;
}

TEST(quartet_trace, logs_that_were_made_are_told_with_the_size_of_all)
{
    char path[TRACE_PATH], dir[] = "/tmp/quartet-logs-XXXXXX", expected[200];
    const char *const paths[] = {path};
    trace_path(path);
    trace_make(path, 1000);
    expect(mkdtemp(dir) != NULL);
    struct shown shown = show_with(&trace_verb_hdr, dir, 1, paths, false);
    (void)snprintf(expected, sizeof expected, "quartet-trace: wrote %s, %s, 1000 requests\n", dir,
                   cell_size(clear_dir(dir)).text);
    expect_text(shown.err, expected);
    shown_free(&shown);
    expect_int(unlink(path), 0);
}

TEST(quartet_trace, what_leaves_no_file_behind_is_not_said_to_be_written)
{
    char path[TRACE_PATH];
    const char *const paths[] = {path};
    trace_path(path);
    trace_make(path, 1000);
    struct shown shown = show_with(&trace_verb_perfetto, "/dev/null", 1, paths, false);
    expect_int(shown.status, 0);
    expect_text(shown.err, "");
    shown_free(&shown);
    expect_int(unlink(path), 0);
}

static void cut_to(const char *path, off_t len)
{
    expect_int(truncate(path, len), 0);
}

TEST(quartet_trace, a_cut_file_is_one_line_and_can_be_salvaged)
{
    char path[TRACE_PATH];
    trace_path(path);
    trace_make(path, 1000);
    struct whole_file file = file_read(path);
    const char *report = memmem(file.at, file.len, "\"written\"", 9);
    expect(report != NULL);
    cut_to(path, report - file.at);
    struct shown strict = show(&trace_verb_table, path, false);
    expect_int(strict.status, 1);
    expect_text(strict.out, "");
    expect(strstr(strict.err, "cut short") != NULL && one_line(strict.err));
    expect(strstr(strict.err, "--salvage") != NULL);
    struct shown salvaged = show(&trace_verb_table, path, true);
    expect_int(salvaged.status, 0);
    expect(one_line(salvaged.err));
    expect(strncmp(salvaged.out, "INCOMPLETE file: ", 17) == 0);
    expect(strstr(salvaged.out, "parts add up to total for all 1000 requests") != NULL);
    shown_free(&strict);
    shown_free(&salvaged);
    free(file.at);
    expect_int(unlink(path), 0);
}

TEST(quartet_trace, a_foreign_file_is_one_line_and_has_nothing_to_salvage)
{
    for (unsigned salvage = 0; salvage < 2; salvage++) {
        struct shown shown = show(&trace_verb_table, "/proc/self/stat", salvage != 0);
        expect_int(shown.status, 1);
        expect_text(shown.out, "");
        expect(strstr(shown.err, "byte 0: not a trace file") != NULL && one_line(shown.err));
        shown_free(&shown);
    }
}

TEST(quartet_trace, names_the_first_request_whose_parts_do_not_add_up)
{
    char path[TRACE_PATH];
    struct trace_record records[4];
    for (unsigned i = 0; i < 4; i++) {
        records[i] = sample_request(i + 1);
        records[i].close_reason = CLOSE_CLIENT_GONE; /* so that they are shown in order */
    }
    records[0].last_sent_ns = 0; /* cut off: nothing to add up */
    records[2].started_ns = 0;
    records[3].handed_ns = 1;
    trace_path(path);
    make_with(path, records, 4);
    struct shown shown = show(&trace_verb_table, path, false);
    expect_int(shown.status, 1);
    expect(strstr(shown.out, "for 2 requests, first request 3: process.wait is missing") != NULL);
    expect(strstr(shown.out, "; 1 not sent to their end") != NULL);
    shown_free(&shown);
    shown = show(&trace_verb_csv, path, false);
    expect_int(shown.status, 1);
    expect(strstr(shown.err,
                  "of 2 requests do not add up; the first is 3: process.wait is missing") != NULL);
    shown_free(&shown);
    expect_int(unlink(path), 0);
}

/* Journeys of all kinds: ordinary, slow clients, refused before it was whole, cut off, forged. */
static void make_journeys(const char *path)
{
    struct trace_record records[6];
    for (unsigned i = 0; i < 6; i++) {
        records[i] = sample_request(100 * (i + 1)); /* each closes its connection */
        records[i].read_blocked_us = records[i].write_blocked_us = 0;
    }
    records[1].write_blocked_us = 20;
    records[0].read_blocked_us = 1;
    records[2].last_sent_ns += 50000000;
    records[2].write_blocked_us = 49000;
    records[3].whole_ns = records[3].started_ns = 0;
    records[3].thread_process = 77;
    records[3].method = 0;
    records[3].status = 431;
    records[4].first_sent_ns = records[4].last_sent_ns = 0;
    records[4].close_reason = CLOSE_CLIENT_GONE;
    records[5].whole_ns = 1;
    records[5].status = UINT16_MAX;
    records[5].method = METHOD_OPTIONS;
    make_with(path, records, 6);
}

TEST(quartet_trace, journeys_look_like_their_picture)
{
    char path[TRACE_PATH], id[8];
    char *all;
    size_t len;
    const char *const paths[] = {path};
    trace_path(path);
    make_journeys(path);
    FILE *out = open_memstream(&all, &len);
    for (unsigned i = 1; i <= 6; i++) {
        (void)snprintf(id, sizeof id, "%u", 100 * i);
        struct shown shown = show_with(&trace_verb_request, id, 1, paths, false);
        expect_int(shown.status, 0);
        fputs(i == 1 ? shown.out : strchr(shown.out, '\n') + 1, out);
        shown_free(&shown);
    }
    expect_int(fclose(out), 0);
    golden_expect("trace_journeys.txt", all);
    free(all);
    expect_int(unlink(path), 0);
}

TEST(quartet_trace, a_request_that_is_not_there_is_one_line)
{
    char path[TRACE_PATH];
    const char *const paths[] = {path};
    trace_path(path);
    trace_make(path, 10);
    struct shown shown = show_with(&trace_verb_request, "11", 1, paths, false);
    expect_int(shown.status, 1);
    expect_text(shown.out, "");
    expect_text(shown.err, "quartet-trace: there is no request 11 among the records\n");
    shown_free(&shown);
    expect_int(unlink(path), 0);
}

static void make_ordinary(const char *path)
{
    struct trace_record records[400];
    for (unsigned i = 0; i < 400; i++) {
        records[i] = sample_request(i + 1);
    }
    make_with(path, records, 400);
}

TEST(quartet_trace, the_slowest_requests_look_like_their_picture)
{
    char first[TRACE_PATH], second[TRACE_PATH];
    const char *const paths[] = {first, second};
    trace_path(first);
    trace_path(second);
    make_ordinary(first);
    make_journeys(second);
    struct shown shown = show_with(&trace_verb_slowest, "9", 2, paths, false);
    expect_int(shown.status, 0);
    golden_expect("trace_slowest.txt", shown.out);
    struct shown one = show_with(&trace_verb_request, "2:300", 2, paths, false);
    expect(strstr(one.out, "\n2:300 GET  404 50.1ms |") != NULL);
    struct shown both = show_with(&trace_verb_request, "300", 2, paths, false);
    expect(strstr(both.out, "\n1:300 GET ") != NULL && strstr(both.out, "\n2:300 GET ") != NULL);
    shown_free(&shown);
    shown_free(&one);
    shown_free(&both);
    expect_int(unlink(first), 0);
    expect_int(unlink(second), 0);
}

TEST(quartet_trace, the_heap_finds_the_slowest_in_any_order)
{
    enum { COUNT = 2000, WANTED = 50 };
    char *text, expected[32];
    size_t len;
    struct trace_source source = {.prefix = ""};
    struct trace_run run = {.out = open_memstream(&text, &len), .err = stderr};
    void *state = trace_verb_slowest.begin(&run, "50");
    for (unsigned i = 0; i < COUNT; i++) {
        unsigned id = 1 + i * 1237 % COUNT; /* each once: 1237 is prime to 2000 */
        trace_verb_slowest.request(state, &source,
                                   &(struct trace_record){.kind = TRACE_REQUEST,
                                                          .request_id = id,
                                                          .first_byte_ns = 1000,
                                                          .last_sent_ns = 1000 + id / 2});
    }
    expect_int(trace_verb_slowest.end(state, &run), 0);
    expect_int(fclose(run.out), 0);
    const char *line = strchr(text, '\n') + 1;
    for (unsigned i = 0; i < WANTED; i++, line = strchr(line, '\n') + 1) {
        /* 2000, then 1998 and 1999, which took as long as each other, and so on */
        unsigned id = i == 0 ? COUNT : COUNT - 2 * ((i + 1) / 2) + (i + 1) % 2;
        (void)snprintf(expected, sizeof expected, "%4u ", id);
        expect_msg(strncmp(line, expected, strlen(expected)) == 0, "%s... is %s", expected, line);
    }
    expect_text(line, "");
    free(text);
}

/* Files whose blocks are whole and whose parts all add up. */
static void expect_odd(unsigned times, const char *counted, const char *record)
{
    char path[TRACE_PATH];
    trace_path(path);
    trace_make_odd(path, 1000, 321, times);
    struct shown table = show(&trace_verb_table, path, false);
    expect_int(table.status, 1);
    expect_msg(strstr(table.out, counted) != NULL, "%s", table.out);
    expect_msg(strstr(table.out, record) != NULL, "%s", table.out);
    struct shown json = show(&trace_verb_json, path, false);
    expect_int(json.status, 1);
    expect(strstr(json.out, counted) != NULL);
    shown_free(&table);
    shown_free(&json);
    expect_int(unlink(path), 0);
}

TEST(quartet_trace, tells_of_one_record_taken_out_of_a_file)
{
    expect_odd(0, "the server answered 1000 requests, the records have 999",
               "1 connections went on behind a request that has no record");
}

TEST(quartet_trace, tells_of_one_record_doubled_in_a_file)
{
    expect_odd(2, "the server answered 1000 requests, the records have 1001",
               "1 records are there twice");
}

static void put_bursts(struct trace *trace, unsigned bursts)
{
    for (unsigned i = 0; i < bursts; i++) {
        struct trace_record record = sample_request(i + 1);
        (void)trace_put(trace_ring(trace, 0), &record);
    }
}

TEST(quartet_trace, lost_records_are_the_first_line)
{
    char path[TRACE_PATH];
    struct report report = {0};
    trace_path(path);
    struct trace *trace = trace_open(path, 1);
    while (trace_lost(trace) == 0) {
        put_bursts(trace, 100);
    }
    trace_stop(trace, &report);
    struct shown table = show(&trace_verb_table, path, false);
    expect(strncmp(table.out, "LOST ", 5) == 0);
    expect_int(table.status, 0);
    struct shown csv = show(&trace_verb_csv, path, false);
    expect(strstr(csv.err, "LOST ") != NULL && one_line(csv.err));
    shown_free(&table);
    shown_free(&csv);
    expect_int(unlink(path), 0);
}

struct joined {
    unsigned count;
    struct trace_record at[8];
};

static void note_joined(void *to, const struct trace_record *request)
{
    struct joined *joined = to;
    expect(joined->count < 8);
    joined->at[joined->count++] = *request;
}

static void join_request(struct join *join, uint64_t id)
{
    struct trace_record record = sample_request(id);
    join_put(join, &record);
}

static void join_requeue(struct join *join, uint64_t id)
{
    struct trace_record record = sample_requeue(id);
    join_put(join, &record);
}

TEST(quartet_trace, joins_a_requeue_that_comes_before_or_after_its_request)
{
    struct joined joined = {0};
    struct join join;
    join_init(&join, JOIN_WINDOW, note_joined, &joined);
    join_request(&join, 1);
    expect_int(joined.count, 0);
    join_requeue(&join, 1);
    join_requeue(&join, 2);
    join_request(&join, 2);
    expect_int(joined.count, 2);
    expect_int(joined.at[0].requeued_ns, sample_requeue(1).requeued_ns);
    expect_int(joined.at[1].requeued_ns, sample_requeue(2).requeued_ns);
    join_request(&join, 3);
    join_request(&join, 3 + JOIN_WINDOW); /* moves the window past 3 */
    join_requeue(&join, 3);               /* too late, and moves it past the other */
    expect_int(joined.count, 4);
    expect_int(joined.at[2].requeued_ns, 0);
    join_request(&join, 100); /* closed: no requeue will come */
    expect_int(joined.count, 5);
    join_request(&join, 5);
    join_finish(&join);
    expect_int(joined.count, 6);
    expect_int(join.unjoined, 1);
    expect_int(join.doubled, 0);
    expect_int(join.unfollowed, 3); /* 3, the one that moved the window, 5 */
    join_deinit(&join);
}

TEST(quartet_trace, tells_of_records_that_come_twice)
{
    struct joined joined = {0};
    struct join join;
    join_init(&join, JOIN_WINDOW, note_joined, &joined);
    join_request(&join, 1);
    join_request(&join, 1); /* while the first still waits */
    join_requeue(&join, 1);
    expect_int(join.doubled, 1);
    join_requeue(&join, 1); /* after it was passed on */
    expect_int(join.doubled, 2);
    join_request(&join, 1);
    expect_int(join.doubled, 3);
    join_requeue(&join, 2);
    join_requeue(&join, 2); /* before its request */
    expect_int(join.doubled, 4);
    join_request(&join, 2);
    join_request(&join, 100);
    join_request(&join, 100); /* closed: passed on at once */
    expect_int(join.doubled, 5);
    join_finish(&join);
    expect_int(join.unjoined, 0);
    expect_int(joined.count, 6);
    join_deinit(&join);
}

TEST(quartet_trace, joins_records_that_lack_their_connection_and_times)
{
    struct joined joined = {0};
    struct join join;
    join_init(&join, 4, note_joined, &joined);
    for (unsigned i = 0; i < 2; i++) {
        join_put(&join, &(struct trace_record){.request_id = 1, .kind = TRACE_REQUEUE});
        join_put(&join, &(struct trace_record){.request_id = 2, .kind = TRACE_REQUEST});
    }
    join_finish(&join);
    expect_int(joined.count, 2);
    expect_int(join.doubled, 2);
    expect_int(join.unjoined, 1);
    join_deinit(&join);
}

TEST(quartet_trace, shows_progress_of_long_readings_and_erases_it)
{
    struct progress progress;
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    progress_init(&progress, out, 2000000000, NS_PER_S);
    progress_at(&progress, 1, 1, NS_PER_S + NS_PER_S / 10);
    progress_end(&progress);
    expect(fflush(out) == 0 && len == 0); /* it was short */
    progress_at(&progress, 500000000, 4000000, 3 * NS_PER_S);
    progress_at(&progress, 500000001, 4000001, 3 * NS_PER_S + 1); /* too soon */
    progress_end(&progress);
    expect_int(fclose(out), 0);
    expect_text(text,
                "\r 25 % of 2000 MB, 4.0 million records, 2.0 million a second\033[K\r\033[K");
    free(text);
}

TEST(quartet_trace, text_out_writes_numbers_as_printf_does)
{
    static struct text_out text_out;
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    text_out_init(&text_out, out);
    for (unsigned i = 0; i < TEXT_OUT_SIZE; i++) {
        text_out_put(&text_out, "x"); /* so that what follows does not fit */
    }
    text_out_number(&text_out, 0);
    text_out_put(&text_out, " ");
    text_out_number(&text_out, UINT64_MAX);
    text_out_put(&text_out, " ");
    text_out_signed(&text_out, INT64_MIN);
    text_out_put(&text_out, " ");
    text_out_us(&text_out, 1000020);
    text_out_put(&text_out, " ");
    text_out_us(&text_out, -1);
    text_out_flush(&text_out);
    expect_int(fclose(out), 0);
    expect_text(text + TEXT_OUT_SIZE,
                "0 18446744073709551615 -9223372036854775808 1000.020 -0.001");
    free(text);
}

/* Runs the program itself; returns its exit status and its first bytes of stderr. */
static int run_tool(const char *arguments, char err[256])
{
    char command[512];
    (void)snprintf(command, sizeof command, "'%s' %s 2>&1 >/dev/null", QUARTET_TRACE_TOOL,
                   arguments);
    FILE *in = popen(command, "r");
    expect(in != NULL);
    size_t len = fread(err, 1, 255, in);
    err[len] = '\0';
    int status = pclose(in);
    expect(WIFEXITED(status));
    return WEXITSTATUS(status);
}

TEST(quartet_trace, a_wrong_command_line_is_one_line_and_status_2)
{
    static const char *const wrong[] = {"",
                                        "--nonsense x",
                                        "-x",
                                        "--csv --json x",
                                        "--csv=3 x",
                                        "a a",
                                        "--slowest 0 x",
                                        "--slowest 1001 x",
                                        "--request 1:2:3 x",
                                        "--request"};
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char err[256];
        expect_int(run_tool(wrong[i], err), 2);
        expect(one_line(err));
    }
}

TEST(quartet_trace, helps_and_tells_its_version)
{
    char err[256];
    expect_int(run_tool("--help", err), 0);
    expect_text(err, "");
    expect_int(run_tool("--version", err), 0);
    expect_text(err, "");
}

TEST(quartet_trace, a_missing_file_is_one_line_and_status_1)
{
    char err[256];
    expect_int(run_tool("-- --nowhere", err), 1);
    expect(one_line(err));
}

TEST(quartet_trace, reads_a_pipe_and_ends_quietly_when_nobody_reads)
{
    char path[TRACE_PATH], arguments[256], err[256];
    trace_path(path);
    trace_make(path, 3000);
    (void)snprintf(arguments, sizeof arguments, "--csv - < %s", path);
    expect_int(run_tool(arguments, err), 0);
    (void)snprintf(arguments, sizeof arguments, "--csv %s | head -n 1", path);
    expect_int(run_tool(arguments, err), 0);
    expect_text(err, "");
    expect_int(unlink(path), 0);
}
