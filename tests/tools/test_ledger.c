/* A request's time from client to client: joined by port and position, exact to the nanosecond. */
#include "tools/trace/ledger.h"

#include "tests/core/sample.h"

#include <stdlib.h>
#include <string.h>

#define HEADER                                                                                     \
    "due_ns,sent_ns,first_byte_ns,done_ns,connection,url,status,bytes,measured,outcome,"           \
    "released_ns,port,position\n"

enum { PORT = 40001 };

/* The sample's request, as a server sees it that knows its client. */
static struct trace_record record_at(uint64_t id, unsigned port, unsigned position)
{
    struct trace_record record = sample_request(id);
    record.arrived_ns = record.first_byte_ns - 700;
    record.client_port = (uint16_t)port;
    record.position = position;
    return record;
}

/* A line of the log for it: due 50 us before it was sent, of which the generator was late by 9. */
static void put_line(FILE *log, const struct trace_record *record, bool measured,
                     const char *outcome)
{
    uint64_t sent_ns = record->first_byte_ns - 5700;
    (void)fprintf(log, "%llu,%llu,%llu,%llu,0,0,200,6,%d,%s,%llu,%u,%u\n",
                  (unsigned long long)(sent_ns - 50000), (unsigned long long)sent_ns,
                  (unsigned long long)record->first_sent_ns,
                  (unsigned long long)(record->last_sent_ns + 4321), measured, outcome,
                  (unsigned long long)(sent_ns - 41000), record->client_port, record->position);
}

static bool init_from(struct ledger *ledger, const char *text, char error[CLIENT_LOG_ERROR])
{
    FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
    expect(in != NULL);
    bool good = ledger_init(ledger, in, error);
    expect_int(fclose(in), 0);
    return good;
}

/* A ledger of the lines of these records. */
static void init_of(struct ledger *ledger, const struct trace_record *records, unsigned count)
{
    char *text, error[CLIENT_LOG_ERROR];
    size_t len;
    FILE *log = open_memstream(&text, &len);
    expect(log != NULL);
    (void)fputs(HEADER, log);
    for (unsigned i = 0; i < count; i++) {
        put_line(log, &records[i], true, "good");
    }
    expect_int(fclose(log), 0);
    expect(init_from(ledger, text, error));
    free(text);
}

TEST(ledger, every_nanosecond_has_its_part)
{
    struct ledger ledger;
    const struct trace_record record = record_at(3, PORT, 1);
    int64_t parts[LEDGER_PARTS], sum = 0;
    init_of(&ledger, &record, 1);
    expect(ledger_parts_of(&ledger, &record, parts) != NULL);
    expect_int(parts[LEDGER_OWN_LAG], 9000);
    expect_int(parts[LEDGER_CONNECTION_WAIT], 41000);
    expect_int(parts[LEDGER_WAY_IN], 5000);
    expect_int(parts[LEDGER_SOCKET_WAIT], 700);
    expect_int(parts[LEDGER_WAY_OUT], 4321);
    for (unsigned i = 0; i < LEDGER_PARTS; i++) {
        sum += parts[i];
    }
    expect_int(sum, (int64_t)(record.last_sent_ns + 4321 - (record.first_byte_ns - 55700)));
    ledger_request(&ledger, &record);
    ledger_finish(&ledger);
    expect_int(ledger.requests, 1);
    expect_int(ledger.joined, 1);
    expect_int(ledger.wrong, 0);
    expect_int(ledger.unaccounted_ns, 0);
    sum = 0;
    for (unsigned i = 0; i < LEDGER_PARTS; i++) {
        sum += ledger.sums_ns[i];
    }
    expect_int(sum, (int64_t)ledger.latency.sum);
    ledger_deinit(&ledger);
}

