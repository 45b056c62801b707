/* flow.c: adding samples up over time. See flow.h. */
#include "tools/trace/flow.h"

#include "core/base/check.h"

#include <math.h>

/* The first width of a bin; 64 of them are 3.2 s. */
static const uint64_t first_width_ns = 50 * NS_PER_MS;
enum { BINS_LEAST = 8 };

static struct flow_bin *bin_at(struct flow *flow, uint64_t at_ns);
static void flow_double_width(struct flow *flow);
static void count_in_stages(const struct trace_sample *sample, double number[FLOW_STAGES]);
static uint64_t put_in_all(const struct trace_sample *sample,
                           const struct trace_sample_queue *queues);
static bool is_active(const struct trace_sample *before, const struct trace_sample *now);

const char *flow_stage_name(enum flow_stage stage)
{
    static const char *const names[] = {"read", "process.wait", "process", "write.wait+write"};
    return names[stage];
}

double flow_stage_ns(enum flow_stage stage, const uint64_t sums_ns[INTERVAL_COUNT])
{
    static const enum interval first[] = {INTERVAL_READ, INTERVAL_PROCESS_WAIT, INTERVAL_PROCESS,
                                          INTERVAL_WRITE_WAIT};
    double ns = (double)sums_ns[first[stage]];
    return stage == FLOW_WRITE ? ns + (double)sums_ns[INTERVAL_WRITE] : ns;
}

void flow_init(struct flow *flow, const struct trace_run *run)
{
    *flow = (struct flow){.origin_ns = run->started_ns, .width_ns = first_width_ns};
}

void flow_sample(struct flow *flow, const struct trace_source *source,
                 const struct trace_sample *sample, const struct trace_sample_queue *queues)
{
    unsigned number = source->number - 1;
    CHECK(number < TRACE_SOURCES_MAX);
    struct trace_sample *last = &flow->source[number].last;
    uint64_t put = put_in_all(sample, queues);
    if (sample->at_ns <= last->at_ns) {
        return; /* time does not go backwards: the file is damaged or forged */
    }
    if (last->at_ns == 0) {
        flow->source[number].first_ns = sample->at_ns;
        flow->sources++;
    } else {
        double ns = (double)(sample->at_ns - last->at_ns), in_stage[FLOW_STAGES];
        struct flow_bin *bin = bin_at(flow, sample->at_ns);
        count_in_stages(sample, in_stage);
        bin->ns += ns;
        for (unsigned i = 0; i < FLOW_STAGES; i++) {
            bin->in_stage[i] += in_stage[i] * ns;
        }
        for (unsigned i = 0; i < sample->queue_count && i < FLOW_QUEUES; i++) {
            bin->depth[i] += (double)queues[i].depth * ns;
        }
        if (is_active(last, sample) || put != flow->source[number].put) {
            flow->active++;
        }
    }
    flow->source[number].put = put;
    *last = *sample;
}

static struct flow_bin *bin_at(struct flow *flow, uint64_t at_ns)
{
    uint64_t since_ns = at_ns > flow->origin_ns ? at_ns - flow->origin_ns : 0;
    while (since_ns / flow->width_ns >= FLOW_BINS) {
        flow_double_width(flow);
    }
    return &flow->bins[since_ns / flow->width_ns];
}

static void add_bin(struct flow_bin *to, const struct flow_bin *from)
{
    to->ns += from->ns;
    for (unsigned i = 0; i < FLOW_STAGES; i++) {
        to->in_stage[i] += from->in_stage[i];
    }
    for (unsigned i = 0; i < FLOW_QUEUES; i++) {
        to->depth[i] += from->depth[i];
    }
}

static void flow_double_width(struct flow *flow)
{
    for (size_t i = 0; i < FLOW_BINS / 2; i++) {
        struct flow_bin pair = flow->bins[2 * i];
        add_bin(&pair, &flow->bins[2 * i + 1]);
        flow->bins[i] = pair;
    }
    for (unsigned i = FLOW_BINS / 2; i < FLOW_BINS; i++) {
        flow->bins[i] = (struct flow_bin){0};
    }
    flow->width_ns *= 2;
}

