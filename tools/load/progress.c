/* progress.c: see progress.h. */
#include "tools/load/progress.h"

#include "tools/load/figures.h"

#include <unistd.h>

void progress_init(struct progress *progress, const struct plan *plan, FILE *out)
{
    bool wanted = !plan->settings->quiet && isatty(fileno(out));
    *progress = (struct progress){.plan = plan, .out = wanted ? out : NULL};
}

void progress_show(struct progress *progress, const struct fine *second,
                   struct progress_counts counts, double at_s)
{
    char rate[FIGURE_TEXT], p50[FIGURE_TEXT], p99[FIGURE_TEXT], waiting[FIGURE_TEXT],
        errors[FIGURE_TEXT], whole[OPTION_TIME_TEXT];
    if (progress->out == NULL) {
        return;
    }
    figure_count(counts.done - progress->done_before, rate);
    progress->done_before = counts.done;
    figure_time(fine_percentile(second, 0.5), p50);
    figure_time(fine_percentile(second, 0.99), p99);
    figure_count(counts.waiting, waiting);
    figure_count(counts.errors, errors);
    option_format_time(progress->plan->settings->duration_ns, whole);
    fprintf(progress->out, "\r%.0fs of %s: %s/s, p50 %s, p99 %s, waiting %s, errors %s\033[K", at_s,
            whole, rate, p50, p99, waiting, errors);
    fflush(progress->out);
    progress->shown = true;
}

void progress_end(struct progress *progress)
{
    if (progress->shown) {
        fputs("\r\033[K", progress->out);
        fflush(progress->out);
    }
}
