/* join.c: the window. See join.h. */
#include "tools/trace/join.h"

#include "core/base/check.h"

#include <stdlib.h>
#include <string.h>

static void join_pass_on(struct join *join, struct trace_record *place);
static void join_put_request(struct join *join, struct trace_record *place,
                             const struct trace_record *record);
static void put_requeue(struct join *join, struct trace_record *place,
                        const struct trace_record *record);

void join_init(struct join *join, unsigned size, join_fn *pass, void *to)
{
    *join = (struct join){.pass = pass, .to = to, .size = size};
    join->window = must_calloc(size, sizeof *join->window);
}

void join_deinit(struct join *join)
{
    free(join->window);
}

void join_put(struct join *join, const struct trace_record *record)
{
    struct trace_record *place = &join->window[record->request_id % join->size];
    if (place->request_id != record->request_id) {
        join_pass_on(join, place);
        *place = (struct trace_record){.request_id = record->request_id};
    }
    if (record->kind == TRACE_REQUEST) {
        join_put_request(join, place, record);
    } else if (record->kind == TRACE_REQUEUE) {
        put_requeue(join, place, record);
    }
}

void join_finish(struct join *join)
{
    for (unsigned i = 0; join->waiting > 0; i++) {
        join_pass_on(join, &join->window[i]);
    }
}

/* A place that has been passed on still has its connection: nothing else has that number. */
static void join_put_request(struct join *join, struct trace_record *place,
                             const struct trace_record *record)
{
    uint64_t requeued_ns = record->requeued_ns;
    if (place->kind == TRACE_REQUEUE) {
        requeued_ns = place->requeued_ns;
        join->waiting--;
    } else if (place->kind == TRACE_REQUEST || place->connection_id != 0) {
        join->doubled++;
        join_pass_on(join, place);
    }
    *place = *record;
    join->waiting++;
    place->requeued_ns = requeued_ns;
    if (requeued_ns != 0 || record->close_reason != 0) {
        join_pass_on(join, place);
    }
}

static void put_requeue(struct join *join, struct trace_record *place,
                        const struct trace_record *record)
{
    if (place->kind == TRACE_REQUEUE || place->requeued_ns != 0) {
        join->doubled++;
    } else if (place->kind == TRACE_REQUEST) {
        place->requeued_ns = record->requeued_ns;
        join_pass_on(join, place);
    } else if (place->connection_id != 0) {
        join->unjoined++; /* its request said that the connection was closed */
    } else {
        *place = *record;
        join->waiting++;
    }
}

/* Empties the place. */
static void join_pass_on(struct join *join, struct trace_record *place)
{
    if (place->kind == TRACE_REQUEST) {
        join->unfollowed += place->requeued_ns == 0 && place->close_reason == 0;
        if (join->pass != NULL) {
            join->pass(join->to, place);
        }
    }
    join->unjoined += place->kind == TRACE_REQUEUE;
    join->waiting -= place->kind != 0;
    place->kind = 0;
}
