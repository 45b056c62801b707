/* records.c: from exchanges to records. See records.h. */
#include "stages/engine/records.h"

#include "stages/engine/route.h"

static void put_record(struct worker *worker, const struct trace_record *record)
{
    if (!trace_put(worker->ring, record)) {
        tally_add(&worker->tally, COUNTER_TRACE_LOST, 1);
    }
}

/* Rounded down; 71 minutes and more are those. */
static uint32_t in_us(uint64_t ns)
{
    uint64_t us = ns / NS_PER_US;
    return us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

static void put_request(struct worker *worker, const struct conn *conn, uint64_t requeued_ns)
{
    const struct exchange *x = conn->exchange;
    const struct stamps *s = &x->stamps;
    struct trace_record record = {
        .request_id = x->id,
        .connection_id = conn->id,
        .accepted_ns = s->accepted_ns,
        .adopted_ns = s->adopted_ns,
        .arrived_ns = s->arrived_ns,
        .first_byte_ns = s->first_byte_ns,
        .whole_ns = s->whole_ns,
        .started_ns = s->started_ns,
        .handed_ns = s->handed_ns,
        .writer_ns = s->writer_ns,
        .first_sent_ns = s->first_sent_ns,
        .last_sent_ns = s->last_sent_ns,
        .requeued_ns = requeued_ns,
        .bytes_sent = x->sent,
        .read_blocked_us = in_us(s->read_blocked_ns),
        .write_blocked_us = in_us(s->write_blocked_ns),
        .lay_us = in_us(x->lay_ns),
        .status = (uint16_t)x->response.status,
        .kind = TRACE_REQUEST,
        .method = (uint8_t)x->request.method,
        .close_reason = (uint8_t)conn->close,
        .thread_read = (uint16_t)x->reader,
        .thread_process = (uint16_t)x->processor,
        .thread_write = (uint16_t)x->writer,
        .position = x->position,
        .client_port = ntohs(conn->peer.port),
    };
    put_record(worker, &record);
}

void record_ended(struct worker *worker, struct client *client)
{
    const struct exchange *x = client->conn.exchange;
    if (worker->ring == NULL || !exchange_is_counted(x)) {
        return;
    }
    bool comes_back = client->conn.close == CLOSE_NONE && x->stamps.last_sent_ns != 0;
    client->record_waits = comes_back && route_brings_exchange(worker, client);
    if (!client->record_waits) {
        put_request(worker, &client->conn, 0);
    }
}

void record_requeued(struct worker *worker, struct client *client, uint64_t answered_ns,
                     uint64_t requeued_ns)
{
    if (worker->ring == NULL) {
        return;
    }
    if (client->record_waits) {
        client->record_waits = false;
        put_request(worker, &client->conn, requeued_ns);
        return;
    }
    struct trace_record record = {.kind = TRACE_REQUEUE,
                                  .request_id = client->answered_id,
                                  .connection_id = client->conn.id,
                                  .last_sent_ns = answered_ns,
                                  .requeued_ns = requeued_ns,
                                  .thread_read = (uint16_t)worker->number};
    put_record(worker, &record);
}
