/* test_checks.c: a run whose figures do not agree is reported as such: each record that is taken out,
 * doubled or changed, each request that is nowhere, each stage that holds another number than it
 * should.
 */
#include "tools/trace/checks.h"

#include "core/base/clock.h"
#include "tests/core/trace_files.h"

enum { REQUESTS = 400 };

/* A run as it is once its file has been read. */
struct read_run {
    struct trace_run run;
    struct summary summary;
    struct flow flow;
    struct checks checks;
};

static void give_request(struct read_run *read, uint64_t id)
{
    struct trace_record request = sample_request(id), requeue = sample_requeue(id);
    request.requeued_ns = request.close_reason == 0 ? requeue.requeued_ns : 0;
    summary_request(&read->summary, &request);
    read->run.records += request.close_reason == 0 ? 2 : 1;
}

static void count_request(struct read_run *read, uint64_t id)
{
    struct trace_record request = sample_request(id), requeue = sample_requeue(id);
    sample_count(&read->run.report, &request, request.close_reason == 0 ? &requeue : NULL);
}

static void begin_run(struct read_run *read)
{
    *read = (struct read_run){.run = {.reported = true, .started_ns = NS_PER_S}};
    tally_init(&read->run.report.tally, true);
    summary_init(&read->summary);
    flow_init(&read->flow, &read->run);
}

/* Of a server that answered REQUESTS requests, each recorded once. */
static void make_run(struct read_run *read)
{
    begin_run(read);
    for (uint64_t id = 1; id <= REQUESTS; id++) {
        give_request(read, id);
        count_request(read, id);
    }
}

static void free_run(struct read_run *read)
{
    summary_deinit(&read->summary);
    report_deinit(&read->run.report);
}

static void expect_check(struct read_run *read, const char *name, enum check_outcome outcome,
                         const char *words)
{
    const struct check *check = read->checks.at;
    checks_make(&read->checks, &read->run, &read->summary, &read->flow);
    while (strcmp(check->name, name) != 0) {
        check++;
        expect_msg(check < read->checks.at + read->checks.count, "there is no check %s", name);
    }
    expect_msg(check->outcome == outcome && strstr(check->text, words) != NULL, "%s %s: %s",
               check->name, check_outcome_name(check->outcome), check->text);
    expect(outcome != CHECK_FAILED || read->checks.failed > 0);
}

TEST(checks, hold_for_a_run_in_which_each_request_is_there_once)
{
    struct read_run read;
    make_run(&read);
    expect_check(&read, "parts", CHECK_HOLDS, "all 400 requests");
    expect_check(&read, "records", CHECK_HOLDS, "there once");
    expect_check(&read, "counts", CHECK_HOLDS, "to the nanosecond");
    expect_check(&read, "flow", CHECK_HOLDS,
                 "400 begun = 400 answered + 0 abandoned + 0 in flight");
    expect_check(&read, "Little", CHECK_UNKNOWN, "0 samples of a server at work are too few");
    expect_int(read.checks.failed, 0);
    free_run(&read);
}

TEST(checks, tell_of_traces_that_are_not_of_one_run)
{
    struct read_run read;
    struct trace_source sources[] = {
        {.number = 1, .started_ns = 100 * NS_PER_S, .wall_s = 5100, .now_ns = 120 * NS_PER_S},
        {.number = 2, .started_ns = 101 * NS_PER_S, .wall_s = 5102, .now_ns = 110 * NS_PER_S},
        {.number = 3, .started_ns = 124 * NS_PER_S, .wall_s = 5124, .now_ns = 130 * NS_PER_S},
    };
    make_run(&read);
    read.run.sources = sources;
    read.run.source_count = 3;
    expect_check(&read, "sources", CHECK_HOLDS, "3 traces of one machine");
    sources[2].started_ns = 140 * NS_PER_S;
    sources[2].wall_s = 5140;
    expect_check(&read, "sources", CHECK_FAILED, "trace 3 began 20 s after the others had ended");
    sources[0].report.wall_ns = 41 * NS_PER_S; /* the first one was still there, without requests */
    expect_check(&read, "sources", CHECK_HOLDS, "side by side");
    sources[1].wall_s = 9000;
    expect_check(&read, "sources", CHECK_FAILED, "traces 1 and 2 are of different machines");
    sources[1].started_ns = 0; /* its head is damaged */
    expect_check(&read, "sources", CHECK_HOLDS, "side by side");
    free_run(&read);
}

