/* flow.h: what the samples of a run show: how many requests were in each stage and waited in each
 * queue, over time, and when anything was asked at all.
 *
 * Time is cut into bins, which double in width when the run outgrows them: so memory is bounded,
 * and the spread between the bins says how sure a mean is (batch means). Several processes add up.
 */
#ifndef TOOLS_TRACE_FLOW_H
#define TOOLS_TRACE_FLOW_H

#include "tools/trace/run.h"

enum {
    FLOW_BINS = 64,
    FLOW_QUEUES = 256, /* further ones have no depth over time; loops have one each */
};

/* Where a request is between two points of its way: read; process.wait; process; write.wait and
 * write together, since the writer may begin before the handler has ended. */
enum flow_stage { FLOW_READ, FLOW_PROCESS_WAIT, FLOW_PROCESS, FLOW_WRITE, FLOW_STAGES };
const char *flow_stage_name(enum flow_stage stage);
/* The sum of a request's intervals that this stage is made of. */
double flow_stage_ns(enum flow_stage stage, const uint64_t sums_ns[INTERVAL_COUNT]);

struct flow_bin {
    double ns;                    /* sampled time in it, of all sources */
    double in_stage[FLOW_STAGES]; /* number × ns */
    double depth[FLOW_QUEUES];    /* by queue number of a source, number × ns */
};

struct flow {
    uint64_t origin_ns, width_ns;
    uint64_t active;  /* samples that saw something asked or under way */
    unsigned sources; /* that have samples */
    struct {
        struct trace_sample last; /* at_ns 0: none yet */
        uint64_t put;             /* into all queues */
        uint64_t first_ns;
    } source[TRACE_SOURCES_MAX];
    struct flow_bin bins[FLOW_BINS];
};

void flow_init(struct flow *flow, const struct trace_run *run);
void flow_sample(struct flow *flow, const struct trace_source *source,
                 const struct trace_sample *sample, const struct trace_sample_queue *queues);

/* From the first sample of any source to the last of any. */
uint64_t flow_sampled_ns(const struct flow *flow);

/* Time-averaged number in a stage, all processes together, and its standard error; the error is
 * negative when there are too few bins to know it. */
double flow_in_stage(const struct flow *flow, enum flow_stage stage, double *error);

/* Mean depth of a queue in the first and in the last quarter of the time. */
void flow_growth(const struct flow *flow, unsigned queue, double *early, double *late);

#endif