/* The differences are not cut at 0: that would make their mean too large. */
static void count_in_stages(const struct trace_sample *sample, double number[FLOW_STAGES])
{
    const uint64_t *flow = sample->flow;
    number[FLOW_READ] = (double)(int64_t)(flow[TRACE_FLOW_BEGUN] - flow[TRACE_FLOW_WHOLE] -
                                          flow[TRACE_FLOW_ABANDONED]);
    number[FLOW_PROCESS_WAIT] =
        (double)(int64_t)(flow[TRACE_FLOW_WHOLE] - flow[TRACE_FLOW_STARTED]);
    number[FLOW_PROCESS] = (double)(int64_t)(flow[TRACE_FLOW_STARTED] - flow[TRACE_FLOW_HANDED]);
    number[FLOW_WRITE] = (double)(int64_t)(flow[TRACE_FLOW_HANDED] - flow[TRACE_FLOW_ENDED]);
}

/* Grows with each connection, too, that never asks for anything. */
static uint64_t put_in_all(const struct trace_sample *sample,
                           const struct trace_sample_queue *queues)
{
    uint64_t put = 0;
    for (unsigned i = 0; i < sample->queue_count; i++) {
        put += queues[i].put;
    }
    return put;
}

static bool is_active(const struct trace_sample *before, const struct trace_sample *now)
{
    const uint64_t *flow = now->flow;
    bool moved = before->flow[TRACE_FLOW_BEGUN] != flow[TRACE_FLOW_BEGUN] ||
                 before->flow[TRACE_FLOW_ENDED] != flow[TRACE_FLOW_ENDED];
    return moved || flow[TRACE_FLOW_BEGUN] != flow[TRACE_FLOW_ENDED] + flow[TRACE_FLOW_ABANDONED];
}

uint64_t flow_sampled_ns(const struct flow *flow)
{
    uint64_t first_ns = UINT64_MAX, last_ns = 0;
    for (unsigned i = 0; i < TRACE_SOURCES_MAX; i++) {
        if (flow->source[i].last.at_ns != 0) {
            uint64_t from_ns = flow->source[i].first_ns, to_ns = flow->source[i].last.at_ns;
            first_ns = from_ns < first_ns ? from_ns : first_ns;
            last_ns = to_ns > last_ns ? to_ns : last_ns;
        }
    }
    return last_ns > first_ns ? last_ns - first_ns : 0;
}

/* Of a bin's mean, the squared distance from the mean over all, weighted by its time. */
double flow_in_stage(const struct flow *flow, enum flow_stage stage, double *error)
{
    double area = 0, ns = 0, squares = 0;
    unsigned bins = 0;
    for (unsigned i = 0; i < FLOW_BINS; i++) {
        area += flow->bins[i].in_stage[stage];
        ns += flow->bins[i].ns;
        bins += flow->bins[i].ns > 0;
    }
    *error = -1;
    if (ns <= 0) {
        return 0;
    }
    /* So many processes ran at a time: fewer than there are files where one took over. */
    double mean = area / ns, processes = ns / (double)flow_sampled_ns(flow);
    for (unsigned i = 0; i < FLOW_BINS; i++) {
        const struct flow_bin *bin = &flow->bins[i];
        double off = bin->ns > 0 ? bin->in_stage[stage] / bin->ns - mean : 0;
        squares += off * off * bin->ns / ns;
    }
    if (bins >= BINS_LEAST) {
        *error = sqrt(squares / (bins - 1)) * processes;
    }
    return mean * processes;
}

static double mean_depth(const struct flow *flow, unsigned queue, unsigned from, unsigned to)
{
    double area = 0, ns = 0;
    for (unsigned i = from; i < to; i++) {
        area += flow->bins[i].depth[queue];
        ns += flow->bins[i].ns;
    }
    return ns > 0 ? area / ns * flow->sources : 0;
}

void flow_growth(const struct flow *flow, unsigned queue, double *early, double *late)
{
    unsigned last = FLOW_BINS;
    while (last > 0 && flow->bins[last - 1].ns <= 0) {
        last--;
    }
    *early = *late = 0;
    if (queue < FLOW_QUEUES && last >= BINS_LEAST) {
        *early = mean_depth(flow, queue, 0, last / 4);
        *late = mean_depth(flow, queue, last - last / 4, last);
    }
}
