/* take.c: from slips to histograms. See take.h. */
#include "queues/take.h"

#include "core/base/check.h"
#include "queues/cpu_wait.h"

/* Of a wait as much was for a CPU as the taker has waited for one since its last take, and never
 * more than all of it. */
static void count_wait(struct queue_report *stats, uint64_t wait_ns, uint64_t cpu_wait_ns,
                       unsigned slips)
{
    histogram_record_times(&stats->wait, wait_ns, slips);
    if (cpu_wait_ns != CPU_WAIT_UNKNOWN) {
        histogram_record_times(&stats->sampled_wait, wait_ns, slips);
        histogram_record_times(&stats->cpu_wait, cpu_wait_ns < wait_ns ? cpu_wait_ns : wait_ns,
                               slips);
    }
}

static void note_run(struct take *take, struct take_run run)
{
    if (take->runs == TAKE_RUNS) {
        take->run[TAKE_RUNS - 1].slips += run.slips;
    } else {
        take->run[take->runs++] = run;
    }
    take->slips += run.slips;
}

/* What was put together has waited alike, and lies together. Moves `slip` behind it. */
static struct take_run next_run(const struct slip **slip, uint64_t now_ns)
{
    uint64_t put_ns = (*slip)->put_ns;
    struct take_run run = {.wait_ns = now_ns > put_ns ? now_ns - put_ns : 0};
    for (; *slip != NULL && (*slip)->put_ns == put_ns; *slip = (*slip)->next) {
        run.slips++;
    }
    return run;
}

void take_note(struct take *take, const struct chain *chain, uint64_t now_ns, uint64_t cpu_wait_ns)
{
    take->cpu_wait_ns = cpu_wait_ns;
    for (const struct slip *slip = chain->head; slip != NULL;) {
        note_run(take, next_run(&slip, now_ns));
    }
}

void take_forget(struct take *take, unsigned slips)
{
    CHECK(slips <= take->slips);
    take->slips -= slips;
    while (slips > 0) {
        struct take_run *last = &take->run[take->runs - 1];
        unsigned less = slips < last->slips ? slips : last->slips;
        last->slips -= less;
        slips -= less;
        take->runs -= last->slips == 0;
    }
}

void take_count(struct take *take, struct queue_report *stats)
{
    for (unsigned i = 0; i < take->runs; i++) {
        count_wait(stats, take->run[i].wait_ns, take->cpu_wait_ns, take->run[i].slips);
    }
    if (take->slips > 0) {
        histogram_record(&stats->batch, take->slips);
    }
    take->runs = take->slips = 0;
}

void take_count_now(struct queue_report *stats, const struct chain *chain, uint64_t now_ns,
                    uint64_t cpu_wait_ns)
{
    for (const struct slip *slip = chain->head; slip != NULL;) {
        struct take_run run = next_run(&slip, now_ns);
        count_wait(stats, run.wait_ns, cpu_wait_ns, run.slips);
    }
    histogram_record(&stats->batch, chain->count);
}
