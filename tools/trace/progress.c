/* progress.c: the line. See progress.h. */
#include "tools/trace/progress.h"

#include "core/base/clock.h"

enum { EVERY_NS = 200 * 1000 * 1000 };

void progress_init(struct progress *progress, FILE *out, uint64_t size, uint64_t now_ns)
{
    *progress = (struct progress){
        .out = out, .size = size, .started_ns = now_ns, .next_ns = now_ns + EVERY_NS};
}

void progress_at(struct progress *progress, uint64_t bytes, uint64_t records, uint64_t now_ns)
{
    if (progress->out == NULL || now_ns < progress->next_ns) {
        return;
    }
    double seconds = (double)(now_ns - progress->started_ns) / (double)NS_PER_S;
    fputs("\r", progress->out);
    if (progress->size > 0) {
        fprintf(progress->out, "%3.0f %% of ", 100 * (double)bytes / (double)progress->size);
        bytes = progress->size;
    }
    fprintf(progress->out, "%.0f MB, %.1f million records, %.1f million a second\033[K",
            (double)bytes / 1e6, (double)records / 1e6, (double)records / 1e6 / seconds);
    (void)fflush(progress->out);
    progress->shown = true;
    progress->next_ns = now_ns + EVERY_NS;
}

void progress_end(struct progress *progress)
{
    if (progress->shown) {
        fputs("\r\033[K", progress->out);
        (void)fflush(progress->out);
    }
    progress->shown = false;
}
