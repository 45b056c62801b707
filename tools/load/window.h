/* window.h: the part of a run that is measured, CLOCK_MONOTONIC. */
#ifndef TOOLS_LOAD_WINDOW_H
#define TOOLS_LOAD_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

struct window {
    uint64_t start_ns, end_ns;
    uint64_t length_ns; /* as planned: an interrupted run ends before */
    bool open;          /* latency runs from when a request was due, else from when it was sent */
};

static inline bool window_has(const struct window *window, uint64_t ns)
{
    return ns >= window->start_ns && ns < window->end_ns;
}

#endif
