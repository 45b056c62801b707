/* results.c: figures that follow from others. See results.h. */
#include "tools/load/results.h"

#include "core/base/clock.h"

double results_window_s(const struct results *results)
{
    return results->end_ns > results->window_ns
               ? (double)(results->end_ns - results->window_ns) / (double)NS_PER_S
               : 0;
}

double results_rate(const struct results *results)
{
    double seconds = results_window_s(results);
    return seconds > 0 ? (double)results->done_in_window / seconds : 0;
}

double results_cpu_share(const struct results *results)
{
    double window_ns = results_window_s(results) * (double)NS_PER_S;
    double used_ns = (double)results->cpu_ns - (double)results->idle_ns;
    return window_ns > 0 && used_ns > 0 ? used_ns / window_ns : 0;
}

double results_wait_share(const struct results *results)
{
    double window_ns = results_window_s(results) * (double)NS_PER_S;
    return window_ns > 0 ? (double)results->runqueue_ns / window_ns : 0;
}

double results_sent_share(const struct results *results)
{
    return results->due > 0 ? (double)results->sent_in_window / (double)results->due : 1;
}