TEST(checks, tell_of_a_record_taken_out)
{
    struct read_run read;
    make_run(&read);
    count_request(&read, REQUESTS + 1);
    expect_check(&read, "counts", CHECK_FAILED,
                 "the server answered 401 requests, the records have 400");
    free_run(&read);
}

TEST(checks, tell_of_a_record_doubled)
{
    struct read_run read;
    make_run(&read);
    give_request(&read, 7);
    expect_check(&read, "counts", CHECK_FAILED,
                 "the server answered 400 requests, the records have 401");
    read.run.doubled = 1;
    expect_check(&read, "records", CHECK_FAILED, "1 records are there twice");
    free_run(&read);
}

TEST(checks, tell_of_one_record_that_stands_in_for_another)
{
    struct read_run read;
    make_run(&read);
    give_request(&read, 7);
    count_request(&read, 8);
    expect_check(&read, "counts", CHECK_FAILED, "the server measured 321 times");
    free_run(&read);
}

TEST(checks, tell_of_an_answer_that_was_changed)
{
    struct read_run read;
    make_run(&read);
    read.summary.bytes_sent++;
    expect_check(&read, "counts", CHECK_FAILED, "other statuses or bytes");
    read.summary.bytes_sent--;
    expect_check(&read, "counts", CHECK_HOLDS, "");
    read.summary.tally.statuses[2]--;
    read.summary.tally.statuses[5]++;
    expect_check(&read, "counts", CHECK_FAILED, "other statuses or bytes");
    free_run(&read);
}

TEST(checks, tell_of_a_request_that_was_read_before_it_arrived)
{
    struct read_run read;
    make_run(&read);
    struct trace_record request = sample_request(1);
    request.arrived_ns = request.first_byte_ns + 1;
    summary_request(&read.summary, &request);
    expect_check(&read, "parts", CHECK_FAILED, "socket.wait and total do not make sojourn");
    free_run(&read);
}

TEST(checks, tell_of_a_requeue_that_is_missing)
{
    struct read_run read;
    make_run(&read);
    struct trace_record request = sample_request(1);
    summary_request(&read.summary, &request); /* its requeue was taken out */
    count_request(&read, 1);
    expect_check(&read, "counts", CHECK_FAILED, "requeue.wait: the server measured");
    read.run.unjoined = 3;
    expect_check(&read, "records", CHECK_FAILED, "3 connections went on behind a request");
    free_run(&read);
}

TEST(checks, know_nothing_where_records_were_lost_or_the_report_is_missing)
{
    struct read_run read;
    make_run(&read);
    read.run.lost = 1;
    count_request(&read, REQUESTS + 1);
    expect_check(&read, "counts", CHECK_UNKNOWN, "records are missing");
    read.run.unjoined = 3; /* their requests are among the lost */
    expect_check(&read, "records", CHECK_HOLDS, "");
    read.run.lost = 0;
    expect_check(&read, "records", CHECK_FAILED, "3 connections went on behind a request");
    read.run.reported = false; /* cut short: they may be in the part that is not there */
    expect_check(&read, "records", CHECK_HOLDS, "");
    expect_check(&read, "counts", CHECK_UNKNOWN, "no counts of the server");
    expect_check(&read, "flow", CHECK_UNKNOWN, "does not say how many requests were begun");
    expect_int(read.checks.failed, 0);
    free_run(&read);
}

TEST(checks, every_request_begun_is_answered_abandoned_or_in_flight)
{
    struct read_run read;
    make_run(&read);
    struct tally *tally = &read.run.report.tally;
    tally_add(tally, COUNTER_BEGUN, 5);
    expect_check(&read, "flow", CHECK_FAILED,
                 "5 in flight at the end, when no connection was open");
    tally_add(tally, COUNTER_ABANDONED, 3);
    read.run.report.connections = 2;
    expect_check(&read, "flow", CHECK_HOLDS, "400 answered + 3 abandoned + 2 in flight");
    tally_add(tally, COUNTER_ABANDONED, 4);
    expect_check(&read, "flow", CHECK_FAILED, "-2 in flight");
    free_run(&read);
}

/* --- Little's law --- */