/* Each stamp in turn is moved to where it cannot have been. */
TEST(ledger, a_stamp_out_of_order_is_found)
{
    const struct trace_record good = record_at(3, PORT, 1);
    struct trace_record broken[6];
    for (unsigned i = 0; i < 6; i++) {
        broken[i] = good;
    }
    broken[0].arrived_ns = good.first_byte_ns + 1;
    broken[1].arrived_ns = good.first_byte_ns - 5700 - 200000;
    broken[2].whole_ns = good.started_ns + 1;
    broken[3].started_ns = good.whole_ns - 1;
    broken[4].handed_ns = good.started_ns - 1;
    broken[5].last_sent_ns = good.writer_ns - 1;
    for (unsigned i = 0; i < 6; i++) {
        struct ledger ledger;
        init_of(&ledger, &good, 1);
        ledger_request(&ledger, &broken[i]);
        ledger_finish(&ledger);
        expect_int(ledger.joined, 1);
        expect_int(ledger.wrong, 1);
        expect_int(ledger.wrong_id, 3);
        ledger_deinit(&ledger);
    }
}

TEST(ledger, the_client_may_have_the_answer_before_the_send_returns)
{
    struct ledger ledger;
    struct trace_record record = record_at(3, PORT, 1);
    init_of(&ledger, &record, 1);
    record.last_sent_ns += 4321 + 900;
    ledger_request(&ledger, &record);
    ledger_finish(&ledger);
    expect_int(ledger.wrong, 0);
    expect_int(ledger.sums_ns[LEDGER_WAY_OUT], -900);
    expect_int(ledger.parts[LEDGER_WAY_OUT].max, 0);
    ledger_deinit(&ledger);
}

TEST(ledger, what_has_no_arrival_or_no_record_is_unaccounted)
{
    struct ledger ledger;
    struct trace_record records[2] = {record_at(3, PORT, 1), record_at(4, PORT, 2)};
    init_of(&ledger, records, 2);
    records[0].arrived_ns = 0;
    ledger_request(&ledger, &records[0]);
    ledger_finish(&ledger);
    uint64_t without_record_ns = records[1].last_sent_ns + 4321 - (records[1].first_byte_ns - 5700);
    expect_int(ledger.requests, 2);
    expect_int(ledger.joined, 1);
    expect_int(ledger.without_arrived, 1);
    expect_int(ledger.wrong, 0);
    expect_int(ledger.unaccounted_ns, (int64_t)(5700 + without_record_ns));
    int64_t sum = (int64_t)ledger.unaccounted_ns;
    for (unsigned i = 0; i < LEDGER_PARTS; i++) {
        sum += ledger.sums_ns[i];
    }
    expect_int(sum, (int64_t)ledger.latency.sum);
    expect(ledger_unaccounted_share(&ledger) > 0.3 && ledger_unaccounted_share(&ledger) < 0.6);
    ledger_deinit(&ledger);
}

/* A port is used by one connection after the other; the position begins again. */
TEST(ledger, connections_of_one_port_differ_by_time)
{
    struct ledger ledger;
    const struct trace_record records[3] = {record_at(1, PORT, 1), record_at(20, PORT, 1),
                                            record_at(40, PORT, 1)};
    init_of(&ledger, records, 3);
    for (unsigned i = 3; i-- > 0;) {
        ledger_request(&ledger, &records[i]);
    }
    ledger_finish(&ledger);
    expect_int(ledger.joined, 3);
    expect_int(ledger.wrong, 0);
    expect_int(ledger.sums_ns[LEDGER_SOCKET_WAIT], 3 * 700);
    ledger_deinit(&ledger);
}

TEST(ledger, records_of_other_clients_are_counted_and_left_out)
{
    struct ledger ledger;
    const struct trace_record record = record_at(3, PORT, 1);
    const struct trace_record others[4] = {record_at(5, PORT + 1, 1), record_at(6, PORT, 2),
                                           record_at(7, 0, 1), record_at(90, PORT, 1)};
    init_of(&ledger, &record, 1);
    ledger_request(&ledger, &record);
    ledger_request(&ledger, &record);
    for (unsigned i = 0; i < 4; i++) {
        ledger_request(&ledger, &others[i]);
    }
    ledger_finish(&ledger);
    expect_int(ledger.joined, 1);
    expect_int(ledger.strangers, 5);
    ledger_deinit(&ledger);
}

