/* test_records.c: which records a thread writes of a request, when, and with what in them. The linker
 * puts a function of the test in the place of trace_put().
 */
#include "stages/engine/records.h"

#include "tests/stages/fake.h"

enum { RECORDS = 4 };
static struct {
    struct trace_record at[RECORDS];
    unsigned count;
    const struct trace_ring *ring; /* where the last one went */
    bool full;
} written;

bool __wrap_trace_put(struct trace_ring *ring, const struct trace_record *record);
bool __wrap_trace_put(struct trace_ring *ring, const struct trace_record *record)
{
    CHECK(written.count < RECORDS);
    written.ring = ring;
    written.at[written.count++] = *record;
    return !written.full;
}

static struct worker *writer;
static struct client *client;

/* A client whose request has just been answered by `writer`, and stays open. */
static void start(const char *wiring)
{
    static max_align_t ring; /* never looked into */
    int far;
    memset(&written, 0, sizeof written);
    fake_set_up(wiring);
    fake_start();
    writer = fake_worker(STAGE_WRITER);
    writer->ring = (struct trace_ring *)(void *)&ring;
    client = fake_client(fake_worker(STAGE_LISTENER), &far);
    (void)fake_read(writer, client, far, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    client->conn.exchange->stamps.last_sent_ns = 5000;
    client->conn.exchange->input.used = client->conn.exchange->input.len;
    client->answered_id = client->conn.exchange->id;
}

static void stop(void)
{
    fake_close(writer, client);
    fake_stop();
}

TEST(records, are_not_made_without_a_trace)
{
    start("L | R | P*2 | W");
    writer->ring = NULL;
    record_ended(writer, client);
    record_requeued(writer, client, 5000, 6000);
    expect_int(written.count, 0);
    stop();
}

TEST(records, are_one_that_waits_for_the_way_back_where_that_is_a_call)
{
    start("LRPW");
    record_ended(writer, client);
    expect_int(written.count, 0);
    record_requeued(writer, client, 5000, 6000);
    expect_int(written.count, 1);
    expect(written.ring == writer->ring);
    expect_int(written.at[0].kind, TRACE_REQUEST);
    expect_int(written.at[0].request_id, client->answered_id);
    expect_int(written.at[0].requeued_ns, 6000);
    expect(!client->record_waits);
    stop();
}

TEST(records, are_one_by_the_thread_that_takes_the_connection_where_the_way_back_is_a_queue)
{
    static max_align_t ring;
    start("L | R | P*2 | W");
    struct worker *reader = fake_worker(STAGE_READER);
    reader->ring = (struct trace_ring *)(void *)&ring;
    record_ended(writer, client);
    expect_int(written.count, 0);
    record_requeued(reader, client, 5000, 6000);
    expect_int(written.count, 1);
    expect(written.ring == reader->ring);
    expect_int(written.at[0].kind, TRACE_REQUEST);
    expect_int(written.at[0].last_sent_ns, 5000);
    expect_int(written.at[0].requeued_ns, 6000);
    stop();
}

TEST(records, are_two_by_two_threads_where_a_session_puts_the_exchange_back_before)
{
    static max_align_t ring;
    start("L | K | rpw*2");
    struct worker *reader = fake_worker(STAGE_POLLER);
    reader->ring = (struct trace_ring *)(void *)&ring;
    record_ended(writer, client);
    expect_int(written.count, 1);
    expect(written.ring == writer->ring);
    expect_int(written.at[0].kind, TRACE_REQUEST);
    expect_int(written.at[0].last_sent_ns, 5000);
    expect_int(written.at[0].requeued_ns, 0);
    record_requeued(reader, client, 5000, 6000);
    expect_int(written.count, 2);
    expect(written.ring == reader->ring);
    expect_int(written.at[1].kind, TRACE_REQUEUE);
    expect_int(written.at[1].request_id, client->answered_id);
    expect_int(written.at[1].connection_id, client->conn.id);
    expect_int(written.at[1].last_sent_ns, 5000);
    expect_int(written.at[1].requeued_ns, 6000);
    expect_int(written.at[1].thread_read, reader->number);
    stop();
}

TEST(records, wait_for_no_way_back_when_the_connection_ends)
{
    start("LRPW");
    client->conn.close = CLOSE_CLIENT_ASKED;
    record_ended(writer, client);
    expect_int(written.count, 1);
    expect_int(written.at[0].close_reason, CLOSE_CLIENT_ASKED);
    stop();
}

TEST(records, wait_for_no_way_back_when_the_answer_was_not_sent_to_its_end)
{
    start("LRPW");
    client->conn.exchange->stamps.last_sent_ns = 0;
    record_ended(writer, client);
    expect_int(written.count, 1);
    expect(!client->record_waits);
    stop();
}

TEST(records, are_not_made_of_requests_that_do_not_count)
{
    start("L | R | P*2 | W");
    client->conn.exchange->uncounted = true;
    record_ended(writer, client);
    expect_int(written.count, 0);
    stop();
}

TEST(records, that_are_lost_are_counted)
{
    start("L | R | P*2 | W");
    client->conn.close = CLOSE_CLIENT_ASKED;
    written.full = true;
    record_ended(writer, client);
    expect_int(atomic_load(&writer->tally.counters[COUNTER_TRACE_LOST]), 1);
    stop();
}

TEST(records, say_of_a_request_what_its_exchange_says)
{
    start("L | R | P*2 | W");
    client->conn.close = CLOSE_CLIENT_ASKED;
    struct exchange *x = client->conn.exchange;
    x->stamps = (struct stamps){.accepted_ns = 1,
                                .adopted_ns = 2,
                                .arrived_ns = 17,
                                .first_byte_ns = 3,
                                .whole_ns = 4,
                                .started_ns = 5,
                                .handed_ns = 6,
                                .writer_ns = 7,
                                .first_sent_ns = 8,
                                .last_sent_ns = 9,
                                .read_blocked_ns = 10999,
                                .write_blocked_ns = UINT64_MAX};
    x->lay_ns = 12000;
    x->sent = 13;
    x->response.status = 404;
    x->reader = 14;
    x->processor = 15;
    x->writer = 16;
    x->position = 18;
    client->conn.peer.port = htons(19);
    record_ended(writer, client);
    const struct trace_record expected = {.request_id = x->id,
                                          .connection_id = client->conn.id,
                                          .accepted_ns = 1,
                                          .adopted_ns = 2,
                                          .first_byte_ns = 3,
                                          .whole_ns = 4,
                                          .started_ns = 5,
                                          .handed_ns = 6,
                                          .writer_ns = 7,
                                          .first_sent_ns = 8,
                                          .last_sent_ns = 9,
                                          .bytes_sent = 13,
                                          .read_blocked_us = 10,
                                          .write_blocked_us = UINT32_MAX,
                                          .lay_us = 12,
                                          .status = 404,
                                          .kind = TRACE_REQUEST,
                                          .close_reason = CLOSE_CLIENT_ASKED,
                                          .method = (uint8_t)x->request.method,
                                          .thread_read = 14,
                                          .thread_process = 15,
                                          .thread_write = 16,
                                          .arrived_ns = 17,
                                          .position = 18,
                                          .client_port = 19};
    expect(memcmp(&written.at[0], &expected, sizeof expected) == 0);
    expect(expected.method != 0);
    stop();
}
