/* moments.c: which moments are kept, and the report between two of them. See moments.h. */
#include "tools/trace/moments.h"

#include "core/base/clock.h"
#include "core/report/report_read.h"

static bool read_moment(struct moment *moment, json_t *report);
static void keep_moment(struct moment *kept, const struct moment *moment);

void moments_deinit(struct moments *moments)
{
    json_decref(moments->idle.report);
    json_decref(moments->steady.report);
    json_decref(moments->last.report);
    *moments = (struct moments){0};
}

void moments_take(struct moments *moments, json_t *report)
{
    struct moment now;
    if (!read_moment(&now, report)) {
        return;
    }
    bool first = moments->idle.report == NULL;
    bool more = now.asked > moments->asked || moments->in_flight;
    moments->asked = now.asked;
    moments->in_flight = now.in_flight;
    if (first || (!more && moments->last.report == NULL)) {
        keep_moment(&moments->idle, &now);
        return;
    }
    if (moments->steady.report == NULL && moments->last.report != NULL &&
        now.at_ns >= moments->idle.at_ns + NS_PER_S) {
        keep_moment(&moments->steady, &now);
    }
    if (more) {
        keep_moment(&moments->last, &now);
    }
}

bool moments_window(const struct moments *moments, struct report *window, uint64_t *from_ns)
{
    struct report before;
    const struct moment *from = &moments->steady, *to = &moments->last;
    *window = (struct report){0};
    if (to->report == NULL) {
        return false;
    }
    if (from->report == NULL || to->at_ns < from->at_ns + NS_PER_S) {
        from = &moments->idle;
    }
    bool read = report_read(window, to->report);
    read = report_read(&before, from->report) && read;
    report_since(window, &before);
    if (before.connections > window->connections) {
        window->connections = before.connections; /* at the end of the run all are closed */
    }
    report_deinit(&before);
    *from_ns = from->at_ns;
    return read;
}

static bool read_moment(struct moment *moment, json_t *report)
{
    const json_t *counters = json_object_get(report, "counters");
    if (counters == NULL) {
        return false;
    }
    moment->report = report;
    moment->at_ns = json_read_count(report, "wall_ns");
    uint64_t begun = json_read_count(counters, "BEGUN");
    uint64_t ended = json_read_count(counters, "REQUESTS") + json_read_count(counters, "ABANDONED");
    moment->asked = json_read_count(counters, "ACCEPTED") + begun + ended;
    moment->in_flight = begun > ended;
    return true;
}

static void keep_moment(struct moment *kept, const struct moment *moment)
{
    json_decref(kept->report);
    *kept = *moment;
    json_incref(kept->report);
}
