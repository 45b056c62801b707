/* journey.c: see journey.h. */
#include "tools/trace/journey.h"

#include "tools/trace/record.h"
#include "tools/trace/summary.h"

#include <inttypes.h>

enum { BAR = 15, SEGMENTS = 8, ID = 32 };

/* A part of the bar. What is spent waiting for the client is taken out of the phase before it. */
struct segment {
    char mark;
    bool reached;
    double ns;
    const char *thread; /* the one that did it, or NULL */
};

static void make_id(const struct trace_source *source, const struct trace_record *request,
                    char id[ID]);
static void make_segments(const struct trace_source *source, const struct trace_record *request,
                          struct segment segments[SEGMENTS]);
static struct segment journey_phase(char mark, int64_t ns, const char *thread);
static void journey_split(struct segment *phase, struct segment *blocked, int64_t blocked_ns);
static void make_bar(const struct segment segments[SEGMENTS], char bar[BAR + 1]);
static void print_segments(FILE *out, const struct segment segments[SEGMENTS]);

void journey_print_legend(FILE *out)
{
    fputs("s waits in its socket   r read   . waits in a queue   P process   w write   _ waits for "
          "the client\n",
          out);
}

unsigned journey_width(const struct trace_source *source, const struct trace_record *request)
{
    char id[ID];
    make_id(source, request, id);
    return (unsigned)strlen(id);
}

void journey_print(FILE *out, const struct trace_source *source, const struct trace_record *request,
                   unsigned width)
{
    char id[ID], total[REPORT_TIME] = "-", bar[BAR + 1];
    int64_t intervals[INTERVAL_COUNT];
    struct segment segments[SEGMENTS];
    make_id(source, request, id);
    record_intervals(request, intervals);
    make_segments(source, request, segments);
    make_bar(segments, bar);
    if (intervals[INTERVAL_TOTAL] >= 0) {
        report_time((double)intervals[INTERVAL_TOTAL], total);
    }
    fprintf(out, "%*s %-4s %3u %6s |%s|", (int)width, id, record_method(request), request->status,
            total, bar);
    print_segments(out, segments);
    if (intervals[INTERVAL_TOTAL] < 0) {
        fprintf(out, ": %s", name_list_get(&source->close_reasons, request->close_reason));
    }
    fputc('\n', out);
}

static void make_id(const struct trace_source *source, const struct trace_record *request,
                    char id[ID])
{
    (void)snprintf(id, ID, "%s%" PRIu64, source->prefix, request->request_id);
}

static void make_segments(const struct trace_source *source, const struct trace_record *request,
                          struct segment segments[SEGMENTS])
{
    const struct name_list *threads = &source->threads;
    int64_t ns[INTERVAL_COUNT];
    record_intervals(request, ns);
    segments[0] = journey_phase('s', ns[INTERVAL_SOCKET_WAIT], NULL);
    segments[1] =
        journey_phase('r', ns[INTERVAL_READ], name_list_get(threads, request->thread_read));
    segments[2] = journey_phase('_', -1, NULL);
    segments[3] = journey_phase('.', ns[INTERVAL_PROCESS_WAIT], NULL);
    segments[4] =
        journey_phase('P', ns[INTERVAL_PROCESS], name_list_get(threads, request->thread_process));
    segments[5] = journey_phase('.', ns[INTERVAL_WRITE_WAIT], NULL);
    segments[6] =
        journey_phase('w', ns[INTERVAL_WRITE], name_list_get(threads, request->thread_write));
    segments[7] = journey_phase('_', -1, NULL);
    journey_split(&segments[1], &segments[2], ns[INTERVAL_READ_BLOCKED]);
    journey_split(&segments[6], &segments[7], ns[INTERVAL_WRITE_BLOCKED]);
}

static struct segment journey_phase(char mark, int64_t ns, const char *thread)
{
    return (struct segment){mark, ns >= 0, ns >= 0 ? (double)ns : 0, thread};
}

static void journey_split(struct segment *phase, struct segment *blocked, int64_t blocked_ns)
{
    if (blocked_ns > 0 && phase->reached) {
        double ns = (double)blocked_ns < phase->ns ? (double)blocked_ns : phase->ns;
        blocked->reached = true;
        blocked->ns = ns;
        phase->ns -= ns;
    }
}

static void make_bar(const struct segment segments[SEGMENTS], char bar[BAR + 1])
{
    double total = 0, seen = 0;
    unsigned some = 0;
    for (unsigned i = 0; i < SEGMENTS; i++) {
        total += segments[i].ns;
        some += segments[i].ns > 0;
    }
    memset(bar, ' ', BAR);
    bar[BAR] = '\0';
    unsigned at = 0, spare = 0;
    for (unsigned i = 0; i < SEGMENTS; i++) {
        if (segments[i].ns > 0) {
            seen += segments[i].ns;
            unsigned spare_end = (unsigned)((BAR - some) * (seen / total));
            unsigned len = 1 + spare_end - spare;
            memset(bar + at, segments[i].mark, len);
            at += len;
            spare = spare_end;
        }
    }
}

static void print_segments(FILE *out, const struct segment segments[SEGMENTS])
{
    for (unsigned i = 0; i < SEGMENTS; i++) {
        const struct segment *segment = &segments[i];
        char time[REPORT_TIME];
        report_time(segment->ns, time);
        if (segment->reached) {
            const char *space = segment->thread != NULL ? " " : "";
            fprintf(out, " %c %s%s%s", segment->mark,
                    segment->thread != NULL ? segment->thread : "", space, time);
        } else if (segment->thread != NULL) {
            fprintf(out, " %c not reached", segment->mark);
        }
    }
}