/* One second of samples, 10 ms apart, with numbers[i] requests being processed in turn. */
static void give_samples(struct read_run *read, const uint64_t numbers[], unsigned count)
{
    const struct trace_source source = {.number = 1};
    for (unsigned i = 0; i <= 100; i++) {
        struct trace_sample sample = {.at_ns = NS_PER_S + i * 10 * NS_PER_MS};
        sample.flow[TRACE_FLOW_BEGUN] = sample.flow[TRACE_FLOW_WHOLE] =
            sample.flow[TRACE_FLOW_STARTED] = 1000 + i;
        sample.flow[TRACE_FLOW_HANDED] = sample.flow[TRACE_FLOW_ENDED] =
            1000 + i - numbers[i % count];
        flow_sample(&read->flow, &source, &sample, NULL);
    }
}

/* 400 requests that were processed for 10 ms each within a second: 4 at a time. */
static void make_slow_run(struct read_run *read)
{
    begin_run(read);
    for (uint64_t id = 1; id <= REQUESTS; id++) {
        struct trace_record request = sample_request(id);
        request.handed_ns = request.started_ns + 10 * NS_PER_MS;
        request.writer_ns = request.handed_ns;
        request.last_sent_ns = request.first_sent_ns = request.handed_ns;
        request.close_reason = CLOSE_CLIENT_ASKED;
        summary_request(&read->summary, &request);
    }
}

TEST(checks, the_number_in_a_stage_is_arrivals_times_mean_time)
{
    static const uint64_t even[] = {4}, swings[] = {0, 8, 3, 5, 4, 4, 2, 6}, far[] = {7};
    struct read_run read;
    make_slow_run(&read);
    give_samples(&read, even, 1);
    expect_check(&read, "Little, process", CHECK_HOLDS,
                 "4.000 in it at a time as sampled (+-0.000), 4.000 by arrivals times mean time");
    free_run(&read);

    make_slow_run(&read);
    give_samples(&read, swings, 8);
    expect_check(&read, "Little, process", CHECK_HOLDS, "in it at a time");
    free_run(&read);

    make_slow_run(&read);
    give_samples(&read, far, 1);
    expect_check(&read, "Little, process", CHECK_FAILED, "7.000 in it at a time");
    free_run(&read);
}

/* What holds could have failed, both ways. */
TEST(checks, a_number_in_a_stage_that_is_too_low_or_too_high_fails)
{
    static const struct {
        uint64_t seen;
        enum check_outcome outcome;
    } cases[] = {{0, CHECK_FAILED}, {2, CHECK_FAILED}, {3, CHECK_HOLDS},
                 {4, CHECK_HOLDS},  {5, CHECK_HOLDS},  {6, CHECK_FAILED}};
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct read_run read;
        make_slow_run(&read); /* 4 by the records */
        give_samples(&read, &cases[i].seen, 1);
        expect_check(&read, "Little, process", cases[i].outcome, "4.000 by arrivals");
        free_run(&read);
    }
}

/* None in it would be within the error, too. */
TEST(checks, a_number_in_a_stage_that_is_too_small_to_fail_does_not_hold)
{
    static const uint64_t none[] = {0};
    struct read_run read;
    make_slow_run(&read);
    give_samples(&read, none, 1);
    expect_check(&read, "Little, wait", CHECK_UNKNOWN, "; too few to tell from none");
    free_run(&read);
}

TEST(checks, what_lies_behind_another_request_is_in_no_stage_yet)
{
    static const uint64_t even[] = {4};
    struct read_run read;
    make_slow_run(&read);
    give_samples(&read, even, 1);
    struct trace_record request = sample_request(1);
    request.whole_ns = request.first_byte_ns + 20 * NS_PER_S;
    request.started_ns = request.handed_ns = request.writer_ns = request.whole_ns;
    request.first_sent_ns = request.last_sent_ns = request.whole_ns;
    request.lay_us = 20 * 1000 * 1000;
    summary_request(&read.summary, &request);
    expect_check(&read, "Little, read", CHECK_UNKNOWN, "read: 0.000 in it at a time");
    free_run(&read);

    make_slow_run(&read);
    give_samples(&read, even, 1);
    request.lay_us = 0;
    summary_request(&read.summary, &request);
    expect_check(&read, "Little, read", CHECK_FAILED, "20.0");
    free_run(&read);
}

/* Each has been seen and has no record: a client that vanished with half a request, an answer that
 * was cut off, a record that was lost. */
