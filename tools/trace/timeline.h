/* timeline.h: a run over time, for drawing: in each column of time, how many requests ended and how
 * long they took, what lay in the queues, how many threads were awake.
 *
 * Columns double in width when the run outgrows them, so memory is bounded in one pass and a run of
 * a second and one of a day both have a hundred or two. Queues and threads are added up by what is
 * common in their names (R/0 and R/1 are R, q-P/3 is P): a wiring's groups. Several processes add
 * up.
 */
#ifndef TOOLS_TRACE_TIMELINE_H
#define TOOLS_TRACE_TIMELINE_H

#include "core/base/json.h"
#include "tools/trace/run.h"

enum {
    TIMELINE_COLUMNS = 240,
    TIMELINE_LABELS = 16, /* of groups; further ones are left out */
    TIMELINE_ROWS = 120,  /* of latency: four for each doubling, from 64 ns to 68 s */
    TIMELINE_HEATS = 7,   /* the wait before, the five parts and the total */
};

struct timeline_column {
    uint64_t requests; /* whose last byte was sent in it */
    double ns;         /* sampled time, of all sources; the next ones are number × ns */
    double connections, in_flight;
    struct {
        double depth, awake; /* number × ns */
        uint32_t depth_max;  /* of the samples */
    } label[TIMELINE_LABELS];
    uint32_t heat[TIMELINE_HEATS][TIMELINE_ROWS]; /* requests */
};

struct timeline;

struct timeline *timeline_new(const struct trace_run *run);
void timeline_free(struct timeline *timeline);

void timeline_request(struct timeline *timeline, const struct trace_record *request);
void timeline_sample(struct timeline *timeline, const struct trace_source *source,
                     const struct trace_sample *sample, const struct trace_sample_queue *queues,
                     const uint64_t *awake_ns);

/* One object. */
void timeline_to_json(struct json *json, const char *key, const struct timeline *timeline);

/* The row of a time, and the least time of a row (of the first one, 0 and more). */
unsigned timeline_row(uint64_t ns);
uint64_t timeline_row_low(unsigned row);

#endif
