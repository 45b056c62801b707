/* review.c: summary, flow, checks and verdict in one hand. See review.h. */
#include "tools/trace/review.h"

#include "core/base/check.h"

#include <stdlib.h>

static void review_judge(struct review *review, const struct trace_run *run);
static void note_growth(struct bottleneck_figures *figures, const struct report *report,
                        const struct flow *flow);

struct review *review_new(const struct trace_run *run)
{
    struct review *review = must_calloc(1, sizeof *review);
    review->ledger = run->ledger;
    summary_init(&review->summary);
    flow_init(&review->flow, run);
    return review;
}

void review_free(struct review *review)
{
    summary_deinit(&review->summary);
    free(review);
}

void review_request(void *state, const struct trace_source *source,
                    const struct trace_record *request)
{
    struct review *review = state;
    (void)source;
    summary_request(&review->summary, request);
    if (review->ledger != NULL) {
        ledger_request(review->ledger, request);
    }
}

void review_sample(void *state, const struct trace_source *source,
                   const struct trace_sample *sample, const struct trace_sample_queue *queues,
                   const uint64_t *busy_ns)
{
    struct review *review = state;
    (void)busy_ns;
    flow_sample(&review->flow, source, sample, queues);
}

int review_end(struct review *review, struct trace_run *run)
{
    checks_make(&review->checks, run, &review->summary, &review->flow);
    summary_to_report(&review->summary, run);
    review_judge(review, run);
    if (review->ledger != NULL) {
        ledger_finish(review->ledger);
    }
    bool good =
        review->checks.failed == 0 && (review->ledger == NULL || review->ledger->wrong == 0);
    return good ? EXIT_SUCCESS : EXIT_WORLD;
}

static void review_judge(struct review *review, const struct trace_run *run)
{
    struct bottleneck_figures figures;
    bool part = run->judged.wall_ns > 0;
    const struct report *judged = part ? &run->judged : &run->report;
    bottleneck_read(&figures, judged);
    note_growth(&figures, judged, &review->flow);
    review->judged_ns = judged->wall_ns;
    review->judged_from_ns = part ? run->judged_from_ns : 0;
    bottleneck_judge(&review->verdict, &figures);
}

/* Sources have the same queues in the same order, one source behind the other. */
static void note_growth(struct bottleneck_figures *figures, const struct report *report,
                        const struct flow *flow)
{
    unsigned each = flow->sources > 0 ? report->queue_count / flow->sources : 0;
    for (unsigned i = 0; i < each; i++) {
        double early, late;
        unsigned group = report->queues[i].group;
        flow_growth(flow, i, &early, &late);
        if (group < figures->group_count) {
            figures->groups[group].depth_early += early;
            figures->groups[group].depth_late += late;
        }
    }
}