TEST(ledger, only_good_answers_of_the_window_count)
{
    struct ledger ledger;
    char *text, error[CLIENT_LOG_ERROR];
    size_t len;
    const struct trace_record records[3] = {record_at(1, PORT, 1), record_at(2, PORT, 2),
                                            record_at(3, PORT, 3)};
    FILE *log = open_memstream(&text, &len);
    expect(log != NULL);
    (void)fputs(HEADER, log);
    put_line(log, &records[0], false, "good");
    put_line(log, &records[1], true, "status");
    put_line(log, &records[2], true, "good");
    (void)fputs("5,-1,-1,-1,0,0,0,0,1,connect,6,0,0\n", log);
    expect_int(fclose(log), 0);
    expect(init_from(&ledger, text, error));
    free(text);
    for (unsigned i = 0; i < 3; i++) {
        ledger_request(&ledger, &records[i]);
    }
    ledger_finish(&ledger);
    expect_int(ledger.requests, 1);
    expect_int(ledger.strangers, 0);
    ledger_deinit(&ledger);
}

TEST(ledger, a_request_without_an_answer_has_no_parts)
{
    struct ledger ledger;
    char error[CLIENT_LOG_ERROR];
    int64_t parts[LEDGER_PARTS] = {0};
    const struct trace_record record = record_at(3, PORT, 1);
    expect(init_from(&ledger, HEADER "5,6,-1,-1,0,0,0,0,1,timeout,5,40001,1\n", error));
    const struct client_request *asked = ledger_parts_of(&ledger, &record, parts);
    expect(asked != NULL && asked->done_ns == 0);
    expect_int(parts[LEDGER_WAY_OUT], 0);
    ledger_request(&ledger, &record);
    ledger_finish(&ledger);
    expect_int(ledger.requests, 0);
    ledger_deinit(&ledger);
}

TEST(ledger, another_file_is_refused_with_its_line)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"", "line 0: the file is empty"},
        {"due_ns,sent_ns\n", "line 1: a log of quartet-load has a column released_ns"},
        {HEADER "1,2,3,4,0,0,200,6,1,good,1\n", "line 2: lacks port"},
        {HEADER "x,2,3,4,0,0,200,6,1,good,1,5,1\n", "line 2: is no number: due_ns"},
        {HEADER "1,2,3,4,0,0,200,6,1,good,1,70000,1\n", "line 2: is no number: port"},
        {HEADER "1,2,3,9223372036854775807,0,0,200,6,1,good,1,5,1\n",
         "line 2: is no number: done_ns"},
        {HEADER "4,3,3,4,0,0,200,6,1,good,4,5,1\n", "line 2: the times are not in their order"},
        {HEADER "1,2,3,4,0,0,200,6,1,good,1,5,1",
         "line 2: is cut or longer than a line of such a log"},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ledger ledger;
        char error[CLIENT_LOG_ERROR];
        FILE *in = tmpfile();
        expect(in != NULL && fputs(cases[i].text, in) >= 0);
        rewind(in);
        expect(!ledger_init(&ledger, in, error));
        expect_text(error, cases[i].error);
        expect_int(fclose(in), 0);
    }
}

TEST(ledger, the_table_shows_parts_that_add_up_to_the_latency)
{
    struct ledger ledger;
    char *text;
    size_t len;
    struct trace_record records[2] = {record_at(3, PORT, 1), record_at(4, PORT, 2)};
    init_of(&ledger, records, 2);
    ledger_request(&ledger, &records[0]);
    records[1].whole_ns = records[1].started_ns + 1;
    ledger_request(&ledger, &records[1]);
    ledger_finish(&ledger);
    FILE *out = open_memstream(&text, &len);
    expect(out != NULL);
    ledger_print(out, &ledger);
    expect_int(fclose(out), 0);
    expect(
        strstr(text, "ledger: 2 requests from due to answered; 0.0% of their time has no place") !=
        NULL);
    expect(strstr(text, "WRONG: the times of 1 requests contradict each other; request 4: "
                        "process.wait is -1 ns") != NULL);
    expect(strstr(text, "\n  socket.wait              2       700ns") != NULL);
    expect(strstr(text, "\n  latency                  2") != NULL);
    free(text);
    ledger_deinit(&ledger);
}
