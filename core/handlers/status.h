/* status.h: what a running server reports of itself: the handlers of /server-status and /metrics.
 *
 *   /server-status         a page for people
 *   /server-status?auto    Apache's keys (status_auto.h)
 *   /server-status?json    everything since the start, and a verdict of the last second or two
 *   /server-status?json&seconds=1,10  beside it what happened in so many seconds, each window with
 *                          a verdict of its own (core/report/recent.h); 0: since the start
 *   /metrics               for Prometheus (metrics.h), in the format that Accept asks for
 *
 * Why a source: core knows nothing of the stages, which have the figures. They provide a function
 * that gathers them, before there are threads. The handlers call it on the thread that runs them.
 *
 * An answer is made whole in memory first, so that its figures are of one moment and have a length.
 * Each is of the process that answers. --status says which clients may ask. These requests are not
 * counted (exchange_is_counted).
 */
#ifndef CORE_HANDLERS_STATUS_H
#define CORE_HANDLERS_STATUS_H

#include "core/handlers/handler.h"
#include "core/report/report.h"

struct status_source {
    /* Fills a report, which report_deinit frees. Any thread, several at a time. */
    void (*report)(void *arg, struct report *report);
    bool (*is_draining)(void *arg);
    void *arg;
    /* These three outlive the handlers. */
    const char *model;           /* empty where --wiring was given */
    const char *wiring;          /* with its thread counts */
    const char *config_json;     /* what --print-config prints */
    unsigned process, processes; /* this one's number, from 1; how many there are */
    bool measured;               /* there are histograms */
};

/* Before the first request. Copies it; the server's age counts from here. */
void status_provide(const struct status_source *source);

enum handler_verdict status_run(struct exchange *x);
enum handler_verdict status_run_metrics(struct exchange *x);

#endif
