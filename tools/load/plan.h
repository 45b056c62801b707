/* plan.h: what the options ask for, checked and made ready: targets with the bytes of their
 * requests, and what a good answer is. Made once before the run, then only read. */
#ifndef TOOLS_LOAD_PLAN_H
#define TOOLS_LOAD_PLAN_H

#include "core/base/bytes.h"
#include "tools/load/arrivals.h"
#include "tools/load/cpus.h"
#include "tools/load/digest.h"
#include "tools/load/mix.h"
#include "tools/load/objectives.h"
#include "tools/load/options.h"
#include "tools/load/url.h"

struct target {
    const char *text; /* as on the command line */
    struct url url;
    struct bytes keep, close; /* a request; the last one of a connection */
};

struct plan {
    const struct load_settings *settings;
    unsigned threads;   /* never more than connections */
    unsigned cpu_count; /* of those that this process may use */
    int cpus[CPUS_MAX];
    struct rate rate;
    struct rate_curve curve; /* open loop */
    struct arrivals_form arrivals;
    unsigned connections_most; /* what they may grow to */
    bool fresh;                /* a new connection for each request */
    unsigned objective_count;
    struct objective objectives[OPTION_TEXTS_MAX];
    unsigned target_count;
    struct target targets[MIX_MAX]; /* all of one server */
    const char *method;
    bool head; /* the method is HEAD */
    struct bytes body;
    int expect_status; /* 0: any 2xx or 3xx */
    bool expect_hash;
    unsigned char hash[DIGEST_SIZE];
};

/* False: `error` is one line that names option, value and what is accepted. */
enum { PLAN_ERROR_MAX = 512 };
bool plan_make(struct plan *plan, const struct load_settings *settings, char error[PLAN_ERROR_MAX]);
void plan_free(struct plan *plan);

/* The CPU on which a thread stays; -1: it is alone, and goes where the kernel puts it. */
int plan_cpu(const struct plan *plan, unsigned thread);

/* Open loop: the schedule, not the answers, says when a request is due. */
static inline bool plan_is_open(const struct plan *plan)
{
    return plan->rate.count != 0;
}

#endif
