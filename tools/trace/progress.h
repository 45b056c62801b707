/* progress.h: one line on a terminal that says how far reading is, and is gone at the end.
 *
 * Use: progress_init, progress_at after each block, progress_end. Nothing is shown of what takes
 * less than the first interval. Clocks are the caller's. One thread.
 */
#ifndef TOOLS_TRACE_PROGRESS_H
#define TOOLS_TRACE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct progress {
    FILE *out;     /* NULL: no progress is shown */
    uint64_t size; /* bytes to read; 0: not known */
    uint64_t started_ns, next_ns;
    bool shown;
};

void progress_init(struct progress *progress, FILE *out, uint64_t size, uint64_t now_ns);
void progress_at(struct progress *progress, uint64_t bytes, uint64_t records, uint64_t now_ns);
/* Erases the line. */
void progress_end(struct progress *progress);

#endif