TEST(checks, samples_may_see_requests_that_no_record_tells_of)
{
    static const uint64_t more[] = {7}, less[] = {1};
    struct read_run read;
    make_slow_run(&read);
    give_samples(&read, more, 1);
    read.run.lost = 1;
    expect_check(&read, "Little, process", CHECK_UNKNOWN, "without a record may be the rest");
    read.run.lost = 0;
    tally_add(&read.run.report.tally, COUNTER_ABORTED, 1);
    expect_check(&read, "Little, process", CHECK_FAILED, "7.000 in it at a time");
    tally_add(&read.run.report.tally, COUNTER_ABORTED, 1);
    expect_check(&read, "Little, process", CHECK_UNKNOWN, "without a record may be the rest");
    free_run(&read);

    make_slow_run(&read);
    give_samples(&read, less, 1);
    tally_add(&read.run.report.tally, COUNTER_ABORTED, 10);
    read.run.lost = 10;
    expect_check(&read, "Little, process", CHECK_FAILED, "1.000 in it at a time");
    free_run(&read);
}

TEST(checks, half_requests_are_read_and_have_no_record)
{
    const struct trace_source source = {.number = 1};
    struct read_run read;
    make_run(&read);
    for (unsigned i = 0; i <= 100; i++) {
        struct trace_sample sample = {.at_ns = NS_PER_S + i * 10 * NS_PER_MS};
        sample.flow[TRACE_FLOW_BEGUN] = REQUESTS + 5;
        sample.flow[TRACE_FLOW_WHOLE] = sample.flow[TRACE_FLOW_STARTED] = REQUESTS;
        sample.flow[TRACE_FLOW_HANDED] = sample.flow[TRACE_FLOW_ENDED] = REQUESTS;
        flow_sample(&read.flow, &source, &sample, NULL);
    }
    expect_check(&read, "Little, read", CHECK_FAILED, "5.000 in it at a time");
    tally_add(&read.run.report.tally, COUNTER_BEGUN, 5);
    tally_add(&read.run.report.tally, COUNTER_ABANDONED, 5);
    expect_check(&read, "Little, read", CHECK_UNKNOWN, "5.000 in it at a time");
    free_run(&read);
}

/* Process 2 takes over from process 1 after a third of the time: two files, one process. */
TEST(flow, a_process_that_took_over_from_another_is_no_further_one)
{
    const struct trace_run run = {.started_ns = NS_PER_S};
    struct flow flow;
    double error;
    flow_init(&flow, &run);
    for (uint64_t i = 0; i <= 300; i++) {
        const struct trace_source source = {.number = i < 100 ? 1 : 2};
        struct trace_sample sample = {.at_ns = NS_PER_S + i * 20 * NS_PER_MS};
        sample.flow[TRACE_FLOW_BEGUN] = 4;
        flow_sample(&flow, &source, &sample, NULL);
    }
    expect_int(flow_sampled_ns(&flow), 6 * NS_PER_S);
    double number = flow_in_stage(&flow, FLOW_READ, &error);
    expect_msg(number > 3.95 && number < 4.05, "%f", number);
}

TEST(flow, keeps_time_in_bounded_bins)
{
    const struct trace_run run = {.started_ns = NS_PER_S};
    const struct trace_source source = {.number = 1};
    struct flow flow;
    double error, early, late;
    flow_init(&flow, &run);
    for (uint64_t i = 0; i <= 3000; i++) { /* 60 s, of which the last half is busy */
        bool busy = i > 1500;
        struct trace_sample sample = {.at_ns = NS_PER_S + i * 20 * NS_PER_MS, .queue_count = 1};
        struct trace_sample_queue queue = {.depth = busy ? 10 : 0};
        sample.flow[TRACE_FLOW_BEGUN] = busy ? i : 0;
        sample.flow[TRACE_FLOW_WHOLE] = sample.flow[TRACE_FLOW_STARTED] = busy ? i - 2 : 0;
        sample.flow[TRACE_FLOW_HANDED] = sample.flow[TRACE_FLOW_ENDED] = busy ? i - 2 : 0;
        flow_sample(&flow, &source, &sample, &queue);
    }
    expect_int(flow_sampled_ns(&flow), 60 * NS_PER_S);
    double number = flow_in_stage(&flow, FLOW_READ, &error);
    expect_msg(number > 0.98 && number < 1.02, "%f", number); /* 2, half of the time */
    expect(error > 0);
    flow_growth(&flow, 0, &early, &late);
    expect_msg(early < 0.01 && late > 9.99, "%f %f", early, late);
}
